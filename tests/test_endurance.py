"""What would wear out a process that runs for long: things that hang, fail for ever, come too fast or never end."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from threading import Barrier, Event, Thread, get_ident
from typing import Any

import attrs
import pytest

from sms_transfer import (
    Agent,
    AlreadyExists,
    Answering,
    ChannelStatus,
    FrozenDict,
    Interaction,
    InteractionWindow,
    InvalidValue,
    Media,
    Message,
    NotFound,
    StoreUnavailable,
    TransferPolicy,
    TransferService,
    TransferState,
    Workspace,
    WorkspaceSettings,
)
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.serial import OneAtATime
from sms_transfer.testing import ManualClock, RecordingUI
from support import ALICE, BOB, CONTACT, TIMEOUT, Centre, FakeGateway

PATIENCE = 20.0  # seconds, after which a test gives up; none of them takes that long


def ready(service: TransferService, *names: str, capacity: int = 5) -> None:
    for name in names:
        service.add_agent(Agent(name, name.title(), status=ChannelStatus.READY, capacity=capacity))


def opened(service: TransferService, id_: str = "i", owner: str = "alice") -> None:
    service.open_interaction(Interaction(id_, media=Media.SMS, contact=CONTACT, owner=owner))


class LongIds:
    """Ids as long as they may be."""

    def __init__(self) -> None:
        self.made = 0

    def new(self, kind: str) -> str:
        self.made += 1
        return f"{kind}-{self.made}-".ljust(128, "x")


def test_f4_ids_may_be_as_long_as_they_may_be() -> None:
    """F4, A8: with ids of 128 characters every outcome is recorded and told."""
    clock = ManualClock()
    service = TransferService(clock=clock, ids=LongIds())
    ready(service, "alice", "bob")
    opened(service)
    request = service.request_transfer("i", BOB, by="alice")
    assert request.invitation is not None
    assert TransferState.REJECTED is service.reject(request.invitation.id, by="bob").state
    service.request_transfer("i", BOB, by="alice")
    clock.advance(TIMEOUT)
    [expired] = service.tick().expired
    assert TransferState.EXPIRED is expired.state
    assert 2 == len(service.snapshot("alice").messages)


class SameIds:
    """Ids that are not new."""

    def new(self, kind: str) -> str:
        return kind


def test_f3_an_id_that_is_not_new_changes_no_outcome() -> None:
    """F3, A8: an id factory that repeats itself is refused; the closed transfer stays what it was."""
    service = TransferService(ids=SameIds())
    ready(service, "alice", "bob")
    opened(service)
    service.request_transfer("i", BOB, by="alice")
    service.reject("invitation", by="bob")
    with pytest.raises(AlreadyExists) as caught:
        service.request_transfer("i", BOB, by="alice")
    assert ("transfer", "transfer") == (caught.value.kind, caught.value.id)
    assert TransferState.REJECTED is service.transfer("transfer").state
    assert service.interaction("i").transfer is None


class SameTickets(LongIds):
    """New ids for all but invitations."""

    def new(self, kind: str) -> str:
        return "ticket" if kind == "invitation" else super().new(kind)


def test_f3_a_ticket_names_one_offer() -> None:
    """F3: a ticket that was given out is not given out again."""
    service = TransferService(ids=SameTickets())
    ready(service, "alice", "bob")
    opened(service)
    opened(service, "j")
    service.request_transfer("i", BOB, by="alice")
    with pytest.raises(AlreadyExists) as caught:
        service.request_transfer("j", BOB, by="alice")
    assert ("invitation", "ticket") == (caught.value.kind, caught.value.id)


def test_f4_one_transfer_that_cannot_be_closed_keeps_no_other_open(caplog: pytest.LogCaptureFixture) -> None:
    """F4: whatever goes wrong with one expiry, the others are recorded."""

    class Picky(MemoryStore):
        def commit(self, decision: Any) -> None:
            if decision.interaction.id == "i" and decision.interaction.transfer is None and len(decision.requests) > 0:
                raise ZeroDivisionError
            super().commit(decision)

    clock = ManualClock()
    service = TransferService(Picky(), clock=clock)
    ready(service, "alice", "bob")
    for id_ in ("i", "j"):
        opened(service, id_)
        service.request_transfer(id_, BOB, by="alice")
    clock.advance(TIMEOUT)
    assert ["j"] == [request.interaction_id for request in service.tick().expired]
    assert "could not expire transfer" in caplog.text


def test_e3_a_place_is_free_from_the_deadline_on() -> None:
    """E3, T10, F4: an offer that is over takes no place, swept or not: for other conversations too."""
    clock = ManualClock()
    service = TransferService(clock=clock)
    ready(service, "alice")
    ready(service, "bob", capacity=1)
    opened(service)
    opened(service, "j")
    service.request_transfer("i", BOB, by="alice")
    clock.advance(TIMEOUT)
    assert frozenset() == service.eligibility("j", BOB)
    assert TransferState.INVITED is service.request_transfer("j", BOB, by="alice").state
    assert frozenset({"at_capacity"}) == service.eligibility("i", BOB)


class BrokenOutbox(MemoryStore):
    """Cannot say what waits."""

    def next_unsent(self, interaction_id: str) -> Message | None:
        raise StoreUnavailable(detail=interaction_id)


def test_f5_a_text_that_is_recorded_is_not_said_to_have_failed(caplog: pytest.LogCaptureFixture) -> None:
    """F5, F6: once the text is recorded the reply has had its effect; what fails after that is tried again."""
    service = TransferService(BrokenOutbox())
    ready(service, "alice")
    opened(service)
    sent = service.reply("i", "hello", by="alice")
    assert (sent,) == service.transcript("i")
    assert "could not send a text of interaction i" in caplog.text


def test_f5_a_request_that_is_recorded_is_not_said_to_have_failed(caplog: pytest.LogCaptureFixture) -> None:
    """F5, T9: looking after the invitee is extra; the deadline ends the transfer in any case."""

    class GoneOnceInvited(MemoryStore):
        def agents(self, ids: Collection[str]) -> Mapping[str, Agent]:
            if store.due(ManualClock().now() + TIMEOUT, limit=1):
                raise RuntimeError(ids)
            return super().agents(ids)

    store = MemoryStore()
    service = TransferService(store, directory=GoneOnceInvited(), clock=ManualClock())
    ready(service, "alice", "bob")
    opened(service)
    assert TransferState.INVITED is service.request_transfer("i", BOB, by="alice").state
    assert "could not look after invitation" in caplog.text


def test_f6_every_waiting_conversation_gets_its_turn() -> None:
    """F6: asked for a few at a time, a store names them all before it names one again."""
    store = MemoryStore()
    gateway = FakeGateway()
    gateway.error = TimeoutError()
    service = TransferService(store, gateway=gateway)
    ready(service, "alice", capacity=10)
    for number in range(5):
        opened(service, f"i-{number}")
        service.reply(f"i-{number}", "wait", by="alice")
    named = [id_ for _ in range(3) for id_ in store.unsent(limit=2)]
    assert {f"i-{number}" for number in range(5)} == set(named)


def test_one_at_a_time_keeps_nobody() -> None:
    """A thread whose job is asked for again and again hands on, and returns; nothing asked for is forgotten."""
    turns, ended = OneAtATime(), Event()
    ran_in: list[int] = []

    def job() -> None:
        ran_in.append(get_ident())
        if len(ran_in) < 100:
            turns.run("key", job)  # as if others came all the time
        else:
            ended.set()

    turns.run("key", job)
    assert ended.wait(PATIENCE)
    assert 100 == len(ran_in)
    assert 1 <= ran_in.count(get_ident()) <= 16


def test_one_at_a_time_survives_an_interrupt() -> None:
    """Where a job is interrupted, the next one can run."""
    turns, ran = OneAtATime(), []

    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        turns.run("key", interrupted)
    turns.run("key", lambda: ran.append("next"))
    assert ["next"] == ran


class Hangs(RecordingUI):
    """Hangs in the first window that it opens, until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.hanging, self.go_on, self.let_go = Event(), Event(), False

    def open_window(self, window: InteractionWindow) -> None:
        self.hanging.set()
        self.let_go = self.go_on.wait(PATIENCE)
        super().open_window(window)


