"""The three formal machines.

Rule 1: every state and every arc stands in a table on this page, one row a line, each row naming the rule it is for.
What is not in a table cannot happen: `Lifecycle.step` refuses it and nothing has changed (F7).

Rule 2: the tables know states and triggers, not who may pull a trigger or when. Who, when and with what effect is
decided in `sms_transfer.core.decide`, which takes every step through these tables.

Theory of operation
-------------------

Three machines run beside each other.

1. **transfer**, one for each transfer request. It is born by ``invite`` (one agent was asked) or ``route`` (the target
   stands for several agents and none is picked yet) and ends in exactly one of five final states, its outcome. While
   it is ROUTING or INVITED it is *live*.

2. **interaction**, one for each conversation: who may do something with it. ACTIVE, its owner works on it.
   TRANSFERRING, its owner still works on it and a transfer is live. QUEUED, a queue owns it and a transfer is live.
   DONE, nothing can happen any more.

3. **agent**, one for each agent: the status on the SMS channel.

The first two are coupled. The law that couples them, which `sms_transfer.core.model.Interaction` refuses to break:

    the interaction is TRANSFERRING or QUEUED  if and only if  a transfer of it is live

and so each trigger of the transfer machine that begins or ends a request comes with one of the interaction machine,
in one change:

    =====================================  =======================================================
    transfer                               interaction
    =====================================  =======================================================
    invite or route, at the beginning      begin_transfer; then place, where the queue owns it at once (Q2)
    accept                                 hand_over: the invitee owns it, at a higher epoch
    reject, expire, cancel, fail           keep: the sender goes on owning it, the epoch stays
    reject, expire, fail; a queue owns it  give_back: the sender owns it again, at a higher epoch; or requeue: the queue
                                           goes on owning it, and the next request for it begins
    cancel, as part of marking done        mark_done
    =====================================  =======================================================

The third is coupled to the first by one arc only: ``log_out`` of an invitee pulls ``fail`` (T9). Going Not Ready pulls
nothing. (What policy makes of an agent who did not answer, A3, is a trigger of the third machine in its own right.)
A trigger that repeats what is already so (ready when READY, log out when LOGGED_OUT) is an arc from a state
to itself: desktops are doubled, connections drop and come back, and none of that is a fault of the agent's.

`transitions` builds the machines from the tables. That is the definition which is validated, drawn and offered to host
applications that want such a machine on a model of their own (`Lifecycle.machine`). The arcs that `Lifecycle.step`
walks are read back out of that built machine, so there is no second definition; no callback does any work.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Generic, NamedTuple, TypeVar

from transitions import EventData, Machine, MachineError, State

from sms_transfer.errors import IllegalTransition, InvalidValue

START: Final = "start"
"""Where a transfer request is before it is asked for: no request is ever in it."""


class TransferState(StrEnum):
    """Where a transfer request is. The last five are final: outcomes."""

    ROUTING = "routing"
    INVITED = "invited"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """Whether this is an outcome."""
        return self in _OUTCOMES


_OUTCOMES = frozenset(TransferState) - {TransferState.ROUTING, TransferState.INVITED}


class InteractionState(StrEnum):
    """Where an interaction is."""

    ACTIVE = "active"
    TRANSFERRING = "transferring"
    QUEUED = "queued"
    DONE = "done"


class ChannelStatus(StrEnum):
    """Where an agent is on the SMS channel."""

    LOGGED_OUT = "logged_out"
    NOT_READY = "not_ready"
    READY = "ready"


class Arc(NamedTuple):
    """One row of a table: from this state, this trigger leads there, because of this rule."""

    trigger: str
    source: str
    dest: str
    rule: str


_T, _I, _A = TransferState, InteractionState, ChannelStatus

TRANSFER_ARCS: Final = (
    Arc("invite", START, _T.INVITED, "T4"),
    Arc("route", START, _T.ROUTING, "Q1"),
    Arc("invite", _T.ROUTING, _T.INVITED, "Q1"),
    Arc("route", _T.INVITED, _T.ROUTING, "Q1"),
    Arc("accept", _T.INVITED, _T.ACCEPTED, "T5"),
    Arc("reject", _T.INVITED, _T.REJECTED, "T6"),
    Arc("expire", _T.INVITED, _T.EXPIRED, "T7"),
    Arc("expire", _T.ROUTING, _T.EXPIRED, "Q1"),
    Arc("cancel", _T.INVITED, _T.CANCELLED, "T8"),
    Arc("cancel", _T.ROUTING, _T.CANCELLED, "T8"),
    Arc("fail", _T.INVITED, _T.FAILED, "T9"),
    Arc("fail", _T.ROUTING, _T.FAILED, "Q1"),
)

INTERACTION_ARCS: Final = (
    Arc("begin_transfer", _I.ACTIVE, _I.TRANSFERRING, "T4"),
    Arc("hand_over", _I.TRANSFERRING, _I.ACTIVE, "T5"),
    Arc("keep", _I.TRANSFERRING, _I.ACTIVE, "T6"),
    Arc("place", _I.TRANSFERRING, _I.QUEUED, "Q2"),
    Arc("hand_over", _I.QUEUED, _I.ACTIVE, "Q2"),
    Arc("give_back", _I.QUEUED, _I.ACTIVE, "Q2"),
    Arc("requeue", _I.QUEUED, _I.QUEUED, "Q2"),
    Arc("mark_done", _I.ACTIVE, _I.DONE, "T15"),
    Arc("mark_done", _I.TRANSFERRING, _I.DONE, "T13"),
    Arc("mark_done", _I.QUEUED, _I.DONE, "Q2"),
)

AGENT_ARCS: Final = (
    Arc("log_in", _A.LOGGED_OUT, _A.NOT_READY, "T1"),
    Arc("log_in", _A.NOT_READY, _A.NOT_READY, "D7"),
    Arc("log_in", _A.READY, _A.READY, "D7"),
    Arc("set_ready", _A.NOT_READY, _A.READY, "E2"),
    Arc("set_ready", _A.READY, _A.READY, "D7"),
    Arc("set_not_ready", _A.READY, _A.NOT_READY, "E2"),
    Arc("set_not_ready", _A.NOT_READY, _A.NOT_READY, "E2"),
    Arc("log_out", _A.READY, _A.LOGGED_OUT, "T9"),
    Arc("log_out", _A.NOT_READY, _A.LOGGED_OUT, "T9"),
    Arc("log_out", _A.LOGGED_OUT, _A.LOGGED_OUT, "D7"),
)

S = TypeVar("S", bound=StrEnum)


class Lifecycle(Generic[S]):
    """One formal machine: its table, and what can be made of it.

    Args:
        name: how errors call it.
        states: the states its subjects can be in.
        initial: where it begins; for transfers that is `START`, which is no state of a request.
        final: the states that nothing leaves.
        arcs: the table.

    Raises:
        ValueError: the table is not sound: an arc names an unknown state or leaves a final one, two arcs disagree, a
            state cannot be reached, or a live state has no way out. `transitions` accepts all of these silently.
    """

    def __init__(self, name: str, states: type[S], *, initial: str, final: Iterable[S], arcs: Iterable[Arc]) -> None:
        self.name = name
        self.initial: str = str(initial)  # `transitions` would take a member of an enum by its name
        self.final: frozenset[S] = frozenset(final)
        self.arcs: tuple[Arc, ...] = tuple(arcs)
        self.states: tuple[str, ...] = tuple(dict.fromkeys((str(initial), *map(str, states))))
        self.triggers: tuple[str, ...] = tuple(dict.fromkeys(arc.trigger for arc in self.arcs))
        self._check()
        self._steps = self._read_back(states)

    def step(self, state: str, trigger: str) -> S:
        """Follow the arc of ``trigger`` out of ``state``.

        Raises:
            IllegalTransition: there is no such arc.

        Examples:
            >>> from sms_transfer import TRANSFER
            >>> TRANSFER.step("invited", "accept")
            <TransferState.ACCEPTED: 'accepted'>
            >>> TRANSFER.step("accepted", "cancel")  # doctest: +ELLIPSIS
            Traceback (most recent call last):
            sms_transfer.errors.IllegalTransition: transfer in state accepted does not allow cancel; it allows ...
        """
        try:
            return self._steps[state, trigger]
        except KeyError:
            raise self._illegal(state, trigger) from None

    def allowed(self, state: str) -> frozenset[str]:
        """The triggers that have an arc out of ``state``.

        Examples:
            >>> from sms_transfer import INTERACTION
            >>> sorted(INTERACTION.allowed("transferring"))
            ['hand_over', 'keep', 'mark_done', 'place']
        """
        return frozenset(trigger for source, trigger in self._steps if source == state)

    def machine(self, model: object, *, initial: str | None = None, attribute: str = "state") -> Machine:
        """Put this machine on a model of the host application's own.

        The model gets a method for each trigger (``model.accept()``) and a ``may_`` one for each, and keeps its state
        as a string in ``attribute``. A trigger without an arc raises `IllegalTransition` and changes nothing. Each call
        makes a machine of its own, so that models that are equal are not taken for one another.

        Args:
            model: any object that takes new attributes (not a frozen or slotted one: `transitions` sets methods on it).
            initial: the state it is in now; the machine's beginning if left out.
            attribute: the name of the model's state attribute.

        Raises:
            InvalidValue: the model takes no new attributes, or ``initial`` is no state of this machine.
        """
        start = self.initial if initial is None else str(initial)
        if model is None or not attribute.isidentifier():
            raise InvalidValue(field="model", rule="must be an object, and the attribute a name")
        if start not in self.states:
            raise InvalidValue(field="initial", rule=f"must be one of {', '.join(self.states)}")
        try:
            return self._build(model, start, attribute)
        except AttributeError:
            raise InvalidValue(field="model", rule="must be an object that takes new attributes") from None

    def mermaid(self) -> str:
        """The machine as a Mermaid state diagram, drawn from the table."""
        lines = ["stateDiagram-v2"]
        if self.initial != START:
            lines.append(f"    [*] --> {self.initial.upper()}")
        for arc in self.arcs:
            source = "[*]" if arc.source == START else arc.source.upper()
            lines.append(f"    {source} --> {arc.dest.upper()}: {arc.trigger} ({arc.rule})")
        lines.extend(f"    {state.upper()} --> [*]" for state in self.states if state in self.final)
        return "\n".join(lines) + "\n"

    def _build(self, model: object, initial: str, attribute: str) -> Machine:
        return Machine(
            model=model,
            name=self.name,
            states=[State(state, final=state in self.final) for state in self.states],
            transitions=[[arc.trigger, str(arc.source), str(arc.dest)] for arc in self.arcs],
            initial=initial,
            model_attribute=attribute,
            auto_transitions=False,  # they would be arcs that are in no table
            send_event=True,
            on_exception=self._explain,
        )

    def _explain(self, event: EventData) -> None:
        """Tell an illegal trigger in our own words; let what a host's callback raised pass as it is."""
        error = event.error
        if error is None or isinstance(error, MachineError):
            raise self._illegal(event.state.name, event.event.name) from None
        raise error

    def _illegal(self, state: str, trigger: str) -> IllegalTransition:
        return IllegalTransition(machine=self.name, state=str(state), trigger=trigger, allowed=self.allowed(state))

    def _read_back(self, states: type[S]) -> Mapping[tuple[str, str], S]:
        built = self._build(None, self.initial, "state")
        return MappingProxyType(
            {
                (source, trigger): states(str(arcs[0].dest))
                for trigger, event in built.events.items()
                for source, arcs in event.transitions.items()
            }
        )

    def _check(self) -> None:
        known = set(self.states)
        seen: set[tuple[str, str]] = set()
        for arc in self.arcs:
            if not {arc.source, arc.dest} <= known:
                raise ValueError(f"{self.name}: {arc} names an unknown state")
            if arc.source in self.final:
                raise ValueError(f"{self.name}: {arc} leaves a final state")
            if (arc.source, arc.trigger) in seen:
                raise ValueError(f"{self.name}: {arc} stands twice")
            seen.add((arc.source, arc.trigger))
        reached = _closure({self.initial}, {(str(arc.source), str(arc.dest)) for arc in self.arcs})
        if lost := known - reached:
            raise ValueError(f"{self.name}: cannot be reached: {sorted(lost)}")
        ways_out = {str(arc.source) for arc in self.arcs if arc.source != arc.dest}
        if stuck := known - ways_out - set(map(str, self.final)):
            raise ValueError(f"{self.name}: no way out of {sorted(stuck)}")


def _closure(found: set[str], pairs: set[tuple[str, str]]) -> set[str]:
    while more := {dest for source, dest in pairs if source in found} - found:
        found = found | more
    return found


TRANSFER: Final = Lifecycle("transfer", TransferState, initial=START, final=_OUTCOMES, arcs=TRANSFER_ARCS)
INTERACTION: Final = Lifecycle("interaction", _I, initial=_I.ACTIVE, final={_I.DONE}, arcs=INTERACTION_ARCS)
AGENT: Final = Lifecycle("agent", _A, initial=_A.LOGGED_OUT, final=(), arcs=AGENT_ARCS)
