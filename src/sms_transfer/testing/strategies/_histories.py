"""Whole histories of one conversation, made by a real service."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from hypothesis import strategies as st

from sms_transfer.core.events import Event, TransferRequested
from sms_transfer.core.explanation import Explanation
from sms_transfer.core.lifecycle import ChannelStatus
from sms_transfer.core.model import Agent, Contact, Interaction, Invitation, Media, Target
from sms_transfer.core.policy import Handover, TransferPolicy, sender_of
from sms_transfer.errors import Refused
from sms_transfer.service import TransferService
from sms_transfer.testing.clock import ManualClock
from sms_transfer.testing.strategies._requests import INVITATION, ROUTING

MakeService = Callable[[ManualClock, TransferPolicy], TransferService]
"""Makes an empty service with this clock and this policy."""


def _in_memory(clock: ManualClock, policy: TransferPolicy) -> TransferService:
    return TransferService(clock=clock, policy=policy)


_moves: Final = st.tuples(st.integers(0, 8), st.integers(0, 5), st.sampled_from("abc"))
"""What is done, so many seconds after the last thing, by or to whom: numbers, so one can go and the others stay."""


@st.composite
def histories(
    draw: st.DrawFn,
    *,
    max_steps: int = 20,
    policy: st.SearchStrategy[TransferPolicy] | None = None,
    make_service: MakeService = _in_memory,
) -> tuple[Event, ...]:
    """Whole histories of one interaction ``"i"`` among the agents ``"a"``, ``"b"`` and ``"c"``.

    It is handed to them, to the queue ``"q"`` of all three, and to the skill ``"s"`` that ``"b"`` and ``"c"`` have.
    They are made by a real service from drawn steps, so they are exactly the histories that can be. Some of the steps
    are refused: agents who do not own it text the contact, too, and mark it done. They shrink to the fewest steps.

    Args:
        policy: what the centre allows; everything, under both handovers, if left out.
        make_service: makes an empty service with a clock and a policy; one in memory, if left out. Hand in your own to
            see what happens in your wiring.
    """
    service = make_service(clock := ManualClock(), draw(_lively(max_steps) if policy is None else policy))
    _open(service)
    _play(draw, service, clock, max_steps)
    return service.history("i")


@st.composite
def explanations(draw: st.DrawFn) -> Explanation:
    """Why a transfer is where it is: of live and closed ones, as a real service explains them."""
    service = _in_memory(clock := ManualClock(), draw(_lively(_FEW)))
    _open(service)
    step = draw(st.sampled_from([_request, _request_of_queue, _request_of_skill]))
    step(service, "b")
    _play(draw, service, clock, _FEW)
    asked = [event.transfer_id for event in service.history("i") if isinstance(event, TransferRequested)]
    return service.explain(draw(st.sampled_from(asked)))


_FEW: Final = 6


def _open(service: TransferService) -> None:
    """Three agents come, who serve a queue and have a skill; one of them has a conversation."""
    for name in "abc":
        skills = frozenset("s" if name != "a" else "")
        service.add_agent(Agent(name, name.upper(), status=ChannelStatus.READY, skills=skills))
    service.add_queue(Target.queue("q"), tuple("abc"))
    service.open_interaction(Interaction("i", media=Media.SMS, contact=Contact("+14155550100"), owner="a"))


def _play(draw: st.DrawFn, service: TransferService, clock: ManualClock, max_steps: int) -> None:
    """Let things happen to the conversation."""
    half = max_steps // 2  # one list would seldom be long
    first, second = st.lists(_moves, max_size=half), st.lists(_moves, max_size=max_steps - half)
    for number, seconds, who in draw(first) + draw(second):
        step = _steps(service.interaction("i"))[number]
        clock.advance(timedelta(seconds=seconds) + (INVITATION if step is _wait else timedelta(0)))
        try:
            step(service, who)
        except Refused:
            continue


def _lively(max_steps: int) -> st.SearchStrategy[TransferPolicy]:
    """Policies under which much can happen in so many steps."""
    return st.builds(
        TransferPolicy,
        max_hops=st.just(max_steps),
        routing_timeout=st.just(ROUTING),
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


def _intrude(service: TransferService, who: str) -> None:
    service.reply("i", "it is me", by=who)  # mostly refused


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
# A number means the same in each of them, as far as it can: so a history whose first steps go is not another one.
_OTHERWISE: tuple[_Step, ...] = (
    *(_receive, _reply, _request, _request_of_queue, _request_of_skill, _pause),
    *(_come, _intrude, _mark_done),
)
_WHILE_LIVE: tuple[_Step, ...] = (
    *(_receive, _reply, _accept, _reject, _cancel, _leave),
    *(_wait, _intrude, _mark_done),
)
_WHILE_ROUTING: tuple[_Step, ...] = (
    *(_receive, _reply, _wait, _come, _cancel, _wait),
    *(_come, _intrude, _mark_done),
)
