# Pins down which descriptors a program starts with, that new ones begin at 3, and closed streams (exit code 120).
import os
import sys


def is_open(fd):
    try:
        os.fstat(fd)
        return True
    except OSError:
        return False


print([fd for fd in range(256) if is_open(fd)])
first = os.open("/dev/null", os.O_RDONLY)
print(first, os.get_inheritable(first), os.dup2(first, 77))
if os.fork() == 0:
    os.close(1)
    os.close(2)
    os._exit(0 if os.open("reused", os.O_CREAT | os.O_WRONLY) == 1 else 1)
print(os.wait()[1])
sys.stdin.close()
try:
    input()
except ValueError as error:
    print(error)
os.close(0)
print(os.open("/dev/null", os.O_RDONLY))
sys.stdout.flush()
os.close(2)
print("nobody sees this", file=sys.stderr)
