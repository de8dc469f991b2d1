"""TLS in front of a local endpoint, as a process: `_relay.py PORT CERTIFICATE MILLISECONDS` prints its own port.

What a client sends arrives so many milliseconds later, as over a long line: a round trip takes that much longer, and
the handshake of TLS, which is made of round trips too, in proportion. Pieces on the way do not wait for each other.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

__all__ = ["relayed"]

PIECE = 1 << 16


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    loop = asyncio.get_running_loop()
    on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def deliver() -> None:
        while True:
            due, piece = await on_the_way.get()
            await asyncio.sleep(due - loop.time())
            if not piece:
                writer.close()
                return
            writer.write(piece)

    delivery = asyncio.create_task(deliver())
    piece = b"-"
    while piece:
        with contextlib.suppress(ConnectionError):
            piece = await reader.read(PIECE)
            on_the_way.put_nowait((loop.time() + delay, piece))
            continue
        break
    await delivery


def _relay(port: int, delay: float) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward_reader, onward = await asyncio.open_connection("127.0.0.1", port)
        with contextlib.suppress(ConnectionError):
            await asyncio.gather(_pass_on(reader, onward, delay), _pass_on(onward_reader, writer, 0))

    return meet


async def _serve(port: int, certificate: str, delay: float) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    inner = await asyncio.start_server(_relay(port, 0), "127.0.0.1", 0, ssl=context)
    own: int = inner.sockets[0].getsockname()[1]
    outer = inner if not delay else await asyncio.start_server(_relay(own, delay), "127.0.0.1", 0)
    print(outer.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)  # until whoever started it lets go


@contextmanager
def relayed(port: int, certificate: Path, milliseconds: int = 0) -> Iterator[str]:
    """Run the relay for a while; yields the URL of the endpoint behind it."""
    command = [sys.executable, __file__, str(port), str(certificate), str(milliseconds)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield f"https://localhost:{int(process.stdout.readline())}/sql"
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]) / 1000))
