"""Many threads at once: exactly one winner, and every loser is told who it is (F1, F2, F3, E3, F5)."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from functools import partial
from threading import Barrier

import pytest

from sms_transfer import (
    Agent,
    ChannelStatus,
    Interaction,
    InteractionState,
    InvitationClosed,
    Media,
    NotPermitted,
    OwnershipMoved,
    Reason,
    SmsTransferError,
    StaleEpoch,
    Target,
    TargetNotEligible,
    TransferClosed,
    TransferPending,
    TransferPolicy,
    TransferService,
    TransferState,
    Workspace,
)
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.testing import ManualClock, RecordingUI
from support import BOB, CAROL, CONTACT, TIMEOUT, Centre
from traces import note

ROUNDS = 2_000
Command = Callable[[], object]


@pytest.fixture(autouse=True)
def switch_often() -> Iterator[None]:
    """Let threads take turns a thousand times as often as usual, so that they really meet."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.fixture(scope="module")
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


def race(threads: ThreadPoolExecutor, *commands: Command) -> list[SmsTransferError | None]:
    """Carry all of them out at once; for each, what it was refused with, or None where it won."""
    start = Barrier(len(commands))

    def run(command: Command) -> SmsTransferError | None:
        start.wait()
        try:
            command()
        except SmsTransferError as error:
            return error
        return None

    return list(threads.map(run, commands))


class Round:
    """One conversation of Alice's with an invitation to Bob that is just due, or not yet."""

    def __init__(self, centre: Centre, number: int, *, due: bool) -> None:
        self.service = centre.service
        self.id = f"i-{number}"
        self.service.open_interaction(Interaction(self.id, media=Media.SMS, contact=CONTACT, owner="alice"))
        request = self.service.request_transfer(self.id, BOB, by="alice", epoch=0)
        self.transfer = request.id
        self.ticket = centre.ticket(request)
        if due:
            centre.clock.advance(TIMEOUT)

    def answers(self) -> dict[str, Command]:
        """Everything that can close the invitation."""
        service = self.service
        return {
            "accept": lambda: service.accept(self.ticket, by="bob"),
            "reject": lambda: service.reject(self.ticket, by="bob"),
            "cancel": lambda: service.cancel(self.transfer, by="alice"),
            "expire": service.tick,
            "accept again": lambda: service.accept(self.ticket, by="bob"),
            "reply": lambda: service.reply(self.id, "still me", by="alice", epoch=0),
        }

    def clean_up(self) -> None:
        owner = str(self.service.interaction(self.id).owner)
        self.service.mark_done(self.id, by=owner)


@pytest.mark.parametrize("due", [False, True], ids=["in time", "at the deadline"])
def test_f3_one_answer_wins_and_every_loser_is_told_which(threads: ThreadPoolExecutor, due: bool) -> None:
    """F3, T10, T11: accept, reject, cancel, expire, accept again and reply at once: one wins, losers learn which."""
    centre, winners = Centre(), Counter[str]()
    for number in range(ROUNDS):
        one = Round(centre, number, due=due)
        answers = one.answers()
        results = dict(zip(answers, race(threads, *answers.values()), strict=True))
        outcome = centre.service.transfer(one.transfer).outcome
        assert outcome is not None
        winners[outcome.state] += 1
        owner = centre.service.interaction(one.id).owner
        assert ("bob" if outcome.state is TransferState.ACCEPTED else "alice") == owner
        check_losers(results, outcome.state, owner)
        check_history(centre.service, one, outcome.state)
        one.clean_up()
    assert ROUNDS == winners.total()
    assert ({"expired"} if due else {"accepted", "rejected", "cancelled"}) >= set(winners)


def check_losers(results: dict[str, SmsTransferError | None], state: TransferState, owner: object) -> None:
    """Each loser of a ticket is told the outcome and the owner; a late text is refused with the owner named."""
    won = {TransferState.ACCEPTED: 1, TransferState.REJECTED: 1, TransferState.CANCELLED: 1}.get(state, 0)
    answered = [results[name] for name in ("accept", "reject", "cancel", "accept again")]
    assert won == answered.count(None)
    for loser in answered:
        if loser is not None:
            assert isinstance(loser, InvitationClosed)
            assert (state, owner) == (loser.outcome.state, loser.outcome.owner)
    assert results["expire"] is None
    late = results["reply"]
    if late is not None:
        assert isinstance(late, StaleEpoch)
        assert ("bob", TransferState.ACCEPTED) == (late.owner, state)


