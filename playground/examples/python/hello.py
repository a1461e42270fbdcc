import platform

print("Hello from a sealed sandbox!")
print("Python", platform.python_version())
