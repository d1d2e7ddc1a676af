"""Processes that start in a millisecond and are there to be killed: forked from one that has imported everything.

The one they are forked from, the zygote, runs this file. It has a single thread, so that a fork is safe.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from typing import Any, Self

_PATIENCE = 60.0
"""Seconds until a process that says nothing is taken for lost."""


class Zygote:
    """Forks processes that run one function.

    Args:
        work: the function, as ``"module:name"``. It is given the job, and a function to call when it has got ready.
    """

    def __init__(self, work: str) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - this very interpreter, and a file of ours
            [sys.executable, __file__, work],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to = self._process.stdin.fileno()
        self._from = self._process.stdout.fileno()
        self._heard: list[dict[str, int]] = []
        self._rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=_PATIENCE)

    def fork(self, job: str) -> int:
        """Start a process with this job; its id."""
        self._say(job=job)
        return self._hear("forked")

    def wait_until_ready(self, pid: int) -> None:
        """Wait until the process has got ready."""
        self._hear("ready", pid)

    def kill(self, *pids: int) -> None:
        """End these processes wherever they are, if they have not ended; and forget them."""
        for pid in pids:
            os.kill(pid, signal.SIGKILL)  # it cannot be another one's id yet: nobody has waited for it
        for pid in pids:
            self.wait(pid)

    def wait(self, pid: int) -> None:
        """Wait until the process has ended.

        Raises:
            AssertionError: it broke down.
        """
        self._say(wait=pid)
        assert self._hear("ended", pid) in (0, -signal.SIGKILL), "a worker broke down: see what it said"

    def _say(self, **order: object) -> None:
        os.write(self._to, json.dumps(order).encode() + b"\n")

    def _hear(self, what: str, pid: int | None = None) -> int:
        while True:
            for said in self._heard:
                if what in said and pid in (None, said["pid"]):
                    self._heard.remove(said)
                    return said[what]
            assert select.select([self._from], [], [], _PATIENCE)[0], f"nothing was heard of process {pid}"
            *lines, self._rest = (self._rest + os.read(self._from, 65_536)).split(b"\n")
            self._heard += [json.loads(line) for line in lines]


def _report(**said: int) -> None:
    os.write(1, json.dumps(said).encode() + b"\n")


def _run(work: Callable[[str, Callable[[], None]], None], job: str) -> None:
    """Be the process that was forked."""
    code = 1
    try:
        work(job, lambda: _report(ready=0, pid=os.getpid()))
        code = 0
    except BaseException:  # noqa: BLE001 - nothing above may run: it is the zygote's
        traceback.print_exc()
    finally:
        os._exit(code)


def _serve(work: Callable[[str, Callable[[], None]], None]) -> None:
    with open(0, "rb", buffering=0, closefd=False) as orders:
        for line in orders:
            order: dict[str, Any] = json.loads(line)
            if "wait" in order:
                _, status = os.waitpid(order["wait"], 0)
                _report(ended=os.waitstatus_to_exitcode(status), pid=order["wait"])
                continue
            pid = os.fork()
            if pid == 0:
                _run(work, order["job"])
            _report(forked=pid, pid=pid)


if __name__ == "__main__":
    module, name = sys.argv[1].split(":")
    function = getattr(import_module(module), name)
    gc.freeze()  # what is there stays: a collection in a child would only copy its pages
    _serve(function)
