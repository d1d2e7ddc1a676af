"""Who has a window open, at whichever of the servers that share a directory."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path


class Presence:
    """When which agent was seen last: a file for each, so that it outlives the server and counts at every server.

    Args:
        directory: where the files are.
        gone_after: how long an agent may be without a window until they are gone.
    """

    def __init__(self, directory: Path, gone_after: timedelta) -> None:
        directory.mkdir(exist_ok=True)
        self._directory = directory
        self._gone_after = gone_after.total_seconds()
        self._began = time.time()
        self._windows = Counter[str]()

    @contextmanager
    def window(self, agent_id: str) -> Generator[None]:
        """They have one more, as long as the context lasts."""
        self._windows[agent_id] += 1
        self._see(agent_id)
        try:
            yield
        finally:
            self._see(agent_id)
            self._windows[agent_id] -= 1

    def gone(self) -> list[str]:
        """Who has no window, and has had none for too long; to be asked several times in ``gone_after``."""
        for agent_id in +self._windows:
            self._see(agent_id)
        since = time.time() - self._gone_after
        if self._began > since:  # nobody could have come back to a server that was not there
            return []
        gone = list[str]()
        for file in self._directory.iterdir():
            with suppress(FileNotFoundError):  # another server has noticed it too
                if file.stat().st_mtime < since:
                    gone.append(file.name)
        return gone

    def forget(self, agent_id: str) -> None:
        """It is known that they are gone."""
        if not self._windows[agent_id]:
            (self._directory / agent_id).unlink(missing_ok=True)

    def _see(self, agent_id: str) -> None:
        file, now = self._directory / agent_id, time.time()
        file.touch()
        os.utime(file, (now, now))
