"""Runs of the core that lead to what is recorded, and what does not fit where there is none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from itertools import zip_longest
from typing import Final

import attrs

from sms_transfer.core.commands import Expire
from sms_transfer.core.decide import InteractionCommand, decide
from sms_transfer.core.decision import Decision
from sms_transfer.core.events import Event
from sms_transfer.core.model import Interaction, TransferRequest
from sms_transfer.core.policy import TransferPolicy
from sms_transfer.core.record import Record, evolve
from sms_transfer.errors import SmsTransferError
from sms_transfer.testing._asked import Asked, Asking, Trace, Untold


class TraceMismatch(AssertionError):
    """A trace that the core does not explain.

    Its words name ids, states and types only: nothing personal (A6).

    Args:
        interaction_id: whose.
        what: what does not fit.
        position: of the first event that the core would not have produced; the number of events, if all of them fit and
            what they lead to does not.
        event: that event; None behind the last one.
        instead: the event that the core would have produced there; None, if none.
        command: what it was asked, so far as one can tell.
        refusal: what it refused that with.
        prefix: the shortest beginning of the history that cannot be explained.
    """

    def __init__(
        self,
        interaction_id: str,
        what: str,
        *,
        position: int,
        event: Event | None = None,
        instead: Event | None = None,
        command: InteractionCommand | None = None,
        refusal: SmsTransferError | None = None,
        prefix: tuple[Event, ...] = (),
    ) -> None:
        said = {"recorded": event, "the core": instead, "asked": command, "refused": refusal}
        lines = [f"{name}: {value!r}" for name, value in said.items() if value is not None]
        super().__init__("\n  ".join([f"{interaction_id}, event {position}: {what}", *lines]))
        self.interaction_id: Final = interaction_id
        self.what: Final = what
        self.position: Final = position
        self.event: Final = event
        self.instead: Final = instead
        self.command: Final = command
        self.refusal: Final = refusal
        self.prefix: Final = prefix


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Commit(Record):
    """One commit of a trace, explained.

    Args:
        command: what the core was asked.
        now: when; of an expiry that was recorded alone, the earliest instant at which it can have been.
        decision: what it decided.
    """

    command: InteractionCommand
    now: datetime
    decision: Decision


@attrs.frozen(kw_only=True, eq=False)
class State:
    """How far a trace is explained, and by what.

    Args:
        position: of the first event that is not.
        texts: how many texts of the transcript are.
        shared: how many more expiries were recorded with the next commit.
        commit: the last one.
        before: the state that it was decided in.
    """

    interaction: Interaction | None = None
    position: int = 0
    texts: int = 0
    shared: int
    commit: Commit | None = None
    before: State | None = attrs.field(default=None, repr=False)  # or all of them would be shown

    @property
    def version(self) -> int:
        """How many commits there were."""
        return 0 if self.interaction is None else self.interaction.version

    def back(self) -> Iterator[State]:
        """This one and those before."""
        state: State | None = self
        while state is not None:
            yield state
            state = state.before


class Search:
    """Looks for a run of the core that leads to what is recorded.

    Where the policies differ there may be more than one way to go on, so it goes the next one where one leads nowhere.
    """

    def __init__(self, trace: Trace, policies: Iterable[TransferPolicy]) -> None:
        self._trace = trace
        self._policies = tuple(policies)
        self._asking = Asking(trace)

    def run(self, shared: int) -> State:
        """The end of a run; so many expiries, if possible, are recorded with the commit after them.

        Raises:
            TraceMismatch: there is no such run; of what does not fit, that which comes last.
        """
        mismatches = list[TraceMismatch]()
        pending = [State(shared=shared)]
        while pending:
            state = pending.pop()
            try:
                if state.position == len(self._trace.history):
                    self._check_end(state)
                    return state
                pending.extend(self._following(state))
            except TraceMismatch as mismatch:
                mismatches.append(mismatch)
        raise _last(mismatches)

    def _following(self, state: State) -> list[State]:
        """Every way to go on, the one that the first policy leads to last.

        Raises:
            TraceMismatch: there is none.
        """
        found, mismatches = list[State](), list[TraceMismatch]()
        for policy in reversed(self._policies):
            try:
                following = self._go_on(state, policy)
            except TraceMismatch as mismatch:
                mismatches.append(mismatch)
            else:
                there = following.position, following.interaction
                found = [*[one for one in found if (one.position, one.interaction) != there], following]
        if not found:
            raise _last(mismatches)
        return found

    def _go_on(self, state: State, policy: TransferPolicy) -> State:
        """The state after the next commit; an expiry is recorded with as many that follow as may be (T10)."""
        ends = [self._step(state, policy)]
        with suppress(TraceMismatch):  # the one that ends the row is met again when it is its turn
            while len(ends) <= state.shared and self._may_be_shared(ends[-1]):
                ends.append(self._step(ends[-1], policy))
        for number in range(len(ends) - 1, 0, -1):
            with suppress(TraceMismatch):
                return evolve(self._decide(state, _asked_of(ends[number]), policy), shared=state.shared - number)
        return ends[0]

    def _may_be_shared(self, state: State) -> bool:
        return isinstance(_asked_of(state).command, Expire) and state.position < len(self._trace.history)

    def _step(self, state: State, policy: TransferPolicy) -> State:
        """The state after the command that the next event tells of, carried out by itself."""
        try:
            asked = self._asking.command(state.interaction, state.position, policy)
        except (Untold, SmsTransferError) as error:  # ours, if the command cannot even be made of what is recorded
            raise self._mismatch(state.position, str(error)) from error
        return self._decide(state, asked, policy)

    def _decide(self, state: State, asked: Asked, policy: TransferPolicy) -> State:
        command = asked.command
        try:
            decision = decide(state.interaction, command, self._asking.context(state.interaction, asked, policy))
        except SmsTransferError as refusal:
            what = "the core refuses it"
            raise self._mismatch(state.position, what, command=command, refusal=refusal) from refusal
        self._check_events(state.position, command, decision)
        end = state.position + len(decision.events)
        texts = state.texts + len(decision.texts)
        if decision.texts != self._trace.transcript[state.texts : texts]:
            raise self._mismatch(end - 1, "the transcript has another text in its place", command=command)
        for request in decision.requests:
            self._check_request(request, end - 1, command)
        return State(
            interaction=decision.interaction,
            position=end,
            texts=texts,
            shared=state.shared,
            commit=Commit(command=command, now=asked.now, decision=decision),
            before=state,
        )

    def _check_events(self, position: int, command: InteractionCommand, decision: Decision) -> None:
        """The events must be the next ones of the history, and there must be some."""
        recorded = self._trace.history[position : position + max(len(decision.events), 1)]
        for further, (found, decided) in enumerate(zip_longest(recorded, decision.events)):
            if found != decided:
                raise self._mismatch(
                    position + further,
                    "the core decides otherwise",
                    command=command,
                    instead=decided,
                    refusal=decision.refusal,
                )

    def _check_request(self, request: TransferRequest, position: int, command: InteractionCommand) -> None:
        """What is closed must be what is recorded; of what is live, all that does not change any more."""
        recorded = self._asking.requests.get(request.id)
        if recorded is None:
            raise self._mismatch(position, f"transfer {request.id} is not recorded", command=command)
        names = _names(request) if request.state.is_final else _terms(request, recorded)
        if differences := _differences(request, recorded, names):
            what = f"transfer {request.id} is recorded otherwise: {differences}"
            raise self._mismatch(position, what, command=command)
        if not _tickets(request) <= _tickets(recorded):
            raise self._mismatch(position, f"transfer {request.id} has other invitations", command=command)

    def _check_end(self, state: State) -> None:
        """What it leads to must be what is recorded; the version is looked at when all else fits."""
        trace, interaction = self._trace, state.interaction
        if interaction is None:
            raise self._mismatch(0, "nothing has happened, and yet it is there")
        names = [name for name in _names(interaction) if name != "version"]
        if differences := _differences(interaction, trace.interaction, names):
            raise self._mismatch(state.position, f"the interaction is recorded otherwise: {differences}")
        if state.texts < len(trace.transcript):
            raise self._mismatch(state.position, "the transcript has texts that no event tells of")
        decisions = [one.commit.decision for one in state.back() if one.commit is not None]
        if len(trace.requests) > len({request.id for decision in decisions for request in decision.requests}):
            raise self._mismatch(state.position, "there are transfers that no event tells of")
        if interaction.transfer is not None and interaction.transfer != self._asking.requests[interaction.transfer.id]:
            raise self._mismatch(state.position, "the live transfer is recorded in two ways")
        told = {entry for decision in decisions for entry in decision.notices}
        if not told.issuperset(evolve(entry, read=False) for entry in trace.messages):
            raise self._mismatch(state.position, "My Messages have an entry that the core does not make")

    def _mismatch(
        self,
        position: int,
        what: str,
        *,
        command: InteractionCommand | None = None,
        instead: Event | None = None,
        refusal: SmsTransferError | None = None,
    ) -> TraceMismatch:
        history = self._trace.history
        return TraceMismatch(
            self._trace.interaction.id,
            what,
            position=position,
            event=history[position] if position < len(history) else None,
            instead=instead,
            command=command,
            refusal=refusal,
            prefix=history[: position + 1],
        )


def _last(mismatches: Iterable[TraceMismatch]) -> TraceMismatch:
    return max(mismatches, key=lambda mismatch: mismatch.position)


def _asked_of(state: State) -> Asked:
    assert state.commit is not None  # noqa: S101 - a step has led to it
    return Asked(state.commit.command, state.commit.now)


def _terms(live: TransferRequest, recorded: TransferRequest) -> Iterator[str]:
    """The fields of a live request that are as they will be when it is closed."""
    yield from (
        *("interaction_id", "sender", "target", "requested_at", "note", "sender_name", "target_name"),
        *("priority", "no_answer", "return_to_sender"),
    )
    if live.on_fallback or (not recorded.on_fallback and live.fallback == recorded.fallback):
        yield "deadline"  # it goes to no fallback any more


def _tickets(request: TransferRequest) -> set[str]:
    """The invitations that it ever had; what it is now may have fewer still than it will have."""
    live = () if request.invitation is None else (request.invitation.id,)
    return {*live, *[past.id for past in request.past_invitations]}


def _names(value: TransferRequest | Interaction) -> list[str]:
    return [field.name for field in attrs.fields(type(value))]


def _differences(decided: Interaction | TransferRequest, recorded: object, names: Iterable[str]) -> str:
    """The fields in which two records differ, with what may be shown of them (A6)."""
    fields = {field.name: field for field in attrs.fields(type(decided))}
    found = list[str]()
    for name in names:
        values = getattr(recorded, name), getattr(decided, name)
        if values[0] != values[1]:
            found.append(f"{name} is {_shown(fields[name], values[0])}, not {_shown(fields[name], values[1])}")
    return ", ".join(found)


def _shown(field: attrs.Attribute[object], value: object) -> str:
    return field.repr(value) if callable(field.repr) else repr(value) if field.repr else "…"
