"""The things the domain speaks of, as values that cannot change and cannot be nonsense.

An `Interaction` carries its live transfer: both are one aggregate with one version, so ownership and transfer cannot
disagree. Ids are non-empty strings of at most 128 characters, times are aware and kept in UTC, and nothing personal
(numbers, names of contacts, texts, notes, case data) shows in a ``repr`` (A6). Ids do, in errors and logs too: they
must not be personal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import attrs

from sms_transfer.core import check
from sms_transfer.core.check import CaseData
from sms_transfer.core.lifecycle import ChannelStatus, InteractionState, TransferState
from sms_transfer.core.notices import Notice
from sms_transfer.core.record import Record
from sms_transfer.errors import invalid

_ADDRESS = re.compile(r"\+[1-9][0-9]{1,14}|[0-9]{3,8}")
_HIDDEN_TAIL = 2


class Media(StrEnum):
    """What an interaction is made of. Both travel on the one SMS channel."""

    SMS = "sms"
    MMS = "mms"


class Direction(StrEnum):
    """Which way a text went: from the contact, or to them."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class Privilege(StrEnum):
    """What an agent may be allowed (E4). Each guards the command as well as the button."""

    USE_SMS = "use_sms"
    TRANSFER = "transfer"
    DECLINE = "decline"
    SAVE_ATTACHMENTS = "save_attachments"
    MANAGE_FAVOURITES = "manage_favourites"


class TargetKind(StrEnum):
    """What kind of internal party a transfer can go to."""

    AGENT = "agent"
    QUEUE = "queue"
    ROUTING_POINT = "routing_point"
    AGENT_GROUP = "agent_group"
    SKILL = "skill"


class NoAnswer(StrEnum):
    """What becomes of the status of an agent who did not answer an invitation (A3)."""

    NOTHING = "nothing"
    NOT_READY = "not_ready"
    LOG_OUT = "log_out"


def _address(_: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, str) or _ADDRESS.fullmatch(value) is None:
        invalid(attribute.name, "must be an E.164 number (+ and 2 to 15 digits) or a short code (3 to 8 digits)")


def _masked(address: str) -> str:
    return f"'…{address[-_HIDDEN_TAIL:]}'"


def _measured(words: str) -> str:
    return f"<{len(words)} characters>"


@attrs.frozen
class Contact:
    """The person outside.

    Args:
        address: an E.164 number (``+`` and 2 to 15 digits) or a short code (3 to 8 digits); masked in ``repr``.
        name: what they are called, if known; at most 256 characters.

    Examples:
        >>> from sms_transfer import Contact
        >>> Contact("+14155550123", name="Jane Roe")
        Contact(address='…23')
    """

    address: str = attrs.field(validator=_address, repr=_masked)
    name: str = attrs.field(default="", validator=check.text(check.MAX_NAME), repr=False)

    @property
    def label(self) -> str:
        """What a person reads: the name, or the address where there is none."""
        return self.name or self.address


@attrs.frozen(eq=False, repr=False)
class Attachment(Record):
    """A file that came or goes with a message, an MMS image most often.

    The bytes stay where the host application or its provider keeps them.

    Args:
        id: names it within its message.
        content_type: its media type, such as ``"image/jpeg"``.
        url: where the front end finds it. Not shown in ``repr``.
        name: its file name. Not shown in ``repr``.
        size: in bytes; 0 if unknown.
    """

    id: str = attrs.field(validator=check.identifier)
    content_type: str = attrs.field(validator=check.identifier, kw_only=True)
    url: str = attrs.field(default="", validator=check.text(check.MAX_TEXT), repr=False, kw_only=True)
    name: str = attrs.field(default="", validator=check.text(check.MAX_NAME), repr=False, kw_only=True)
    size: int = attrs.field(default=0, validator=check.count, kw_only=True)


def _attachments(value: Sequence[Attachment]) -> tuple[Attachment, ...]:
    return check.to_tuple(value)


