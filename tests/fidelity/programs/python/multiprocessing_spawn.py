# Pins down the spawn method: a fresh interpreter, a pipe, exit codes and a traceback in the child.
import multiprocessing
import os
import signal
import sys


def child(connection, how):
    connection.send((__name__, how, sys.argv[1:]))
    if how == "exit":
        sys.exit(7)
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    raise RuntimeError("child failed")


if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    for how in ("exit", "kill", "raise"):
        here, there = context.Pipe()
        process = context.Process(target=child, args=(there, how), name="spawned-" + how)
        process.start()
        print(here.recv())
        process.join()
        print(how, process.exitcode)
