"""What a store may also be: one that rings by itself, and one that takes part in the host's transaction (F6)."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from doubles import Bell
from sms_transfer import (
    Agent,
    ChannelStatus,
    Interaction,
    Media,
    SystemMessage,
    Target,
    TransferService,
    Workspace,
)
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.core.decision import Decision
from sms_transfer.ports import Messaging
from sms_transfer.testing import ManualClock, RecordingUI
from support import BOB, CONTACT, FakeGateway


class CountingBell(Bell):
    """A bell that remembers whom it was rung for."""

    def __init__(self) -> None:
        super().__init__()
        self.rung: list[tuple[str, ...]] = []

    def ring(self, agent_ids: Collection[str]) -> None:
        self.rung.append(tuple(agent_ids))
        super().ring(agent_ids)


class Ringing(MemoryStore):
    """A store with a doorbell of its own, which its commits ring."""

    def __init__(self) -> None:
        super().__init__()
        self.doorbell = CountingBell()

    def commit(self, decision: Decision) -> None:
        super().commit(decision)
        self.doorbell.ring(decision.concerned)


class Joining(MemoryStore):
    """A store that takes part in a transaction, when a test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.joins_transaction = False


class JoiningAndRinging(Joining):
    """One whose bell rings when the host commits, which is never here."""

    def __init__(self) -> None:
        super().__init__()
        self.doorbell = CountingBell()


def service_over(
    store: MemoryStore,
    *,
    messaging: Messaging | None = None,
    gateway: FakeGateway | None = None,
    directory: MemoryStore | None = None,
) -> TransferService:
    """Alice and Bob, both Ready; Alice owns ``"i"``."""
    service = TransferService(store, messaging=messaging, gateway=gateway, directory=directory, clock=ManualClock())
    for name in ("alice", "bob"):
        service.add_agent(Agent(name, name.title(), status=ChannelStatus.READY))
    service.open_interaction(Interaction("i", media=Media.SMS, contact=CONTACT, owner="alice"))
    return service


def missed(service: TransferService) -> SystemMessage:
    """An entry in Alice's My Messages."""
    invitation = service.request_transfer("i", BOB, by="alice").invitation
    assert invitation is not None
    service.reject(invitation.id, by="bob")
    [entry] = service.snapshot("alice").messages
    return entry


def test_f6_a_store_that_rings_on_commit_is_not_rung_for() -> None:
    """F6: each commit wakes whom it concerns once, by the store's own bell, which is the service's too."""
    store, ui = Ringing(), RecordingUI()
    service = service_over(store)
    service.connect(Workspace("alice", ui))
    store.doorbell.rung.clear()
    service.receive_message("i", "hello")
    assert [("alice",)] == store.doorbell.rung
    assert ["hello"] == [text.text for text in ui.windows["i"].transcript]


def test_f6_a_store_that_rings_on_commit_is_rung_for_what_is_no_commit() -> None:
    """F6: a change of status, a read mark and a deletion are told by the same bell."""
    store = Ringing()
    service = service_over(store)
    entry = missed(service)
    store.doorbell.rung.clear()
    service.set_not_ready("bob")
    service.mark_read("alice", entry.id)
    service.delete_message("alice", entry.id)
    assert [("bob",), ("alice",), ("alice",)] == store.doorbell.rung


def test_f6_whoever_is_given_another_bell_rings_that() -> None:
    """F6: a store's own bell is for whoever has no other."""
    store, bell = Ringing(), CountingBell()
    service = service_over(store, messaging=bell)
    bell.rung.clear()
    service.receive_message("i", "hello")
    assert [("alice",)] == bell.rung


def test_f6_in_the_hosts_transaction_nothing_is_rung_and_nothing_is_sent() -> None:
    """F6: what may still be rolled back is neither shown nor sent, at once or by the tick; afterwards all of it is."""
    store, bell, gateway, ui = Joining(), CountingBell(), FakeGateway(), RecordingUI()
    service = service_over(store, messaging=bell, gateway=gateway)
    service.connect(Workspace("alice", ui))
    bell.rung.clear()
    store.joins_transaction = True
    reply = service.reply("i", "hello", by="alice")
    service.set_not_ready("bob")
    entry = missed_in_transaction(service)
    service.mark_read("alice", entry.id)
    assert 0 == service.tick().sent
    assert [] == bell.rung
    assert [] == gateway.sent
    store.joins_transaction = False
    assert 1 == service.tick().sent
    assert [reply] == gateway.sent
    assert ["hello"] == [text.text for text in ui.windows["i"].transcript]


def missed_in_transaction(service: TransferService) -> SystemMessage:
    """An entry in Alice's My Messages; Bob is Ready for as long as it takes."""
    service.set_ready("bob")
    return missed(service)


def test_f6_a_bell_that_rings_when_the_host_commits_is_rung_in_its_transaction() -> None:
    """F6: what is no commit is told by the bell of the store, which knows when."""
    store = JoiningAndRinging()
    service = service_over(store)
    store.joins_transaction = True
    store.doorbell.rung.clear()
    service.set_not_ready("bob")
    service.receive_message("i", "hello")
    assert [("bob",)] == store.doorbell.rung


def test_f6_a_status_in_another_directory_is_told_although_the_store_is_in_a_transaction() -> None:
    """F6: it is recorded there, whatever becomes of the transaction."""
    store, bell = Joining(), CountingBell()
    service = service_over(store, messaging=bell, directory=MemoryStore())
    store.joins_transaction = True
    bell.rung.clear()
    service.set_not_ready("bob")
    assert [("bob",)] == bell.rung


@pytest.mark.parametrize("itself", [True, False])
def test_t9_a_store_that_is_the_directory_is_read_once(itself: bool) -> None:
    """T9: given as both, the store refuses to invite who has left, as if it were given once."""

    class Counting(MemoryStore):
        def __init__(self) -> None:
            super().__init__()
            self.asked = 0

        def agents(self, ids: Collection[str]) -> dict[str, Agent]:
            self.asked += 1
            return dict(super().agents(ids))

    store = Counting()
    service = service_over(store, directory=store if itself else None)
    store.asked = 0
    service.request_transfer("i", Target.agent("bob"), by="alice")
    assert 1 == store.asked  # in the one reading
