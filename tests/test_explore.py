"""Every state that the core can reach: nothing is broken in any, and what is broken on purpose is found."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from datetime import timedelta

import attrs
import pytest

from sms_transfer import (
    Agent,
    InvitationClosed,
    NoteSet,
    Notice,
    NotPermitted,
    Refused,
    Snapshot,
    SystemMessage,
    Transcript,
    TransferState,
    Workspace,
)
from sms_transfer.core import decide as core
from sms_transfer.core.commands import Accept, Cancel, Expire, FailInvitation, Reject, Reply, RequestTransfer
from sms_transfer.core.decide import InteractionCommand
from sms_transfer.core.decision import Context, Decision
from sms_transfer.core.lifecycle import InteractionState
from sms_transfer.core.model import Interaction
from sms_transfer.testing.explore import Report, World, explore, main

Present = Interaction | None
SMALL = World(requests=1, texts=1, leaving=(2,))


Break = Callable[[Present, InteractionCommand, Context], Decision]


def report_of(broken: Break) -> Report:
    return explore(SMALL, limit=200_000, decide=broken)


def test_nearest_states_of_the_default_world() -> None:
    """F1 to F4, F7, T6, T10, T11, D3, D5, D7: 100,000 states of 3 agents and 2 conversations, and nothing is broken."""
    report = explore(limit=100_000)
    assert report.violation is None
    assert report.states >= 100_000
    assert frozenset() == report.coverage.missing_arcs
    assert frozenset() == report.coverage.missing_pairs


def test_a_small_world_completely() -> None:
    """Every state there is with one transfer of each conversation, in both directions, and somebody who leaves."""
    report = explore(World(requests=1, leaving=(2,)), limit=1_000_000)
    assert report.violation is None
    assert report.complete
    assert report.states > 200_000


def test_there_and_back_with_texts() -> None:
    """T12: one conversation that is transferred up to twice, with a text in between."""
    report = explore(World(owners=(0,), requests=2, texts=1), limit=100_000)
    assert report.violation is None


def test_guards_are_seen_both_ways() -> None:
    """Every guard of the core is seen to refuse, and to let pass."""
    coverage = explore(limit=20_000).coverage
    assert frozenset() == coverage.one_way
    for command, guard in [
        ("Accept", "invitation_closed:accepted"),
        ("Accept", "invitation_closed:cancelled"),
        ("Accept", "invitation_closed:expired"),
        ("Accept", "invitation_closed:failed"),
        ("Accept", "invitation_closed:rejected"),
        ("Accept", "not_permitted:not_invitee"),
        ("Accept", "target_not_eligible:logged_out"),
        ("Cancel", "invitation_closed:accepted"),
        ("MarkDone", "not_permitted:not_owner"),
        ("MarkDone", "stale_epoch"),
        ("Reply", "not_permitted:not_owner"),
        ("Reply", "stale_epoch"),
        ("RequestTransfer", "target_not_eligible:at_capacity"),
        ("RequestTransfer", "target_not_eligible:not_ready"),
        ("RequestTransfer", "transfer_pending"),
    ]:
        assert (command, guard) in coverage.refused


# Each of these breaks the core in one place.


def accept_without_deadline(interaction: Present, command: InteractionCommand, context: Context) -> Decision:
    if isinstance(command, Accept):
        context = attrs.evolve(context, now=context.now - timedelta(days=1))
    return core.decide(interaction, command, context)


def ownership_without_epoch(interaction: Present, command: InteractionCommand, context: Context) -> Decision:
    decision = core.decide(interaction, command, context)
    if isinstance(command, Accept) and interaction is not None:
        return attrs.evolve(decision, interaction=attrs.evolve(decision.interaction, epoch=interaction.epoch))
    return decision


def anybody_may_text(interaction: Present, command: InteractionCommand, context: Context) -> Decision:
    if isinstance(command, Reply) and interaction is not None:
        owner = str(interaction.owner)
        command = attrs.evolve(command, by=owner, epoch=None)
    return core.decide(interaction, command, context)


def rejection_told_nowhere(interaction: Present, command: InteractionCommand, context: Context) -> Decision:
    decision = core.decide(interaction, command, context)
    return attrs.evolve(decision, notices=()) if isinstance(command, Reject) else decision


def rejection_told_twice(interaction: Present, command: InteractionCommand, context: Context) -> Decision:
    decision = core.decide(interaction, command, context)
    return attrs.evolve(decision, notices=decision.notices * 2) if isinstance(command, Reject) else decision


def failure_leaves_the_window_silent(interaction: Present, command: InteractionCommand, context: Context) -> Decision:
    decision = core.decide(interaction, command, context)
    if isinstance(command, FailInvitation):
        return attrs.evolve(decision, interaction=attrs.evolve(decision.interaction, error=None))
    return decision


def nothing_ever_expires(interaction: Present, command: InteractionCommand, context: Context) -> Decision:
    if isinstance(command, Expire) and interaction is not None:
        return Decision(interaction)
    return core.decide(interaction, command, context)


def capacity_is_not_counted(interaction: Present, command: InteractionCommand, context: Context) -> Decision:
    return core.decide(interaction, command, attrs.evolve(context, load=0))


def second_transfer_replaces_the_first(interaction: Present, command: InteractionCommand, context: Context) -> Decision:
    if isinstance(command, RequestTransfer) and interaction is not None and interaction.transfer is not None:
        interaction = attrs.evolve(interaction, transfer=None, state=InteractionState.ACTIVE)
    return core.decide(interaction, command, context)


def closed_ticket_still_accepts(interaction: Present, command: InteractionCommand, context: Context) -> Decision:
    try:
        return core.decide(interaction, command, context)
    except InvitationClosed:
        if not isinstance(command, Accept) or interaction is None:
            raise
        return _changed(attrs.evolve(interaction, owner=command.by, epoch=interaction.epoch + 1, error=None), context)


def outcome_changes(interaction: Present, command: InteractionCommand, context: Context) -> Decision:
    asked = context.request
    if isinstance(command, Cancel) and interaction is not None and asked is not None and asked.outcome is not None:
        outcome = attrs.evolve(asked.outcome, state=TransferState.CANCELLED)
        changed = attrs.evolve(asked, state=TransferState.CANCELLED, outcome=outcome)
        return attrs.evolve(_changed(interaction, context), requests=(changed,))
    return core.decide(interaction, command, context)


def _changed(interaction: Interaction, context: Context) -> Decision:
    event = NoteSet(interaction_id=interaction.id, at=context.now, by=None)
    return Decision(attrs.evolve(interaction, version=interaction.version + 1), events=(event,))


def repeated_request_asks_again(interaction: Present, command: InteractionCommand, context: Context) -> Decision:
    return core.decide(interaction, command, attrs.evolve(context, repeated=None))


def owner_cannot_text_in_a_transfer(interaction: Present, command: InteractionCommand, context: Context) -> Decision:
    if isinstance(command, Reply) and interaction is not None and interaction.transfer is not None:
        raise Refused
    return core.decide(interaction, command, context)


def crashes_on_cancel(interaction: Present, command: InteractionCommand, context: Context) -> Decision:
    if isinstance(command, Cancel):
        raise KeyError(command.transfer_id)
    return core.decide(interaction, command, context)


def version_stands_still(interaction: Present, command: InteractionCommand, context: Context) -> Decision:
    decision = core.decide(interaction, command, context)
    if interaction is None:
        return decision
    return attrs.evolve(decision, interaction=attrs.evolve(decision.interaction, version=interaction.version))


def losers_are_told_somebody_else_won(interaction: Present, command: InteractionCommand, context: Context) -> Decision:
    try:
        return core.decide(interaction, command, context)
    except InvitationClosed as closed:
        raise InvitationClosed(outcome=attrs.evolve(closed.outcome, owner="somebody")) from None


def strangers_are_told_who_won(interaction: Present, command: InteractionCommand, context: Context) -> Decision:
    try:
        return core.decide(interaction, command, context)
    except NotPermitted:
        if context.request is None or context.request.outcome is None:
            raise
        raise InvitationClosed(outcome=context.request.outcome) from None


def the_request_outlives_its_invitation(
    interaction: Present, command: InteractionCommand, context: Context
) -> Decision:
    decision = core.decide(interaction, command, context)
    live = decision.interaction.transfer
    if live is None or not isinstance(command, RequestTransfer):
        return decision
    longer = attrs.evolve(live, deadline=live.deadline + timedelta(days=1))
    return attrs.evolve(decision, interaction=attrs.evolve(decision.interaction, transfer=longer))


def closed_requests_forget_their_invitation(
    interaction: Present, command: InteractionCommand, context: Context
) -> Decision:
    decision = core.decide(interaction, command, context)
    forgetful = tuple(
        attrs.evolve(request, invitation=None) if request.outcome is not None else request
        for request in decision.requests
    )
    return attrs.evolve(decision, requests=forgetful)


BROKEN = [
    (version_stands_still, "F7"),
    (losers_are_told_somebody_else_won, "T11"),
    (strangers_are_told_who_won, "T11"),
    (the_request_outlives_its_invitation, "F4"),
    (closed_requests_forget_their_invitation, "T11"),
    (accept_without_deadline, "T10"),
    (ownership_without_epoch, "F1"),
    (anybody_may_text, "Reply of"),
    (rejection_told_nowhere, "T6"),
    (rejection_told_twice, "T6"),
    (failure_leaves_the_window_silent, "T6"),
    (nothing_ever_expires, "F4"),
    (capacity_is_not_counted, "E3"),
    (second_transfer_replaces_the_first, "RequestTransfer of"),
    (closed_ticket_still_accepts, "T10"),
    (outcome_changes, "F3"),
    (repeated_request_asks_again, "F5"),
    (owner_cannot_text_in_a_transfer, "T4"),
    (crashes_on_cancel, "A8"),
]


@pytest.mark.parametrize(("broken", "rule"), BROKEN, ids=lambda value: getattr(value, "__name__", ""))
def test_a_broken_core_is_found(broken: Break, rule: str) -> None:
    """Each break of the core is found, by the rule it breaks, with a way there that the real core goes safely."""
    violation = report_of(broken).violation
    assert violation is not None
    assert rule in violation.what
    assert violation.what in str(violation)
    assert len(violation.path) <= 5


def test_the_way_to_a_violation_is_the_shortest() -> None:
    """A late accept is found after the three steps that lead to it: asked, and twice a tick."""
    violation = report_of(accept_without_deadline).violation
    assert violation is not None
    assert 4 == len(violation.path)
    assert violation.path[0].startswith("RequestTransfer(")
    assert violation.path[1:3] == ("time passes", "time passes")
    assert violation.path[3].startswith("Accept(")


# Each of these breaks the workspace in one place.


class KeepsWindows(Workspace):
    """Goes on showing what is somebody else's."""

    def show(self, snapshot: Snapshot) -> Sequence[Accept]:
        about = frozenset(interaction.id for interaction in snapshot.interactions)
        return super().show(attrs.evolve(snapshot, desktop=attrs.evolve(snapshot.desktop, about=about)))


