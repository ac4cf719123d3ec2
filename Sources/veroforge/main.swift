print("veroforge")
