# Pins down asynchronous generators: closed after break by the loop, aclose, context managers, order.
import asyncio
import contextlib


async def ticking(name):
    try:
        for i in range(100):
            yield i
    finally:
        await asyncio.sleep(0)
        print("closed", name)


@contextlib.asynccontextmanager
async def scope(name):
    print("enter", name)
    try:
        yield name
    finally:
        print("leave", name)


async def main():
    async for i in ticking("by the loop"):
        if i == 2:
            break
    explicit = ticking("by aclose")
    print(await explicit.__anext__(), await anext(explicit))
    await explicit.aclose()
    print([i async for i in ticking("by running out") if i % 40 == 0])
    async with contextlib.AsyncExitStack() as stack:
        for name in "ab":
            await stack.enter_async_context(scope(name))
        raise asyncio.InvalidStateError("inside both")


asyncio.run(main())
