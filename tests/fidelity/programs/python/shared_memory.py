# Pins down named shared memory: two processes see one block, and it is gone after unlink.
import multiprocessing
from multiprocessing import shared_memory


def fill(name, start):
    block = shared_memory.SharedMemory(name=name)
    for i in range(start, 100, 2):
        block.buf[i] = i
    block.close()


if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    block = shared_memory.SharedMemory(create=True, size=100)
    crew = [context.Process(target=fill, args=(block.name, start)) for start in (0, 1)]
    for process in crew:
        process.start()
    for process in crew:
        process.join()
    print(bytes(block.buf[:100]) == bytes(range(100)), [process.exitcode for process in crew])
    block.close()
    block.unlink()
    try:
        shared_memory.SharedMemory(name=block.name)
    except FileNotFoundError as error:
        print("gone:", error.strerror)
