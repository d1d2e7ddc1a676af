"""An agent's desktop as state: windows, previews, My Messages.

There is one operation, `Workspace.show`, for the start, for every change and for a reconnect alike (D7): it compares
what is recorded with what it has shown and calls the front end for the differences. A workspace belongs to one front
end and is shown from one thread at a time; `sms_transfer.service.TransferService.connect` sees to that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import ParamSpec

from sms_transfer.arguments import check_ports
from sms_transfer.core import check
from sms_transfer.core.commands import Accept
from sms_transfer.core.desktop import (
    Desktop,
    InteractionPreview,
    InteractionWindow,
    Snapshot,
    Transcript,
    WorkspaceSettings,
    preview_of,
    wanted,
    window_of,
)
from sms_transfer.core.model import Agent, Interaction, Invitation
from sms_transfer.core.notices import Notice, SystemMessage
from sms_transfer.errors import InvalidValue
from sms_transfer.ports import RemovesMessages, ShowsAgent, UserInterface
from sms_transfer.serial import OneAtATime

P = ParamSpec("P")


class _KnownTexts(Mapping[str, int]):
    """How many texts each window shows, counted when asked for and not before."""

    def __init__(self, windows: Mapping[str, InteractionWindow]) -> None:
        self._windows = windows

    def __getitem__(self, interaction_id: str) -> int:
        return len(self._windows[interaction_id].transcript)

    def __iter__(self) -> Iterator[str]:
        return iter(self._windows)

    def __len__(self) -> int:
        return len(self._windows)


class Workspace:
    """One agent's desktop in front of one front end.

    An agent can have several, on several devices; each shows the same truth.

    Args:
        agent_id: whose desktop.
        ui: what to call for the differences.
        settings: focus and answering.

    Raises:
        InvalidValue: ``agent_id`` is no id, ``settings`` are none, or ``ui`` lacks a method of a front end.
    """

    def __init__(self, agent_id: str, ui: UserInterface, settings: WorkspaceSettings | None = None) -> None:
        if not check.is_identifier(agent_id):
            raise InvalidValue(field="agent_id", rule="must be a non-empty string of at most 128 characters")
        if settings is not None and not isinstance(check.untrusted(settings), WorkspaceSettings):
            raise InvalidValue(field="settings", rule="must be WorkspaceSettings")
        check_ports(ui=(UserInterface, ui))
        self.agent_id = agent_id
        self.settings: WorkspaceSettings = WorkspaceSettings() if settings is None else settings
        self._ui = ui
        self._agent: Agent | None = None
        self._windows: dict[str, InteractionWindow] = {}
        self._errors: dict[str, Notice] = {}
        self._previews: dict[str, InteractionPreview] = {}
        self._offers: dict[str, str] = {}  # invitation by interaction: F2 allows one at a time
        self._messages: dict[str, SystemMessage] = {}
        self.windows: Mapping[str, InteractionWindow] = MappingProxyType(self._windows)
        """The open windows by interaction id; a live view."""
        self.previews: Mapping[str, InteractionPreview] = MappingProxyType(self._previews)
        """The previews by invitation id; a live view."""
        self.known_texts: Mapping[str, int] = _KnownTexts(self._windows)
        """How many texts each window shows, by interaction id: what need not be fetched again."""
        self.wanted: Sequence[Accept] = ()
        """What `show` returned, or would have returned had the front end not raised."""
        self.turns: OneAtATime = OneAtATime()
        """Whoever looks up what is recorded and shows it takes a turn, so that nobody shows what is older."""

    @property
    def agent(self) -> Agent | None:
        """Whose desktop it is, as last shown; None before that."""
        return self._agent

    @property
    def my_messages(self) -> Sequence[SystemMessage]:
        """The entries of My Messages, newest first (D4)."""
        return tuple(reversed(self._messages.values()))

    def show(self, snapshot: Snapshot) -> Sequence[Accept]:
        """Make the desktop show exactly this, and call the front end for the differences only.

        What goes is taken away before what comes is shown, so that no conversation is ever on the screen twice. Where
        the front end raises, everything else is shown all the same; show again to try again what it did not take.

        Returns:
            The commands that the settings ask for (D2). Whoever connected the workspace issues them.

        Raises:
            InvalidValue: the snapshot is another agent's, or none.
            Exception: the first of what the front end raised, once everything else is shown.
        """
        if not isinstance(check.untrusted(snapshot), Snapshot) or snapshot.agent.id != self.agent_id:
            raise InvalidValue(field="snapshot", rule="must be of this workspace's agent")
        desktop, agent = snapshot.desktop, snapshot.agent
        commands: list[Accept] = []
        failures: list[Exception] = []
        _attempt(failures, self._show_agent, agent)
        self._take_away(desktop, failures)
        for interaction in desktop.interactions:
            more = desktop.transcripts.get(interaction.id)
            _attempt(failures, self._show_window, interaction, more, agent)
        for interaction in desktop.offered:
            _attempt(failures, self._show_offer, interaction, agent, commands)
        for message in desktop.messages:
            _attempt(failures, self._show_message, message)
        self.wanted = tuple(commands)
        if failures:
            raise failures[0]
        return self.wanted

    def _show_agent(self, agent: Agent) -> None:
        if agent != self._agent:
            if isinstance(self._ui, ShowsAgent):
                self._ui.show_agent(agent)
            self._agent = agent

    def _take_away(self, desktop: Desktop, failures: list[Exception]) -> None:
        owned = {interaction.id for interaction in desktop.interactions}
        offered = {interaction.id: interaction.live_invitation for interaction in desktop.offered}
        for interaction_id in self._all_known() if desktop.about is None else desktop.about:
            _attempt(failures, self._withdraw_preview, interaction_id, offered.get(interaction_id))
            if interaction_id not in owned:
                _attempt(failures, self._close_window, interaction_id)
        listed = {message.id for message in desktop.messages}
        for message_id in tuple(self._messages) if desktop.about_messages is None else desktop.about_messages:
            if message_id not in listed:
                _attempt(failures, self._remove_message, message_id)

    def _all_known(self) -> tuple[str, ...]:
        return (*self._windows, *self._offers)

    def _withdraw_preview(self, interaction_id: str, live: Invitation | None) -> None:
        shown = self._offers.get(interaction_id)
        if shown is not None and (live is None or live.id != shown):  # D3
            self._ui.dismiss_preview(shown)
            del self._previews[shown], self._offers[interaction_id]

    def _close_window(self, interaction_id: str) -> None:
        if interaction_id in self._windows:  # T5
            self._ui.close_window(interaction_id)
            del self._windows[interaction_id]
            self._errors.pop(interaction_id, None)

    def _show_window(self, interaction: Interaction, more: Transcript | None, agent: Agent) -> None:
        shown = self._windows.get(interaction.id)
        transcript = () if shown is None else shown.transcript
        if more is not None and (more.messages or more.start < len(transcript)):
            transcript = transcript[: more.start] + more.messages
        window = window_of(interaction, transcript, agent)
        if shown is None:
            self._ui.open_window(window)
        elif window != shown:
            self._ui.update_window(window)
        self._windows[interaction.id] = window
        self._show_error(interaction.id, window.error)

    def _show_error(self, interaction_id: str, error: Notice | None) -> None:
        if error is None:
            self._errors.pop(interaction_id, None)
        elif self._errors.get(interaction_id) != error:  # T6; it names its transfer, so the next one differs
            self._ui.show_error(interaction_id, error)
            self._errors[interaction_id] = error

    def _show_offer(self, interaction: Interaction, agent: Agent, commands: list[Accept]) -> None:
        transfer, invitation = interaction.transfer, interaction.live_invitation
        if transfer is None or invitation is None:
            return
        if self.settings.shows_previews:
            preview = preview_of(interaction, transfer, invitation, agent, self.settings)
            if preview != self._previews.get(invitation.id):
                self._ui.show_preview(preview)
                self._previews[invitation.id] = preview
                self._offers[interaction.id] = invitation.id
        commands.extend(wanted(invitation.id, agent, self.settings))

    def _remove_message(self, message_id: str) -> None:
        if message_id in self._messages:
            if isinstance(self._ui, RemovesMessages):
                self._ui.remove_message(message_id)
            del self._messages[message_id]

    def _show_message(self, message: SystemMessage) -> None:
        if self._messages.get(message.id) != message:
            self._ui.show_message(message)
            self._messages[message.id] = message


def _attempt(failures: list[Exception], step: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    """Take one step, and note what it raises: one window that cannot be drawn must not hide the others."""
    try:
        step(*args, **kwargs)
    except Exception as error:  # noqa: BLE001 - a front end may raise anything
        failures.append(error)
