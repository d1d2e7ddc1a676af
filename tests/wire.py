"""A wire between a browser and the web desktop that a test can cut, or leave hanging."""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from enum import Enum
from threading import Lock, Thread
from typing import Final, Self
from urllib.parse import urlsplit

_CHUNK: Final = 65_536
_WITHOUT_A_WORD: Final = struct.pack("ii", 1, 0)
"""For a socket that is closed at once, with whatever is still to be sent thrown away."""


class Mode(Enum):
    """What becomes of what somebody sends."""

    WHOLE = "it arrives"
    ANSWERLESS = "what the browser sends arrives, what the server sends is swallowed"
    HANGING = "it is swallowed, and nothing is closed"
    CUT = "every connection is closed at once, and no new one is made"


class Wire:
    """The wire, for as long as the context lasts; a line that has swallowed something carries nothing any more."""

    def __init__(self, url: str) -> None:
        self._to = (urlsplit(url).hostname, urlsplit(url).port)
        self._lock = Lock()
        self._mode = Mode.WHOLE
        self._lines: list[tuple[socket.socket, socket.socket]] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url: Final = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = Thread(target=self._accept, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.turn(Mode.CUT)
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def turn(self, mode: Mode) -> None:
        """Have this become of everything from now on."""
        with self._lock:
            self._mode = mode
            if mode is Mode.CUT:
                for line in self._lines:
                    _close(line)
                self._lines.clear()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                if self._mode is Mode.CUT:
                    _close((client,))
                    continue
                try:
                    server = socket.create_connection(self._to)
                except OSError:
                    _close((client,))
                    continue
                line = client, server
                self._lines.append(line)
            Thread(target=self._carry, args=(line, client, server, {Mode.WHOLE, Mode.ANSWERLESS}), daemon=True).start()
            Thread(target=self._carry, args=(line, server, client, {Mode.WHOLE}), daemon=True).start()

    def _carry(
        self, line: tuple[socket.socket, socket.socket], here: socket.socket, there: socket.socket, carrying: set[Mode]
    ) -> None:
        swallows = False
        with suppress(OSError):
            while data := here.recv(_CHUNK):
                swallows = swallows or self._mode not in carrying
                if not swallows:
                    there.sendall(data)
        with self._lock:
            if line in self._lines and self._mode is not Mode.HANGING:
                self._lines.remove(line)
                _close(line)


def _close(ends: tuple[socket.socket, ...]) -> None:
    for end in ends:
        with suppress(OSError):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _WITHOUT_A_WORD)
        with suppress(OSError):
            end.shutdown(socket.SHUT_RD)  # it wakes whoever is reading from it
        end.close()
