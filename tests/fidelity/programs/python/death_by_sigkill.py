# Pins down death by the program's own SIGKILL.
import os
import signal
import sys

print("about to go", flush=True)
print("on stderr too", file=sys.stderr)
os.kill(os.getpid(), signal.SIGKILL)
print("never printed", flush=True)
