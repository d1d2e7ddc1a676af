"""What an exploration has been through: states, arcs, pairs of arcs, and guards both ways."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sms_transfer.core.decide import PresentCommand
from sms_transfer.core.lifecycle import AGENT, INTERACTION, START, TRANSFER, Arc, InteractionState, TransferState
from sms_transfer.errors import (
    IllegalTransition,
    InvitationClosed,
    NotPermitted,
    Refused,
    TargetNotEligible,
)
from sms_transfer.testing._cases import Case, Step

ROUTED: Final = frozenset(
    {arc for arc in TRANSFER.arcs if TransferState.ROUTING in (arc.source, arc.dest)}
    | {arc for arc in INTERACTION.arcs if InteractionState.QUEUED in (arc.source, arc.dest)}
)
"""The arcs of targets that stand for several agents: no command of this world leads through them."""

_ENDS: Final = {
    TransferState.ACCEPTED: "accept",
    TransferState.REJECTED: "reject",
    TransferState.EXPIRED: "expire",
    TransferState.CANCELLED: "cancel",
    TransferState.FAILED: "fail",
}


class Coverage:
    """Collects what was passed through."""

    def __init__(self) -> None:
        self.arcs: set[Arc] = set()
        self.pairs: set[tuple[str, str]] = set()
        self.passed: set[str] = set()
        self.refused: set[tuple[str, str]] = set()

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
        self.arcs.update(_arcs(before, step.case))

    def presence(self, source: str, trigger: str) -> None:
        """Note what an agent did."""
        self.arcs.update(arc for arc in AGENT.arcs if (arc.source, arc.trigger) == (source, trigger))

    @property
    def missing_arcs(self) -> frozenset[Arc]:
        """The arcs that this world could have led through and did not."""
        every = {*TRANSFER.arcs, *INTERACTION.arcs, *AGENT.arcs}
        return frozenset(every - ROUTED - self.arcs)

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


def _arcs(before: Case, after: Case) -> Iterable[Arc]:
    closed = after.closed[len(before.closed) :]
    moves: list[tuple[str, str]] = [(TransferState.INVITED, request.state) for request in closed]
    if after.asked > before.asked:
        moves.append((START, TransferState.INVITED))
    yield from (arc for arc in TRANSFER.arcs if (arc.source, arc.dest) in moves)
    steps = {
        "begin_transfer": after.asked > before.asked,
        "hand_over": any(request.state is TransferState.ACCEPTED for request in closed),
        "keep": any(request.state is not TransferState.ACCEPTED for request in closed),
        "mark_done": after.interaction.state is InteractionState.DONE,
    }
    source = before.interaction.state
    yield from (arc for arc in INTERACTION.arcs if arc.source == source and steps.get(arc.trigger, False))


def _possible_pairs() -> set[tuple[str, str]]:
    ends = set(_ENDS.values())
    from_rest = {(last, after) for last in {START, *ends} for after in ("begin_transfer", "mark_done")}
    withdrawn = {("cancel", "mark_done")}  # marking a transferring conversation done is both (T13)
    return from_rest | withdrawn | {("begin_transfer", end) for end in ends}
