"""A workspace that is kept up to date."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable

from sms_transfer.arguments import expect
from sms_transfer.core.commands import Accept
from sms_transfer.core.desktop import Snapshot
from sms_transfer.core.model import Agent
from sms_transfer.drive import finish
from sms_transfer.errors import InvalidValue, Refused
from sms_transfer.flow import Flow
from sms_transfer.log import log_failure
from sms_transfer.workspace import Workspace

Dispatch = Callable[[Callable[[], None]], None]
"""Runs something where the front end needs it: its main thread, its loop."""

Elsewhere = Callable[[Snapshot], Awaitable[bool]]
"""Has a workspace show this in another place than the one where it was looked up; False if it was given up."""


class Connection(ABC):
    """That a workspace shows every change; made by `TransferService.connect` and `AsyncTransferService.connect`.

    Each time it is woken it looks up what has changed since it last looked, and shows that; where that is unknown, or
    the front end failed, it looks up and shows everything. It has no memory of signals, so lost, doubled, late and
    reordered ones do no harm (D7).
    """

    def __init__(self, workspace: Workspace, flow: Flow, dispatch: Dispatch | None) -> None:
        self.workspace = workspace
        self._flow = flow
        self._dispatch = dispatch
        self._shown: int | None = None
        self._agent: Agent | None = None
        self._closed = False
        self._elsewhere: Elsewhere | None = None
        self._subscription = flow.messaging.listen(workspace.agent_id, self.wake)
        flow.connected(self)

    @abstractmethod
    def wake(self) -> None:
        """See to it that the workspace is brought up to date; from any thread, and never raises."""

    @abstractmethod
    def poll(self) -> None:
        """Wake it although a refresh may be on its way: in case that was lost (D7)."""

    def close(self) -> None:
        """Stop showing; the workspace stays as it is. May be called twice.

        A show that is under way goes on to its end, and issues no command any more.
        """
        self._closed = True
        self._subscription.close()
        self._flow.disconnected(self)

    async def _refresh(self) -> None:
        """Show what there is, and do what the settings ask for; whoever calls has the workspace's turn."""
        if self._closed:
            return
        workspace, look, known = self.workspace, self._flow.look, self._agent
        workspace.wanted = ()
        try:
            snapshot = await look(workspace.agent_id, self._shown, workspace.known_texts)
            if known is not None and known.privileges != snapshot.agent.privileges:  # every button may change (E4)
                snapshot = await look(workspace.agent_id, None, workspace.known_texts)
            if self._closed:  # while this was looked up
                return
            if self._elsewhere is None:
                workspace.show(snapshot)
            elif not await self._elsewhere(snapshot):
                return
            self._shown, self._agent = snapshot.desktop.version, snapshot.agent
        except Exception as error:  # noqa: BLE001 - a front end may raise anything; the next wake shows everything
            self._shown = None
            log_failure("desktop.failed", error, agent_id=workspace.agent_id)
        for command in self.workspace.wanted:
            await self._try(command)

    async def _try(self, command: Accept) -> None:
        if self._closed:
            return
        try:
            await self._flow.perform(command)
        except Refused:
            pass  # somebody else was faster, another device of theirs perhaps; the desktop shows who
        except Exception as error:  # noqa: BLE001 - a store may raise anything; the next wake tries again
            self._shown = None
            log_failure("desktop.unanswered", error, agent_id=self.workspace.agent_id)


def check_connectable(workspace: Workspace, dispatch: object) -> None:
    """Refuse what cannot be connected (A8)."""
    expect(Workspace, "workspace", workspace)
    if dispatch is not None and not callable(dispatch):
        raise InvalidValue(field="dispatch", rule="must be callable, or None")


class DirectConnection(Connection):
    """A connection that shows a change in the thread of whoever caused it, or where ``dispatch`` says."""

    def __init__(self, workspace: Workspace, flow: Flow, dispatch: Dispatch | None) -> None:
        self._dispatched = False
        super().__init__(workspace, flow, dispatch)

    def wake(self) -> None:
        """Bring the workspace up to date, where and when the front end needs it; never raises.

        While one refresh is on its way to the front end no second one is sent after it.
        """
        if self._dispatch is None:
            self._take_turn()
        elif not self._dispatched:
            self._send(self._dispatch)

    def poll(self) -> None:
        """Wake it although a refresh may be on its way: in case that was lost (D7)."""
        self._dispatched = False
        self.wake()

    def _send(self, dispatch: Dispatch) -> None:
        self._dispatched = True
        try:
            dispatch(self._take_turn)
        except Exception as error:  # noqa: BLE001 - whatever a host's dispatch raises must not reach who rang
            self._dispatched = False
            log_failure("desktop.unwoken", error, agent_id=self.workspace.agent_id)

    def _take_turn(self) -> None:
        self._dispatched = False
        # The turns are the workspace's: a connection that was closed may still be showing when the next one begins.
        self.workspace.turns.run(None, self._show, later=self._show if self._dispatch is None else self.wake)

    def _show(self) -> None:
        finish(self._refresh())
