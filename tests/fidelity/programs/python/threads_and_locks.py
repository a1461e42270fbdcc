# Pins down threads: queues, locks, barriers, thread-locals, a pool, daemon threads at exit.
import queue
import threading
from concurrent.futures import ThreadPoolExecutor

work, done, lock, total = queue.Queue(), [], threading.Lock(), 0


def worker():
    global total
    while (item := work.get()) is not None:
        with lock:
            total += item
            done.append(item)


crew = [threading.Thread(target=worker, name=f"crew-{i}") for i in range(4)]
for thread in crew:
    thread.start()
for i in range(200):
    work.put(i)
for thread in crew:
    work.put(None)
for thread in crew:
    thread.join()
print(total, sorted(done) == list(range(200)), threading.active_count())
barrier = threading.Barrier(3)
with ThreadPoolExecutor(3) as pool:
    print(list(pool.map(lambda n: (barrier.wait(5) is not None, n * n), range(3))))
threading.Thread(target=threading.Event().wait, daemon=True).start()
timer = threading.Timer(0.01, print, ["timer fired"])
timer.start()
timer.join()
print("main ends with a daemon thread alive")
