# Pins down how unencodable text ends up: backslashreplace on stderr, an error on stdout.
import sys

print("\udcff on stderr", file=sys.stderr)
sys.stdout.buffer.write("\udcc3\udca9 as bytes\n".encode("utf-8", "surrogateescape"))
sys.stdout.flush()
print("\ud800 on stdout", sys.stdout.encoding)
