"""What one process has by itself: a doorbell, a clock and random ids."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from threading import Lock

from sms_transfer.log import log_failure


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class RandomIds:
    """Ids of 128 random bits, which nobody can guess, with a letter that tells their kind."""

    def new(self, kind: str) -> str:
        return f"{kind[0]}-{os.urandom(16).hex()}"


class _Listening:
    """One listener's place at the doorbell."""

    def __init__(self, doorbell: InProcessMessaging, agent_id: str, wake: Callable[[], None]) -> None:
        self._doorbell = doorbell
        self._agent_id = agent_id
        self._wake = wake

    def try_to_wake(self) -> None:
        """Wake the listener; what it raises is for the log, not for the others who listen and not for who rings."""
        try:
            self._wake()
        except Exception as error:  # noqa: BLE001 - a listener may raise anything
            log_failure("ring.unheard", error, agent_id=self._agent_id)

    def close(self) -> None:
        self._doorbell.forget(self._agent_id, self)


class InProcessMessaging:
    """A `Messaging` doorbell for one process: `ring` calls the listeners in the thread that rings."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._listening: dict[str, tuple[_Listening, ...]] = {}  # replaced, never changed, so ringing needs no lock

    def ring(self, agent_ids: Collection[str]) -> None:
        for agent_id in agent_ids:
            for listening in self._listening.get(agent_id, ()):
                listening.try_to_wake()

    def listen(self, agent_id: str, wake: Callable[[], None]) -> _Listening:
        listening = _Listening(self, agent_id, wake)
        with self._lock:
            self._listening[agent_id] = (*self._listening.get(agent_id, ()), listening)
        return listening

    def listening(self) -> Collection[str]:
        """The agents for whom somebody listens now."""
        return tuple(self._listening)

    def forget(self, agent_id: str, listening: _Listening) -> None:
        """End one listener's place; `_Listening.close` calls it."""
        with self._lock:
            left = tuple(one for one in self._listening.get(agent_id, ()) if one is not listening)
            if left:
                self._listening[agent_id] = left
            else:
                self._listening.pop(agent_id, None)
