"""What carries the flow out: the flow is written once, as coroutines, and this runs them without an event loop.

Over blocking ports a coroutine never has anything to wait for, so one step takes it to its end. `sms_transfer.loop` is
the other driver, for those that do wait.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from typing import Protocol, TypeVar

import attrs

from sms_transfer.serial import OneAtATime

R = TypeVar("R")
Work = Callable[[], Coroutine[object, object, None]]
"""Something to be done, each time anew; must be hashable, and equal to what does the same."""


def finish(coroutine: Coroutine[object, object, R]) -> R:
    """Run a coroutine that never waits to its end.

    Raises:
        RuntimeError: it waits for something, and only an event loop could bring that.
        BaseException: whatever it raises.
    """
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: R = end.value
        return result
    coroutine.close()
    raise RuntimeError("what is called without an event loop must not wait for one: use AsyncTransferService")


class Driver(Protocol):
    """What differs between a flow that is called and one that is awaited."""

    async def pause(self, seconds: float) -> None:
        """Let others go first."""
        ...

    def to_the_end(self, coroutine: Coroutine[object, object, R], /) -> Awaitable[R]:
        """Run a coroutine so that it goes on to its end although whoever awaits it is cancelled."""
        ...

    async def in_turn(self, turns: OneAtATime, key: Hashable, work: Work) -> None:
        """Do this work now, unless some for ``key`` is being done: then see to it that it is done after that.

        The work must not raise.
        """
        ...


@attrs.frozen
class _Finishing:
    """Work as a job for threads."""

    work: Work

    def __call__(self) -> None:
        finish(self.work())


class BlockingDriver:
    """Whoever calls does it, in their own thread."""

    async def pause(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)  # noqa: ASYNC251 - there is no event loop here that it could hold up

    def to_the_end(self, coroutine: Coroutine[object, object, R], /) -> Awaitable[R]:
        """It needs nothing: a thread cannot be cancelled."""
        return coroutine

    async def in_turn(self, turns: OneAtATime, key: Hashable, work: Work) -> None:
        """Do it in this thread, or have the thread that is at it do it after its own."""
        turns.run(key, _Finishing(work))
