# Pins down TCP over the program's own loopback: server, three clients, half-close, refused port.
import asyncio


async def serve(reader, writer):
    data = await reader.read()
    writer.write(data.upper() + b" %d" % len(data))
    await writer.drain()
    writer.close()


async def ask(port, text):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(text)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    print(await asyncio.gather(*(ask(port, b"client-%d" % i) for i in range(3))))
    print(len(await ask(port, b"x" * 200_000)))
    server.close()
    await server.wait_closed()
    try:
        await ask(port, b"")
    except ConnectionRefusedError as error:
        print(type(error).__name__, error.errno)


asyncio.run(main())
