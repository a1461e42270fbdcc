# Pins down fork with multiprocessing: Pool, Lock, Value, Queue (POSIX semaphores in /dev/shm).
import multiprocessing
import os

context = multiprocessing.get_context("fork")
counter = context.Value("i", 0)


def square(n):
    with counter.get_lock():
        counter.value += 1
    if n == 5:
        raise ValueError("five is right out")
    return n * n


def talk(queue, lock):
    with lock:
        queue.put((multiprocessing.current_process().name, os.getppid() != os.getpid()))


if __name__ == "__main__":
    with context.Pool(3) as pool:
        print(pool.map(square, range(5)), pool.apply(square, (12,)))
        try:
            pool.map(square, [5])
        except ValueError as error:
            print("from the pool:", error)
    queue, lock = context.Queue(), context.Lock()
    crew = [context.Process(target=talk, args=(queue, lock), name=f"talker-{i}") for i in range(3)]
    for process in crew:
        process.start()
    print(sorted(queue.get(timeout=5) for _ in crew), counter.value)
    for process in crew:
        process.join()
    print([process.exitcode for process in crew])
