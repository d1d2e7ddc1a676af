"""The adapters of one process: the store in memory, the doorbell, the clock and the ids."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_transfer import (
    Agent,
    AlreadyExists,
    ChannelStatus,
    Conflict,
    Direction,
    Event,
    Interaction,
    InteractionOpened,
    InteractionState,
    InvalidValue,
    Invitation,
    Media,
    Message,
    NoteSet,
    Notice,
    Outcome,
    SystemMessage,
    Target,
    TransferRequest,
    TransferState,
)
from sms_transfer.adapters.in_process import InProcessMessaging, RandomIds, SystemClock
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.core.check import FrozenDict
from sms_transfer.core.commands import LogIn, LogOut, Need, SetReady
from sms_transfer.core.decision import Claim, Decision
from sms_transfer.ports import Facts
from support import ALICE, BOB, CONTACT, MOMENT, TIMEOUT

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def text(id_: str, interaction_id: str = "i", direction: Direction = Direction.OUTBOUND) -> Message:
    """A text of an interaction."""
    return Message(id_, interaction_id=interaction_id, direction=direction, text="hello", at=NOW)


def opened(id_: str = "i", owner: str | Target = "alice") -> Interaction:
    """An interaction as it is recorded first."""
    return Interaction(id_, media=Media.SMS, contact=CONTACT, owner=owner, version=1)


def note(interaction: Interaction) -> NoteSet:
    """Something that happened to it."""
    return NoteSet(interaction_id=interaction.id, at=NOW, by="alice")


def change(interaction: Interaction, **parts: object) -> Decision:
    """The next version of an interaction, and what comes with it."""
    after = attrs.evolve(interaction, version=interaction.version + 1)
    return Decision(after, events=(note(after),), **parts)  # type: ignore[arg-type]


def invited(interaction: Interaction, *, deadline: datetime = NOW + TIMEOUT, transfer_id: str = "t") -> Interaction:
    """The next version of an interaction, in which Bob is invited."""
    request = TransferRequest(
        transfer_id,
        interaction_id=interaction.id,
        sender="alice",
        target=BOB,
        state=TransferState.INVITED,
        requested_at=NOW,
        deadline=deadline,
        invitation=Invitation(f"v-{transfer_id}", invitee="bob", offered_at=NOW, deadline=deadline),
    )
    return attrs.evolve(
        interaction, version=interaction.version + 1, state=InteractionState.TRANSFERRING, transfer=request
    )


def invite(store: MemoryStore, interaction: Interaction, **details: object) -> Interaction:
    """Commit an invitation."""
    after = invited(interaction, **details)  # type: ignore[arg-type]
    assert after.transfer is not None
    store.commit(Decision(after, events=(note(after),), requests=(after.transfer,), concerned=("alice", "bob")))
    return after


def close(store: MemoryStore, interaction: Interaction) -> Interaction:
    """Commit the end of a live transfer: the sender keeps it."""
    assert interaction.transfer is not None
    outcome = Outcome(TransferState.CANCELLED, by="alice", at=NOW, owner="alice")
    closed = attrs.evolve(interaction.transfer, state=outcome.state, outcome=outcome)
    after = attrs.evolve(interaction, version=interaction.version + 1, state=InteractionState.ACTIVE, transfer=None)
    store.commit(Decision(after, events=(note(after),), requests=(closed,), concerned=("alice", "bob")))
    return after


@pytest.fixture
def store() -> MemoryStore:
    """A store in which Alice owns ``"i"``, at version 1."""
    store = MemoryStore()
    store.commit(Decision(opened(), events=(note(opened()),), concerned=("alice",)))
    return store


# the directory


def test_e1_the_directory_leaves_out_who_is_unknown() -> None:
    """E1: whoever asks sees who is missing."""
    store = MemoryStore()
    bob = Agent("bob", "Bob")
    store.add_agent(bob)

    assert {"bob": bob} == store.agents(["bob", "nobody"])


def test_a8_the_directory_takes_an_id_once() -> None:
    """A8: even for an equal record."""
    store = MemoryStore()
    store.add_agent(Agent("bob", "Bob"))

    with pytest.raises(AlreadyExists):
        store.add_agent(Agent("bob", "Bob"))


@pytest.mark.parametrize("known", [Agent("bob", "Robert"), Agent("dave", "Dave")])
def test_f7_a_record_is_replaced_only_if_it_is_the_one_that_was_read(known: Agent) -> None:
    """F7: somebody else was faster, or there is none."""
    store = MemoryStore()
    bob = Agent("bob", "Bob")
    store.add_agent(bob)

    with pytest.raises(Conflict):
        store.replace_agent(known, attrs.evolve(known, capacity=1))

    assert {"bob": bob} == store.agents(["bob", "dave"])


# commits


@pytest.mark.parametrize("version", [0, 1, 3])
def test_f7_a_commit_must_be_the_next_version(store: MemoryStore, version: int) -> None:
    """F1, F7: anything else was decided upon something that is not there any more."""
    decision = Decision(attrs.evolve(opened(), version=version), events=(note(opened()),))

    with pytest.raises(Conflict) as beaten:
        store.commit(decision)

    assert {"kind": "interaction", "id": "i"} == beaten.value.fields
    assert opened() == store.read(Need(interaction_id="i"), NOW).interaction
    assert len(store.history("i")) == 1


@pytest.mark.parametrize("version", [0, 2])
def test_f7_the_first_commit_is_version_one(version: int) -> None:
    """F7: there is nothing that another could follow."""
    store = MemoryStore()

    with pytest.raises(Conflict):
        store.commit(Decision(attrs.evolve(opened(), version=version), events=(note(opened()),)))

    assert Facts() == store.read(Need(interaction_id="i"), NOW)
    assert () == store.history("i")


def test_f5_a_key_is_used_once(store: MemoryStore) -> None:
    """F5: the second commit under it keeps nothing."""
    after = invited(opened())
    assert after.transfer is not None
    store.commit(Decision(after, events=(note(after),), requests=(after.transfer,), key=("alice", "k")))

    with pytest.raises(Conflict) as beaten:
        store.commit(change(after, key=("alice", "k")))

    assert {"kind": "key", "id": "k"} == beaten.value.fields
    facts = store.read(Need(interaction_id="i", key=("alice", "k")), NOW)
    assert Facts(interaction=after, repeated=after.transfer) == facts
    assert store.read(Need(interaction_id="i", key=("bob", "k")), NOW).repeated is None


def test_f5_a_text_id_is_used_once(store: MemoryStore) -> None:
    """F5: the second commit under it keeps nothing."""
    store.commit(change(opened(), texts=(text("m"),)))
    after = store.read(Need(interaction_id="i"), NOW).interaction
    assert after is not None

    with pytest.raises(Conflict) as beaten:
        store.commit(change(after, texts=(text("m"),)))

    assert {"kind": "message", "id": "m"} == beaten.value.fields
    assert (text("m"),) == store.transcript("i")
    assert text("m") == store.read(Need(interaction_id="i", message_id="m"), NOW).message


@pytest.mark.parametrize(("limit", "fits"), [(0, False), (1, True)])
def test_e3_a_claim_is_counted_after_the_change(store: MemoryStore, *, limit: int, fits: bool) -> None:
    """E3: the place that is claimed is one of those counted."""
    after = invited(opened())
    assert after.transfer is not None
    decision = Decision(
        after, events=(note(after),), requests=(after.transfer,), claim=Claim("bob", limit, NOW), concerned=("bob",)
    )

    if fits:
        store.commit(decision)
    else:
        with pytest.raises(Conflict) as beaten:
            store.commit(decision)
        assert {"kind": "agent", "id": "bob"} == beaten.value.fields

    assert int(fits) == store.read(Need(interaction_id="i", load_of="bob"), NOW).load


def test_e3_a_claim_that_replaces_a_place_takes_no_other(store: MemoryStore) -> None:
    """E3: the invitee of the old offer and of the new one are the same."""
    before = invite(store, opened())
    after = invited(attrs.evolve(before, state=InteractionState.ACTIVE, transfer=None), transfer_id="t2")
    assert after.transfer is not None

    store.commit(Decision(after, events=(note(after),), requests=(after.transfer,), claim=Claim("bob", 1, NOW)))

    assert store.read(Need(interaction_id="i", load_of="bob"), NOW).load == 1


def test_e3_what_a_queue_holds_takes_no_agents_place() -> None:
    """E3, Q2: a Target is nobody; an invitee has a place all the same."""
    store = MemoryStore()
    queued = attrs.evolve(
        invited(attrs.evolve(opened(), version=0)), owner=Target.queue("q"), state=InteractionState.QUEUED
    )
    store.commit(Decision(queued, events=(note(queued),), claim=Claim("bob", 1, NOW)))
    after = attrs.evolve(queued, version=2, owner="bob", state=InteractionState.ACTIVE, transfer=None)
    store.commit(Decision(after, events=(note(after),), claim=Claim("bob", 1, NOW)))

    assert store.read(Need(interaction_id="i", load_of="bob"), NOW).load == 1
    assert store.read(Need(interaction_id="i", load_of="q"), NOW).load == 0


def test_e3_what_is_done_takes_no_place(store: MemoryStore) -> None:
    """E3: it is gone from its owner's desktop too."""
    done = attrs.evolve(opened(), version=2, state=InteractionState.DONE)
    store.commit(Decision(done, events=(note(done),), claim=Claim("alice", 0, NOW), concerned=("alice",)))

    assert store.read(Need(interaction_id="i", load_of="alice"), NOW).load == 0
    assert () == store.desktop("alice").interactions


