"""A network that takes its time: passes connections on, everything later by some seconds.

    python -m workerlab.slow_network --port 8001 --to 8000 --delay 0.25

Between two programs of one machine a message takes no time, and a moment in which two messages
cross is too short to be met. Here each message, and each end of a connection, arrives `delay`
seconds after it was sent, in both directions. It listens on loopback and leads to loopback.
"""

import argparse
import asyncio
import contextlib

PIECE = 65536  # bytes
Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter


async def carry(reader: Reader, writer: Writer, delay: float) -> None:
    """Pass on what comes, and that it has ended, each `delay` seconds later."""
    on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def deliver() -> None:
        clock = asyncio.get_running_loop().time
        data = b"-"
        while data:
            due, data = await on_the_way.get()
            await asyncio.sleep(max(0.0, due - clock()))
            with contextlib.suppress(OSError):  # the other side has gone: the message is lost
                writer.write(data)
                await writer.drain()
        writer.close()

    delivering = asyncio.create_task(deliver())
    data = b"-"
    while data:
        try:
            data = await reader.read(PIECE)
        except OSError:
            data = b""
        on_the_way.put_nowait((asyncio.get_running_loop().time() + delay, data))
    await delivering


async def serve(port: int, to: int, delay: float) -> None:
    async def connect(reader: Reader, writer: Writer) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", to)
        except OSError:
            writer.close()
            return
        await asyncio.gather(carry(reader, far_writer, delay), carry(far_reader, writer, delay))

    async with await asyncio.start_server(connect, "127.0.0.1", port) as server:
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--to", type=int, required=True)
    parser.add_argument("--delay", type=float, required=True)
    given = parser.parse_args()
    asyncio.run(serve(given.port, given.to, given.delay))
