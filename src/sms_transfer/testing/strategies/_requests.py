"""Interactions, and the transfer requests and invitations that go with them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import attrs
from hypothesis import strategies as st

from sms_transfer.core.lifecycle import InteractionState, TransferState
from sms_transfer.core.model import (
    Interaction,
    Invitation,
    Media,
    NoAnswer,
    Outcome,
    PastInvitation,
    Target,
    TargetKind,
    TransferRequest,
)
from sms_transfer.testing.strategies._notices import TRANSFER_CODES, notices
from sms_transfer.testing.strategies._values import case_data, contacts, ids, instants, targets

INVITATION: Final = timedelta(seconds=30)
ROUTING: Final = timedelta(minutes=2)
SEVERAL: Final = tuple(kind for kind in TargetKind if kind is not TargetKind.AGENT)
LIVE: Final = (InteractionState.TRANSFERRING, InteractionState.QUEUED)
_OPEN: Final = (TransferState.ROUTING, TransferState.INVITED)
_FINAL: Final = tuple(state for state in TransferState if state.is_final)
_PAST: Final = (TransferState.REJECTED, TransferState.EXPIRED, TransferState.FAILED)
_SECOND: Final = timedelta(seconds=1)


@attrs.frozen
class _End:
    """How a request can end: why, and whether an agent is named as the one who caused it."""

    reasons: st.SearchStrategy[str]
    by: bool
    invited: bool | None
    """Whether somebody was invited at the end; None: either."""


_ENDS: Final[Mapping[TransferState, tuple[_End, ...]]] = {
    TransferState.ACCEPTED: (_End(st.just(""), by=True, invited=True),),
    TransferState.REJECTED: (_End(st.text(max_size=40), by=True, invited=True),),
    TransferState.EXPIRED: (
        _End(st.just("no_answer"), by=False, invited=True),
        _End(st.just("no_agent_in_time"), by=False, invited=False),
    ),
    TransferState.CANCELLED: (
        _End(st.sampled_from(["cancelled_by_sender", "interaction_done"]), by=True, invited=None),
    ),
    TransferState.FAILED: (
        _End(st.sampled_from(["invitee_logged_out", "invitee_disconnected"]), by=True, invited=True),
        _End(st.just("no_agent_left"), by=False, invited=False),
    ),
}


def invitations(
    at: datetime | None = None, invitees: st.SearchStrategy[str] | None = None
) -> st.SearchStrategy[Invitation]:
    """Invitations with their deadline 30 s after the offer."""

    def build(id_: str, invitee: str, offered_at: datetime) -> Invitation:
        return Invitation(id_, invitee=invitee, offered_at=offered_at, deadline=offered_at + INVITATION)

    return st.builds(build, ids(), ids() if invitees is None else invitees, instants() if at is None else st.just(at))


@st.composite
def outcomes(
    draw: st.DrawFn, owner: str | None = None, *, states: st.SearchStrategy[TransferState] | None = None
) -> Outcome:
    """Outcomes of every final state, or of these; an agent or a queue owns the conversation."""
    state = draw(st.sampled_from(_FINAL) if states is None else states)
    end = draw(st.sampled_from(_ENDS[state]))
    return _outcome(draw, state, end, by=draw(ids()), at=draw(instants()), owner=owner)


def _outcome(draw: st.DrawFn, state: TransferState, end: _End, *, by: str, at: datetime, owner: str | None) -> Outcome:
    """An outcome with a reason that goes with it; whoever accepted owns the conversation, if nobody is named."""
    other: str | Target = by
    if owner is None and state is not TransferState.ACCEPTED:
        other = draw(ids() | targets(st.sampled_from(SEVERAL)))
    return Outcome(
        state, by=by if end.by else None, at=at, reason=draw(end.reasons), owner=other if owner is None else owner
    )


@st.composite
def past_invitations(
    draw: st.DrawFn, invitees: st.SearchStrategy[str] | None = None, *, at: datetime | None = None
) -> PastInvitation:
    """Invitations that did not end their request: declined, not answered, or of somebody who left."""
    invitee = draw(ids() if invitees is None else invitees)
    state = draw(st.sampled_from(_PAST))
    [end] = [one for one in _ENDS[state] if one.invited]
    over_at = draw(instants()) if at is None else at
    return PastInvitation(
        draw(ids()), invitee=invitee, outcome=_outcome(draw, state, end, by=invitee, at=over_at, owner=None)
    )


@st.composite
def transfer_requests(
    draw: st.DrawFn,
    *,
    interaction_id: str | None = None,
    sender: str | None = None,
    live: bool | None = None,
    kinds: st.SearchStrategy[TargetKind] | None = None,
    invitee: str | None = None,
) -> TransferRequest:
    """Transfer requests, live and closed, or only live or only closed ones.

    Args:
        kinds: of the target whose turn it is.
        invitee: who is invited; the request is live then.
    """
    kind = draw(st.sampled_from(TargetKind) if kinds is None else kinds)
    several = kind is not TargetKind.AGENT
    id_, at = draw(ids()), draw(instants())
    sender = draw(ids().filter(lambda one: one != invitee)) if sender is None else sender
    is_live = invitee is not None or (draw(st.booleans()) if live is None else live)
    state, end = _stand(draw, is_live=is_live, several=several, invited=invitee is not None)
    invited = state is TransferState.INVITED if end is None else _was_invited(draw, end, several=several)
    people = [*draw(_others(sender, several=several)), *((invitee,) if invitee is not None else ())]
    asked = [one for one in people[:-1] if several and one != invitee]
    latest = at + len(asked) * _SECOND
    invitation = draw(invitations(latest, st.just(people[-1]))) if invited else None
    target, fallback, on_fallback = draw(_ways(kind, None if several else people[-1]))
    outcome = None
    if end is not None:
        by = sender if state is TransferState.CANCELLED else people[-1]
        owner = by if state is TransferState.ACCEPTED else sender
        outcome = _outcome(draw, state, end, by=by, at=latest + _SECOND, owner=owner)
    return TransferRequest(
        id_,
        interaction_id=draw(ids()) if interaction_id is None else interaction_id,
        sender=sender,
        target=target,
        state=state,
        requested_at=at,
        deadline=at + (ROUTING if several or on_fallback else INVITATION),
        note=draw(st.text(max_size=40)),
        invitation=invitation,
        outcome=outcome,
        sender_name=draw(st.text(max_size=20)),
        target_name=draw(st.text(max_size=20)),
        priority=draw(st.integers(0, 9)),
        past_invitations=[
            draw(past_invitations(st.just(one), at=at + number * _SECOND)) for number, one in enumerate(asked, 1)
        ],
        fallback=fallback,
        fallback_name="" if fallback is None else draw(st.text(max_size=20)),
        on_fallback=on_fallback,
        no_answer=draw(st.sampled_from(NoAnswer)),
        return_to_sender=several and draw(st.booleans()),
    )


def _stand(draw: st.DrawFn, *, is_live: bool, several: bool, invited: bool) -> tuple[TransferState, _End | None]:
    """The state, and how it came to it if that is a final one."""
    if is_live:
        waits = several and not invited
        return (draw(st.sampled_from(_OPEN)) if waits else TransferState.INVITED), None
    state = draw(st.sampled_from(_FINAL))
    return state, draw(st.sampled_from([end for end in _ENDS[state] if several or end.invited is not False]))


def _was_invited(draw: st.DrawFn, end: _End, *, several: bool) -> bool:
    """Whether somebody was invited at the end: one for several agents may end while nobody is."""
    if end.invited is None:
        return not several or draw(st.booleans())
    return end.invited


def _others(sender: str, *, several: bool) -> st.SearchStrategy[list[str]]:
    """Agents who are not the sender: who were asked, and last the one whose turn it is."""
    return st.lists(ids().filter(lambda one: one != sender), unique=True, min_size=1, max_size=5 if several else 1)


@st.composite
def _ways(draw: st.DrawFn, kind: TargetKind, agent_id: str | None) -> tuple[Target, Target | None, bool]:
    """A target and a fallback, and whether the request has gone there; a target of this kind has its turn."""
    present = draw(targets(st.just(kind))) if agent_id is None else Target(kind, agent_id)
    other = draw(st.none() | targets().filter(lambda target: target != present))
    if other is None:
        return present, None, False
    return (other, present, True) if draw(st.booleans()) else (present, other, False)


@st.composite
def interactions(
    draw: st.DrawFn,
    *,
    states: st.SearchStrategy[InteractionState] | None = None,
    owner: str | None = None,
    invitee: str | None = None,
) -> Interaction:
    """Interactions in every state, with the live transfer and the owner that go with it.

    Args:
        states: only these.
        owner: the agent who owns it or, where it is QUEUED, who placed it there.
        invitee: who is invited; it is TRANSFERRING or QUEUED then.
    """
    if states is None:
        states = st.sampled_from(InteractionState if invitee is None else LIVE)
    state = draw(states)
    id_ = draw(ids())
    agent_id = draw(ids().filter(lambda one: one != invitee)) if owner is None else owner
    held_by: str | Target = agent_id
    transfer = error = None
    if state in LIVE:
        kinds = st.sampled_from(SEVERAL if state is InteractionState.QUEUED else tuple(TargetKind))
        transfer = draw(transfer_requests(interaction_id=id_, sender=agent_id, live=True, kinds=kinds, invitee=invitee))
        if state is InteractionState.QUEUED:
            held_by = transfer.present_target
    elif state is InteractionState.ACTIVE:
        error = draw(st.none() | notices(st.sampled_from(TRANSFER_CODES)))
    return Interaction(
        id_,
        media=draw(st.sampled_from(Media)),
        contact=draw(contacts()),
        owner=held_by,
        state=state,
        epoch=draw(st.integers(0, 20)),
        version=draw(st.integers(0, 50)),
        case_data=draw(case_data()),
        note=draw(st.text(max_size=40)),
        hops=draw(st.integers(0, 20)),
        transfer=transfer,
        error=error,
    )