@pytest.mark.parametrize("need", [Need(invitation_id="v-t"), Need(transfer_id="t")])
def test_f3_a_request_is_found_by_its_ticket_and_by_its_id(store: MemoryStore, need: Need) -> None:
    """F3: live or closed, with its interaction."""
    live = invite(store, opened())
    assert Facts(interaction=live, request=live.transfer) == store.read(need, NOW)

    settled = close(store, live)

    assert Facts(interaction=settled, request=store.transfer("t")) == store.read(need, NOW)


@pytest.mark.parametrize("need", [Need(invitation_id="none"), Need(transfer_id="none"), Need(interaction_id="none")])
def test_a8_nothing_is_known_of_what_is_unknown(store: MemoryStore, need: Need) -> None:
    """A8: no error, nothing."""
    assert Facts() == store.read(need, NOW)
    assert store.transfer("none") is None
    assert () == store.transcript("none") == store.history("none")


# the feed


def read_all(store: MemoryStore, limit: int) -> list[Event]:
    """The whole feed, in pages."""
    read: list[Event] = []
    cursor = None
    while (page := store.events(after=cursor, limit=limit)).events:
        assert len(page.events) <= limit
        read.extend(page.events)
        cursor = page.cursor
    assert page.cursor == (cursor or page.cursor)
    return read


