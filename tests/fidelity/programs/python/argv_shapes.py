# Pins down odd arguments: spaces, quotes, globs, dashes, Unicode, newline, empty string, 2 KB.
import sys

print(len(sys.argv), sys.argv[0])
for argument in sys.argv[1:]:
    print(len(argument), ascii(argument[:60]), argument[:60])
