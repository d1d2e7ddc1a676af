"""What an exploration has been through: states, arcs, pairs of arcs, and guards both ways."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from sms_transfer.core.decide import PresentCommand
from sms_transfer.core.events import (
    Event,
    InteractionDone,
    InvitationExpired,
    InvitationRejected,
    InvitationSent,
    InvitationWithdrawn,
    OwnershipMoved,
    TransferClosed,
    TransferRequested,
)
from sms_transfer.core.lifecycle import AGENT, INTERACTION, START, TRANSFER, Arc, InteractionState, TransferState
from sms_transfer.core.model import Target
from sms_transfer.errors import (
    IllegalTransition,
    InvitationClosed,
    NotPermitted,
    Refused,
    TargetNotEligible,
)
from sms_transfer.testing._cases import Case, Step

EVERY: Final = frozenset({*TRANSFER.arcs, *INTERACTION.arcs, *AGENT.arcs})
"""All arcs of the three tables."""

ROUTING: Final = frozenset(arc for arc in TRANSFER.arcs if TransferState.ROUTING in {arc.source, arc.dest})
QUEUED: Final = frozenset(arc for arc in INTERACTION.arcs if InteractionState.QUEUED in {arc.source, arc.dest})

NEVER: Final = {
    arc: "nobody owns it who could ask"
    for arc in QUEUED
    if (arc.source, arc.trigger) == (InteractionState.QUEUED, "mark_done")
}
"""The arcs that no command leads through, in no world, with the reason."""

_ENDS: Final = {
    TransferState.ACCEPTED: "accept",
    TransferState.REJECTED: "reject",
    TransferState.EXPIRED: "expire",
    TransferState.CANCELLED: "cancel",
    TransferState.FAILED: "fail",
}


class Coverage:
    """Collects what was passed through.

    Args:
        expected: the arcs that this world leads through; all, if left out.
    """

    def __init__(self, expected: frozenset[Arc] | None = None) -> None:
        self.arcs: set[Arc] = set()
        self.pairs: set[tuple[str, str]] = set()
        self.passed: set[str] = set()
        self.refused: set[tuple[str, str]] = set()
        self.expected: frozenset[Arc] = EVERY if expected is None else expected

    def step(self, before: Case, command: PresentCommand, step: Step) -> None:
        """Note what a command did."""
        name = type(command).__name__
        if step.refusal is not None:
            self.refused.update((name, guard) for guard in _guards(step.refusal))
        else:
            self.passed.add(name)
        if step.case == before:
            return
        last = _last(before)
        for trigger in _triggers(before, step.case):
            self.pairs.add((last, trigger))
            last = trigger
        self.arcs.update(_walked(before, step))

    def presence(self, source: str, trigger: str) -> None:
        """Note what an agent did."""
        self.arcs.update(arc for arc in AGENT.arcs if (arc.source, arc.trigger) == (source, trigger))

    @property
    def missing_arcs(self) -> frozenset[Arc]:
        """The arcs that this world could have led through and did not."""
        return frozenset(self.expected - NEVER.keys() - self.arcs)

    @property
    def missing_pairs(self) -> frozenset[tuple[str, str]]:
        """The pairs of triggers that can follow one another in one conversation, and did not."""
        return frozenset(_possible_pairs() - self.pairs)

    @property
    def one_way(self) -> frozenset[tuple[str, str]]:
        """The guards that refused a command which never passed."""
        return frozenset(guard for guard in self.refused if guard[0] not in self.passed)


def _guards(refusal: Refused) -> Iterable[str]:
    if isinstance(refusal, TargetNotEligible):
        return [f"{refusal.code}:{reason}" for reason in refusal.reasons]
    if isinstance(refusal, NotPermitted):
        return [f"{refusal.code}:{refusal.reason}"]
    if isinstance(refusal, InvitationClosed):
        return [f"{refusal.code}:{refusal.outcome.state}"]
    if isinstance(refusal, IllegalTransition):
        return [f"{refusal.code}:{refusal.state}"]
    return [refusal.code]


def _last(case: Case) -> str:
    """The trigger that brought a conversation that is not done to where it is."""
    if case.interaction.transfer is not None:
        return "begin_transfer"
    return _ENDS[case.closed[-1].state] if case.closed else START


def _triggers(before: Case, after: Case) -> Iterable[str]:
    """The triggers pulled by one command: several where time had to be caught up with first (T10)."""
    for request in after.closed[len(before.closed) :]:
        yield _ENDS[request.state]
    if after.asked > before.asked:
        yield "begin_transfer"
    if before.interaction.state is not after.interaction.state is InteractionState.DONE:
        yield "mark_done"


def _walked(before: Case, step: Step) -> set[Arc]:
    """The arcs that one command led through: what happened, happens again in the tables."""
    live = before.interaction.transfer
    replay = _Replay(START if live is None else live.state, before.interaction.state)
    kept = {request.id for request in step.case.closed if request.invitation is not None}
    for event, following in zip(step.events, (*step.events[1:], None), strict=False):  # nothing follows the last one
        replay.happen(event, following, kept)
    return replay.arcs


class _Replay:
    """A request and its interaction, as their events take them through the tables.

    Args:
        kept: the ids of the closed requests that ended with an invitation, not in between two.
    """

    def __init__(self, request: str, interaction: str) -> None:
        self.arcs: set[Arc] = set()
        self._request = request
        self._interaction = interaction

    def happen(self, event: Event, following: Event | None, kept: Collection[str]) -> None:  # noqa: C901, PLR0912 - a table: what each event tells of the triggers pulled
        """One event, and the next one."""
        match event:
            case TransferRequested():
                self._request = START
                self._pull_request("invite" if isinstance(following, InvitationSent) else "route")
                queued = self._interaction == InteractionState.QUEUED
                self._pull("requeue" if queued else "begin_transfer")
            case InvitationSent():
                if self._request == TransferState.ROUTING:
                    self._pull_request("invite")
            case InvitationRejected() | InvitationExpired() | InvitationWithdrawn():
                if not isinstance(following, TransferClosed) or event.transfer_id not in kept:
                    self._pull_request("route")
            case TransferClosed():
                self._pull_request(_ENDS[event.outcome.state])
                if event.outcome.state is TransferState.ACCEPTED:
                    self._pull("hand_over")
                elif self._interaction == InteractionState.TRANSFERRING and not isinstance(following, InteractionDone):
                    self._pull("keep")
            case OwnershipMoved():
                if isinstance(event.owner, Target) and self._interaction == InteractionState.TRANSFERRING:
                    self._pull("place")
                elif isinstance(event.owner, str) and self._interaction == InteractionState.QUEUED:
                    self._pull("give_back")
            case InteractionDone():
                self._pull("mark_done")
            case _:
                pass

    def _pull_request(self, trigger: str) -> None:
        self._request = self._through(TRANSFER.arcs, self._request, trigger)

    def _pull(self, trigger: str) -> None:
        self._interaction = self._through(INTERACTION.arcs, self._interaction, trigger)

    def _through(self, arcs: Iterable[Arc], source: str, trigger: str) -> str:
        """Where this trigger leads; a core that is broken may have pulled one that leads nowhere."""
        for arc in arcs:
            if (arc.source, arc.trigger) == (source, trigger):
                self.arcs.add(arc)
                return arc.dest
        return source


def _possible_pairs() -> set[tuple[str, str]]:
    ends = set(_ENDS.values())
    from_rest = {(last, after) for last in {START, *ends} for after in ("begin_transfer", "mark_done")}
    withdrawn = {("cancel", "mark_done")}  # marking a transferring conversation done is both (T13)
    return from_rest | withdrawn | {("begin_transfer", end) for end in ends}
