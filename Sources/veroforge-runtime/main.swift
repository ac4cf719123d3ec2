print("veroforge-runtime")
