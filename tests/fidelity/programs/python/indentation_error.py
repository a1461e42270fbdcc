# Pins down the report of an IndentationError in the main file.
print("never printed")
def f():
    if True:
        x = 1
      y = 2