@given(st.lists(st.sampled_from("abc"), max_size=12), st.integers(1, 15))
def test_a1_the_feed_has_everything_once_whatever_the_size_of_its_pages(ids: list[str], limit: int) -> None:
    """A1: in the order of the commits."""
    store = MemoryStore()
    for at, id_ in enumerate(ids):
        interaction = attrs.evolve(opened(id_), version=ids[:at].count(id_) + 1)
        store.commit(Decision(interaction, events=(note(interaction),)))

    assert ids == [event.interaction_id for event in read_all(store, limit)]


def test_a1_a_cursor_at_the_end_waits_for_more(store: MemoryStore) -> None:
    """A1: what comes later is read from there."""
    cursor = store.events(after=None, limit=10).cursor
    assert () == store.events(after=cursor, limit=10).events

    store.commit(change(opened()))

    assert store.history("i")[-1:] == store.events(after=cursor, limit=10).events


@pytest.mark.parametrize("cursor", ["", " ", "x", "-1", "+1", "1.0", "1_0", "٣", "²", "9" * 19])
def test_a8_a_cursor_of_another_form_is_refused(store: MemoryStore, cursor: str) -> None:
    """A8: it is none of this store's."""
    with pytest.raises(InvalidValue) as refused:
        store.events(after=cursor, limit=10)

    assert refused.value.field == "after"


def test_a8_a_cursor_beyond_the_end_is_refused(store: MemoryStore) -> None:
    """A8, F6: it was never handed out (another store's, perhaps), and would pass over what comes next."""
    with pytest.raises(InvalidValue) as refused:
        store.events(after="1000", limit=10)

    assert refused.value.field == "after"


# deadlines


def test_f4_what_is_due_is_named_until_it_is_closed(store: MemoryStore) -> None:
    """F4: at the deadline and not before, as often as it is asked for."""
    live = invite(store, opened())

    assert () == store.due(NOW + TIMEOUT - MOMENT, limit=9)
    assert ("t",) == store.due(NOW + TIMEOUT, limit=9)
    assert ("t",) == store.due(NOW + TIMEOUT, limit=9)
    close(store, live)
    assert () == store.due(NOW + TIMEOUT, limit=9)


