"""Hypothesis strategies for the models, and for whole histories (extra ``testing``).

Everything they make is valid: what the models refuse is for a test to write down. They shrink towards short ids, ASCII
and the first member of each enum.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

try:
    from hypothesis import strategies as st
except ModuleNotFoundError as _error:  # pragma: no cover - shown by a test in a process without Hypothesis
    raise ImportError("the strategies need Hypothesis: pip install 'sms-transfer[testing]'") from _error

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
    NoAnswer,
    Outcome,
    PastInvitation,
    Privilege,
    Queue,
    Target,
    TargetKind,
    TransferRequest,
)
from sms_transfer.core.policy import Handover, TransferPolicy, sender_of
from sms_transfer.errors import Refused
from sms_transfer.service import TransferService
from sms_transfer.testing.clock import ManualClock

_OPEN = (TransferState.ROUTING, TransferState.INVITED)
_FINAL = tuple(state for state in TransferState if state.is_final)
_QUEUES = (TargetKind.QUEUE, TargetKind.ROUTING_POINT)
_SEVERAL = tuple(kind for kind in TargetKind if kind is not TargetKind.AGENT)
_SPAN = timedelta(seconds=30)
_WAIT = timedelta(minutes=2)


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


def queues(queue_targets: st.SearchStrategy[Target] | None = None) -> st.SearchStrategy[Queue]:
    """Queues and routing points, with and without members and a name."""
    return st.builds(
        Queue,
        targets(st.sampled_from(_QUEUES)) if queue_targets is None else queue_targets,
        st.frozensets(ids(), max_size=4),
        name=st.text(max_size=40),
    )


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


def invitations(
    at: datetime | None = None, invitees: st.SearchStrategy[str] | None = None
) -> st.SearchStrategy[Invitation]:
    """Invitations with their deadline 30 s after the offer."""

    def build(id_: str, invitee: str, offered_at: datetime) -> Invitation:
        return Invitation(id_, invitee=invitee, offered_at=offered_at, deadline=offered_at + _SPAN)

    return st.builds(build, ids(), ids() if invitees is None else invitees, instants() if at is None else st.just(at))


def outcomes(
    owner: str | None = None, *, states: st.SearchStrategy[TransferState] | None = None
) -> st.SearchStrategy[Outcome]:
    """Outcomes of every final state, or of these; an agent or a queue owns the conversation."""
    return st.builds(
        Outcome,
        st.sampled_from(_FINAL) if states is None else states,
        by=st.none() | ids(),
        at=instants(),
        reason=st.text(max_size=40),
        owner=ids() | targets(st.sampled_from(_SEVERAL)) if owner is None else st.just(owner),
    )


def past_invitations(invitees: st.SearchStrategy[str] | None = None) -> st.SearchStrategy[PastInvitation]:
    """Invitations that did not end their request: declined, not answered, or of somebody who left."""
    ends = (TransferState.REJECTED, TransferState.EXPIRED, TransferState.FAILED)
    return st.builds(
        PastInvitation,
        ids(),
        invitee=ids() if invitees is None else invitees,
        outcome=outcomes(states=st.sampled_from(ends)),
    )


@st.composite
def transfer_requests(
    draw: st.DrawFn,
    *,
    interaction_id: str | None = None,
    sender: str | None = None,
    live: bool | None = None,
    kinds: st.SearchStrategy[TargetKind] | None = None,
) -> TransferRequest:
    """Transfer requests, live and closed, or only live or only closed ones.

    Args:
        kinds: of the target whose turn it is.
    """
    kind = draw(st.sampled_from(TargetKind) if kinds is None else kinds)
    several = kind is not TargetKind.AGENT
    is_live = draw(st.booleans()) if live is None else live
    sender = draw(ids()) if sender is None else sender
    outcome = None if is_live else draw(outcomes(sender))
    state = draw(st.sampled_from(_OPEN) if several else st.just(TransferState.INVITED)) if outcome is None else None
    invited = state is TransferState.INVITED or (outcome is not None and _was_invited(draw, outcome, several=several))
    asked = draw(st.lists(ids(), unique=True, max_size=4)) if several else []
    invitation = None
    at = draw(instants())
    if invited:
        invitee = draw(ids().filter(lambda id_: id_ not in asked))
        invitation = draw(invitations(at, st.just(invitee)))
    target, fallback, on_fallback = draw(_ways(kind))
    return TransferRequest(
        draw(ids()),
        interaction_id=draw(ids()) if interaction_id is None else interaction_id,
        sender=sender,
        target=target,
        state=outcome.state if outcome is not None else state or TransferState.INVITED,
        requested_at=at,
        deadline=at + (_WAIT if several else _SPAN),
        note=draw(st.text(max_size=40)),
        invitation=invitation,
        outcome=outcome,
        sender_name=draw(st.text(max_size=20)),
        target_name=draw(st.text(max_size=20)),
        priority=draw(st.integers(0, 9)),
        past_invitations=tuple([draw(past_invitations(st.just(agent_id))) for agent_id in asked]),
        fallback=fallback,
        fallback_name="" if fallback is None else draw(st.text(max_size=20)),
        on_fallback=on_fallback,
        no_answer=draw(st.sampled_from(NoAnswer)),
        return_to_sender=several and draw(st.booleans()),
    )


def _was_invited(draw: st.DrawFn, outcome: Outcome, *, several: bool) -> bool:
    """Whether a closed request has an invitation: one for several agents may end while nobody is invited."""
    answered = outcome.state in {TransferState.ACCEPTED, TransferState.REJECTED}
    return answered or not several or draw(st.booleans())


@st.composite
def _ways(draw: st.DrawFn, kind: TargetKind) -> tuple[Target, Target | None, bool]:
    """A target and a fallback, and whether the request has gone there; a target of this kind has its turn."""
    present = draw(targets(st.just(kind)))
    other = draw(st.none() | targets().filter(lambda target: target != present))
    if other is None:
        return present, None, False
    return (other, present, True) if draw(st.booleans()) else (present, other, False)


@st.composite
def interactions(draw: st.DrawFn, *, states: st.SearchStrategy[InteractionState] | None = None) -> Interaction:
    """Interactions in every state, with the live transfer and the owner that go with it."""
    state = draw(st.sampled_from(InteractionState) if states is None else states)
    id_, agent_id = draw(ids()), draw(ids())
    owner: str | Target = agent_id
    transfer = None
    if state in {InteractionState.TRANSFERRING, InteractionState.QUEUED}:
        kinds = st.sampled_from(_SEVERAL if state is InteractionState.QUEUED else tuple(TargetKind))
        transfer = draw(transfer_requests(interaction_id=id_, sender=agent_id, live=True, kinds=kinds))
        if state is InteractionState.QUEUED:
            owner = transfer.present_target
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


def policies(fallbacks: st.SearchStrategy[Target | None] | None = None) -> st.SearchStrategy[TransferPolicy]:
    """Policies of every handover, with and without a fallback; deadlines are those of the default.

    Args:
        fallbacks: where requests go whose target cannot take them; no fallback at all if left out.
    """
    return st.builds(
        TransferPolicy,
        require_ready=st.booleans(),
        max_hops=st.integers(1, 20),
        no_answer=st.sampled_from(NoAnswer),
        handover=st.sampled_from(Handover),
        return_to_sender=st.booleans(),
        fallback=st.none() if fallbacks is None else fallbacks,
        kinds=st.just(frozenset(TargetKind)) | st.frozensets(st.sampled_from(TargetKind), min_size=1),
    )


@st.composite
def histories(
    draw: st.DrawFn, *, max_steps: int = 20, policy: st.SearchStrategy[TransferPolicy] | None = None
) -> tuple[Event, ...]:
    """Whole histories of one interaction ``"i"`` among the agents ``"a"``, ``"b"`` and ``"c"``.

    It is handed to them, to the queue ``"q"`` of all three, and to the skill ``"s"`` that ``"b"`` and ``"c"`` have.
    They are made by a real service from drawn steps, so they are exactly the histories that can be.

    Args:
        policy: what the centre allows; everything, under both handovers, if left out.
    """
    clock = ManualClock()
    service = TransferService(clock=clock, policy=draw(_lively(max_steps) if policy is None else policy))
    for name in "abc":
        skills = frozenset("s" if name != "a" else "")
        service.add_agent(Agent(name, name.upper(), status=ChannelStatus.READY, skills=skills))
    service.add_queue(Target.queue("q"), tuple("abc"))
    service.open_interaction(Interaction("i", media=Media.SMS, contact=Contact("+14155550100"), owner="a"))
    for _ in range(draw(st.integers(0, max_steps))):
        step = draw(st.sampled_from(_steps(service.interaction("i"))))
        clock.advance(timedelta(seconds=draw(st.integers(0, 5))) + (_SPAN if step is _wait else timedelta(0)))
        try:
            step(service, draw(st.sampled_from("abc")))
        except Refused:
            continue
    return service.history("i")


def _lively(max_steps: int) -> st.SearchStrategy[TransferPolicy]:
    """Policies under which much can happen in so many steps."""
    return st.builds(
        TransferPolicy,
        max_hops=st.just(max_steps),
        routing_timeout=st.just(_WAIT),
        handover=st.sampled_from(Handover),
        return_to_sender=st.booleans(),
        fallback=st.none() | st.sampled_from([Target.skill("s"), Target.agent("c")]),
    )


def _steps(interaction: Interaction) -> tuple[_Step, ...]:
    if interaction.transfer is None:
        return _OTHERWISE
    if interaction.live_invitation is None:
        return _WHILE_ROUTING
    return _WHILE_LIVE


def _owner(service: TransferService) -> str:
    """The owner; or, to be refused, whoever placed it with the queue that owns it."""
    return sender_of(service.interaction("i")) or ""


def _receive(service: TransferService, _: str) -> None:
    service.receive_message("i", "hello")


def _reply(service: TransferService, _: str) -> None:
    service.reply("i", "hello yourself", by=_owner(service))


def _request(service: TransferService, who: str) -> None:
    service.request_transfer("i", Target.agent(who), by=_owner(service))


def _request_of_queue(service: TransferService, _: str) -> None:
    service.request_transfer("i", Target.queue("q"), by=_owner(service))


def _request_of_skill(service: TransferService, who: str) -> None:
    service.request_transfer("i", Target.skill("s"), by=_owner(service), fallback=Target.agent(who))


def _invitation(service: TransferService) -> Invitation:
    invitation = service.interaction("i").live_invitation
    assert invitation is not None  # noqa: S101 - the steps that ask for it are taken while there is one
    return invitation


def _accept(service: TransferService, _: str) -> None:
    invitation = _invitation(service)
    service.accept(invitation.id, by=invitation.invitee)


def _reject(service: TransferService, _: str) -> None:
    invitation = _invitation(service)
    service.reject(invitation.id, by=invitation.invitee)


def _cancel(service: TransferService, _: str) -> None:
    transfer = service.interaction("i").transfer
    assert transfer is not None  # noqa: S101 - likewise
    service.cancel(transfer.id, by=transfer.sender)


def _wait(service: TransferService, _: str) -> None:
    service.tick()


def _leave(service: TransferService, _: str) -> None:
    invitation = _invitation(service)
    service.log_out(invitation.invitee)
    service.log_in(invitation.invitee)
    service.set_ready(invitation.invitee)


def _pause(service: TransferService, who: str) -> None:
    service.set_not_ready(who)


def _come(service: TransferService, who: str) -> None:
    service.set_ready(who)


def _mark_done(service: TransferService, who: str) -> None:
    service.mark_done("i", by=who)  # mostly refused, so that most histories go on


_Step = Callable[[TransferService, str], None]
_WHILE_LIVE: tuple[_Step, ...] = (_accept, _reject, _cancel, _wait, _leave, _receive, _reply, _mark_done)
_WHILE_ROUTING: tuple[_Step, ...] = (_wait, _come, _cancel, _receive, _mark_done)
_OTHERWISE: tuple[_Step, ...] = (
    *(_request, _request_of_queue, _request_of_skill),
    *(_receive, _reply, _pause, _come, _mark_done),
)
