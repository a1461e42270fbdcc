# Pins down the order of buffered text, flushes and raw writes when both streams share one pipe.
import os
import subprocess
import sys

child = r"""
import os, sys
print("1 buffered stdout")
print("2 stderr", file=sys.stderr)
print("3 flushed stdout", flush=True)
os.write(1, b"4 raw write\n")
sys.stdout.write("5 left in the buffer until exit\n")
os.write(2, b"6 raw stderr\n")
"""
done = subprocess.run([sys.executable, "-c", child], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
print(done.stdout.decode(), end="")
os.write(1, b"A raw write overtakes the buffer\n")
sys.stdout.flush()
os.dup2(1, 2)
for i in range(4):
    print("out", i, flush=True)
    print("err", i, file=sys.stderr)
