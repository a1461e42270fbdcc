# Pins down that all 256 byte values and invalid UTF-8 pass unchanged through both streams.
import sys

every = bytes(range(256))
sys.stdout.buffer.write(every + every[::-1])
sys.stdout.buffer.write(b"\xff\xfe\xc3(\xf0\x9f\x92\n")
sys.stderr.buffer.write(every * 3)
sys.stderr.buffer.write(b"\xed\xa0\x80 lone surrogate, \xc0\x80 overlong")
