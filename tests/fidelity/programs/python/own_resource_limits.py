# Pins down limits a program sets on itself: open files, file size (error first, then SIGXFSZ).
import os
import resource
import signal


def lower(kind, value):
    resource.setrlimit(kind, (value, value))


lower(resource.RLIMIT_NOFILE, 16)
opened = []
try:
    while True:
        opened.append(os.open("/dev/null", os.O_RDONLY))
except OSError as error:
    print(error, len(opened), opened[-1])
for fd in opened:
    os.close(fd)
lower(resource.RLIMIT_FSIZE, 1000)
file = os.open("big", os.O_CREAT | os.O_WRONLY)
print(os.write(file, b"x" * 1500))
try:
    os.write(file, b"y")
except OSError as error:
    print(error)
try:
    lower(resource.RLIMIT_CORE, 0)
    resource.setrlimit(resource.RLIMIT_NOFILE, (17, 16))
except ValueError as error:
    print(error, flush=True)
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
os.write(file, b"z")
print("never printed", flush=True)
