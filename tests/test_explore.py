"""Every state that the core can reach: nothing is broken in any, and what is broken on purpose is found."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from typing import Any

import attrs
import pytest

from sms_transfer import (
    Agent,
    Handover,
    InvitationClosed,
    NoteSet,
    Notice,
    NotPermitted,
    OwnershipMoved,
    Refused,
    Snapshot,
    SystemMessage,
    Target,
    Transcript,
    TransferState,
    Workspace,
)
from sms_transfer.core import decide as core
from sms_transfer.core import policy
from sms_transfer.core.commands import (
    Accept,
    Cancel,
    Expire,
    FailInvitation,
    FailRouting,
    Invite,
    Reject,
    Reply,
    RequestTransfer,
)
from sms_transfer.core.decide import InteractionCommand
from sms_transfer.core.decision import Context, Decision
from sms_transfer.core.lifecycle import Arc, InteractionState
from sms_transfer.core.model import Interaction
from sms_transfer.routing import Recorded
from sms_transfer.testing._centre import ExploredFlow, Records
from sms_transfer.testing._coverage import EVERY, NEVER
from sms_transfer.testing.explore import WORLDS, Report, World, explore, main

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


ONE_MEMBER = World(owners=(0, 0), capacities=(2, 1), members=(1,), asking=(), requests=1, leaving=(1,), lags=False)


def queue_world(name: str) -> World:
    """A queue world without the lag of desktops, so that few states tell much."""
    return attrs.evolve(WORLDS[name], lags=False)


@pytest.mark.parametrize("name", [name for name, world in WORLDS.items() if world.members])
def test_nearest_states_of_the_worlds_with_a_queue(name: str) -> None:
    """E3, F1 to F4, Q1 to Q5: under every policy nothing is broken, whoever a router picks, and every arc is walked."""
    report = explore(queue_world(name), limit=400)
    assert report.violation is None
    assert not report.complete
    assert len(report.coverage.missing_arcs) < 6


def test_every_arc_of_the_tables_is_walked_somewhere() -> None:
    """The worlds together lead through every arc, but for the one that nobody can ask for."""
    walked = frozenset[Arc]().union(
        *[explore(queue_world(name), limit=1_500).coverage.arcs for name in ("queue", "return", "placed-fallback")]
    )
    left = EVERY - walked
    assert [("queued", "mark_done")] == [(arc.source, arc.trigger) for arc in left]
    assert left == set(NEVER)


# Each of these breaks the core or the flow where a queue is concerned.


def a_second_invitation(interaction: Present, command: InteractionCommand, context: Context) -> Decision:
    if not isinstance(command, Invite) or interaction is None or interaction.transfer is None:
        return core.decide(interaction, command, context)
    forgetful = attrs.evolve(interaction.transfer, past_invitations=())
    return core.decide(attrs.evolve(interaction, transfer=forgetful), command, context)


def who_was_asked_is_forgotten(interaction: Present, command: InteractionCommand, context: Context) -> Decision:
    decision = core.decide(interaction, command, context)
    live = decision.interaction.transfer
    if live is None or not isinstance(command, Reject):
        return decision
    forgetful = attrs.evolve(live, past_invitations=())
    return attrs.evolve(decision, interaction=attrs.evolve(decision.interaction, transfer=forgetful))


def placed_with_somebody_else(interaction: Present, command: InteractionCommand, context: Context) -> Decision:
    decision = core.decide(interaction, command, context)
    if not isinstance(decision.interaction.owner, Target):
        return decision
    other = Target.queue("other")
    events = tuple(
        attrs.evolve(one, owner=other) if isinstance(one, OwnershipMoved) else one for one in decision.events
    )
    return attrs.evolve(decision, interaction=attrs.evolve(decision.interaction, owner=other), events=events)


def nothing_is_placed(interaction: Present, command: InteractionCommand, context: Context) -> Decision:
    policy = attrs.evolve(context.policy, handover=Handover.ON_ACCEPT)
    return core.decide(interaction, command, attrs.evolve(context, policy=policy))


def nothing_comes_back(interaction: Present, command: InteractionCommand, context: Context) -> Decision:
    if isinstance(command, RequestTransfer):
        policy = attrs.evolve(context.policy, return_to_sender=False)
        return core.decide(interaction, command, attrs.evolve(context, policy=policy))
    return core.decide(interaction, command, context)


def a_queue_waits_for_nobody(interaction: Present, command: InteractionCommand, context: Context) -> Decision:
    if isinstance(command, FailRouting) and interaction is not None:
        return Decision(interaction)
    return core.decide(interaction, command, context)


def invitations_outlast_their_request(interaction: Present, command: InteractionCommand, context: Context) -> Decision:
    decision = core.decide(interaction, command, context)
    live = decision.interaction.transfer
    if not isinstance(command, Invite) or live is None or live.invitation is None:
        return decision
    ticket = attrs.evolve(live.invitation, deadline=live.deadline + timedelta(seconds=15))
    longer = attrs.evolve(live, invitation=ticket)
    return attrs.evolve(decision, interaction=attrs.evolve(decision.interaction, transfer=longer))


@pytest.mark.parametrize(
    ("broken", "world", "rule"),
    [
        (a_second_invitation, "queue", "Q1"),
        (who_was_asked_is_forgotten, "queue", "Q3"),
        (placed_with_somebody_else, "placement", "Q2"),
        (nothing_is_placed, "placement", "Q2"),
        (nothing_comes_back, "return", "Q2"),
        (a_queue_waits_for_nobody, "queue", "Q1"),
        (invitations_outlast_their_request, "queue", "F4"),
        (capacity_is_not_counted, "queue", "could be invited"),
        (nothing_ever_expires, "queue", "F4"),
        (ownership_without_epoch, "placement", "F1"),
        (crashes_on_cancel, "queue", "A8"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_core_that_is_broken_about_queues_is_found(broken: Break, world: str, rule: str) -> None:
    """Each break is found, by the rule it breaks."""
    violation = explore(queue_world(world), limit=5_000, decide=broken).violation
    assert violation is not None
    assert rule in violation.what


class ForgetsTheFreed(ExploredFlow):
    """Does not serve whoever has a place again."""

    async def _serve(self, recorded: Recorded, targets: Collection[Target] = ()) -> int:
        return await super()._serve(attrs.evolve(recorded, freed=frozenset()), targets)


class ForgetsTheWaiting(ExploredFlow):
    """Does not look for the next agent."""

    async def _serve(self, recorded: Recorded, targets: Collection[Target] = ()) -> int:
        return await super()._serve(attrs.evolve(recorded, routing=()), targets)


@pytest.mark.parametrize("broken", [ForgetsTheFreed, ForgetsTheWaiting])
def test_a_broken_flow_is_found(broken: type[ExploredFlow]) -> None:
    """Q3: whoever is forgotten is found waiting for an agent who is able."""
    violation = explore(ONE_MEMBER, limit=3_000, flow=broken).violation
    assert violation is not None
    assert "Q3" in violation.what
    assert "waits" in violation.what


def test_whoever_is_served_out_of_turn_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Q3: where the last in line is served first, an agent is invited past somebody who goes on waiting."""
    in_turn = Records.waiting

    def backwards(records: Records, targets: Collection[Target], **how: Any) -> tuple[Interaction, ...]:
        return in_turn(records, targets, **how)[::-1]

    monkeypatch.setattr(Records, "waiting", backwards)
    violation = explore(ONE_MEMBER, limit=3_000).violation
    assert violation is not None
    assert "goes on waiting" in violation.what


def test_a_place_that_is_not_kept_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """E3, Q2: where nothing keeps the sender's place, what comes back is one too many."""
    monkeypatch.setattr(policy, "kept_for", lambda _: None)
    world = attrs.evolve(queue_world("return"), owners=(0, 1), capacities=(1, 2, 1), members=(2,), asking=(0,))
    violation = explore(world, limit=20_000).violation
    assert violation is not None
    assert "E3" in violation.what


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
