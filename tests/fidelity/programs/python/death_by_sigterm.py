# Pins down a default death by the program's own SIGTERM (not exit code 143, and not ignored).
import os
import signal

print("about to go", flush=True)
os.kill(os.getpid(), signal.SIGTERM)
print("never printed", flush=True)