def test_f4_the_earliest_is_named_first() -> None:
    """F4: and no more than asked for."""
    store = MemoryStore()
    for at in (3, 1, 2):
        store.commit(Decision(opened(f"i-{at}"), events=(note(opened(f"i-{at}")),)))
        invite(store, opened(f"i-{at}"), deadline=NOW + timedelta(seconds=at), transfer_id=f"t-{at}")

    assert ("t-1", "t-2") == store.due(NOW + TIMEOUT, limit=2)
    assert ("t-1", "t-2", "t-3") == store.due(NOW + TIMEOUT, limit=9)


def test_f4_deadlines_of_closed_requests_are_not_kept_for_ever(store: MemoryStore) -> None:
    """F4: many transfers that never come due cost no memory, and the live one stays due."""
    store.commit(Decision(opened("j"), events=(note(opened("j")),)))
    invite(store, opened("j"), transfer_id="live")
    interaction = opened()
    for number in range(500):
        live = invite(store, interaction, deadline=NOW + timedelta(days=365), transfer_id=f"t-{number}")
        interaction = close(store, live)

    assert ("live",) == store.due(NOW + TIMEOUT, limit=9)
    assert len(store._deadlines) < 100  # noqa: SLF001 - that it is small is what this is about


def test_f4_a_deadline_that_was_put_off_counts_as_it_is_now(store: MemoryStore) -> None:
    """F4, Q1: a request that goes to the next agent has a new deadline."""
    live = invite(store, opened())
    assert live.transfer is not None
    later = attrs.evolve(live.transfer, deadline=live.transfer.deadline + TIMEOUT)
    after = attrs.evolve(live, version=live.version + 1, transfer=later)
    store.commit(Decision(after, events=(note(after),), requests=(later,)))

    assert () == store.due(NOW + TIMEOUT, limit=9)
    assert ("t",) == store.due(NOW + 2 * TIMEOUT, limit=9)


def test_f4_a_request_that_invites_nobody_yet_is_due_too(store: MemoryStore) -> None:
    """F4, Q1: a request that is ROUTING has a deadline and no ticket."""
    after = invited(opened())
    assert after.transfer is not None
    routing = attrs.evolve(after.transfer, state=TransferState.ROUTING, invitation=None)
    waiting = attrs.evolve(after, transfer=routing)
    store.commit(Decision(waiting, events=(note(waiting),), requests=(routing,)))

    assert ("t",) == store.due(NOW + TIMEOUT, limit=9)
    assert Facts(interaction=waiting, request=routing) == store.read(Need(transfer_id="t"), NOW)


def test_f4_a_request_that_is_recorded_closed_is_never_due(store: MemoryStore) -> None:
    """F4: it has its outcome."""
    after = invited(opened())
    assert after.transfer is not None
    outcome = Outcome(TransferState.FAILED, by=None, at=NOW, owner="alice")
    closed = attrs.evolve(after.transfer, state=outcome.state, outcome=outcome)
    store.commit(change(opened(), requests=(closed,)))

    assert () == store.due(NOW + TIMEOUT, limit=9)


# texts


def test_f6_only_outbound_texts_wait_to_be_sent(store: MemoryStore) -> None:
    """F6, T12: in the transcript are both."""
    texts = (text("in", direction=Direction.INBOUND), text("out"))
    store.commit(change(opened(), texts=texts))

    assert texts == store.transcript("i")
    assert text("out") == store.next_unsent("i")
    assert ("i",) == store.unsent(limit=9)


def test_f6_texts_wait_in_the_order_they_were_recorded_in(store: MemoryStore) -> None:
    """F6: the oldest until it is sent; saying so twice does no harm."""
    store.commit(change(opened(), texts=(text("one"), text("two"))))

    store.mark_sent("one")
    store.mark_sent("one")
    assert text("two") == store.next_unsent("i")
    assert ("i",) == store.unsent(limit=9)
    store.mark_sent("two")
    store.mark_sent("two")
    assert store.next_unsent("i") is None
    assert () == store.unsent(limit=9)


def test_f6_conversations_wait_in_the_order_they_began_to() -> None:
    """F6: nobody is passed over for ever."""
    store = MemoryStore()
    for id_ in ("c", "a", "b"):
        store.commit(Decision(opened(id_), events=(note(opened(id_)),), texts=(text(f"m-{id_}", id_),)))

    assert ("c", "a") == store.unsent(limit=2)


