"""Hypothesis strategies for the models, and for whole histories (extra ``testing``).

Everything they make is valid: what the models refuse is for a test to write down. They shrink towards short ids, ASCII
and the first member of each enum.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from sms_transfer.core.check import CaseData, CaseValue
from sms_transfer.core.events import Event
from sms_transfer.core.lifecycle import ChannelStatus, InteractionState, TransferState
from sms_transfer.core.model import (
    Agent,
    Attachment,
    Contact,
    Direction,
    Interaction,
    Invitation,
    Media,
    Message,
    Outcome,
    Privilege,
    Target,
    TargetKind,
    TransferRequest,
)
from sms_transfer.core.policy import TransferPolicy
from sms_transfer.errors import Refused
from sms_transfer.service import TransferService
from sms_transfer.testing.clock import ManualClock

_OPEN = (TransferState.ROUTING, TransferState.INVITED)
_FINAL = tuple(state for state in TransferState if state.is_final)
_SPAN = timedelta(seconds=30)


def ids() -> st.SearchStrategy[str]:
    """Ids: any text of 1 to 128 characters."""
    return st.text(min_size=1, max_size=128)


def instants() -> st.SearchStrategy[datetime]:
    """Aware datetimes in UTC, from 2000 to 2100."""
    return st.datetimes(
        min_value=datetime(2000, 1, 1),  # noqa: DTZ001 - Hypothesis wants the bounds naive and adds the zone itself
        max_value=datetime(2100, 1, 1),  # noqa: DTZ001
        timezones=st.just(UTC),
    )


def contacts() -> st.SearchStrategy[Contact]:
    """Contacts, at E.164 numbers and at short codes."""
    number = st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True)
    short_code = st.from_regex(r"[0-9]{3,8}", fullmatch=True)
    return st.builds(Contact, number | short_code, name=st.text(max_size=40))


def targets(kinds: st.SearchStrategy[TargetKind] | None = None) -> st.SearchStrategy[Target]:
    """Targets, of every kind or of these."""
    return st.builds(Target, st.sampled_from(TargetKind) if kinds is None else kinds, ids())


def agents(agent_ids: st.SearchStrategy[str] | None = None) -> st.SearchStrategy[Agent]:
    """Agents in any status, with any media and privileges."""
    return st.builds(
        Agent,
        ids() if agent_ids is None else agent_ids,
        st.text(max_size=40),
        status=st.sampled_from(ChannelStatus),
        reason=st.text(max_size=20),
        do_not_disturb=st.booleans(),
        media=st.frozensets(st.sampled_from(Media)),
        privileges=st.frozensets(st.sampled_from(Privilege)),
        capacity=st.integers(0, 20),
        groups=st.frozensets(ids(), max_size=3),
        skills=st.frozensets(ids(), max_size=3),
    )


def case_data() -> st.SearchStrategy[CaseData]:
    """Case data: strings, finite numbers and truth values."""
    values: st.SearchStrategy[CaseValue] = (
        st.text(max_size=30) | st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(-1e18, 1e18) | st.booleans()
    )
    return st.builds(CaseData, st.dictionaries(ids(), values, max_size=5))


def attachments() -> st.SearchStrategy[Attachment]:
    """Attachments, images most often."""
    return st.builds(
        Attachment,
        ids(),
        content_type=st.sampled_from(["image/jpeg", "image/png", "video/3gpp", "text/vcard"]),
        name=st.text(max_size=20),
        size=st.integers(0, 5_000_000),
    )


def messages(interaction_ids: st.SearchStrategy[str] | None = None) -> st.SearchStrategy[Message]:
    """Texts in both directions, with and without attachments."""
    return st.builds(
        Message,
        ids(),
        interaction_id=ids() if interaction_ids is None else interaction_ids,
        direction=st.sampled_from(Direction),
        text=st.text(max_size=200),
        at=instants(),
        attachments=st.lists(attachments(), max_size=2).map(tuple),
        sender=st.just("") | ids(),
        epoch=st.integers(0, 20),
    )


def invitations(at: datetime | None = None) -> st.SearchStrategy[Invitation]:
    """Invitations with their deadline 30 s after the offer."""

    def build(id_: str, invitee: str, offered_at: datetime) -> Invitation:
        return Invitation(id_, invitee=invitee, offered_at=offered_at, deadline=offered_at + _SPAN)

    return st.builds(build, ids(), ids(), instants() if at is None else st.just(at))


def outcomes(owner: str | None = None) -> st.SearchStrategy[Outcome]:
    """Outcomes of every final state."""
    return st.builds(
        Outcome,
        st.sampled_from(_FINAL),
        by=st.none() | ids(),
        at=instants(),
        reason=st.text(max_size=40),
        owner=ids() if owner is None else st.just(owner),
    )


@st.composite
def transfer_requests(
    draw: st.DrawFn, *, interaction_id: str | None = None, sender: str | None = None, live: bool | None = None
) -> TransferRequest:
    """Transfer requests, live and closed, or only live or only closed ones."""
    is_live = draw(st.booleans()) if live is None else live
    state = draw(st.sampled_from(_OPEN)) if is_live else None
    at = draw(instants())
    sender = draw(ids()) if sender is None else sender
    outcome = None if is_live else draw(outcomes(sender))
    invited = state is not TransferState.ROUTING
    return TransferRequest(
        draw(ids()),
        interaction_id=draw(ids()) if interaction_id is None else interaction_id,
        sender=sender,
        target=draw(targets()),
        state=outcome.state if outcome is not None else state or TransferState.INVITED,
        requested_at=at,
        deadline=at + _SPAN,
        note=draw(st.text(max_size=40)),
        invitation=draw(invitations(at)) if invited else None,
        outcome=outcome,
        sender_name=draw(st.text(max_size=20)),
        target_name=draw(st.text(max_size=20)),
    )


@st.composite
def interactions(draw: st.DrawFn, *, states: st.SearchStrategy[InteractionState] | None = None) -> Interaction:
    """Interactions in every state, with the live transfer and the owner that go with it."""
    state = draw(st.sampled_from(InteractionState) if states is None else states)
    id_, agent_id = draw(ids()), draw(ids())
    owner: str | Target = agent_id
    transfer = None
    if state in {InteractionState.TRANSFERRING, InteractionState.QUEUED}:
        transfer = draw(transfer_requests(interaction_id=id_, sender=agent_id, live=True))
    if state is InteractionState.QUEUED:
        owner = draw(targets(st.sampled_from([kind for kind in TargetKind if kind is not TargetKind.AGENT])))
    return Interaction(
        id_,
        media=draw(st.sampled_from(Media)),
        contact=draw(contacts()),
        owner=owner,
        state=state,
        epoch=draw(st.integers(0, 20)),
        version=draw(st.integers(0, 50)),
        case_data=draw(case_data()),
        note=draw(st.text(max_size=40)),
        hops=draw(st.integers(0, 20)),
        transfer=transfer,
    )


@st.composite
def histories(draw: st.DrawFn, *, max_steps: int = 20) -> tuple[Event, ...]:
    """Whole histories of one interaction ``"i"`` among the agents ``"a"``, ``"b"`` and ``"c"``.

    They are made by a real service from drawn steps, so they are exactly the histories that can be.
    """
    clock = ManualClock()
    service = TransferService(clock=clock, policy=TransferPolicy(max_hops=max_steps))
    for name in "abc":
        service.add_agent(Agent(name, name.upper(), status=ChannelStatus.READY))
    service.open_interaction(Interaction("i", media=Media.SMS, contact=Contact("+14155550100"), owner="a"))
    for _ in range(draw(st.integers(0, max_steps))):
        live = service.interaction("i").transfer is not None
        step = draw(st.sampled_from(_WHILE_LIVE if live else _OTHERWISE))
        clock.advance(timedelta(seconds=draw(st.integers(0, 5))) + (_SPAN if step is _wait else timedelta(0)))
        try:
            step(service, draw(st.sampled_from("abc")))
        except Refused:
            continue
    return service.history("i")


def _owner(service: TransferService) -> str:
    return str(service.interaction("i").owner)


def _receive(service: TransferService, _: str) -> None:
    service.receive_message("i", "hello")


def _reply(service: TransferService, _: str) -> None:
    service.reply("i", "hello yourself", by=_owner(service))


def _request(service: TransferService, who: str) -> None:
    service.request_transfer("i", Target.agent(who), by=_owner(service))


def _live(service: TransferService) -> tuple[TransferRequest, Invitation]:
    transfer = service.interaction("i").transfer
    assert transfer is not None  # noqa: S101 - the steps that ask for it are taken while there is one
    assert transfer.invitation is not None  # noqa: S101 - its target is an agent
    return transfer, transfer.invitation


def _accept(service: TransferService, _: str) -> None:
    invitation = _live(service)[1]
    service.accept(invitation.id, by=invitation.invitee)


def _reject(service: TransferService, _: str) -> None:
    invitation = _live(service)[1]
    service.reject(invitation.id, by=invitation.invitee)


def _cancel(service: TransferService, _: str) -> None:
    transfer = _live(service)[0]
    service.cancel(transfer.id, by=transfer.sender)


def _wait(service: TransferService, _: str) -> None:
    service.tick()


def _leave(service: TransferService, _: str) -> None:
    invitation = _live(service)[1]
    service.log_out(invitation.invitee)
    service.log_in(invitation.invitee)
    service.set_ready(invitation.invitee)


def _mark_done(service: TransferService, who: str) -> None:
    service.mark_done("i", by=who)  # mostly refused, so that most histories go on


_WHILE_LIVE = (_accept, _reject, _cancel, _wait, _leave, _receive, _reply, _mark_done)
_OTHERWISE = (_request, _request, _receive, _reply, _mark_done)