@attrs.frozen
class Message:
    """One text of a conversation.

    Args:
        id: unique among messages; for an outbound one it is the provider's idempotency key (F6).
        text: at most 65,536 characters; only its length shows in ``repr``.
        sender: the agent who wrote it; empty where the contact did.
        epoch: the ownership under which it was written (F1), for outbound ones; the one it arrived in otherwise.
    """

    id: str = attrs.field(validator=check.identifier)
    interaction_id: str = attrs.field(validator=check.identifier, kw_only=True)
    direction: Direction = attrs.field(validator=check.one_of(Direction), kw_only=True)
    text: str = attrs.field(validator=check.text(check.MAX_TEXT), repr=_measured, kw_only=True)
    at: datetime = attrs.field(converter=check.to_utc, validator=check.instant, kw_only=True)
    attachments: tuple[Attachment, ...] = attrs.field(
        default=(), converter=_attachments, validator=check.all_of(tuple, Attachment), kw_only=True
    )
    sender: str = attrs.field(default="", validator=check.text(check.MAX_ID), kw_only=True)
    epoch: int = attrs.field(default=0, validator=check.count, kw_only=True)


_ALL_MEDIA: Final = tuple(Media)
_ALL_PRIVILEGES: Final = tuple(Privilege)


def _media(value: Iterable[Media]) -> frozenset[Media]:
    return check.to_frozenset(value)


def _privileges(value: Iterable[Privilege]) -> frozenset[Privilege]:
    return check.to_frozenset(value)


@attrs.frozen
class Agent:
    """A person inside who handles interactions.

    Args:
        id: who.
        name: what colleagues read; at most 256 characters.
        status: on the SMS channel.
        reason: why Not Ready, in the centre's own codes or words.
        do_not_disturb: stands beside the status and is remembered across log-outs.
        media: what this agent handles.
        privileges: what this agent may do (E4).
        capacity: how many interactions at most, live invitations counted in (E3).
        groups: agent groups this agent belongs to.
        skills: skills this agent has.

    Examples:
        >>> from sms_transfer import Agent
        >>> bob = Agent("bob", "Bob", skills=["dutch"])
        >>> bob.status.value, bob.capacity, bob.skills
        ('logged_out', 5, frozenset({'dutch'}))
    """

    id: str = attrs.field(validator=check.identifier)
    name: str = attrs.field(validator=check.text(check.MAX_NAME))
    status: ChannelStatus = attrs.field(
        default=ChannelStatus.LOGGED_OUT, validator=check.one_of(ChannelStatus), kw_only=True
    )
    reason: str = attrs.field(default="", validator=check.text(check.MAX_NAME), kw_only=True)
    do_not_disturb: bool = attrs.field(default=False, validator=check.one_of(bool), kw_only=True)
    media: frozenset[Media] = attrs.field(
        default=_ALL_MEDIA,
        converter=_media,
        validator=check.all_of(frozenset, Media),
        kw_only=True,
    )
    privileges: frozenset[Privilege] = attrs.field(
        default=_ALL_PRIVILEGES,
        converter=_privileges,
        validator=check.all_of(frozenset, Privilege),
        kw_only=True,
    )
    capacity: int = attrs.field(default=5, validator=check.count, kw_only=True)
    groups: frozenset[str] = attrs.field(default=(), converter=check.to_ids, validator=check.identifiers, kw_only=True)
    skills: frozenset[str] = attrs.field(default=(), converter=check.to_ids, validator=check.identifiers, kw_only=True)


@attrs.frozen
class Target:
    """An internal party that an interaction can be transferred to.

    Examples:
        >>> from sms_transfer import Target
        >>> Target.queue("sales")
        Target(kind=<TargetKind.QUEUE: 'queue'>, id='sales')
    """

    kind: TargetKind = attrs.field(validator=check.one_of(TargetKind))
    id: str = attrs.field(validator=check.identifier)

    @classmethod
    def agent(cls, id: str) -> Target:  # noqa: A002 - named so in the public contract
        """One agent, who is invited."""
        return cls(TargetKind.AGENT, id)

    @classmethod
    def queue(cls, id: str) -> Target:  # noqa: A002
        """A queue: any agent who serves it."""
        return cls(TargetKind.QUEUE, id)

    @classmethod
    def routing_point(cls, id: str) -> Target:  # noqa: A002
        """A routing point: any agent who serves it."""
        return cls(TargetKind.ROUTING_POINT, id)

    @classmethod
    def agent_group(cls, id: str) -> Target:  # noqa: A002
        """Any agent of the group."""
        return cls(TargetKind.AGENT_GROUP, id)

    @classmethod
    def skill(cls, id: str) -> Target:  # noqa: A002
        """Any agent who has the skill."""
        return cls(TargetKind.SKILL, id)