# desktops


def test_d7_a_desktop_is_told_everything_at_first(store: MemoryStore) -> None:
    """D7: what the agent owns, what is offered, and all texts."""
    store.commit(change(opened(), texts=(text("one"),), concerned=("alice",)))

    desktop = store.desktop("alice")

    assert (None, None) == (desktop.about, desktop.about_messages)
    assert ["i"] == [interaction.id for interaction in desktop.interactions]
    assert (text("one"),) == desktop.transcripts["i"].messages


def test_d7_a_desktop_is_told_what_has_changed_since(store: MemoryStore) -> None:
    """D7: and only the texts it has not."""
    store.commit(Decision(opened("j"), events=(note(opened("j")),), concerned=("alice",)))
    version = store.desktop("alice").version
    store.commit(change(opened(), texts=(text("one"), text("two")), concerned=("alice",)))

    desktop = store.desktop("alice", since=version, known={"i": 1})

    assert (frozenset({"i"}), frozenset()) == (desktop.about, desktop.about_messages)
    assert ["i"] == [interaction.id for interaction in desktop.interactions]
    assert (1, (text("two"),)) == (desktop.transcripts["i"].start, desktop.transcripts["i"].messages)


def test_d7_a_desktop_that_knows_all_is_told_nothing(store: MemoryStore) -> None:
    """D7: nothing has changed."""
    version = store.desktop("alice").version

    desktop = store.desktop("alice", since=version)

    assert (frozenset(), ()) == (desktop.about, desktop.interactions)


def test_d7_a_desktop_is_told_what_is_gone(store: MemoryStore) -> None:
    """D7: it is spoken of, and is not there."""
    live = invite(store, opened())
    version = store.desktop("bob").version
    close(store, live)

    desktop = store.desktop("bob", since=version)

    assert (frozenset({"i"}), (), ()) == (desktop.about, desktop.interactions, desktop.offered)


@pytest.mark.parametrize("since", [-1, 1_000])
def test_d7_a_desktop_of_another_time_is_told_everything(store: MemoryStore, since: int) -> None:
    """D7: a version that this store never gave says nothing."""
    assert store.desktop("alice", since=since).about is None


def test_d7_a_desktop_that_is_far_behind_is_told_everything(store: MemoryStore) -> None:
    """D7: changes are not remembered for ever."""
    version = store.desktop("alice").version
    interaction = opened()
    for _ in range(300):
        store.commit(change(interaction, concerned=("alice",)))
        interaction = attrs.evolve(interaction, version=interaction.version + 1)

    assert store.desktop("alice", since=version).about is None
    assert frozenset({"i"}) == store.desktop("alice", since=version + 299).about


# My Messages


def entry(id_: str = "n") -> SystemMessage:
    """An entry of Alice's My Messages."""
    notice = Notice("transfer.expired", FrozenDict({"target": "Bob"}))
    return SystemMessage(id_, agent_id="alice", notice=notice, at=NOW, interaction_id="i")


def test_d4_an_entry_is_listed_and_told_of(store: MemoryStore) -> None:
    """D4: in the commit it came with."""
    version = store.desktop("alice").version
    store.commit(change(opened(), notices=(entry(),), concerned=("alice", "bob")))

    desktop = store.desktop("alice", since=version)

    assert ((entry(),), frozenset({"n"})) == (desktop.messages, desktop.about_messages)
    assert () == store.desktop("bob").messages


@pytest.mark.parametrize(("read", "changes"), [(True, 1), (False, 0)])
def test_d4_a_mark_counts_as_a_change_if_it_is_one(store: MemoryStore, *, read: bool, changes: int) -> None:
    """D4: an entry begins unread."""
    store.commit(change(opened(), notices=(entry(),), concerned=("alice",)))
    version = store.desktop("alice").version

    assert store.mark_read("alice", "n", read=read)
    desktop = store.desktop("alice")

    assert (attrs.evolve(entry(), read=read),) == desktop.messages
    assert version + changes == desktop.version


def test_d4_an_entry_that_is_deleted_is_told_of_as_gone(store: MemoryStore) -> None:
    """D4: once."""
    store.commit(change(opened(), notices=(entry(),), concerned=("alice",)))
    version = store.desktop("alice").version

    assert store.delete_message("alice", "n")
    desktop = store.desktop("alice", since=version)

    assert ((), frozenset({"n"})) == (desktop.messages, desktop.about_messages)
    assert not store.delete_message("alice", "n")
    assert not store.mark_read("alice", "n", read=True)