def test_d7_reconnecting_does_not_wait_for_a_front_end_that_hangs() -> None:
    """D7: a desktop that reconnects while a show hangs in another thread is not blocked, and shows the truth after."""
    centre, ui = Centre(), Hangs()
    workspace = Workspace("alice", ui)
    first = Thread(target=centre.service.connect, args=(workspace,))
    first.start()
    assert ui.hanging.wait(PATIENCE)
    centre.service.connect(workspace)  # returns although the other one hangs
    centre.service.receive_message("i", "hello")
    ui.go_on.set()
    first.join(PATIENCE)
    centre.service.tick()
    assert ui.let_go  # and did not just give up
    assert ["hello"] == [text.text for text in ui.windows["i"].transcript]
    assert 1 == len(ui.called("open_window"))


def test_d7_a_front_end_may_reconnect_while_it_is_called() -> None:
    """D7: a call that reconnects its own workspace does not show inside a show."""
    centre = Centre()

    class Reconnects(RecordingUI):
        def open_window(self, window: InteractionWindow) -> None:
            super().open_window(window)
            centre.service.connect(workspace)

    ui = Reconnects()
    workspace = Workspace("alice", ui)
    centre.service.connect(workspace)
    assert ["open_window"] == [name for name, _ in ui.calls]


def test_d7_two_workspaces_of_two_agents_connected_twice_do_not_block_each_other() -> None:
    """D7: front ends that give commands while they are called, in two threads, end."""
    service = TransferService(policy=TransferPolicy(max_hops=10_000))
    ready(service, "alice", "bob")
    opened(service)
    opened(service, "j", owner="bob")
    start = Barrier(2)

    class Talks(RecordingUI):
        def update_window(self, window: InteractionWindow) -> None:
            super().update_window(window)
            if len(window.transcript) < 40:
                other = "j" if window.interaction.id == "i" else "i"
                service.receive_message(other, "and you?")

    for name in ("alice", "bob"):
        workspace = Workspace(name, Talks())
        for _ in range(2):
            service.connect(workspace)

    def talk(id_: str) -> None:
        start.wait()
        for _ in range(20):
            service.receive_message(id_, "hello")

    threads = [Thread(target=talk, args=(id_,), daemon=True) for id_ in ("i", "j")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert [False, False] == [thread.is_alive() for thread in threads]


class CannotDraw(RecordingUI):
    """Cannot update the window of one conversation."""

    def update_window(self, window: InteractionWindow) -> None:
        if window.interaction.id == "i":
            raise ZeroDivisionError
        super().update_window(window)


def test_t5_a_window_that_cannot_be_drawn_hides_no_preview() -> None:
    """T5, D7: where the front end fails in one place, everything else is shown all the same."""
    centre, ui = Centre(), CannotDraw()
    centre.service.connect(Workspace("alice", ui))
    centre.service.open_interaction(Interaction("j", media=Media.SMS, contact=CONTACT, owner="bob"))
    centre.service.receive_message("i", "breaks it")
    request = centre.service.request_transfer("j", ALICE, by="bob")
    assert [centre.ticket(request)] == list(ui.previews)


def test_d2_a_window_that_cannot_be_drawn_keeps_no_invitation_waiting() -> None:
    """D2: the workspace answers by itself although the front end fails elsewhere."""
    centre = Centre()
    settings = WorkspaceSettings(answering=Answering.AUTO_WITHOUT_PREVIEW)
    centre.service.connect(Workspace("alice", CannotDraw(), settings))
    centre.service.open_interaction(Interaction("j", media=Media.SMS, contact=CONTACT, owner="bob"))
    centre.service.receive_message("i", "breaks it")
    centre.service.request_transfer("j", ALICE, by="bob")
    assert "alice" == centre.service.interaction("j").owner


def test_d2_a_closed_desktop_answers_nothing() -> None:
    """D2: a desktop that is closed while it shows an invitation does not accept it any more."""
    centre = Centre()

    class Closes(RecordingUI):
        def show_preview(self, preview: object) -> None:
            connection.close()

    workspace = Workspace("carol", Closes(), WorkspaceSettings(answering=Answering.AUTO_WITH_PREVIEW))
    connection = centre.service.connect(workspace)
    request = centre.service.request_transfer("i", attrs.evolve(BOB, id="carol"), by="alice")
    assert TransferState.INVITED is centre.service.transfer(request.id).state


def test_d7_a_front_end_that_stalls_is_sent_one_refresh() -> None:
    """D7: whatever happens while a dispatched refresh waits, no second one is put behind it; one that was lost is."""
    centre = Centre()
    waiting: list[Callable[[], None]] = []
    ui = RecordingUI()
    centre.service.connect(Workspace("alice", ui), dispatch=waiting.append)
    for number in range(50):
        centre.service.receive_message("i", f"text {number}")
    assert 1 == len(waiting)
    waiting.clear()  # lost
    centre.service.tick()
    [refresh] = waiting
    refresh()
    assert 50 == len(ui.windows["i"].transcript)


def test_f4_a_gateway_that_hangs_keeps_no_transfer_from_ending() -> None:
    """F4: deadlines are swept although the thread that sends texts hangs in the provider's client."""
    hanging, go_on = Event(), Event()

    class Hanging(FakeGateway):
        def send(self, message: Message, contact: object) -> None:
            if self.error is not None:
                raise self.error
            hanging.set()
            assert go_on.wait(PATIENCE)

    gateway = Hanging()
    gateway.error = TimeoutError()
    expired = Event()

    class Told(RecordingUI):
        def show_message(self, message: object) -> None:
            expired.set()

    service = TransferService(gateway=gateway, policy=TransferPolicy(invitation_timeout=timedelta(milliseconds=50)))
    ready(service, "alice", "bob")
    opened(service)
    service.reply("i", "refused at first", by="alice")
    gateway.error = None
    service.connect(Workspace("alice", Told()))
    with service.ticking(timedelta(milliseconds=5)):
        assert hanging.wait(PATIENCE)
        service.request_transfer("i", BOB, by="alice")
        assert expired.wait(PATIENCE)
        go_on.set()


@pytest.mark.parametrize("now", [None, 5, "noon", datetime(2026, 1, 1), datetime(9998, 1, 1, tzinfo=UTC)])  # noqa: DTZ001 - that is the point
def test_a8_a_clock_that_gives_nonsense_is_refused(now: Any) -> None:
    """A8: what is no aware datetime, or leaves no room for a deadline, is refused in our own words."""

    class Clock:
        def now(self) -> datetime:
            found: datetime = now
            return found

    with pytest.raises(InvalidValue) as caught:
        TransferService(clock=Clock()).tick()
    assert "clock" == caught.value.field


def test_a8_a_text_to_the_contact_says_something() -> None:
    """A8: an empty text is refused, unless something is attached to it."""
    centre = Centre()
    with pytest.raises(InvalidValue) as caught:
        centre.service.reply("i", "", by="alice")
    assert "text" == caught.value.field
    assert () == centre.service.transcript("i")


def test_d4_unknown_agents_leave_nothing_behind() -> None:
    """D4: marking and looking for agents whom nobody knows makes no desks for them."""
    store = MemoryStore()
    service = TransferService(store)
    ready(service, "alice")
    opened(service)
    for number in range(10):
        store.desktop(f"nobody-{number}")
        with pytest.raises(NotFound):
            service.mark_read(f"nobody-{number}", "message")
        with pytest.raises(NotFound):
            service.delete_message(f"nobody-{number}", "message")
    assert {"alice"} == set(store._desks)  # noqa: SLF001 - nothing public tells what is not needed


def test_t9_one_invitation_that_cannot_be_withdrawn_keeps_no_other(caplog: pytest.LogCaptureFixture) -> None:
    """T9: the agent is gone all the same, and what can be withdrawn is."""

    class Picky(MemoryStore):
        def commit(self, decision: Any) -> None:
            if decision.interaction.id == "i" and decision.notices:
                raise StoreUnavailable(detail="for this one")
            super().commit(decision)

    service = TransferService(Picky())
    ready(service, "alice", "bob")
    for id_ in ("i", "j"):
        opened(service, id_)
        service.request_transfer(id_, BOB, by="alice")
    assert ChannelStatus.LOGGED_OUT is service.log_out("bob").status
    assert None is service.interaction("j").transfer
    assert None is not service.interaction("i").transfer
    assert "could not withdraw invitation" in caplog.text


@pytest.mark.parametrize("given", [None, 5, "text", ["list"]])
def test_a8_a_frozen_dict_is_made_of_a_mapping(given: Any) -> None:
    """A8: anything else is refused in our own words."""
    with pytest.raises(InvalidValue) as caught:
        FrozenDict(given)
    assert "items" == caught.value.field