class ShowsTwice(Workspace):
    """Tells everything again at each look."""

    def show(self, snapshot: Snapshot) -> Sequence[Accept]:
        self._messages.clear()
        return super().show(snapshot)


class ForgetsErrors(Workspace):
    """Tells the top of the window nothing."""

    def _show_error(self, interaction_id: str, error: Notice | None) -> None:
        pass


class LosesTexts(Workspace):
    """Shows windows without their transcript."""

    def show(self, snapshot: Snapshot) -> Sequence[Accept]:
        return super().show(attrs.evolve(snapshot, desktop=attrs.evolve(snapshot.desktop, transcripts={})))


class HidesPreviews(Workspace):
    """Shows no preview."""

    def show(self, snapshot: Snapshot) -> Sequence[Accept]:
        return super().show(attrs.evolve(snapshot, desktop=attrs.evolve(snapshot.desktop, offered=())))


class HidesMessages(Workspace):
    """Shows no My Messages."""

    def show(self, snapshot: Snapshot) -> Sequence[Accept]:
        return super().show(attrs.evolve(snapshot, desktop=attrs.evolve(snapshot.desktop, messages=())))


class TellsMessagesTwice(Workspace):
    """Tells every new entry twice."""

    def _show_message(self, message: SystemMessage) -> None:
        if message.id not in self._messages:
            self._ui.show_message(message)
        super()._show_message(message)


