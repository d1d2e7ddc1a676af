"""What a centre allows, and the one function that says who can receive (E1)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import attrs

from sms_transfer.core import check
from sms_transfer.core.commands import RequestTransfer
from sms_transfer.core.lifecycle import ChannelStatus, InteractionState
from sms_transfer.core.model import Agent, Interaction, NoAnswer, Privilege, Target, TargetKind
from sms_transfer.core.record import Record


class Reason(StrEnum):
    """Why a target cannot receive. Every one that applies is told, not the first (T3).

    `sms_transfer.explain_reasons` has the words for agents.
    """

    UNKNOWN = "unknown"
    IS_SENDER = "is_sender"
    LOGGED_OUT = "logged_out"
    NOT_READY = "not_ready"
    DO_NOT_DISTURB = "do_not_disturb"
    NO_SMS_PRIVILEGE = "no_sms_privilege"
    MEDIA_NOT_HANDLED = "media_not_handled"
    AT_CAPACITY = "at_capacity"
    ALREADY_DECLINED = "already_declined"
    KIND_NOT_ALLOWED = "kind_not_allowed"
    TOO_MANY_HOPS = "too_many_hops"
    NO_AGENTS = "no_agents"


_FOR_GOOD: Final = frozenset(
    {
        Reason.UNKNOWN,
        Reason.IS_SENDER,
        Reason.NO_SMS_PRIVILEGE,
        Reason.MEDIA_NOT_HANDLED,
        Reason.ALREADY_DECLINED,
    }
)
"""The reasons of one agent that no log-in, no status and no freed place will end while the request is live (Q1)."""


class Handover(StrEnum):
    """When the owner changes where the target stands for several agents (Q2)."""

    ON_ACCEPT = "on_accept"
    ON_PLACEMENT = "on_placement"


def _kinds(value: Iterable[TargetKind]) -> frozenset[TargetKind]:
    return check.to_frozenset(value)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class TransferPolicy(Record):
    """What a centre allows.

    Args:
        invitation_timeout: from the invitation to its deadline (T7); the server that is reproduced has 30 s too
            (Interaction Server, ``delivering-timeout``).
        routing_timeout: from a request for a target that stands for several agents to its deadline (Q1); from the
            going to a fallback to the deadline there (Q5).
        require_ready: whether an agent must be Ready to be invited (E2); logged in, they must be in any case.
        max_hops: how many accepted transfers an interaction may have behind it before the next is refused (A4).
        no_answer: what becomes of the status of an agent who did not answer in time (A3).
        handover: with ON_ACCEPT the sender owns the conversation until somebody accepts; with ON_PLACEMENT a target
            that stands for several agents owns it at once (Q2).
        return_to_sender: with ON_PLACEMENT, whether it goes back to the sender when nobody takes it in time, and the
            sender's place stays taken until then; otherwise it waits on (Q2).
        fallback: the target that a request goes to, once, when its own does not take it (Q5). A target that cannot
            receive in the first place is refused all the same (T3), unless the request itself names a fallback. What a
            queue owns for good goes back to it where nobody at the fallback ever could take it.
        kinds: the kinds of target that can be transferred to.
        max_note: characters in a note or a reason, at most.
        max_case_data: characters of case data, keys and values together, at most.

    Examples:
        >>> from datetime import timedelta
        >>> from sms_transfer import TargetKind, TransferPolicy, TransferService
        >>> policy = TransferPolicy(invitation_timeout=timedelta(seconds=45), kinds=[TargetKind.AGENT])
        >>> service = TransferService(policy=policy)
    """

    invitation_timeout: timedelta = attrs.field(default=timedelta(seconds=30), validator=check.span)
    routing_timeout: timedelta = attrs.field(default=timedelta(minutes=5), validator=check.span)
    require_ready: bool = attrs.field(default=True, validator=check.one_of(bool))
    max_hops: int = attrs.field(default=10, validator=check.count)
    no_answer: NoAnswer = attrs.field(default=NoAnswer.NOTHING, validator=check.one_of(NoAnswer))
    handover: Handover = attrs.field(default=Handover.ON_ACCEPT, validator=check.one_of(Handover))
    return_to_sender: bool = attrs.field(default=False, validator=check.one_of(bool))
    fallback: Target | None = attrs.field(default=None, validator=check.optional(Target))
    kinds: frozenset[TargetKind] = attrs.field(
        default=tuple(TargetKind), converter=_kinds, validator=check.all_of(frozenset, TargetKind)
    )
    max_note: int = attrs.field(default=4_000, validator=check.count)
    max_case_data: int = attrs.field(default=65_536, validator=check.count)


def eligibility(
    interaction: Interaction,
    target: Target,
    agent: Agent | None,
    *,
    load: int,
    policy: TransferPolicy,
    served: bool | None = None,
    declined: Collection[str] = (),
) -> frozenset[Reason]:
    """Tell why this target cannot be asked to take this interaction from its owner: every reason there is (E1, T3).

    Args:
        agent: where the target is an agent: their record, or None if nobody knows one.
        load: the places this agent has taken: owned interactions and live invitations (E3).
        served: where the target stands for several agents: whether any of them `could_ever` take it, or None if
            nobody knows the target.
        declined: who was invited for this request already; they are not asked twice.

    Returns:
        The reasons; none, if the target can receive.
    """
    reasons = set[Reason]()
    if target.kind not in policy.kinds:
        reasons.add(Reason.KIND_NOT_ALLOWED)
    if interaction.hops >= policy.max_hops:  # A4
        reasons.add(Reason.TOO_MANY_HOPS)
    if target.kind is TargetKind.AGENT:
        reasons |= agent_eligibility(interaction, target.id, agent, load=load, policy=policy, declined=declined)
    elif served is None:
        reasons.add(Reason.UNKNOWN)
    elif not served:
        reasons.add(Reason.NO_AGENTS)
    return frozenset(reasons)


def agent_eligibility(
    interaction: Interaction,
    agent_id: str,
    agent: Agent | None,
    *,
    load: int,
    policy: TransferPolicy,
    declined: Collection[str] = (),
) -> frozenset[Reason]:
    """The part of `eligibility` that speaks of one agent: all of it for one whom the router picks (Q1)."""
    reasons = _standing(interaction, agent)
    if agent_id == sender_of(interaction):
        reasons.add(Reason.IS_SENDER)
    if agent_id in declined:
        reasons.add(Reason.ALREADY_DECLINED)
    if agent is not None:
        if load >= agent.capacity:  # E3
            reasons.add(Reason.AT_CAPACITY)
        if policy.require_ready and agent.status is ChannelStatus.NOT_READY:
            reasons.add(Reason.NOT_READY)
        if agent.do_not_disturb:
            reasons.add(Reason.DO_NOT_DISTURB)
    return frozenset(reasons)


def could_ever(
    interaction: Interaction, agent: Agent, *, policy: TransferPolicy, declined: Collection[str] = ()
) -> bool:
    """Whether this agent, who serves the target, could take it some time: logged in, Ready, with a place (Q1)."""
    reasons = agent_eligibility(interaction, agent.id, agent, load=0, policy=policy, declined=declined)
    return agent.capacity > 0 and reasons.isdisjoint(_FOR_GOOD)


def may_be_able(agent: Agent) -> bool:
    """Whether this agent could receive, as far as presence goes: on the channel, and not in do-not-disturb (E2)."""
    return agent.status is not ChannelStatus.LOGGED_OUT and not agent.do_not_disturb


def can_transfer(agent: Agent, interaction: Interaction) -> bool:
    """Whether this agent can request a transfer of it now, to anybody (T1, E4)."""
    return (
        interaction.owner == agent.id
        and interaction.state is InteractionState.ACTIVE
        and agent.status is not ChannelStatus.LOGGED_OUT
        and {Privilege.USE_SMS, Privilege.TRANSFER} <= agent.privileges
    )


def fallback_of(command: RequestTransfer, policy: TransferPolicy) -> Target | None:
    """Where a request goes when its target does not take it: what it says itself, or else the policy (Q5)."""
    fallback = policy.fallback if command.fallback is None else command.fallback
    return None if fallback == command.target else fallback


def fallback_at_once(command: RequestTransfer) -> Target | None:
    """Where a request goes when its target cannot receive in the first place (Q5).

    One of the policy's is for later: whoever picks such a target is told so (T3).
    """
    return None if command.fallback == command.target else command.fallback


def sender_of(interaction: Interaction) -> str | None:
    """The agent who transfers it: the owner, or whoever placed it with the queue that owns it (Q2)."""
    owner = interaction.owner
    if isinstance(owner, str):
        return owner
    return None if interaction.transfer is None else interaction.transfer.sender


def standing(interaction: Interaction, agent: Agent | None) -> frozenset[Reason]:
    """The part of `eligibility` that is asked of whoever is to be invited and of whoever accepts alike."""
    return frozenset(_standing(interaction, agent))


def _standing(interaction: Interaction, agent: Agent | None) -> set[Reason]:
    if agent is None:
        return {Reason.UNKNOWN}
    reasons = set[Reason]()
    if agent.status is ChannelStatus.LOGGED_OUT:
        reasons.add(Reason.LOGGED_OUT)
    if Privilege.USE_SMS not in agent.privileges:
        reasons.add(Reason.NO_SMS_PRIVILEGE)
    if interaction.media not in agent.media:
        reasons.add(Reason.MEDIA_NOT_HANDLED)
    return reasons


def still_eligible(interaction: Interaction, invitee: Agent | None, *, load: int) -> frozenset[Reason]:
    """Tell why an invitee cannot take what they were offered any more: every reason there is (E1).

    Going Not Ready does not withdraw what is already out (T9). The place is the invitation's own, so there is nearly
    always one. But the capacity may have become less, and where clocks differ, or a commit comes late, the place may
    have been given on as soon as the deadline had come there. So it is counted again (E3).

    Args:
        load: the places the invitee has taken, that of this invitation among them.
    """
    reasons = standing(interaction, invitee)
    if invitee is None or load <= invitee.capacity:
        return reasons
    return reasons | {Reason.AT_CAPACITY}


def holder(interaction: Interaction) -> str | None:
    """The agent on whose desktop the interaction is open: its owner, until it is done. A queue has no desktop (Q2)."""
    owner = interaction.owner
    return None if isinstance(owner, Target) or interaction.state is InteractionState.DONE else owner


def kept_for(interaction: Interaction) -> str | None:
    """The agent whose place stays taken while a queue owns the interaction, because it can come back to them (Q2, E3).

    So it always can come back: their capacity is not exceeded by it, whatever they were given in the meantime.
    """
    transfer = interaction.transfer
    if interaction.state is not InteractionState.QUEUED or transfer is None or not transfer.return_to_sender:
        return None
    return transfer.sender


def places_taken(interaction: Interaction, now: datetime) -> tuple[str, ...]:
    """The agents of whom this interaction takes a place (E3).

    Its holder, or whoever it can come back to; and its invitee until the deadline: from then on the invitation cannot
    be accepted any more, whether or not anything has recorded that yet (T10).
    """
    owner, invitation = holder(interaction) or kept_for(interaction), interaction.live_invitation
    taken = () if owner is None else (owner,)
    return taken if invitation is None or invitation.deadline <= now else (*taken, invitation.invitee)


def has_left(invitee: Agent | None) -> bool:
    """Whether an invitee is gone, so that an invitation must not wait for them (T9). Not Ready is not gone."""
    return invitee is None or invitee.status is ChannelStatus.LOGGED_OUT
