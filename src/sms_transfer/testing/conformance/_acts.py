"""What can happen to a conversation in the store's model test: each act makes the commit that records it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import attrs

from sms_transfer.core.check import MAX_ID
from sms_transfer.core.decision import Claim, Decision
from sms_transfer.core.lifecycle import InteractionState, TransferState
from sms_transfer.core.model import Direction, Interaction, Invitation, Target, TransferRequest
from sms_transfer.core.policy import sender_of
from sms_transfer.testing.conformance._samples import (
    NOW,
    Parts,
    accepting,
    asking,
    change,
    closing,
    done,
    inviting,
    live_request,
    looking_on,
    opening,
    placing,
    request,
    routing,
    waiting_on,
)

AGENTS: Final = ("alice", "bob", "carol")


@attrs.frozen
class Try:
    """A commit that is tried: what it does, and what may be wrong with it."""

    act: int
    interaction_id: str
    to: str
    overdue: int
    late: int
    taken: int | None
    texts: tuple[Direction, ...]
    tells: bool
    claim: Claim | None
    key: tuple[str, str] | None
    ticket: int | None
    target: Target
    fallback: Target | None
    priority: int
    returns: bool
    transfer_id: str = ""
    invitation_id: str = ""
    asked_at: datetime = NOW


def _open(before: Interaction, step: Try, parts: Parts) -> Decision:
    return opening(attrs.evolve(before, owner=step.to), **parts)


def _change(before: Interaction, _: Try, parts: Parts) -> Decision:
    return change(before, **parts)


def _invite(before: Interaction, step: Try, parts: Parts) -> Decision:
    """Invite somebody; while a request is live, somebody else or the same until another instant."""
    invitee = _other(before, step)
    deadline = NOW + timedelta(seconds=3 + step.overdue)
    live = before.transfer
    if live is None:
        live = request(before.id, step.transfer_id, invitee, deadline=deadline)
        live = attrs.evolve(live, sender=str(before.owner), requested_at=step.asked_at)
    first = live.invitation is not None and before.transfer is None
    id_ = step.invitation_id if first else f"v-{live.id}"
    ticket = Invitation(id_, invitee=invitee, offered_at=NOW, deadline=deadline)
    live = attrs.evolve(live, state=TransferState.INVITED, invitation=ticket, deadline=deadline)
    return inviting(before, live, **(parts | Parts(requests=(live,), key=step.key)))


def _route(before: Interaction, step: Try, parts: Parts) -> Decision:
    live = _routed(before, step)
    return inviting(before, live, **(parts | Parts(key=step.key)))


def _place(before: Interaction, step: Try, parts: Parts) -> Decision:
    return placing(before, _routed(before, step), **parts)


def _routed(before: Interaction, step: Try) -> TransferRequest:
    live = routing(before.id, step.transfer_id, step.target, priority=step.priority)
    return attrs.evolve(
        live,
        sender=str(before.owner),
        requested_at=step.asked_at,
        deadline=NOW + timedelta(seconds=3),
        return_to_sender=step.returns,
        fallback=step.fallback,
    )


def _go_on(before: Interaction, step: Try, parts: Parts) -> Decision:
    """Ask the next agent; or look for one, as this one does not take it."""
    live = live_request(before)
    if live.state is TransferState.INVITED:
        return inviting(before, looking_on(live), **parts)
    after = asking(live, _other(before, step), NOW + timedelta(seconds=3 + step.overdue))
    return inviting(before, after, **parts)


def _fall_back(before: Interaction, step: Try, parts: Parts) -> Decision:
    """Go to the fallback, with or without one who was invited in vain."""
    live = live_request(before)
    if live.fallback is None:
        return _go_on(before, step, parts)
    live = looking_on(live) if live.state is TransferState.INVITED else live
    return inviting(before, attrs.evolve(live, on_fallback=True), **parts)


def _wait_on(before: Interaction, _: Try, parts: Parts) -> Decision:
    return waiting_on(before, f"{live_request(before).id}+2"[-MAX_ID:], **parts)


def _other(before: Interaction, step: Try) -> str:
    return next(agent_id for agent_id in (step.to, *AGENTS) if agent_id != sender_of(before))


def _close(before: Interaction, _: Try, parts: Parts) -> Decision:
    return closing(before, **parts)


def _accept(before: Interaction, step: Try, parts: Parts) -> Decision:
    return _go_on(before, step, parts) if before.live_invitation is None else accepting(before, **parts)


def _done(before: Interaction, _: Try, parts: Parts) -> Decision:
    return done(before, **parts)


Act = Callable[[Interaction, Try, Parts], Decision]
_BOTH: Final = (_go_on, _fall_back, _accept, _fall_back, _go_on, _close, _change, _done)
ACTS: Final[dict[InteractionState | None, tuple[Act, ...]]] = {
    None: (_open,),
    InteractionState.ACTIVE: (_invite, _route, _place, _change, _route, _place, _invite, _invite, _change, _done),
    InteractionState.TRANSFERRING: (*_BOTH, _invite, _close),
    InteractionState.QUEUED: (*_BOTH, _wait_on, _wait_on),
    InteractionState.DONE: (_change,),
}
"""By the state that it is in; None before it begins."""
