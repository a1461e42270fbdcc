# Pins down reading stdin line by line: line ends kept as they are, Unicode, no newline at the end.
import sys

print(repr(input("prompt without newline> ")))
for number, line in enumerate(sys.stdin, 1):
    print(number, repr(line), len(line.encode()))
print("at end:", repr(sys.stdin.read()), repr(sys.stdin.readline()))