class ShowsNoWindows(Workspace):
    """Shows nothing that the agent owns."""

    def show(self, snapshot: Snapshot) -> Sequence[Accept]:
        return super().show(attrs.evolve(snapshot, desktop=attrs.evolve(snapshot.desktop, interactions=())))


class Restless(Workspace):
    """Draws every window anew at each look."""

    def _show_window(self, interaction: Interaction, more: Transcript | None, agent: Agent) -> None:
        super()._show_window(interaction, more, agent)
        self._ui.update_window(self._windows[interaction.id])


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        (KeepsWindows, "D7"),
        (ShowsTwice, "D5"),
        (ForgetsErrors, "T6"),
        (LosesTexts, "T12"),
        (HidesPreviews, "D3"),
        (HidesMessages, "D4"),
        (TellsMessagesTwice, "T6"),
        (ShowsNoWindows, "T5"),
        (Restless, "D5"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_broken_workspace_is_found(broken: type[Workspace], rule: str) -> None:
    """Each break of the workspace is found, by the rule it breaks."""
    violation = explore(SMALL, limit=200_000, workspace=broken).violation
    assert violation is not None
    assert violation.what.startswith(rule)


def test_progress_is_told() -> None:
    """`explore` says how far it is."""
    told: list[int] = []
    explore(limit=5_000, progress=told.append)
    assert told
    assert sorted(told) == told


def test_command_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The command prints what was covered, and ends with 0 where nothing is broken."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert 0 == main(["--states", "3000", "--requests", "1", "--texts", "1"])
    printed = capsys.readouterr()
    assert "violation    none" in printed.out
    assert " states" in printed.err


def test_report_of_a_violation_shows_the_way() -> None:
    """A report in words has the steps that lead to the violation, numbered."""
    printed = str(report_of(nothing_ever_expires))
    assert "F4" in printed
    assert "1. RequestTransfer(" in printed
