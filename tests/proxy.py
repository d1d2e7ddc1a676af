"""A wire between a client and PostgreSQL that a test can cut where it wants.

It stands on a socket of its own and understands as much of PostgreSQL's protocol as it needs to tell one request from
the next, and which statement a request is for.
"""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from pathlib import Path
from threading import Lock, Thread
from typing import Final, Self

from psycopg.conninfo import conninfo_to_dict, make_conninfo

_CHUNK: Final = 65_536
_NAME: Final = ".s.PGSQL.5432"
_DONE: Final = b"Z"
"""The type of the message that ends an answer."""


class Moment(Enum):
    """Where a request is cut off."""

    UNASKED = "before it is forwarded"
    UNANSWERED = "when it is answered, before the answer comes back"
    HALFWAY = "in the middle of the answer"


class Proxy:
    """The wire, for as long as the context lasts.

    Args:
        conninfo: where the server is.
        password: one that the server does not ask for; it must not be found anywhere.
    """

    def __init__(self, conninfo: str, password: str) -> None:
        self._to = conninfo_to_dict(conninfo)
        self._directory = tempfile.TemporaryDirectory(prefix="sms-")
        self._lines: list[_Line] = []
        self._lock = Lock()
        self._plan: tuple[Moment, str] | None = None
        self.lets_in = True
        self.calls = 0
        """How often somebody wanted to be connected."""
        self.conninfo: Final = make_conninfo(
            conninfo,
            host=self._directory.name,
            port="5432",
            password=password,
            sslmode="disable",
            gssencmode="disable",
        )
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(Path(self._directory.name) / _NAME))
        self._socket.listen()
        self._thread = Thread(target=self._accept, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()
        self.cut_off()
        for line in self._lines:
            line.join()
        self._directory.cleanup()

    def cut(self, moment: Moment, statement: str = "") -> None:
        """Cut the next request for a statement that has this in it, and let every other one through."""
        self._plan = (moment, statement)

    @property
    def has_cut(self) -> bool:
        """Whether what was planned last has come."""
        return self._plan is None

    def cut_off(self, statement: str | None = None) -> None:
        """Cut every connection there is, or those that have asked for a statement with this in it."""
        with self._lock:
            lines = list(self._lines)
        for line in lines:
            if statement is None or any(statement in asked for asked in line.asked):
                line.close()

    def take_plan(self, asked: str) -> Moment | None:
        """What is to become of a request for this statement."""
        with self._lock:
            if self._plan is None or self._plan[1] not in asked:
                return None
            moment, self._plan = self._plan[0], None
            return moment

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            self.calls += 1
            if not self.lets_in:
                client.close()
                continue
            try:
                line = _Line(self, client, self._connect())
            except OSError:
                client.close()
                continue
            with self._lock:
                self._lines.append(line)
            line.start()

    def _connect(self) -> socket.socket:
        host, port = str(self._to.get("host") or "localhost"), int(str(self._to.get("port") or 5432))
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(f"{host}/.s.PGSQL.{port}")
        except OSError:
            server.close()
            raise
        return server


class _Line:
    """One connection: the client's end, and the server's."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self.asked: list[str] = []
        self._proxy = proxy
        self._client = client
        self._server = server
        self._statements: dict[bytes, str] = {}
        self._moment: Moment | None = None
        self._threads = [
            Thread(target=self._carry_requests, daemon=True),
            Thread(target=self._carry_answers, daemon=True),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        for end in (self._client, self._server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def join(self) -> None:
        """Wait until nothing is carried any more."""
        for thread in self._threads:
            thread.join()

    @contextmanager
    def _closing(self, end: socket.socket) -> Generator[None]:
        """Whatever ends one way ends the other."""
        try:
            with end, suppress(OSError):
                yield
        finally:
            self.close()

    def _carry_requests(self) -> None:
        waiting, request = b"", b""
        begun = False
        with self._closing(self._client):
            while data := self._client.recv(_CHUNK):
                waiting += data
                if not begun:  # the first message has no type
                    self._server.sendall(waiting)
                    waiting, begun = b"", True
                    continue
                *messages, (_, waiting) = _messages(waiting)
                for kind, message in messages:
                    request += message
                    self._learn(kind, message)
                    if kind not in b"PBDE":
                        self._ask(request)
                        request = b""

    def _learn(self, kind: bytes, message: bytes) -> None:
        """Note what is asked: the statement of a name, and the name that is used."""
        if kind == b"P":
            name, statement, *_ = message[5:].split(b"\0")
            self._statements[name] = statement.decode()
        elif kind == b"B":
            _, name, *_ = message[5:].split(b"\0")
            self.asked.append(self._statements[name])
        elif kind == b"Q":
            self.asked.append(message[5:-1].decode())

    def _ask(self, request: bytes) -> None:
        if self.asked:
            self._moment = self._proxy.take_plan(self.asked[-1])
        if self._moment is Moment.UNASKED:
            self.close()
        self._server.sendall(request)

    def _carry_answers(self) -> None:
        answer = b""
        with self._closing(self._server):
            while data := self._server.recv(_CHUNK):
                if self._moment is None:
                    self._client.sendall(data)
                    continue
                answer += data
                if any(kind == _DONE for kind, _ in _messages(answer)):
                    if self._moment is Moment.HALFWAY:
                        self._client.sendall(answer[: len(answer) // 2])
                    break


def _messages(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The whole messages with their types, and last, without a type, what is behind them."""
    while len(data) >= 5 and len(data) > (length := int.from_bytes(data[1:5], "big")):
        yield data[:1], data[: length + 1]
        data = data[length + 1 :]
    yield b"", data
