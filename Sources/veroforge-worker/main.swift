print("veroforge-worker")
