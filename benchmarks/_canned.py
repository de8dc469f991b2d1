"""An endpoint that answers `select 1` with the same bytes always, so that what is measured is the client."""

from __future__ import annotations

import selectors
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ANSWER", "serving"]

BODY = (
    b'{"fields":[{"name":"n","dataTypeID":23,"tableID":0,"columnID":0,"dataTypeSize":4,"dataTypeModifier":-1,'
    b'"format":"text"}],"rows":[["1"]],"command":"SELECT","rowCount":1,"rowAsArray":true}'
)
_END = ord("}")
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(BODY), BODY)


def serve() -> None:
    """Serve until stdin ends; print the port first.

    A bare loop over sockets: the less the server costs, the more of what is measured is the client.
    """
    ready = selectors.DefaultSelector()
    listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
    print(listening.getsockname()[1], flush=True)
    ready.register(sys.stdin, selectors.EVENT_READ)
    ready.register(listening, selectors.EVENT_READ)
    room = bytearray(65536)
    while True:
        for key, _ in ready.select():
            connection = key.data
            if connection is not None:
                if not _answer(connection, room):
                    ready.unregister(connection)
                    connection.close()
            elif key.fileobj is listening:
                connection, _ = listening.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                ready.register(connection, selectors.EVENT_READ, connection)
            else:
                return


def _answer(connection: socket.socket, room: bytearray) -> bool:
    """Answer a request with the same bytes as all; requests are told apart by their bodies' end. False: it is over."""
    try:
        size = connection.recv_into(room)
        if size and room[size - 1] == _END:  # httpx writes the head and the body apart; only the body ends in a brace
            connection.sendall(ANSWER)
    except ConnectionError:
        return False
    return size > 0


@contextmanager
def serving() -> Iterator[int]:
    """Serve from a process of its own; yield the port."""
    command = [sys.executable, __file__]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        yield int(server.stdout.readline())
        server.stdin.close()


if __name__ == "__main__":
    serve()
