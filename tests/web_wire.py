"""The web desktop without a browser: its sockets and pages as any program can use them, rightly or not."""

from __future__ import annotations

import json
import logging
import socket
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx
from websockets.sync.client import ClientConnection, connect

from web import PATIENCE, Served
from web_desktop.app import Options

AGENTS: Final = ("alice", "bob", "carol", "dan")
Json = Any
"""Whatever `json.loads` gives: the tests say what is in it."""


class Centre:
    """A served centre whose file anybody can look into, and what its server complained of."""

    def __init__(self, data: Path, served: Served) -> None:
        self.data = data
        self.url = served.url
        self.complaints: list[str] = []
        self.pages = httpx.Client(base_url=served.url, trust_env=False)

    def cookie(self, agent: str) -> str:
        """What a log-in gives."""
        return self.pages.post("/log-in", data={"agent": agent}).headers["set-cookie"].split(";")[0]

    def open(
        self, desk: str, *, cookie: str | None = None, origin: str | None = None, sock: socket.socket | None = None
    ) -> ClientConnection:
        """A socket of this desk, with the cookie that belongs to it or another."""
        return connect(
            f"{self.url.replace('http', 'ws')}/desk/{desk}/socket",
            sock=sock,
            additional_headers={"Cookie": self.cookie(desk) if cookie is None else cookie},
            origin=origin,  # type: ignore[arg-type] # a NewType of str
            compression=None,
            proxy=None,
            max_size=None,
            max_queue=16 if sock is None else 1,
            close_timeout=PATIENCE if sock is None else 0.1,
            ping_interval=None,
            open_timeout=PATIENCE,
        )

    def open_narrow(self, desk: str) -> ClientConnection:
        """A socket that holds next to nothing of what is not read from it."""
        narrow = socket.socket()
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        narrow.connect(("127.0.0.1", int(self.url.rsplit(":", 1)[1])))
        return self.open(desk, sock=narrow)

    @contextmanager
    def sit(self, agent: str) -> Generator[Wire]:
        """A window of this agent's."""
        with self.open(agent) as socket:
            yield Wire(socket)

    def recorded(self) -> list[str]:
        """Everything that is in the file: whatever changes nothing leaves it as it is."""
        with closing(sqlite3.connect(self.data / "centre.sqlite")) as file:
            return list(file.iterdump())


class Wire:
    """A window that sends whatever it likes and remembers every byte that it was sent."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.heard: list[str] = []
        self.things: dict[str, dict[str, Json]] = {"agent": {}, "window": {}, "preview": {}, "message": {}}
        self._number = 0
        self.hear()  # the first message says all that there is

    def hear(self) -> Json:
        """The next message; what it changes is remembered as the browser remembers it."""
        self.heard.append(str(self.socket.recv(PATIENCE)))
        message = json.loads(self.heard[-1])
        for kind, id_, look in message.get("changes", ()):
            if look is None:
                self.things[kind].pop(id_, None)
            else:
                self.things[kind][id_] = look
        return message

    def answer(self, words: str | bytes) -> Json:
        """What comes back for this."""
        self.socket.send(words)
        while "answer" not in (message := self.hear()):
            pass
        return message

    def ask(self, do: str, **words: Json) -> Json:
        """What comes back for a command of the right form."""
        self._number += 1
        answer = self.answer(json.dumps({"n": self._number, "do": do, **words}))
        assert self._number == answer["answer"]
        return answer

    def do(self, do: str, **words: Json) -> Json:
        """Have it done."""
        return self.ask(do, **words)["result"]

    def refused(self, do: str, **words: Json) -> list[str]:
        """The codes of what stands against it."""
        return [notice["code"] for notice in self.ask(do, **words)["refused"]]

    def wait(self, kind: str, id_: str | None = None) -> Json:
        """How this thing looks, or the first of its kind, as soon as it is there."""
        while not (found := [look for known, look in self.things[kind].items() if id_ in {None, known}]):
            self.hear()
        return found[0]


class _Listener(logging.Handler):
    """Writes down what a server complains of, with its traceback."""

    def __init__(self, complaints: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._complaints = complaints

    def emit(self, record: logging.LogRecord) -> None:
        self._complaints.append(self.format(record))


@contextmanager
def serving(data: Path, gone_after: timedelta = timedelta(minutes=5)) -> Generator[Centre]:
    """A centre in which nobody is in a hurry; at the end its server may have complained of nothing."""
    with Served(Options(data=data, answer_within=timedelta(minutes=5), gone_after=gone_after)) as served:
        centre = Centre(data, served)
        listener = _Listener(centre.complaints)
        logs = [logging.getLogger(name) for name in ("uvicorn.error", "asyncio", "sms_transfer")]
        for log in logs:
            log.addHandler(listener)
        try:
            yield centre
        finally:
            centre.pages.close()
            for log in logs:
                log.removeHandler(listener)
    assert [] == centre.complaints
