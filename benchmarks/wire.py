"""Round trips to PostgreSQL, counted on the wire by whoever stands between."""

from __future__ import annotations

import socket
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from threading import Thread
from typing import Final

from psycopg.conninfo import conninfo_to_dict, make_conninfo

_PORT: Final = "5432"
_ENDS: Final = b"QS"
"""The messages after which a client waits for the server's answer: Query and Sync."""
_CHUNK: Final = 65_536


class Wire:
    """Stands between clients and a server, and counts how often a client waits.

    Args:
        conninfo: the server's.
    """

    def __init__(self, conninfo: str, stack: ExitStack) -> None:
        parts = conninfo_to_dict(conninfo)
        self._host = str(parts.get("host") or "localhost")
        self._port = str(parts.get("port") or _PORT)
        self._stack = stack
        self._listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = self._listener.getsockname()[1]
        self.conninfo: Final = make_conninfo(
            conninfo, host="127.0.0.1", port=port, sslmode="disable", gssencmode="disable"
        )
        """Leads here; in the clear, so that it can be read."""
        self.round_trips = 0
        Thread(target=self._welcome, daemon=True).start()

    def _welcome(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                server = self._reach()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for end in (client, server):
                    self._stack.callback(end.close)
                Thread(target=self._forward, args=(client, server), daemon=True).start()
                Thread(target=_copy, args=(server, client), daemon=True).start()

    def _reach(self) -> socket.socket:
        if not self._host.startswith("/"):
            return socket.create_connection((self._host, int(self._port)))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{self._host}/.s.PGSQL.{self._port}")
        return server

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        """Hand on what a client says: first one message without a type, then those with one."""
        with suppress(OSError):
            unread = b""
            head = 0
            while chunk := client.recv(_CHUNK):
                unread += chunk
                while len(unread) >= head + 4 and len(unread) >= (
                    whole := head + int.from_bytes(unread[head : head + 4])
                ):
                    if head and unread[:1] in _ENDS:
                        self.round_trips += 1
                    unread, head = unread[whole:], 1
                server.sendall(chunk)
            server.shutdown(socket.SHUT_WR)


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(_CHUNK):
            sink.sendall(chunk)


@contextmanager
def counting(conninfo: str) -> Generator[Wire]:
    """Somebody who stands there for as long as the context lasts."""
    with ExitStack() as stack:
        yield Wire(conninfo, stack)
