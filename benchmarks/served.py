"""A server in a process of its own, for as long as it is measured."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Final

import attrs

_ROOT: Final = Path(__file__).parent.parent
_PATIENCE: Final = 15.0


@attrs.frozen
class Served:
    """Where it is, and which process it is."""

    port: int
    pid: int

    def memory(self) -> int:
        """Bytes that it holds."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024


@contextmanager
def serving(*words: str) -> Generator[Served]:
    """``python -m`` these words, with a port of its own; it is killed in the end."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    command = [sys.executable, "-m", *words, "--port", str(port)]
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.DEVNULL) as process:
        try:
            end = monotonic() + _PATIENCE
            while not _answers(port):
                if process.poll() is not None or monotonic() > end:
                    raise RuntimeError(f"{words[0]} does not serve")
                sleep(0.01)
            yield Served(port, process.pid)
        finally:
            process.kill()


def _answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
