# Pins down asyncio: task order, cancellation, timeouts, queues, thread offload, a lost exception.
import asyncio
import sys


async def step(name, queue):
    try:
        for i in range(3):
            await asyncio.sleep(0)
            queue.put_nowait(f"{name}{i}")
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        queue.put_nowait(f"{name} cancelled")
        raise


async def main():
    loop, queue = asyncio.get_running_loop(), asyncio.Queue()
    tasks = [asyncio.create_task(step(name, queue), name=name) for name in "abc"]
    await asyncio.sleep(0.02)
    for task in tasks:
        task.cancel()
    print(await asyncio.gather(*tasks, return_exceptions=True))
    print([queue.get_nowait() for _ in range(queue.qsize())])
    try:
        await asyncio.wait_for(asyncio.sleep(5), 0.01)
    except asyncio.TimeoutError:
        print("timed out")
    print(await asyncio.to_thread(sum, range(10)))
    loop.set_exception_handler(lambda loop, info: print("lost:", repr(info["exception"]), file=sys.stderr))
    loop.call_soon(lambda: 1 / 0)
    await asyncio.sleep(0)
    raise KeyError("out of main")


asyncio.run(main())
