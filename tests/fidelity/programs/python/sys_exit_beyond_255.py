# Pins down that exit codes are cut to eight bits: 256 + 255, here as the program's own code 255.
import os
import sys

for code in (-1, -7, 256, 259, 65535):
    if os.fork() == 0:
        sys.stdout = None
        sys.exit(code)
    print(code, os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
sys.exit(511)
