# Pins down death by SIGABRT through os.abort, keeping whole lines and losing the piece of one.
import os

print("flushed", flush=True)
print("kept")
print("lost", end="")
os.abort()
