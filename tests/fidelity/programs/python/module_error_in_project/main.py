# Pins down tracebacks that cross the files of a project, and a SyntaxError in an imported module.
import sys

sys.dont_write_bytecode = True
from shop import prices

print(prices.total(["apple", "pear"]))
try:
    import unfinished
except SyntaxError as error:
    print(type(error).__name__, error.msg, error.filename.rsplit("/", 1)[-1], error.lineno)
print(prices.total(["apple", "melon"]))
