# Pins down an exception nobody handles in a thread: report on stderr, exit code stays 0.
import sys
import threading


def fail(depth):
    if depth:
        return fail(depth - 1)
    raise ArithmeticError("in a thread")


for name, target, args in (("worker-1", fail, (2,)), ("quiet", sys.exit, (5,))):
    thread = threading.Thread(target=target, args=args, name=name)
    thread.start()
    thread.join()
    print(name, "ended", thread.is_alive())
threading.excepthook = lambda info: print("hook:", info.exc_type.__name__, info.thread.name, file=sys.stderr)
thread = threading.Thread(target=fail, args=(0,), name="worker-2")
thread.start()
thread.join()
