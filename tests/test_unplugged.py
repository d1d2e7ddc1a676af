"""The wire to PostgreSQL is cut at any moment: commands say so, nothing happens twice, and desktops catch up."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from proxy import Moment, Proxy
from servers import Server, new_schema
from sms_transfer import (
    Agent,
    ChannelStatus,
    Interaction,
    InvitationClosed,
    Media,
    StoreUnavailable,
    TransferPolicy,
    TransferRequested,
    TransferService,
    TransferState,
)
from sms_transfer.adapters.postgres import PostgresStore, blocking
from support import BOB, CONTACT, Desk, FakeGateway
from traces import validate

PASSWORD = "open-sesame"  # noqa: S105 - nobody asks for it; it must not be found anywhere
TEXT = "my card number is 4111"
NOTE = "she sounded upset"
SECRETS = (PASSWORD, CONTACT.address, CONTACT.address[1:], CONTACT.name, TEXT, NOTE)
COMMIT = "commit_decision"
PATIENCE = 30.0

Call = Callable[[TransferService], object]


@pytest.fixture(autouse=True)
def no_secrets(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A6: whatever is logged in these tests, by us, by psycopg or by its pool, has no secret in it."""
    caplog.set_level(logging.DEBUG)
    yield
    for when in ("setup", "call", "teardown"):
        for record in caplog.get_records(when):
            assert_no_secrets(record.getMessage() + str(record.exc_text) + str(record.exc_info))


def assert_no_secrets(said: str) -> None:
    """A6: nothing of this is in what is said."""
    for secret in SECRETS:
        assert secret not in said


class Wired:
    """A service at the end of a wire that can be cut, and another one beside it. Alice owns ``"i"``."""

    def __init__(self, server: Server, proxy: Proxy) -> None:
        self.schema = schema = new_schema()
        self.proxy = proxy
        self.near = PostgresStore(server.conninfo, schema=schema)
        self.far = PostgresStore(proxy.conninfo, schema=schema, create=False)
        self.gateway = FakeGateway()
        self.beside = TransferService(self.near)
        self.service = TransferService(self.far, gateway=self.gateway)
        for agent_id in ("alice", "bob"):
            self.beside.add_agent(Agent(agent_id, agent_id.title(), status=ChannelStatus.READY))
        self.open("i")

    def open(self, interaction_id: str) -> None:
        """Open an interaction of Alice's."""
        self.beside.open_interaction(Interaction(interaction_id, media=Media.SMS, contact=CONTACT, owner="alice"))

    def invite(self) -> str:
        """Offer ``"i"`` to Bob; the ticket."""
        request = self.beside.request_transfer("i", BOB, by="alice", note=NOTE)
        assert request.invitation is not None
        return request.invitation.id

    def cut(self, moment: Moment, call: Call, statement: str = "") -> None:
        """Make a call that is cut off, and see that it says so and nothing else."""
        self.proxy.cut(moment, statement)
        self.away(call)
        assert self.proxy.has_cut

    def away(self, call: Call) -> None:
        """Make a call that cannot reach the store, and see that it says so and nothing else."""
        with pytest.raises(StoreUnavailable) as caught:
            call(self.service)
        assert_no_secrets("".join(traceback.format_exception(caught.value)))


@pytest.fixture
def wired(postgres: Server) -> Iterator[Wired]:
    with Proxy(postgres.conninfo, PASSWORD) as proxy:
        wired = Wired(postgres, proxy)
        with wired.near, wired.far:
            yield wired
            validate(wired.near, TransferPolicy())


moments = pytest.mark.parametrize("moment", Moment)


@moments
def test_f5_a_request_that_was_cut_off_is_repeated(wired: Wired, moment: Moment) -> None:
    """F5, F7: whether or not it was committed, the same request under its key has the effect of one."""

    def request(service: TransferService) -> str:
        return service.request_transfer("i", BOB, by="alice", note=NOTE, key="once").id

    wired.cut(moment, request, COMMIT)
    live = wired.beside.interaction("i").transfer
    assert (moment is Moment.UNASKED) is (live is None)
    made = request(wired.service)
    assert live is None or made == live.id
    asked = [event for event in wired.beside.history("i") if isinstance(event, TransferRequested)]
    assert [made] == [event.transfer_id for event in asked]
    assert 1 == len(wired.beside.snapshot("bob").invitations)


