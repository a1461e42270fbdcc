# Pins down an empty stdin: read gives nothing, input() ends the program with EOFError.
import sys

print(repr(sys.stdin.readline()), list(sys.stdin), repr(sys.stdin.buffer.read()))
input("name? ")
