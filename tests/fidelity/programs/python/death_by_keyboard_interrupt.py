# Pins down an uncaught KeyboardInterrupt: traceback on stderr, then death by SIGINT.
import os
import signal


def wait():
    try:
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):
            pass
    finally:
        print("cleaned up")


print("waiting")
wait()