@moments
def test_f5_a_text_that_was_cut_off_is_repeated(wired: Wired, moment: Moment) -> None:
    """F5, T12: a text from the contact under the provider's id is recorded once, however often it must be tried."""

    def receive(service: TransferService) -> object:
        return service.receive_message("i", TEXT, message_id="once")

    wired.cut(moment, receive, COMMIT)
    assert (moment is not Moment.UNASKED) is bool(wired.beside.transcript("i"))
    receive(wired.service)
    assert ["once"] == [message.id for message in wired.beside.transcript("i")]


@moments
def test_t11_an_accept_that_was_cut_off_is_told_the_truth(wired: Wired, moment: Moment) -> None:
    """T5, T11, F1: an accept tried again takes it, or is told that it had taken it; there is one owner all the time."""
    ticket = wired.invite()
    wired.cut(moment, lambda service: service.accept(ticket, by="bob"), COMMIT)
    if moment is Moment.UNASKED:
        assert "alice" == wired.beside.interaction("i").owner
        wired.service.accept(ticket, by="bob")
    else:
        with pytest.raises(InvitationClosed) as caught:
            wired.service.accept(ticket, by="bob")
        assert (TransferState.ACCEPTED, "bob") == (caught.value.outcome.state, caught.value.outcome.by)
    found = wired.beside.interaction("i")
    assert ("bob", 1) == (found.owner, found.epoch)


@moments
def test_f6_a_text_is_sent_although_marking_it_was_cut_off(wired: Wired, moment: Moment) -> None:
    """F6: a text that the gateway took while the wire was cut is recorded, and at the worst sent twice."""
    wired.gateway.error = ConnectionError(f"{CONTACT.address} did not take {TEXT!r}")  # A6: and nobody repeats that
    sent = wired.service.reply("i", TEXT, by="alice")
    wired.gateway.error = None
    wired.proxy.cut(moment, "mark_sent")
    assert 0 == wired.service.tick().sent
    assert wired.proxy.has_cut
    wired.service.tick()
    expected = 2 if moment is Moment.UNASKED else 1
    assert [sent.id] * expected == [message.id for message in wired.gateway.sent]
    assert 0 == wired.service.tick().sent


CALLS: dict[str, Call] = {
    "add_agent": lambda s: s.add_agent(Agent("new", "New")),
    "update_agent": lambda s: s.update_agent(Agent("bob", "Bobby")),
    "log_in": lambda s: s.log_in("bob"),
    "log_out": lambda s: s.log_out("bob"),
    "set_not_ready": lambda s: s.set_not_ready("bob", NOTE),
    "set_do_not_disturb": lambda s: s.set_do_not_disturb("bob", on=True),
    "open_interaction": lambda s: s.open_interaction(
        Interaction("new", media=Media.SMS, contact=CONTACT, owner="alice")
    ),
    "receive_message": lambda s: s.receive_message("i", TEXT),
    "reply": lambda s: s.reply("i", TEXT, by="alice"),
    "update_case_data": lambda s: s.update_case_data("i", {"card": TEXT}, by="alice"),
    "set_note": lambda s: s.set_note("i", NOTE, by="alice"),
    "mark_done": lambda s: s.mark_done("i", by="alice"),
    "request_transfer": lambda s: s.request_transfer("i", BOB, by="alice", note=NOTE),
    "accept": lambda s: s.accept("nothing", by="bob"),
    "reject": lambda s: s.reject("nothing", by="bob", reason=NOTE),
    "cancel": lambda s: s.cancel("nothing", by="alice"),
    "expire_due": lambda s: s.expire_due(),
    "tick": lambda s: s.tick(),
    "interaction": lambda s: s.interaction("i"),
    "transfer": lambda s: s.transfer("nothing"),
    "agent": lambda s: s.agent("bob"),
    "transcript": lambda s: s.transcript("i"),
    "history": lambda s: s.history("i"),
    "eligibility": lambda s: s.eligibility("i", BOB),
    "snapshot": lambda s: s.snapshot("bob"),
    "events": lambda s: s.events(),
    "mark_read": lambda s: s.mark_read("alice", "nothing"),
    "delete_message": lambda s: s.delete_message("alice", "nothing"),
}


@moments
def test_f7_every_call_says_that_the_store_is_away(wired: Wired, moment: Moment) -> None:
    """F7: whichever call is cut off at its first statement, it says so in our words; the next one works."""
    for call in CALLS.values():
        wired.cut(moment, call)
        assert "alice" == wired.service.interaction("i").owner
    assert () == wired.beside.transcript("i")


def test_f7_every_connection_was_cut_while_idle(wired: Wired) -> None:
    """All connections that lay idle are gone: whoever finds that out is told, and the others are given new ones."""
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: wired.service.interaction("i"), range(200)))
    wired.proxy.cut_off()
    wired.away(lambda service: service.interaction("i"))
    for _ in range(20):
        assert "alice" == wired.service.interaction("i").owner


