"""A workspace that is kept up to date."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sms_transfer.core.commands import Accept
from sms_transfer.core.desktop import Snapshot
from sms_transfer.core.model import Agent
from sms_transfer.errors import Refused
from sms_transfer.log import log_failure
from sms_transfer.ports import Subscription
from sms_transfer.workspace import Workspace

Dispatch = Callable[[Callable[[], None]], None]
"""Runs something where the front end needs it: its main thread, its loop."""

Look = Callable[[str, int | None, Mapping[str, int]], Snapshot]
"""Looks up what an agent's workspace should show: the agent, the version shown, and the texts shown."""


class Connection:
    """That a workspace shows every change; made by `TransferService.connect`.

    Each time it is woken it looks up what has changed since it last looked, and shows that; where that is unknown, or
    the front end failed, it looks up and shows everything. It has no memory of signals, so lost, doubled, late and
    reordered ones do no harm (D7).
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        listen: Callable[[Callable[[], None]], Subscription],
        look: Look,
        issue: Callable[[Accept], object],
        dispatch: Dispatch | None,
        on_close: Callable[[Connection], None],
    ) -> None:
        self.workspace = workspace
        self._look = look
        self._issue = issue
        self._dispatch = dispatch
        self._on_close = on_close
        self._dispatched = False
        self._shown: int | None = None
        self._agent: Agent | None = None
        self._closed = False
        self._subscription = listen(self.wake)

    def wake(self) -> None:
        """Bring the workspace up to date, where and when the front end needs it; never raises.

        While one refresh is on its way to the front end no second one is sent after it.
        """
        if self._dispatch is None:
            self._refresh()
        elif not self._dispatched:
            self._send(self._dispatch)

    def poll(self) -> None:
        """Wake it although a refresh may be on its way: in case that was lost (D7)."""
        self._dispatched = False
        self.wake()

    def close(self) -> None:
        """Stop showing; the workspace stays as it is. May be called twice.

        A show that is under way in another thread goes on to its end, and issues no command any more.
        """
        self._closed = True
        self._subscription.close()
        self._on_close(self)

    def _send(self, dispatch: Dispatch) -> None:
        self._dispatched = True
        try:
            dispatch(self._refresh)
        except Exception as error:  # noqa: BLE001 - whatever a host's dispatch raises must not reach who rang
            self._dispatched = False
            log_failure("could not wake the workspace of agent", self.workspace.agent_id, error)

    def _refresh(self) -> None:
        self._dispatched = False
        # The turns are the workspace's: a connection that was closed may still be showing when the next one begins.
        self.workspace.turns.run(None, self._show, later=self._show if self._dispatch is None else self.wake)

    def _show(self) -> None:
        if self._closed:
            return
        try:
            self._bring_up_to_date()
        except Exception as error:  # noqa: BLE001 - a front end may raise anything; the next wake shows everything
            self._shown = None
            log_failure("could not show the workspace of agent", self.workspace.agent_id, error)
        for command in self.workspace.wanted:
            self._try(command)

    def _bring_up_to_date(self) -> None:
        workspace = self.workspace
        workspace.wanted = ()
        snapshot = self._look(workspace.agent_id, self._shown, workspace.known_texts)
        known = self._agent
        if known is not None and known.privileges != snapshot.agent.privileges:  # every button may change (E4)
            snapshot = self._look(workspace.agent_id, None, workspace.known_texts)
        workspace.show(snapshot)
        self._shown, self._agent = snapshot.desktop.version, snapshot.agent

    def _try(self, command: Accept) -> None:
        if self._closed:
            return
        try:
            self._issue(command)
        except Refused:
            pass  # somebody else was faster, another device of theirs perhaps; the desktop shows who
        except Exception as error:  # noqa: BLE001 - a store may raise anything; the next wake tries again
            self._shown = None
            log_failure("could not answer for agent", self.workspace.agent_id, error)
