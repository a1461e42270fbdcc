# Pins down that a program can open its own pseudo-terminal and run a child on it.
import fcntl
import os
import struct
import subprocess
import sys
import termios

master, slave = os.openpty()
print(os.isatty(master), os.isatty(slave), os.ttyname(slave).startswith("/dev/pts/"))
script = "import os, sys; print(sys.stdout.isatty(), os.get_terminal_size(1).columns); input()"
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 99, 0, 0))
child = subprocess.Popen([sys.executable, "-c", script], stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
os.close(slave)
os.write(master, b"typed\n")
seen = b""
try:
    while piece := os.read(master, 1000):
        seen += piece
except OSError as error:
    print("hung up:", error.strerror)
print(sorted(seen.split()), child.wait())