def _several(_: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, Target) or value.kind not in _QUEUES:
        invalid(attribute.name, "must be a queue or a routing point")


_QUEUES: Final = frozenset({TargetKind.QUEUE, TargetKind.ROUTING_POINT})


@attrs.frozen(eq=False, repr=False)
class Queue(Record):
    """A queue or a routing point, and who serves it (Q1).

    Agent groups and skills have no such record: who belongs to them stands in the agents' own records.

    Args:
        target: which queue or routing point.
        members: the ids of the agents who serve it. Not shown in ``repr``.
        name: what agents read; at most 256 characters; the target's id if left empty.
    """

    target: Target = attrs.field(validator=_several)
    members: frozenset[str] = attrs.field(default=(), converter=check.to_ids, validator=check.identifiers, repr=False)
    name: str = attrs.field(default="", validator=check.text(check.MAX_NAME), kw_only=True)

    @property
    def label(self) -> str:
        """What an agent reads: the name, or the id where there is none."""
        return self.name or self.target.id


def targets_of(agent: Agent) -> frozenset[Target]:
    """The agent groups and skills that this agent's record puts them in."""
    return frozenset({*map(Target.agent_group, agent.groups), *map(Target.skill, agent.skills)})


def is_owner(_: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Validate an owner."""
    if not isinstance(value, Target) and not check.is_identifier(value):
        invalid(attribute.name, "must be the id of an agent, or a Target")


@attrs.frozen
class Outcome:
    """How a transfer request ended. It never changes (F3) and is told truthfully (A2).

    Args:
        state: the final state.
        by: the agent who caused it; None where time alone did.
        at: when.
        reason: why. The rejecting agent's own words for REJECTED (not shown in ``repr``), a stable slug otherwise:
            ``no_answer``, ``cancelled_by_sender``, ``interaction_done``, ``invitee_logged_out``,
            ``invitee_disconnected``, ``no_agent_in_time``, ``no_agent_left``.
        owner: who owns the interaction; in an `InvitationClosed`, who does at the moment of the refusal (T11).
    """

    state: TransferState = attrs.field(validator=check.one_of(TransferState))
    by: str | None = attrs.field(validator=check.optional_identifier, kw_only=True)
    at: datetime = attrs.field(converter=check.to_utc, validator=check.instant, kw_only=True)
    reason: str = attrs.field(default="", validator=check.text(check.MAX_TEXT), repr=False, kw_only=True)
    owner: str | Target = attrs.field(validator=is_owner, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not self.state.is_final:
            invalid("state", "must be a final state")


@attrs.frozen
class Invitation:
    """An offer of an interaction to one agent, with a deadline.

    Args:
        id: the ticket: it names this one offer and no other.
        invitee: the agent who is asked.
        deadline: from this instant on it is too late (T10).
    """

    id: str = attrs.field(validator=check.identifier)
    invitee: str = attrs.field(validator=check.identifier, kw_only=True)
    offered_at: datetime = attrs.field(converter=check.to_utc, validator=check.instant, kw_only=True)
    deadline: datetime = attrs.field(converter=check.to_utc, validator=check.instant, kw_only=True)


@attrs.frozen(eq=False, repr=False)
class PastInvitation(Record):
    """An invitation that closed while its request stayed live and went on to the next agent (Q1).

    Args:
        id: the ticket.
        outcome: how this offer ended; that of the request may be another.
    """

    id: str = attrs.field(validator=check.identifier)
    invitee: str = attrs.field(validator=check.identifier, kw_only=True)
    outcome: Outcome = attrs.field(validator=check.one_of(Outcome), kw_only=True)


def _past(value: Sequence[PastInvitation]) -> tuple[PastInvitation, ...]:
    return check.to_tuple(value)


@attrs.frozen
class TransferRequest:
    """One attempt to hand an interaction from its owner to a target.

    Args:
        sender: the agent who asked, and who stays the owner until somebody accepts (T4), unless the target became the
            owner at once (Q2).
        target: what was asked for.
        requested_at: when it was asked; of two that wait with the same priority the older is routed first (Q3).
        deadline: by when it has its outcome, whatever happens (F4).
        note: the sender's words for whoever is invited; only its length shows in ``repr``.
        invitation: the live one, or the last one; None while it is ROUTING.
        outcome: there exactly when ``state`` is final.
        sender_name: the sender's name when it was asked, for the invitee to read.
        target_name: the target's name when it was asked, for the sender to read.
        priority: goes before age when it is routed; the highest first (Q3).
        past_invitations: the earlier ones, in order; nobody is asked twice (Q1).
        fallback: the target that it goes to, once, when the target cannot take it (Q5); None if there is none.
        fallback_name: its name when it was asked.
        on_fallback: whether it has gone there.
        no_answer: what becomes of the status of an invitee who does not answer (A3).
        return_to_sender: whether it goes back to the sender when nobody of a queue that owns it takes it (Q2).
    """

    id: str = attrs.field(validator=check.identifier)
    interaction_id: str = attrs.field(validator=check.identifier, kw_only=True)
    sender: str = attrs.field(validator=check.identifier, kw_only=True)
    target: Target = attrs.field(validator=check.one_of(Target), kw_only=True)
    state: TransferState = attrs.field(validator=check.one_of(TransferState), kw_only=True)
    requested_at: datetime = attrs.field(converter=check.to_utc, validator=check.instant, kw_only=True)
    deadline: datetime = attrs.field(converter=check.to_utc, validator=check.instant, kw_only=True)
    note: str = attrs.field(default="", validator=check.text(check.MAX_TEXT), repr=_measured, kw_only=True)
    invitation: Invitation | None = attrs.field(default=None, validator=check.optional(Invitation), kw_only=True)
    outcome: Outcome | None = attrs.field(default=None, validator=check.optional(Outcome), kw_only=True)
    sender_name: str = attrs.field(default="", validator=check.text(check.MAX_NAME), kw_only=True)
    target_name: str = attrs.field(default="", validator=check.text(check.MAX_NAME), kw_only=True)
    priority: int = attrs.field(default=0, validator=check.count, kw_only=True)
    past_invitations: tuple[PastInvitation, ...] = attrs.field(
        default=(), converter=_past, validator=check.all_of(tuple, PastInvitation), kw_only=True
    )
    fallback: Target | None = attrs.field(default=None, validator=check.optional(Target), kw_only=True)
    fallback_name: str = attrs.field(default="", validator=check.text(check.MAX_NAME), kw_only=True)
    on_fallback: bool = attrs.field(default=False, validator=check.one_of(bool), kw_only=True)
    no_answer: NoAnswer = attrs.field(default=NoAnswer.NOTHING, validator=check.one_of(NoAnswer), kw_only=True)
    return_to_sender: bool = attrs.field(default=False, validator=check.one_of(bool), kw_only=True)

    @property
    def present_target(self) -> Target:
        """The target whose turn it is: the one asked for, or the fallback (Q5)."""
        return self.fallback if self.on_fallback and self.fallback is not None else self.target

    @property
    def present_name(self) -> str:
        """What an agent reads of the target whose turn it is."""
        return (self.fallback_name if self.on_fallback else self.target_name) or self.present_target.id

    @property
    def due_at(self) -> datetime:
        """When time alone next changes it: the deadline of its live invitation, or its own (F4)."""
        if self.state is TransferState.INVITED and self.invitation is not None:
            return min(self.invitation.deadline, self.deadline)
        return self.deadline

    @property
    def asked(self) -> frozenset[str]:
        """The agents who were invited before and did not take it."""
        return frozenset([past.invitee for past in self.past_invitations])

    def __attrs_post_init__(self) -> None:
        if self.state.is_final is (self.outcome is None) or (self.outcome and self.outcome.state is not self.state):
            invalid("outcome", "must be there, and agree, exactly when the state is final")
        if self.state is TransferState.INVITED and self.invitation is None:
            invalid("invitation", "must be there while the state is INVITED")
        if self.state is TransferState.ROUTING and self.invitation is not None:
            invalid("invitation", "must not be there while the state is ROUTING")
        if self.on_fallback and self.fallback is None:
            invalid("fallback", "must be there where the request has gone there")


@attrs.frozen
class Interaction:
    """One SMS or MMS conversation with a contact. It always has exactly one owner (F1).

    Args:
        owner: the id of the agent who is answerable, or the `Target` that holds it while QUEUED.
        epoch: counts the changes of owner: the fencing token.
        version: counts every change: what a commit is compared with.
        case_data: flat attached data; strings, finite numbers and truth values. Not shown in ``repr``.
        note: the agents' note on the conversation. Only its length shows in ``repr``.
        hops: how many transfers were accepted so far (A4).
        transfer: the live transfer request, or None.
        error: what the top of the owner's window says of the last transfer, or None (T6). It is part of the
            conversation's state so that a desktop that reconnects shows it again (D7) and a new attempt withdraws
            it (D5).

    Examples:
        >>> from sms_transfer import Contact, Interaction, Media
        >>> jane = Contact("+14155550123")
        >>> interaction = Interaction("i-1", media=Media.SMS, contact=jane, owner="alice")
        >>> interaction.state.value, interaction.owner, interaction.epoch
        ('active', 'alice', 0)
        >>> Interaction("", media=Media.SMS, contact=jane, owner="alice")
        Traceback (most recent call last):
        sms_transfer.errors.InvalidValue: id must be a non-empty string of at most 128 characters
    """

    id: str = attrs.field(validator=check.identifier)
    media: Media = attrs.field(validator=check.one_of(Media), kw_only=True)
    contact: Contact = attrs.field(validator=check.one_of(Contact), kw_only=True)
    owner: str | Target = attrs.field(validator=is_owner, kw_only=True)
    state: InteractionState = attrs.field(
        default=InteractionState.ACTIVE, validator=check.one_of(InteractionState), kw_only=True
    )
    epoch: int = attrs.field(default=0, validator=check.count, kw_only=True)
    version: int = attrs.field(default=0, validator=check.count, kw_only=True)
    case_data: CaseData = attrs.field(
        default=CaseData(),
        converter=check.to_case_data,
        validator=check.one_of(CaseData),
        repr=False,
        kw_only=True,
    )
    note: str = attrs.field(default="", validator=check.text(check.MAX_TEXT), repr=_measured, kw_only=True)
    hops: int = attrs.field(default=0, validator=check.count, kw_only=True)
    transfer: TransferRequest | None = attrs.field(
        default=None, validator=check.optional(TransferRequest), kw_only=True
    )
    error: Notice | None = attrs.field(default=None, validator=check.optional(Notice), kw_only=True)

    def __attrs_post_init__(self) -> None:
        state, transfer = self.state, self.transfer
        if (transfer is not None) is not (state in _WITH_TRANSFER):
            invalid("transfer", "must be there exactly while the state is TRANSFERRING or QUEUED")
        if transfer is not None and (transfer.state.is_final or transfer.interaction_id != self.id):
            invalid("transfer", "must be live and of this interaction")
        if isinstance(self.owner, Target) is not (state is InteractionState.QUEUED):
            invalid("owner", "must be a Target exactly while the state is QUEUED")

    @property
    def live_invitation(self) -> Invitation | None:
        """The invitation that can be answered now, if there is one."""
        transfer = self.transfer
        if transfer is None or transfer.state is not TransferState.INVITED:
            return None
        return transfer.invitation


_WITH_TRANSFER = frozenset({InteractionState.TRANSFERRING, InteractionState.QUEUED})
