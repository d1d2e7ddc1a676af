"""Desktops in an exploration: what each shows of a conversation, and what looking at the records changes."""

from __future__ import annotations

from typing import Final

import attrs

from sms_transfer.core.desktop import Desktop, InteractionPreview, InteractionWindow, Snapshot, Transcript
from sms_transfer.core.lifecycle import InteractionState
from sms_transfer.core.model import Agent, Interaction
from sms_transfer.core.notices import SystemMessage
from sms_transfer.testing._cases import NOW, TICK, Broken, Case
from sms_transfer.testing.ui import RecordingUI
from sms_transfer.workspace import Workspace

WorkspaceType = type[Workspace]


@attrs.frozen
class View:
    """What one agent's desktop shows of one conversation."""

    window: InteractionWindow | None
    preview: InteractionPreview | None
    messages: tuple[SystemMessage, ...]


_TICKET: Final = "ticket"


class Screens:
    """Works out views with real workspaces, once for each situation, and checks them."""

    def __init__(self, workspace: WorkspaceType) -> None:
        self._workspace = workspace
        self._snapshots: dict[tuple[str, View], Snapshot] = {}
        self._looks: set[tuple[str, View, View]] = set()

    def view(self, agent: Agent, case: Case) -> View:
        """What a desktop that looks for the first time shows.

        Raises:
            Broken: a window is not exactly at the owner, a preview not exactly at the invitee, or My Messages is not
                what is recorded (D7).
        """
        snapshot = _snapshot(agent, case)
        workspace, _ = self._open(agent.id)
        workspace.show(snapshot)
        view = _seen(workspace)
        interaction = case.interaction
        owns = interaction.owner == agent.id and interaction.state is not InteractionState.DONE
        if owns is (view.window is None):
            raise Broken(f"T5: {agent.id} owns it: {owns}, and the window says otherwise")
        invitation = interaction.live_invitation
        invited = invitation is not None and invitation.invitee == agent.id
        if invited is (view.preview is None):
            raise Broken(f"D3: {agent.id} is invited: {invited}, and the preview says otherwise")
        if view.window is not None and view.window.transcript != case.texts:
            raise Broken(f"T12: the owner's window shows {len(view.window.transcript)} of {len(case.texts)} texts")
        if view.messages != tuple(notice for notice in reversed(case.notices) if notice.agent_id == agent.id):
            raise Broken("D4: My Messages is not what is recorded")
        self._snapshots.setdefault((agent.id, view), snapshot)
        return view

    def look(self, agent_id: str, seen: View, now: View) -> None:
        """Let a desktop that shows ``seen`` look when there is ``now`` to see, and then look again for nothing.

        Raises:
            Broken: it does not show what is recorded, tells something twice, or tells what is not new (D5, D7).
        """
        if (agent_id, seen, now) in self._looks:
            return
        self._looks.add((agent_id, seen, now))
        workspace, ui = self._open(agent_id)
        workspace.show(self._snapshots[agent_id, seen])
        ui.calls.clear()
        snapshot = self._snapshots[agent_id, now]
        workspace.show(snapshot)
        if _seen(workspace) != now:
            raise Broken(f"D7: the desktop of {agent_id} does not show what is recorded")
        if seen == now and ui.calls:
            raise Broken(f"D5: {ui.calls[0][0]} although nothing is new")
        self._check_told(ui, seen, now)
        ui.calls.clear()
        workspace.show(snapshot)
        if ui.calls:
            raise Broken(f"D5: {ui.calls[0][0]} again although nothing is new")

    def _open(self, agent_id: str) -> tuple[Workspace, RecordingUI]:
        ui = RecordingUI()
        return self._workspace(agent_id, ui), ui

    @staticmethod
    def _check_told(ui: RecordingUI, seen: View, now: View) -> None:
        """T6: an outcome reaches each of the two surfaces once."""
        told = ui.called("show_message")
        if told != [message for message in reversed(now.messages) if message not in seen.messages]:
            raise Broken(f"T6: My Messages was told {len(told)} entries, and not just the new ones")
        error = None if now.window is None else now.window.error
        before = None if seen.window is None else seen.window.error
        expected = [(now.window.interaction.id, error)] if now.window and error and error != before else []
        if ui.called("show_error") != expected:
            raise Broken("T6: the top of the window was not told the new outcome exactly once")


def _seen(workspace: Workspace) -> View:
    windows, previews = list(workspace.windows.values()), list(workspace.previews.values())
    return View(
        window=windows[0] if windows else None,
        preview=previews[0] if previews else None,
        messages=tuple(workspace.my_messages),
    )


def _snapshot(agent: Agent, case: Case) -> Snapshot:
    interaction = _timeless(case.interaction)
    invitation = interaction.live_invitation
    owned = interaction.owner == agent.id and interaction.state is not InteractionState.DONE
    offered = invitation is not None and invitation.invitee == agent.id
    return Snapshot(
        agent,
        Desktop(
            version=0,
            interactions=(interaction,) if owned else (),
            offered=(interaction,) if offered else (),
            messages=tuple(notice for notice in case.notices if notice.agent_id == agent.id),
            transcripts={interaction.id: Transcript(0, case.texts)} if owned else {},
        ),
    )


def _timeless(interaction: Interaction) -> Interaction:
    """With the deadline as it was given: a desktop shows an instant, and that does not come nearer."""
    transfer = interaction.transfer
    if transfer is None:
        return interaction
    deadline, invitation = NOW + 2 * TICK, transfer.invitation
    if invitation is not None:
        invitation = attrs.evolve(invitation, deadline=deadline)
    transfer = attrs.evolve(transfer, requested_at=NOW, deadline=deadline, invitation=invitation)
    return attrs.evolve(interaction, transfer=transfer)