def check_history(service: TransferService, one: Round, state: TransferState) -> None:
    """One outcome in the history; texts of an ownership stand before the move that ends it."""
    history = service.history(one.id)
    closed = [event for event in history if isinstance(event, TransferClosed)]
    assert [state] == [event.outcome.state for event in closed]
    epoch = 0
    for event in history:
        if isinstance(event, OwnershipMoved):
            assert epoch + 1 == event.epoch
            epoch = event.epoch
        assert epoch == getattr(event, "epoch", epoch)


def test_t13_done_races_accept(threads: ThreadPoolExecutor) -> None:
    """T13: marking done and accepting at once: either it is done and withdrawn, or Bob owns it and Alice is refused."""
    centre, done = Centre(), Counter[bool]()
    for number in range(ROUNDS):
        one = Round(centre, number, due=False)
        accepted, marked = race(
            threads, one.answers()["accept"], partial(one.service.mark_done, one.id, by="alice", epoch=0)
        )
        found = centre.service.interaction(one.id)
        done[found.state is InteractionState.DONE] += 1
        if found.state is InteractionState.DONE:
            assert "alice" == found.owner
            assert isinstance(accepted, InvitationClosed)
            assert "interaction_done" == accepted.outcome.reason
        else:
            assert ("bob", None) == (found.owner, accepted)
            assert isinstance(marked, StaleEpoch)
            one.clean_up()
    assert ROUNDS == done.total()


def test_t9_leaving_races_invitation(threads: ThreadPoolExecutor) -> None:
    """T9: an agent who logs out while being invited is never left with a live invitation."""
    centre = Centre()
    for number in range(ROUNDS):
        service, id_ = centre.service, f"i-{number}"
        service.open_interaction(Interaction(id_, media=Media.SMS, contact=CONTACT, owner="alice"))
        asked, _ = race(
            threads,
            partial(service.request_transfer, id_, BOB, by="alice"),
            partial(service.log_out, "bob"),
        )
        assert service.interaction(id_).transfer is None
        assert () == service.snapshot("bob").invitations
        if asked is not None:
            assert isinstance(asked, TargetNotEligible)
            assert {Reason.LOGGED_OUT} == asked.reasons
        service.mark_done(id_, by="alice")
        service.log_in("bob")
        service.set_ready("bob")


