"""What a relational store keeps of a decision: JSON texts, and beside them in columns what it is asked by.

Both SQL adapters write and read through here, so that what is a column is derived from the values in one place, and
what cannot be read back is told in one way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from threading import Lock
from typing import Final, TypeVar

import attrs

from sms_transfer.adapters.codec import from_json, to_json
from sms_transfer.core.decision import Claim, Decision, asked_for, places_moved
from sms_transfer.core.events import Event
from sms_transfer.core.lifecycle import TransferState
from sms_transfer.core.model import (
    Agent,
    Direction,
    Interaction,
    Message,
    Queue,
    Target,
    TargetKind,
    TransferRequest,
    targets_of,
)
from sms_transfer.core.notices import SystemMessage
from sms_transfer.core.policy import has_left, holder, kept_for, may_be_able
from sms_transfer.errors import Conflict, CorruptRecord, InvalidValue
from sms_transfer.ports import Facts

REMEMBERED_CHANGES: Final = 256
"""How many changes of a desk are kept, at least; a desktop that is further behind is told everything."""

_AGENTS: Final = 4_096
"""How many agents' records are remembered as values: they are asked for all the time and change seldom."""
_WRITTEN: Final = 1_024
"""How many interactions this process wrote last are remembered as values: what is written is mostly read next."""
_SHORT: Final = 4_096
"""Characters of a body that is worth remembering; what is longer could add up."""

T = TypeVar("T")


@attrs.frozen
class TransferRow:
    """A transfer request.

    Args:
        ticket: the id of its invitation; None where nobody is invited now.
        live: whether it still waits for its outcome, and so can be due.
        due_at: when it is.
        sender: who asks for it; None where nobody does with this (`sms_transfer.core.decision.asked_for`).
        target: what they ask for, as `target_key` writes it.
        waits_for: the target that it is ROUTING to, written likewise; None where it is not ROUTING.
        priority: the highest is routed first (Q3).
        requested_at: of two with the same priority the older is.
    """

    id: str
    ticket: str | None
    live: bool
    due_at: datetime
    sender: str | None
    target: str
    waits_for: str | None
    priority: int
    requested_at: datetime
    body: str


@attrs.frozen
class TextRow:
    """A text; ``outbound`` ones wait for the gateway."""

    id: str
    outbound: bool
    body: str


@attrs.frozen
class EntryRow:
    """An entry of My Messages."""

    agent_id: str
    id: str
    read: bool
    body: str


@attrs.frozen
class AgentRow:
    """An agent's record.

    Args:
        has_left: as `sms_transfer.core.policy.has_left`.
        status: the status on the channel; None for whoever is logged out or in do-not-disturb, and so cannot receive.
        capacity: how many places there are (E3).
        targets: the agent groups and skills of the record, as `target_key` writes them, sorted.
    """

    id: str
    has_left: bool
    status: str | None
    capacity: int
    targets: tuple[str, ...]
    body: str


@attrs.frozen
class QueueRow:
    """The record of a queue or routing point.

    Args:
        key: the target, as `target_key` writes it.
        label: what agents read.
        members: who serves it, sorted; nobody need know them.
    """

    key: str
    label: str
    members: tuple[str, ...]
    body: str


@attrs.frozen(kw_only=True)
class Rows:
    """All that a commit writes.

    Args:
        holder: the agent on whose desktop the interaction is, or None.
        kept_for: the agent whose place it takes while a queue owns it, or None (Q2).
        invitee: the agent who is invited, or None.
        offered_until: until when, from which on the invitation takes no place (E3, T10).
        key: an agent and their idempotency key, used up by ``request_id``.
        concerned: the agents whose desks count a change, sorted: locked in this order, nobody waits in a circle.
        entries: at most one for each agent concerned.
        moved: the agents whose places it may take or free, sorted (`sms_transfer.core.decision.places_moved`); all of
            those concerned are among them, or there are none.
    """

    id: str
    version: int
    holder: str | None
    kept_for: str | None
    invitee: str | None
    offered_until: datetime | None
    body: str
    transfers: tuple[TransferRow, ...]
    key: tuple[str, str] | None
    request_id: str | None
    texts: tuple[TextRow, ...]
    events: tuple[str, ...]
    concerned: tuple[str, ...]
    entries: tuple[EntryRow, ...]
    moved: tuple[str, ...]
    claim: Claim | None


