# Pins down the order at exit: atexit last-in first-out, a failing handler, threads, finalizers.
import atexit
import sys
import threading
import weakref


class Thing:
    def __del__(self):
        sys.stdout.write("del at shutdown\n")


def outlive():
    threading.main_thread().join()
    print("thread outlives the main thread, not atexit")


atexit.register(print, "registered first, runs last")


class Failing:
    def __call__(self):
        raise ValueError("in an atexit handler")

    def __repr__(self):
        return "<failing>"


atexit.register(Failing())
atexit.register(lambda: atexit.register(print, "registered during exit"))
atexit.register(sys.stdout.write, "registered last, runs first\n")
thing, other = Thing(), Thing.__new__(Thing)
weakref.finalize(other, print, "weakref.finalize ran")
threading.Thread(target=outlive).start()
print("end of main")
raise SystemExit(3)