def test_e3_the_last_place_is_taken_once(threads: ThreadPoolExecutor) -> None:
    """E3: many transfers to an agent with one free place: one is invited, the others are refused; never more."""
    store = MemoryStore()
    note(store, None)
    service = TransferService(store, clock=ManualClock())
    service.add_agent(Agent("last", "Last", status=ChannelStatus.READY, capacity=1))
    for number in range(6):
        service.add_agent(Agent(f"a{number}", f"A{number}", status=ChannelStatus.READY))
        service.open_interaction(Interaction(f"i{number}", media=Media.SMS, contact=CONTACT, owner=f"a{number}"))
    for _ in range(ROUNDS // 4):
        results = race(
            threads,
            *(
                partial(service.request_transfer, f"i{number}", Target.agent("last"), by=f"a{number}")
                for number in range(6)
            ),
        )
        assert 1 == results.count(None)
        for loser in results:
            if loser is not None:
                assert isinstance(loser, TargetNotEligible)
                assert {Reason.AT_CAPACITY} == loser.reasons
        [offered] = service.snapshot("last").desktop.offered
        assert offered.transfer is not None
        service.cancel(offered.transfer.id, by=offered.transfer.sender)


def test_f2_one_of_two_requests_wins(threads: ThreadPoolExecutor) -> None:
    """F2: two windows of the owner ask at once: one transfer is live, the other is told which."""
    centre = Centre()
    for number in range(ROUNDS):
        service, id_ = centre.service, f"i-{number}"
        service.open_interaction(Interaction(id_, media=Media.SMS, contact=CONTACT, owner="alice"))
        results = race(
            threads,
            partial(service.request_transfer, id_, BOB, by="alice"),
            partial(service.request_transfer, id_, CAROL, by="alice"),
        )
        live = service.interaction(id_).transfer
        assert live is not None
        [loser] = [result for result in results if result is not None]
        assert isinstance(loser, TransferPending)
        assert live.id == loser.transfer.id
        service.mark_done(id_, by="alice")


def test_f5_the_same_key_from_many_threads(threads: ThreadPoolExecutor) -> None:
    """F5: the same request under one key from six threads makes one transfer, and all are given it."""
    centre, made = Centre(), set[str]()
    for number in range(ROUNDS // 4):
        service, id_ = centre.service, f"i-{number}"
        service.open_interaction(Interaction(id_, media=Media.SMS, contact=CONTACT, owner="alice"))
        found: list[str] = []

        def ask(id_: str = id_, found: list[str] = found) -> None:
            found.append(centre.service.request_transfer(id_, BOB, by="alice", key=f"key of {id_}").id)

        assert [None] * 6 == race(threads, *[ask] * 6)
        assert 1 == len(set(found))
        made.update(found)
        service.mark_done(id_, by="alice")
    assert ROUNDS // 4 == len(made)


def test_t12_texts_from_many_threads_in_the_middle_of_transfers(threads: ThreadPoolExecutor) -> None:
    """T12, D7: texts pour in while the conversation goes back and forth: all there, once, on the owner's desktop."""
    store, policy = MemoryStore(), TransferPolicy(max_hops=100_000)
    note(store, policy)
    service = TransferService(store, policy=policy, clock=ManualClock())
    screens = {name: RecordingUI() for name in ("a", "b")}
    for name, screen in screens.items():
        service.add_agent(Agent(name, name, status=ChannelStatus.READY))
        service.connect(Workspace(name, screen))
    service.open_interaction(Interaction("i", media=Media.MMS, contact=CONTACT, owner="a"))
    each = 200

    def text(writer: int) -> None:
        for number in range(each):
            service.receive_message("i", f"{writer}:{number}")

    def transfer() -> None:
        for number in range(each):
            sender, target = ("a", "b") if number % 2 == 0 else ("b", "a")
            request = service.request_transfer("i", Target.agent(target), by=sender)
            assert request.invitation is not None
            service.accept(request.invitation.id, by=target)

    assert [None] * 5 == race(threads, transfer, *(partial(text, writer) for writer in range(4)))
    texts = [message.text for message in service.transcript("i")]
    assert 4 * each == len(texts)
    for writer in range(4):
        assert [f"{writer}:{number}" for number in range(each)] == [t for t in texts if t.startswith(f"{writer}:")]
    service.tick()
    owner = str(service.interaction("i").owner)
    assert [name for name, screen in screens.items() if screen.windows] == [owner]
    assert texts == [message.text for message in screens[owner].windows["i"].transcript]


def test_f1_nobody_but_the_owner_texts(threads: ThreadPoolExecutor) -> None:
    """F1: both text all the time while the conversation moves: what is sent was written by the owner of its epoch."""
    centre = Centre(policy=TransferPolicy(max_hops=100_000))
    service = centre.service

    def write(name: str) -> None:
        for _ in range(ROUNDS):
            with suppress(NotPermitted):
                service.reply("i", "me", by=name)

    def transfer() -> None:
        for _ in range(ROUNDS // 2):
            for sender, target in (("alice", BOB), ("bob", Target.agent("alice"))):
                request = service.request_transfer("i", target, by=sender)
                service.accept(centre.ticket(request), by=target.id)

    assert [None] * 3 == race(threads, transfer, lambda: write("alice"), lambda: write("bob"))
    service.tick()
    for sent in centre.gateway.sent:
        assert ("alice" if sent.epoch % 2 == 0 else "bob") == sent.sender
    recorded = [message.id for message in service.transcript("i")]
    assert recorded == [message.id for message in centre.gateway.sent]


def test_sweeps_race(threads: ThreadPoolExecutor) -> None:
    """F4: six sweeps at once close each transfer once, and tell of it once."""
    centre = Centre()
    for number in range(ROUNDS // 4):
        one = Round(centre, number, due=False)
        centre.clock.advance(TIMEOUT + timedelta(seconds=1))
        assert [None] * 6 == race(threads, *[centre.service.tick] * 6)
        check_history(centre.service, one, TransferState.EXPIRED)
        one.clean_up()
    told = centre.alice.ui.called("show_message")
    assert ROUNDS // 4 == len(told) == len(centre.service.snapshot("alice").messages)
