"""Many threads that do something at the same instant, a bounded number of times."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import Final

from sms_transfer.errors import SmsTransferError

THREADS: Final = 8
ROUNDS: Final = 25
_MANY_TURNS: Final = 5e-6
_PATIENCE: Final = 60.0
"""Seconds for one round of a store that hangs; one that works needs milliseconds."""

Attempt = Callable[[], object]
Race = Callable[[Sequence[Attempt]], list[SmsTransferError | None]]


@contextmanager
def racing() -> Generator[Race]:
    """Threads that carry attempts out at once; each attempt's answer is the error it was refused with, or None."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(_MANY_TURNS)  # so that they really meet
    try:
        with ThreadPoolExecutor(THREADS) as threads:

            def race(attempts: Sequence[Attempt]) -> list[SmsTransferError | None]:
                start = Barrier(len(attempts))
                running = [threads.submit(_carry_out, start, attempt) for attempt in attempts]
                return [one.result(_PATIENCE) for one in running]

            yield race
    finally:
        sys.setswitchinterval(usual)


def _carry_out(start: Barrier, attempt: Attempt) -> SmsTransferError | None:
    start.wait(_PATIENCE)
    try:
        attempt()
    except SmsTransferError as error:
        return error
    return None
