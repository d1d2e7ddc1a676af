"""What needs an event loop: the driver of whoever awaits, and their connections.

Nothing imports this before it is used: `asyncio` is slow to import, and many do without.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Hashable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from threading import Lock
from typing import TypeVar

import attrs

from sms_transfer.connection import Connection, Dispatch
from sms_transfer.core.desktop import Snapshot
from sms_transfer.drive import Work
from sms_transfer.flow import Flow
from sms_transfer.log import log_failure
from sms_transfer.serial import Job, OneAtATime
from sms_transfer.workspace import Workspace

R = TypeVar("R")

_running = set[asyncio.Task[object]]()  # a loop holds its tasks weakly, and nobody awaits some of these


def spawn(coroutine: Coroutine[object, object, R]) -> asyncio.Task[R]:
    """Begin something that goes on by itself."""
    task = asyncio.get_running_loop().create_task(coroutine)
    _running.add(task)
    task.add_done_callback(_running.discard)
    return task


class LoopDriver:
    """Tasks of one event loop do it."""

    async def pause(self, seconds: float) -> None:
        """Let other tasks go first."""
        await asyncio.sleep(seconds)

    def to_the_end(self, coroutine: Coroutine[object, object, R], /) -> Awaitable[R]:
        """Give it a task of its own, which goes on although whoever awaits it is cancelled."""
        task = spawn(coroutine)
        awaited = asyncio.shield(task)
        task.add_done_callback(partial(_log_unheard, awaited))
        return awaited

    async def in_turn(self, turns: OneAtATime, key: Hashable, work: Work) -> None:
        """Do it in this task; what others ask for meanwhile is done in tasks made for it: nobody is kept."""
        await _in_turn(turns, key, work, _Later(turns, key, work))


def _log_unheard(awaited: asyncio.Future[R], task: asyncio.Task[R]) -> None:
    """Say how it ended where nobody is there to be told."""
    if awaited.cancelled() and not task.cancelled() and (error := task.exception()) is not None:
        log_failure("command.unheard", error)


async def _in_turn(turns: OneAtATime, key: Hashable, work: Work, later: Job) -> None:
    if not turns.take(key, later):
        return
    try:
        await work()
    except BaseException:  # it was cancelled, as all tasks are when a loop ends: there is no later
        turns.release(key)
        raise
    for job in turns.release(key):
        job()


@attrs.frozen
class _Later:
    """Does the work in a task of its own."""

    turns: OneAtATime = attrs.field(eq=False)
    key: Hashable
    work: Work

    def __call__(self) -> None:
        spawn(_in_turn(self.turns, self.key, self.work, self))


class LoopConnection(Connection):
    """A connection that shows every change in its event loop, or where ``dispatch`` says.

    It can be woken from any thread. However often it is woken while it looks up and shows, it does so once more then.
    """

    def __init__(self, workspace: Workspace, flow: Flow, dispatch: Dispatch | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._woken = False
        self._showing: _Showing | None = None
        super().__init__(workspace, flow, dispatch)
        if dispatch is not None:
            self._elsewhere = partial(self._show_by, dispatch)

    async def begin(self) -> None:
        """Show what there is, or see to it that ``dispatch`` does: that may be waiting for whoever calls this."""
        if self._dispatch is None:
            await asyncio.shield(spawn(self._take_turn()))
        else:
            self.wake()

    def wake(self) -> None:
        """Have the event loop bring the workspace up to date; from any thread, and never raises."""
        if not self._woken and not self._closed:
            self._woken = True
            self._soon(self._go)

    def poll(self) -> None:
        """Wake it, and give up a show that ``dispatch`` has not run yet: it may have been lost (D7)."""
        self._soon(self._go_again)

    def close(self) -> None:
        """Stop showing; the workspace stays as it is. May be called twice, and from any thread.

        A show that is under way in another thread goes on to its end, and issues no command any more.
        """
        super().close()
        self._soon(self._give_up)

    def _soon(self, step: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(step)
        except RuntimeError as error:  # the loop is closed, and nothing can be shown in it any more
            if not self._closed:
                log_failure("desktop.unwoken", error, agent_id=self.workspace.agent_id)
            self._closed = True
            self._flow.disconnected(self)

    def _go(self) -> None:
        self._woken = False
        spawn(self._take_turn())

    def _go_again(self) -> None:
        self._give_up()
        self._go()

    def _give_up(self) -> None:
        if self._showing is not None:
            self._showing.give_up()

    async def _take_turn(self) -> None:
        # The turns are the workspace's: a connection that was closed may still be showing when the next one begins.
        await _in_turn(self.workspace.turns, None, self._refresh, self.wake)

    async def _show_by(self, dispatch: Dispatch, snapshot: Snapshot) -> bool:
        showing = self._showing = _Showing(partial(self._show, snapshot))
        try:
            try:
                dispatch(showing.run)
            except Exception as error:  # noqa: BLE001 - a host's dispatch may raise anything; the next wake tries again
                log_failure("desktop.unwoken", error, agent_id=self.workspace.agent_id)
                return False
            return await showing.outcome()
        finally:
            self._showing = None
            showing.give_up()  # run from now on it would show what is old

    def _show(self, snapshot: Snapshot) -> None:
        if not self._closed:
            self.workspace.show(snapshot)


class _Showing:
    """A show that a front end runs where it wants, at most once; or that is given up before."""

    def __init__(self, show: Callable[[], None]) -> None:
        self._show = show
        self._claim = Lock()  # whoever gets it decides what becomes of the show
        self._loop = asyncio.get_running_loop()
        self._outcome: asyncio.Future[Exception | bool] = self._loop.create_future()

    def run(self) -> None:
        """Show it, in the front end's thread."""
        if not self._claim.acquire(blocking=False):
            return
        outcome: Exception | bool = False
        try:
            self._show()
            outcome = True
        except Exception as error:  # noqa: BLE001 - told to whoever waits for the outcome
            outcome = error
        finally:
            with suppress(RuntimeError):  # the loop is closed, and nobody waits
                self._loop.call_soon_threadsafe(self._settle, outcome)

    def give_up(self) -> None:
        """See to it that it is not shown any more, unless that has begun; in the loop's thread."""
        if self._claim.acquire(blocking=False):
            self._settle(outcome=False)

    async def outcome(self) -> bool:
        """Whether it was shown; raises what the front end raised."""
        outcome = await self._outcome
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _settle(self, outcome: Exception | bool) -> None:
        if not self._outcome.done():  # whoever waited may be gone
            self._outcome.set_result(outcome)


@asynccontextmanager
async def repeating(finishing: Work, cancelled: Work, *, interval: timedelta, patience: float) -> AsyncGenerator[None]:
    """Do both again and again, each in a task of its own, as long as the context lasts.

    Args:
        finishing: what has begun at the end is waited for: whoever comes next closes the store under it.
        cancelled: what has begun at the end is given up: it may hang.
        patience: seconds that either is waited for, at most.
    """
    stop, seconds = asyncio.Event(), interval.total_seconds()
    tasks = [spawn(_repeat(work, seconds, stop)) for work in (finishing, cancelled)]
    try:
        yield
    finally:
        stop.set()
        tasks[1].cancel()
        _, late = await asyncio.wait(tasks, timeout=patience)
        for task in late:
            task.cancel()


async def _repeat(work: Work, seconds: float, stop: asyncio.Event) -> None:
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await stop.wait()
        if stop.is_set():
            return
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - a port may raise anything; the next round tries again
            log_failure("tick.failed", error)
