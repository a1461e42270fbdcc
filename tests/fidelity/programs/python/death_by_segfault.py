# Pins down a genuine memory fault: reading address 16 ends in SIGSEGV.
import ctypes

print("reading", flush=True)
ctypes.string_at(16, 8)
print("never printed", flush=True)
