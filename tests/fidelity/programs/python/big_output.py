# Pins down some 220 KB on stdout and 75 KB on stderr, more than any pipe holds at once.
import hashlib
import sys

digest = hashlib.sha256()
for i in range(4800):
    line = f"{i:05d} " + "abcdefghij"[i % 10] * (i % 80) + "\n"
    digest.update(line.encode())
    sys.stdout.write(line)
    if i % 3 == 0:
        sys.stderr.write(line)
print("sha256", digest.hexdigest())
