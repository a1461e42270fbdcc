# Pins down exit code 42 from deep inside: finally blocks, context managers and atexit still run.
import atexit
import contextlib
import sys


@contextlib.contextmanager
def scope(name):
    print("enter", name)
    try:
        yield
    finally:
        print("leave", name)


atexit.register(print, "atexit ran")
with scope("outer"):
    try:
        with scope("inner"):
            sys.exit(42)
    finally:
        print("finally ran", file=sys.stderr)
print("never printed")
