"""One job at a time, none forgotten, and nobody kept."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from threading import Lock, Thread
from typing import Final

Job = Callable[[], None]

_ROUNDS: Final = 16


class OneAtATime:
    """Runs jobs so that two for the same key never run at once.

    Whoever comes while one is running does not wait: the running thread runs the job of the other after its own, so
    that what led to a call is seen by a run that began after it. A job that waits already is not run twice for that.
    A thread that has gone round often enough hands on to a thread made for it: it has work of its own to return to.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: dict[Hashable, dict[Job, None]] = {}

    def run(self, key: Hashable, job: Job, *, later: Job | None = None) -> None:
        """Run ``job`` now, unless one for ``key`` is running: then have ``later`` run when that is over.

        Neither must raise: nobody is there to be told.

        Args:
            later: what to run in the other thread; ``job`` itself if left out.
        """
        if self.take(key, job if later is None else later):
            self._go(key, job)

    def take(self, key: Hashable, later: Job) -> bool:
        """Take the turn for ``key``, and `release` it when done; False where it is taken: then ``later`` will be run.

        For whoever cannot do the work within one call. A job that waits already is not run twice.
        """
        with self._lock:
            if key in self._waiting:
                self._waiting[key][later] = None
                return False
            self._waiting[key] = {}
            return True

    def release(self, key: Hashable) -> Collection[Job]:
        """End a turn that was taken.

        Returns:
            The jobs that have been waiting for it; to be run by whoever releases it.
        """
        with self._lock:
            return self._waiting.pop(key)

    def _go(self, key: Hashable, job: Job) -> None:
        for _ in range(_ROUNDS):
            try:
                job()
            except BaseException:
                self.release(key)
                raise
            with self._lock:
                waiting = self._waiting[key]
                if not waiting:
                    del self._waiting[key]
                    return
                job = next(iter(waiting))
                del waiting[job]
        Thread(target=self._go, args=(key, job), name="sms-transfer-hand-on", daemon=True).start()
