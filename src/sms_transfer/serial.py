"""One job at a time, and none forgotten."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock


class OneAtATime:
    """Runs jobs so that two for the same key never run at once.

    Whoever comes while one is running does not wait: it makes the running one go round once more, so that what led to
    the call is seen by a run that began after it. That is enough for jobs that look up what there is to do.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._again: dict[Hashable, bool] = {}

    def run(self, key: Hashable, job: Callable[[], None]) -> None:
        """Run ``job``, unless one for ``key`` is running: then let that one run again.

        The job must not raise: nobody would be left to go round again.
        """
        with self._lock:
            if key in self._again:
                self._again[key] = True
                return
            self._again[key] = False
        while True:
            try:
                job()
            except BaseException:
                with self._lock:
                    del self._again[key]
                raise
            with self._lock:
                if not self._again[key]:
                    del self._again[key]
                    return
                self._again[key] = False
