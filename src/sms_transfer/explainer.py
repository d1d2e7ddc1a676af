"""Reads what there is to say of a transfer; what is said of it stands in `sms_transfer.core.explanation`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sms_transfer.core.commands import Need
from sms_transfer.core.events import Event, InvitationSent, TransferClosed, TransferEvent
from sms_transfer.core.explanation import AHEAD_AT_MOST, Explanation, Present, explain, waiting_for
from sms_transfer.core.model import Agent, Interaction, TargetKind, TransferRequest
from sms_transfer.core.record import evolve
from sms_transfer.errors import NotFound
from sms_transfer.flow import Flow

_CANDIDATES: Final = 1_000


async def explained(flow: Flow, transfer_id: str) -> Explanation:
    """Why this transfer is where it is, as of now.

    The request and its interaction are read at one instant, and the agents and their places after that: a few
    questions, however many agents there are, and none that changes anything.

    Raises:
        NotFound: there is none.
    """
    now = flow.now()
    facts = await flow.store.read(Need(transfer_id=transfer_id), now)
    interaction, request = facts.interaction, facts.request
    if interaction is None or request is None:
        raise NotFound(kind="transfer", id=transfer_id)
    present = Present(now=now, policy=flow.policy, since=await _since(flow, request))
    if request.outcome is None and now < request.due_at:
        agents = await _agents(flow, request)
        present = evolve(
            present,
            agents=agents,
            loads=await flow.store.loads([agent.id for agent in agents], now),
            ahead=await _ahead(flow, interaction, request),
        )
    return explain(interaction, request, present)


async def _since(flow: Flow, request: TransferRequest) -> datetime:
    if request.outcome is not None:
        return request.outcome.at
    if request.invitation is not None:
        return request.invitation.offered_at
    history = await flow.store.history(request.interaction_id)
    return next((event.at for event in reversed(history) if _begins_waiting(event, request)), request.requested_at)


def _begins_waiting(event: Event, request: TransferRequest) -> bool:
    """Whether it waits for an agent from this event on; an invitation was recorded after the request was read."""
    return (
        isinstance(event, TransferEvent)
        and event.transfer_id == request.id
        and not isinstance(event, (InvitationSent, TransferClosed))
    )


async def _agents(flow: Flow, request: TransferRequest) -> Sequence[Agent]:
    """Whoever is invited, or those whom it waits for."""
    target = waiting_for(request)
    if target.kind is TargetKind.AGENT:
        return tuple((await flow.directory.agents((target.id,))).values())
    return await flow.routing.teams.members(target, limit=_CANDIDATES)


async def _ahead(flow: Flow, interaction: Interaction, request: TransferRequest) -> int:
    """How many that wait are routed before it."""
    if request.invitation is not None:
        return 0
    page = [waits.id for waits in await flow.store.waiting((request.present_target,), limit=AHEAD_AT_MOST)]
    return page.index(interaction.id) if interaction.id in page else len(page)
