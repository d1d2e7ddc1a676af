"""What is the memory store's own: what it costs, and in which of the orders it could have it answers.

That it is a store, `test_conformance` shows.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_transfer import (
    Direction,
    Event,
    Interaction,
    InteractionState,
    Invitation,
    Media,
    Message,
    NoteSet,
    Outcome,
    Target,
    TransferRequest,
    TransferState,
)
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.core.decision import Decision
from support import BOB, CONTACT, TIMEOUT

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


def test_f6_conversations_wait_in_the_order_they_began_to() -> None:
    """F6: nobody is passed over for ever."""
    store = MemoryStore()
    for id_ in ("c", "a", "b"):
        store.commit(Decision(opened(id_), events=(note(opened(id_)),), texts=(text(f"m-{id_}", id_),)))

    assert ("c", "a") == store.unsent(limit=2)


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


def test_d7_a_desktop_that_is_far_behind_is_told_everything(store: MemoryStore) -> None:
    """D7: changes are not remembered for ever."""
    version = store.desktop("alice").version
    interaction = opened()
    for _ in range(300):
        store.commit(change(interaction, concerned=("alice",)))
        interaction = attrs.evolve(interaction, version=interaction.version + 1)

    assert store.desktop("alice", since=version).about is None
    assert frozenset({"i"}) == store.desktop("alice", since=version + 299).about
