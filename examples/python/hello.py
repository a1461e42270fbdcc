print("Hello from a sealed sandbox!")
