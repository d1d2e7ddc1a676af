"""What a centre allows, and the one function that says who can receive (E1)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum

import attrs

from sms_transfer.core import check
from sms_transfer.core.lifecycle import ChannelStatus, InteractionState
from sms_transfer.core.model import Agent, Interaction, Privilege, Target, TargetKind


class Reason(StrEnum):
    """Why a target cannot receive. Every one that applies is told, not the first (T3)."""

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


@attrs.frozen(kw_only=True)
class TransferPolicy:
    """What a centre allows.

    Args:
        invitation_timeout: from the invitation to its deadline (T7); the server that is reproduced has 30 s too
            (Interaction Server, ``delivering-timeout``).
        require_ready: whether an agent must be Ready to be invited (E2); logged in, they must be in any case.
        max_hops: how many accepted transfers an interaction may have behind it before the next is refused (A4).
        max_note: characters in a note or a reason, at most.
        max_case_data: characters of case data, keys and values together, at most.
    """

    invitation_timeout: timedelta = attrs.field(default=timedelta(seconds=30), validator=check.span)
    require_ready: bool = attrs.field(default=True, validator=check.one_of(bool))
    max_hops: int = attrs.field(default=10, validator=check.count)
    max_note: int = attrs.field(default=4_000, validator=check.count)
    max_case_data: int = attrs.field(default=65_536, validator=check.count)


def eligibility(
    interaction: Interaction,
    target: Target,
    agent: Agent | None,
    *,
    load: int,
    policy: TransferPolicy,
    declined: Collection[str] = (),
) -> frozenset[Reason]:
    """Tell why this target cannot be invited to take this interaction from its owner: every reason there is (E1, T3).

    Args:
        agent: the record of the agent who would be invited, or None if nobody knows one.
        load: the places this agent has taken: owned interactions and live invitations (E3).
        declined: who declined this request already; they are not asked twice.

    Returns:
        The reasons; none, if the target can receive.
    """
    reasons = set[Reason]()
    if interaction.hops >= policy.max_hops:  # A4
        reasons.add(Reason.TOO_MANY_HOPS)
    if target.kind is not TargetKind.AGENT:
        return frozenset(reasons | {Reason.KIND_NOT_ALLOWED})
    if target.id == interaction.owner:
        reasons.add(Reason.IS_SENDER)
    if target.id in declined:
        reasons.add(Reason.ALREADY_DECLINED)
    if agent is not None:
        if load >= agent.capacity:  # E3
            reasons.add(Reason.AT_CAPACITY)
        if policy.require_ready and agent.status is ChannelStatus.NOT_READY:
            reasons.add(Reason.NOT_READY)
        if agent.do_not_disturb:
            reasons.add(Reason.DO_NOT_DISTURB)
    return frozenset(reasons | standing(interaction, agent))


def standing(interaction: Interaction, agent: Agent | None) -> frozenset[Reason]:
    """The part of `eligibility` that is asked of whoever is to be invited and of whoever accepts alike."""
    if agent is None:
        return frozenset({Reason.UNKNOWN})
    reasons = set[Reason]()
    if agent.status is ChannelStatus.LOGGED_OUT:
        reasons.add(Reason.LOGGED_OUT)
    if Privilege.USE_SMS not in agent.privileges:
        reasons.add(Reason.NO_SMS_PRIVILEGE)
    if interaction.media not in agent.media:
        reasons.add(Reason.MEDIA_NOT_HANDLED)
    return frozenset(reasons)


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


def places_taken(interaction: Interaction, now: datetime) -> tuple[str, ...]:
    """The agents of whom this interaction takes a place (E3).

    Its holder, and its invitee until the deadline: from then on the invitation cannot be accepted any more, whether or
    not anything has recorded that yet (T10).
    """
    owner, invitation = holder(interaction), interaction.live_invitation
    taken = () if owner is None else (owner,)
    return taken if invitation is None or invitation.deadline <= now else (*taken, invitation.invitee)


def has_left(invitee: Agent | None) -> bool:
    """Whether an invitee is gone, so that an invitation must not wait for them (T9). Not Ready is not gone."""
    return invitee is None or invitee.status is ChannelStatus.LOGGED_OUT