class _Written:
    """The values behind the last bodies that were written.

    A body says all of a value, and values cannot change, so nothing here can be out of date.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._values: dict[str, Interaction] = {}

    def remember(self, body: str, interaction: Interaction) -> None:
        if len(body) > _SHORT:
            return
        with self._lock:
            self._values[body] = interaction
            if len(self._values) > _WRITTEN:
                del self._values[next(iter(self._values))]

    def get(self, body: str) -> Interaction | None:
        return self._values.get(body)


_written: Final = _Written()


def rows(decision: Decision) -> Rows:
    """What a decision writes."""
    interaction = decision.interaction
    invitation = interaction.live_invitation
    asked = asked_for(decision)
    body = to_json(interaction)
    _written.remember(body, interaction)
    return Rows(
        id=interaction.id,
        version=interaction.version,
        holder=holder(interaction),
        kept_for=kept_for(interaction),
        invitee=None if invitation is None else invitation.invitee,
        offered_until=None if invitation is None else invitation.deadline,
        body=body,
        transfers=tuple([_transfer_row(request, asked) for request in decision.requests]),
        key=decision.key,
        request_id=None if decision.key is None else decision.request.id,
        texts=tuple([TextRow(text.id, text.direction is Direction.OUTBOUND, to_json(text)) for text in decision.texts]),
        events=tuple([to_json(event) for event in decision.events]),
        concerned=tuple(sorted(set(decision.concerned))),
        entries=tuple(
            [EntryRow(notice.agent_id, notice.id, notice.read, to_json(notice)) for notice in decision.notices]
        ),
        moved=places_moved(decision),
        claim=decision.claim,
    )


def _transfer_row(request: TransferRequest, asked: Collection[str]) -> TransferRow:
    return TransferRow(
        id=request.id,
        ticket=None if request.invitation is None else request.invitation.id,
        live=not request.state.is_final,
        due_at=request.due_at,
        sender=request.sender if request.id in asked else None,
        target=target_key(request.target),
        waits_for=target_key(request.present_target) if request.state is TransferState.ROUTING else None,
        priority=request.priority,
        requested_at=request.requested_at,
        body=to_json(request),
    )


def agent_row(agent: Agent) -> AgentRow:
    """What is kept of an agent's record."""
    return AgentRow(
        id=agent.id,
        has_left=has_left(agent),
        status=agent.status.value if may_be_able(agent) else None,
        capacity=agent.capacity,
        targets=tuple(sorted(map(target_key, targets_of(agent)))),
        body=to_json(agent),
    )


def queue_row(queue: Queue) -> QueueRow:
    """What is kept of the record of a queue or routing point."""
    return QueueRow(target_key(queue.target), queue.label, tuple(sorted(queue.members)), to_json(queue))


def target_key(target: Target) -> str:
    """A target as one text; no two are written alike."""
    return f"{target.kind.value}:{target.id}"


def target_of(key: str) -> Target:
    """The target that `target_key` wrote."""
    kind, _, id_ = key.partition(":")
    return Target(TargetKind(kind), id_)


Kept = tuple[str, str]
"""An id and the body that is kept under it."""


def facts(
    *,
    interaction: Kept | None,
    request: Kept | None,
    load: int,
    message: Kept | None,
    repeated: Kept | None,
    agents: Iterable[Kept],
    waiting: bool,
) -> Facts:
    """What a store knows of a need, from what it found."""
    present = None if interaction is None else loaded_interaction(interaction)
    live = None if present is None else present.transfer
    if request is None:
        asked = None
    elif live is not None and live.id == request[0]:  # the same, and read already
        asked = live
    else:
        asked = loaded(request, TransferRequest)
    return Facts(
        interaction=present,
        request=asked,
        load=load,
        message=None if message is None else loaded(message, Message),
        repeated=None if repeated is None else loaded(repeated, TransferRequest),
        agents=agents_by_id(agents),
        waiting=waiting,
    )


def loaded(kept: Kept, kind: type[T]) -> T:
    """A value that is kept.

    Raises:
        CorruptRecord: what is kept is none of this kind.
    """
    try:
        return from_json(kept[1], kind)
    except InvalidValue as error:
        raise CorruptRecord(kind=_NAMES[kind], id=kept[0]) from error


def loaded_interaction(kept: Kept) -> Interaction:
    """An interaction that is kept; this process may have written it just now. Raises like `loaded`."""
    written = _written.get(kept[1])
    return loaded(kept, Interaction) if written is None else written


def all_loaded(kept: Iterable[Kept], kind: type[T]) -> tuple[T, ...]:
    """Values that are kept, in this order."""
    return tuple([loaded(one, kind) for one in kept])


def loaded_entry(kept: Kept, *, read: bool) -> SystemMessage:
    """An entry of My Messages; its mark is kept beside it."""
    message = loaded(kept, SystemMessage)
    return message if message.read is read else attrs.evolve(message, read=read)


def stored_agent(body: str | None, known: Agent) -> str:
    """The body that is kept of an agent's record, if it says what is known.

    Values are compared and not texts: an older version of the form may have written it.

    Raises:
        Conflict: it says something else, or there is none.
    """
    if body is None or loaded((known.id, body), Agent) != known:
        raise Conflict(kind="agent", id=known.id)
    return body


def stored_queue(body: str | None, known: Queue) -> str:
    """The body that is kept of a queue's record, if it says what is known; else as `stored_agent`."""
    key = target_key(known.target)
    if body is None or loaded((key, body), Queue) != known:
        raise Conflict(kind=known.target.kind, id=known.target.id)
    return body


def agents_by_id(kept: Iterable[Kept]) -> Mapping[str, Agent]:
    """Records of agents by id."""
    return {agent.id: agent for agent in map(_agent, kept)}


@lru_cache(_AGENTS)
def _agent(kept: Kept) -> Agent:
    return loaded(kept, Agent)


_NAMES: Final[Mapping[type, str]] = {
    Agent: "agent",
    Event: "event",
    Interaction: "interaction",
    Message: "message",
    Queue: "queue",
    SystemMessage: "message",
    TransferRequest: "transfer",
}
"""What a `CorruptRecord` calls them. An event is named by its interaction."""