@pytest.mark.parametrize("agent_id", ["bob", "nobody"])
def test_d4_an_entry_is_its_agents_only(store: MemoryStore, agent_id: str) -> None:
    """D4: for anybody else there is none."""
    store.commit(change(opened(), notices=(entry(),), concerned=("alice",)))

    assert not store.mark_read(agent_id, "n", read=True)
    assert not store.delete_message(agent_id, "n")
    assert (entry(),) == store.desktop("alice").messages


# the doorbell


def test_d5_a_ring_wakes_the_listeners_of_these_agents_only() -> None:
    """D5: each of them once."""
    doorbell = InProcessMessaging()
    woken: list[str] = []
    for name in ("alice", "alice", "bob", "carol"):
        doorbell.listen(name, lambda name=name: woken.append(name))  # type: ignore[misc]

    doorbell.ring(["alice", "bob", "nobody"])

    assert ["alice", "alice", "bob"] == woken


def test_d5_a_closed_subscription_is_not_woken() -> None:
    """D5: the other one still is; closing twice does no harm."""
    doorbell = InProcessMessaging()
    woken: list[int] = []
    first = doorbell.listen("alice", lambda: woken.append(1))
    second = doorbell.listen("alice", lambda: woken.append(2))

    first.close()
    first.close()
    doorbell.ring(["alice"])
    second.close()
    second.close()
    doorbell.ring(["alice"])

    assert [2] == woken


def test_d5_a_listener_may_close_itself_while_it_is_woken() -> None:
    """D5: a desktop that goes away because of what it was shown."""
    doorbell = InProcessMessaging()
    woken: list[int] = []

    def leave() -> None:
        woken.append(1)
        subscription.close()

    subscription = doorbell.listen("alice", leave)
    doorbell.listen("alice", lambda: woken.append(2))
    doorbell.ring(["alice", "alice"])

    assert [1, 2, 2] == woken


# the clock and the ids


def test_a8_the_systems_clock_tells_utc() -> None:
    """A8: an aware instant, and not one that has been."""
    clock = SystemClock()

    assert UTC is clock.now().tzinfo
    assert clock.now() <= clock.now()


@pytest.mark.parametrize("kind", ["transfer", "invitation", "message"])
def test_f5_ids_are_long_random_and_tell_their_kind(kind: str) -> None:
    """F5: never the same twice, and a ticket cannot be guessed."""
    ids = {RandomIds().new(kind) for _ in range(1_000)}

    assert len(ids) == 1_000
    assert {34} == {len(id_) for id_ in ids}
    assert {f"{kind[0]}-"} == {id_[:2] for id_ in ids}


# values of commands and events


def test_f5_records_are_compared_by_kind_and_content() -> None:
    """F5: two of different kinds are never equal, even with the same content."""
    assert LogIn("bob") == LogIn("bob")
    assert LogIn("bob") != LogIn("carol")
    assert LogIn("bob") != SetReady("bob")
    assert LogIn("bob") != "bob"
    assert len({LogIn("bob"), LogIn("bob"), SetReady("bob")}) == 2


@pytest.mark.parametrize(
    ("make", "shown"),
    [
        (lambda: LogOut("bob"), "LogOut(agent_id='bob', disconnected=False)"),
        (
            lambda: InteractionOpened(interaction_id="i", at=NOW, by=None, owner="alice", media=Media.SMS, epoch=0),
            f"InteractionOpened(interaction_id='i', at={NOW!r}, by=None, owner='alice', media={Media.SMS!r}, epoch=0)",
        ),
    ],
)
def test_a1_records_show_their_fields(make: Callable[[], object], shown: str) -> None:
    """A1: as attrs would write them."""
    assert shown == repr(make())


def test_e1_the_status_of_an_agent_is_part_of_the_record() -> None:
    """E1: the directory keeps presence too."""
    store = MemoryStore()
    bob = Agent("bob", "Bob")
    ready = attrs.evolve(bob, status=ChannelStatus.READY)
    store.add_agent(bob)
    store.replace_agent(bob, ready)

    assert {"bob": ready} == store.agents([BOB.id, ALICE.id])
