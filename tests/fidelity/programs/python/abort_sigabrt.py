# Pins down death by SIGABRT through os.abort, losing the buffered line.
import os

print("flushed", flush=True)
print("lost")
os.abort()
