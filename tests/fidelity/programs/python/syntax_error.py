# Pins down the report of a SyntaxError in the main file: nothing runs, exit code 1.
print("never printed")

def broken(:
    return 1
