# Pins down more than 64 KB of stdin read as bytes in odd-sized pieces.
import hashlib
import sys

digest = hashlib.sha256()
total = newlines = 0
while piece := sys.stdin.buffer.read(4093):
    digest.update(piece)
    total += len(piece)
    newlines += piece.count(b"\n")
print(total, newlines, digest.hexdigest())
