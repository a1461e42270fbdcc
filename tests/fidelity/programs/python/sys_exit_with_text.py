# Pins down sys.exit with an object: its text on stderr, exit code 1, stdout flushed before it.
import sys

print("before")
try:
    sys.exit(["a", "list"])
except SystemExit as error:
    print(type(error.code).__name__, error.code)
sys.exit("fatal: can't go on – données perdues")
