# Pins down the standard streams and interpreter flags: encodings, buffering, pipes, no terminal.
import io
import os
import stat
import sys

for stream in (sys.stdin, sys.stdout, sys.stderr):
    print(stream.name, stream.encoding, stream.errors, stream.line_buffering, stream.write_through, stream.isatty(), stream.mode, stream.fileno())
for fd in (0, 1, 2):
    info = os.fstat(fd)
    print(fd, stat.S_ISFIFO(info.st_mode), os.get_blocking(fd), os.get_inheritable(fd))
print(sys.flags)
print(sys.getfilesystemencoding(), sys.getfilesystemencodeerrors(), sys.getdefaultencoding(), sys.platform, os.name)
print(sys.stdout.seekable(), sys.stdin.seekable(), sys.stdin.readable(), sys.stdout.writable())
try:
    os.get_terminal_size(1)
except OSError as error:
    print(error)
try:
    sys.stdin.write("x")
except io.UnsupportedOperation as error:
    print(error)
print(sys.warnoptions, sys._xoptions, sys.dont_write_bytecode, sys.pycache_prefix, hasattr(sys, "ps1"))
