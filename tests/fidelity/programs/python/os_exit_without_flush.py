# Pins down that os._exit(143) drops the piece of a line that is still buffered and runs no handlers.
import atexit
import os
import sys

atexit.register(print, "never printed")
print("flushed", flush=True)
sys.stderr.write("stderr is line buffered\nso this tail is ")
sys.stdout.write("kept\nlost with the buffer")
try:
    os._exit(143)
finally:
    print("never printed either")