def test_f7_the_server_is_away_for_a_while(wired: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody hangs while nothing answers; when it is back commands work soon, however long it was away."""
    monkeypatch.setattr(blocking, "PATIENCE", 0.2)
    with PostgresStore(wired.proxy.conninfo, schema=wired.schema, create=False) as store:
        service = TransferService(store)
        service.interaction("i")
        wired.proxy.lets_in = False
        wired.proxy.cut_off()
        with ThreadPoolExecutor(8) as threads:
            answers = [threads.submit(service.interaction, "i") for _ in range(64)]
            assert {StoreUnavailable} == {type(answer.exception()) for answer in answers}
        wired.proxy.lets_in = True
        for _ in range(4):
            with suppress(StoreUnavailable):  # the next attempt to connect may be a little later than this command
                assert "alice" == service.interaction("i").owner
        assert "alice" == service.interaction("i").owner


def test_f7_a_store_cannot_be_opened(wired: Wired) -> None:
    """Whoever opens a store that is away is told so at once."""
    wired.proxy.lets_in = False
    for create in (False, True):
        with pytest.raises(StoreUnavailable) as caught:
            PostgresStore(wired.proxy.conninfo, create=create)
        assert_no_secrets("".join(traceback.format_exception(caught.value)))


# the doorbell


def until(true: Callable[[], bool]) -> None:
    """Wait for something that another thread does."""
    patience = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < patience, "it did not come"
        time.sleep(0.005)


def bells() -> set[threading.Thread]:
    """The threads that listen."""
    return {thread for thread in threading.enumerate() if thread.name == "sms-transfer-doorbell"}


class Listening:
    """Alice's desktop on the far service, and the thread that listens for it."""

    def __init__(self, wired: Wired) -> None:
        before = bells()
        self.wired = wired
        self.desk = Desk(TransferService(wired.far, messaging=wired.far.doorbell), "alice")
        [self.thread] = bells() - before
        wired.open("first")
        until(lambda: "first" in self.desk.workspace.windows)

    def cut(self) -> None:
        """Cut the wire on which it listens, and keep it cut."""
        self.wired.proxy.lets_in = False
        self.wired.proxy.cut_off("LISTEN")
        calls = self.wired.proxy.calls
        until(lambda: self.wired.proxy.calls > calls)  # it has noticed


def test_d7_a_desktop_that_missed_rings_catches_up(wired: Wired) -> None:
    """D7: what happened while nothing could be heard is shown when the wire is whole again, by the same thread."""
    listening = Listening(wired)
    for number in range(2):
        listening.cut()
        wired.open(f"missed {number}")
        assert f"missed {number}" not in listening.desk.workspace.windows
        wired.proxy.lets_in = True
        until(lambda number=number: f"missed {number}" in listening.desk.workspace.windows)  # type: ignore[misc]  # bound at once
    wired.beside.mark_done("first", by="alice")
    until(lambda: "first" not in listening.desk.workspace.windows)
    assert listening.thread.is_alive()
    assert dict(listening.desk.workspace.windows) == listening.desk.ui.windows


def test_d7_a_tick_shows_what_cannot_be_heard(wired: Wired) -> None:
    """D7: while the bell is away a tick shows the truth: it looks, and does not listen."""
    before = bells()
    service = TransferService(wired.far, messaging=wired.far.doorbell)
    desk = Desk(service, "alice")
    [thread] = bells() - before
    wired.open("first")
    until(lambda: "first" in desk.workspace.windows)
    wired.proxy.lets_in = False
    wired.proxy.cut_off("LISTEN")
    wired.open("missed")
    service.tick()
    assert "missed" in desk.workspace.windows
    assert thread.is_alive()


def test_d7_a_bell_that_is_away_does_not_spin(wired: Wired) -> None:
    """Who cannot listen tries again after a pause each time."""
    listening = Listening(wired)
    listening.cut()
    began, calls = time.monotonic(), wired.proxy.calls
    time.sleep(1.2)
    assert wired.proxy.calls - calls <= (time.monotonic() - began) / 0.5 + 1
    assert listening.thread.is_alive()


@pytest.mark.parametrize("away", [False, True])
def test_d7_a_bell_is_closed(wired: Wired, away: bool) -> None:
    """Closing the store ends the thread that listens, whether it hears anything or not."""
    listening = Listening(wired)
    if away:
        listening.cut()
    wired.far.close()
    assert not listening.thread.is_alive()
