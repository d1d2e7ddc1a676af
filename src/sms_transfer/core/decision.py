"""The shape of a decision, and what every decision asks first: may this agent do this, now, to this interaction?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import attrs

from sms_transfer.core.commands import OwnerCommand
from sms_transfer.core.events import Event
from sms_transfer.core.lifecycle import ChannelStatus, InteractionState
from sms_transfer.core.model import Agent, Interaction, Message, NoAnswer, Privilege, Target, TransferRequest
from sms_transfer.core.notices import SystemMessage
from sms_transfer.core.policy import TransferPolicy
from sms_transfer.core.record import Record
from sms_transfer.errors import Denial, InvalidValue, NotFound, NotPermitted, Refused, StaleEpoch

NOBODY: Final[Mapping[str, Agent]] = {}
NAMELESS: Final[Mapping[Target, str]] = {}


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Context(Record):
    """What a decision may look at beside the interaction and the command: the present, as it was read.

    Args:
        now: the instant at which it is decided.
        agents: the records of the agents whom the command names; who is missing is unknown.
        load: places taken by the agent whose load the command needs (E3).
        request: the transfer request that the command's ticket or id belongs to, live or closed.
        message: the text that is recorded already under the command's message id (F5).
        repeated: the request that the command's key made before (F5).
        served: whether any agent of the target that the command asks for could ever take it; None if nobody knows the
            target, or it is an agent (Q1).
        names: the names of the targets that the command speaks of, as far as known.
    """

    now: datetime
    policy: TransferPolicy
    agents: Mapping[str, Agent] = NOBODY
    load: int = 0
    request: TransferRequest | None = None
    message: Message | None = None
    repeated: TransferRequest | None = None
    served: bool | None = None
    names: Mapping[Target, str] = NAMELESS


@attrs.frozen(eq=False, repr=False)
class Claim(Record):
    """A place that a commit takes for an agent: the store refuses it beyond ``limit`` places taken at ``at`` (E3).

    Args:
        invites: the place is an invitation's, so an agent who has left in the meantime cannot be given it (T9).
    """

    agent_id: str
    limit: int
    at: datetime
    invites: bool = attrs.field(default=False, kw_only=True)


@attrs.frozen(eq=False, repr=False)
class Decision(Record):
    """What is to be recorded, all of it or none (F6).

    Args:
        interaction: as it is to be; its version is one above the one that was decided upon.
        events: what happened. None at all means that nothing changes: the command had its effect before (F5).
        requests: the transfer requests that this makes or closes, as they are to be.
        found: the command's request where it was found as the command would leave it, so that nothing is made or
            closed for it (F4, F5).
        message: the text that the command is about, recorded now or before.
        texts: what is to be added to the transcript.
        notices: the My Messages entries that are made.
        claim: the place that is taken.
        concerned: the agents whose desktops have something new to show, and nobody else (D5).
        key: the idempotency key that is used up, with the agent it belongs to (F5).
        missed: the agents who did not answer in time, and what becomes of their status (A3).
        refusal: what to tell the caller once the rest is recorded: time had closed what was answered (T10).
    """

    interaction: Interaction
    events: tuple[Event, ...] = attrs.field(default=(), kw_only=True)
    requests: tuple[TransferRequest, ...] = attrs.field(default=(), kw_only=True)
    found: TransferRequest | None = attrs.field(default=None, kw_only=True)
    message: Message | None = attrs.field(default=None, kw_only=True)
    texts: tuple[Message, ...] = attrs.field(default=(), kw_only=True)
    notices: tuple[SystemMessage, ...] = attrs.field(default=(), kw_only=True)
    claim: Claim | None = attrs.field(default=None, kw_only=True)
    concerned: tuple[str, ...] = attrs.field(default=(), kw_only=True)
    key: tuple[str, str] | None = attrs.field(default=None, kw_only=True)
    missed: tuple[tuple[str, NoAnswer], ...] = attrs.field(default=(), kw_only=True)
    refusal: Refused | None = attrs.field(default=None, kw_only=True)

    @property
    def request(self) -> TransferRequest:
        """The transfer request that the command was about, as it is now."""
        return self.requests[-1] if self.found is None else self.found


def places_moved(decision: Decision) -> tuple[str, ...]:
    """The agents whose places a decision may take or free, sorted: an agent is idle since the last time (Q4)."""
    done = decision.interaction.state is InteractionState.DONE
    if not (decision.requests or decision.claim or done):
        return ()
    return tuple(sorted({*decision.concerned, *[request.sender for request in decision.requests]}))


def asked_for(decision: Decision) -> frozenset[str]:
    """The ids of the requests of a decision that their senders ask for with it, should they be new.

    What goes on waiting in a queue under a new request was asked for before (Q2).
    """
    going_on = {(request.sender, request.requested_at) for request in decision.requests if request.state.is_final}
    return frozenset(
        [request.id for request in decision.requests if (request.sender, request.requested_at) not in going_on]
    )


def known_agent(agent_id: str, context: Context) -> Agent:
    """The record of an agent who asks for something.

    Raises:
        NotFound: nobody knows this agent.
    """
    agent = context.agents.get(agent_id)
    if agent is None:
        raise NotFound(kind="agent", id=agent_id)
    return agent


def on_channel(agent_id: str, context: Context) -> Agent:
    """The record of an agent who is logged in and may use SMS (T1, E4).

    Raises:
        NotFound: nobody knows this agent.
        NotPermitted: logged out, or without the privilege.
    """
    agent = known_agent(agent_id, context)
    if agent.status is ChannelStatus.LOGGED_OUT:
        raise NotPermitted(agent_id=agent_id, reason=Denial.LOGGED_OUT)
    require(agent, Privilege.USE_SMS)
    return agent


def require(agent: Agent, privilege: Privilege) -> None:
    """Refuse an agent without this privilege (E4).

    Raises:
        NotPermitted: it is missing.
    """
    if privilege not in agent.privileges:
        raise NotPermitted(agent_id=agent.id, reason=_MISSING[privilege])


_MISSING: Final[Mapping[Privilege, Denial]] = {
    Privilege.USE_SMS: Denial.NO_USE_SMS,
    Privilege.TRANSFER: Denial.NO_TRANSFER,
    Privilege.DECLINE: Denial.NO_DECLINE,
    Privilege.SAVE_ATTACHMENTS: Denial.NO_SAVE_ATTACHMENTS,
    Privilege.MANAGE_FAVOURITES: Denial.NO_MANAGE_FAVOURITES,
}


def acting_owner(interaction: Interaction, command: OwnerCommand, context: Context) -> Agent:
    """The owner, if it is the owner who asks, under the present epoch, from the channel (F1).

    Raises:
        NotFound: nobody knows the agent who asks.
        StaleEpoch: the command was made under an earlier ownership.
        NotPermitted: somebody else owns it, or the owner is logged out or may not use SMS.
    """
    known_agent(command.by, context)
    if command.epoch is not None and command.epoch != interaction.epoch:  # F1
        raise StaleEpoch(given=command.epoch, current=interaction.epoch, owner=interaction.owner)
    if interaction.owner != command.by:  # F1, T1
        raise NotPermitted(agent_id=command.by, reason=Denial.NOT_OWNER, owner=interaction.owner)
    return on_channel(command.by, context)


def check_length(field: str, words: str, limit: int) -> None:
    """Refuse words that are longer than policy allows (A8).

    Raises:
        InvalidValue: they are.
    """
    if len(words) > limit:
        raise InvalidValue(field=field, rule=f"must have at most {limit} characters")


def desktops(*interactions: Interaction) -> tuple[str, ...]:
    """The agents who have these on their desktops: owners and invitees (D5)."""
    found = dict[str, None]()
    for interaction in interactions:
        if not isinstance(interaction.owner, Target):
            found[interaction.owner] = None
        invitation = interaction.live_invitation
        if invitation is not None:
            found[invitation.invitee] = None
    return tuple(found)
