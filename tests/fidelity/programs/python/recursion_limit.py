# Pins down the recursion limit: a caught RecursionError, deep threads, and the folded traceback.
import sys
import threading


def depth(n):
    try:
        return depth(n + 1)
    except RecursionError:
        return n


def down(n):
    return n and down(n - 1)


print(sys.getrecursionlimit(), 900 < depth(0) <= 1000)
sys.setrecursionlimit(6000)
threading.stack_size(16 * 1024 * 1024)
thread = threading.Thread(target=lambda: print("deep in a thread:", down(5000)))
thread.start()
thread.join()
sys.setrecursionlimit(200)
down(10**6)
