"""Desktops: everything at first, then what has changed; and My Messages."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import pytest

from sms_transfer.core.desktop import Desktop
from sms_transfer.core.model import Interaction, Message
from sms_transfer.core.notices import SystemMessage
from sms_transfer.ports import TransferStore
from sms_transfer.testing.conformance._reading import Desk, desk
from sms_transfer.testing.conformance._samples import (
    accepting,
    change,
    closing,
    done,
    entry,
    inviting,
    opened,
    opening,
    request,
    text,
)
from sms_transfer.testing.conformance._store_suite import StoreSuite, put


class Screen:
    """What a desktop shows that is only ever told what has changed since it last looked (D7)."""

    def __init__(self, store: TransferStore, agent_id: str) -> None:
        self._store = store
        self._agent_id = agent_id
        self._since: int | None = None
        self._owned: dict[str, Interaction] = {}
        self._offered: dict[str, Interaction] = {}
        self._messages: dict[str, SystemMessage] = {}
        self._texts: dict[str, tuple[Message, ...]] = {}

    def move_to(self, store: TransferStore) -> None:
        """Look there from now on."""
        self._store = store

    def look(self) -> Desktop:
        """Ask for what is new, and show it."""
        known = {id_: len(texts) for id_, texts in self._texts.items()}
        desktop = self._store.desktop(self._agent_id, since=self._since, known=known)
        self._forget(desktop)
        self._owned |= {interaction.id: interaction for interaction in desktop.interactions}
        self._offered |= {interaction.id: interaction for interaction in desktop.offered}
        self._messages |= {message.id: message for message in desktop.messages}
        self._append(desktop, known)
        self._since = desktop.version
        return desktop

    def _forget(self, desktop: Desktop) -> None:
        for id_ in {*self._owned, *self._offered} if desktop.about is None else desktop.about:
            self._owned.pop(id_, None)
            self._offered.pop(id_, None)
        told = {message.id for message in desktop.messages}
        for id_ in set(self._messages) if desktop.about_messages is None else desktop.about_messages:
            if id_ not in told:
                self._messages.pop(id_, None)

    def _append(self, desktop: Desktop, known: Mapping[str, int]) -> None:
        assert {interaction.id for interaction in desktop.interactions} == set(desktop.transcripts)
        for id_, more in desktop.transcripts.items():
            assert known.get(id_, 0) == more.start, "texts are told from the last one known on"
            self._texts[id_] = (*self._texts.get(id_, ()), *more.messages)
        self._texts = {id_: texts for id_, texts in self._texts.items() if id_ in self._owned}

    def assert_true(self) -> None:
        """It shows what a desktop that looks for the first time shows."""
        shown = Desk(self._since or 0, self._owned, self._offered, tuple(self._messages.values()), self._texts)
        assert desk(self._store.desktop(self._agent_id)) == shown


class Desktops(StoreSuite):
    """What `TransferStore.desktop` and the methods for My Messages promise."""

    def test_d7_a_desktop_is_told_everything_at_first(self, store: TransferStore) -> None:
        """D7: what the agent owns, with all texts, and what is offered."""
        texts = (text("one"), text("two"))
        owned = put(store, change(opened(), texts=texts, concerned=("alice",)))
        offered = put(store, inviting(put(store, opening(opened("j", "bob"))), request("j", invitee="alice")))

        shown = desk(store.desktop("alice"))

        assert ({"i": owned}, {"j": offered}, {"i": texts}) == (shown.interactions, shown.offered, shown.texts)
        assert request("j", invitee="alice").invitation in store.desktop("alice").invitations

    def test_d7_nobody_has_an_empty_desktop(self, store: TransferStore) -> None:
        """D7: whoever nothing has happened to yet; what is somebody else's is not on it."""
        shown = desk(store.desktop("bob"))

        assert ({}, {}, (), {}) == (shown.interactions, shown.offered, shown.messages, shown.texts)

    def test_d5_each_commit_counts_one_change_for_each_agent_concerned(self, store: TransferStore) -> None:
        """D5: and none for anybody else."""
        agents = ("alice", "bob", "carol")
        interaction = opened()
        for concerned in (("alice",), ("bob", "alice"), (), ("carol",)):
            before = {name: store.desktop(name).version for name in agents}
            notices = (entry(f"n {concerned}"),) if "alice" in concerned else ()
            interaction = put(store, change(interaction, concerned=concerned, notices=notices))
            after = {name: store.desktop(name).version for name in agents}
            assert {name: before[name] + (name in concerned) for name in agents} == after

    def test_d7_a_desktop_that_looks_after_every_change_shows_the_truth(self, store: TransferStore) -> None:
        """D7: what comes, changes and goes, on the desktops of all who are concerned and of who is not."""
        screens = [Screen(store, name) for name in ("alice", "bob", "carol")]

        def all_true() -> None:
            for screen in screens:
                screen.look()
                screen.assert_true()

        store.commit(opening(opened("j")))
        all_true()
        interaction = opened()
        for id_ in ("one", "two", "three"):
            interaction = put(store, change(interaction, texts=(text(id_),), concerned=("alice",)))
            all_true()
        interaction = put(store, inviting(interaction, request()))
        all_true()
        interaction = put(store, closing(interaction, notices=(entry("t"),)))
        all_true()
        interaction = put(store, inviting(interaction, request(id_="t2")))
        all_true()
        interaction = put(store, accepting(interaction, texts=(text("four"),)))
        all_true()
        store.commit(done(interaction))
        all_true()

    def test_d7_a_desktop_that_missed_much_shows_the_truth(self, store: TransferStore) -> None:
        """D7: however long it did not look."""
        screens = [Screen(store, name) for name in ("alice", "bob")]
        interaction = opened()
        for number in range(3):
            for screen in screens:
                screen.look()
                screen.assert_true()
            for _ in range(4**number * 5):
                interaction = put(store, inviting(interaction, request(id_=f"t {interaction.version}")))
                notices = (entry(interaction.note or f"n {interaction.version}"),)
                interaction = put(store, closing(interaction, notices=notices))
        store.delete_message("alice", "n 2")
        for screen in screens:
            screen.look()
            screen.assert_true()

    def test_d7_a_desktop_that_knows_all_is_told_nothing_wrong(self, store: TransferStore) -> None:
        """D7: nothing has changed, so what is left out is not gone."""
        screen = Screen(store, "alice")
        screen.look()

        again = screen.look()

        screen.assert_true()
        assert store.desktop("alice").version == again.version

    def test_d7_a_desktop_is_told_what_is_gone(self, store: TransferStore) -> None:
        """D7: the reading speaks of it, and it is not there."""
        live = put(store, inviting(opened(), request()))
        version = store.desktop("bob").version
        store.commit(closing(live))

        desktop = store.desktop("bob", since=version)

        assert ((), ()) == (desktop.interactions, desktop.offered)
        assert desktop.about is None or "i" in desktop.about

    @pytest.mark.parametrize("since", [-1, 1_000, 2**63, 10**30])
    def test_d7_a_desktop_of_another_time_is_told_everything(self, store: TransferStore, since: int) -> None:
        """D7: a version that this store never gave says nothing."""
        assert store.desktop("alice") == store.desktop("alice", since=since)

    def test_d7_a_desktop_is_told_the_texts_that_it_has_not(self, store: TransferStore) -> None:
        """D7: whether or not it is told everything else."""
        texts = tuple(text(f"m {number}") for number in range(3))
        version = store.desktop("alice").version
        store.commit(change(opened(), texts=texts, concerned=("alice",)))

        for since in (None, version):
            for known in range(4):
                transcript = store.desktop("alice", since=since, known={"i": known, "none": 7}).transcripts["i"]
                assert (known, texts[known:]) == (transcript.start, transcript.messages)

    def test_d4_an_entry_is_listed_where_it_belongs(self, store: TransferStore) -> None:
        """D4: in the commit it came with, on its agent's desktop only."""
        version = store.desktop("alice").version
        store.commit(change(opened(), notices=(entry(),), concerned=("alice", "bob")))

        desktop = store.desktop("alice", since=version)

        assert (entry(),) == desktop.messages
        assert desktop.about_messages is None or "n" in desktop.about_messages
        assert () == store.desktop("bob").messages

    def test_d4_entries_are_in_the_order_recorded(self, store: TransferStore) -> None:
        """D4: whatever their ids, their instants and their marks."""
        interaction = opened()
        ids = ("c", "a", "d", "b")
        for id_ in ids:
            interaction = put(store, change(interaction, notices=(entry(id_),), concerned=("alice",)))
        store.mark_read("alice", "a", read=True)
        store.delete_message("alice", "d")

        assert ["c", "a", "b"] == [message.id for message in store.desktop("alice").messages]

    def test_d4_entries_of_two_agents_can_have_one_id(self, store: TransferStore) -> None:
        """D4: one outcome may be told to several; each has an entry of their own."""
        notices = (entry("n", "alice"), entry("n", "bob"))
        store.commit(change(opened(), notices=notices, concerned=("alice", "bob")))

        assert store.mark_read("alice", "n", read=True)
        assert [(True,), (False,)] == [
            tuple(message.read for message in store.desktop(name).messages) for name in ("alice", "bob")
        ]
        assert store.delete_message("bob", "n")
        assert (1, 0) == (len(store.desktop("alice").messages), len(store.desktop("bob").messages))

    @pytest.mark.parametrize(("read", "changes"), [(True, 1), (False, 0)])
    def test_d4_a_mark_counts_as_a_change_if_it_is_one(self, store: TransferStore, *, read: bool, changes: int) -> None:
        """D4: an entry begins unread."""
        store.commit(change(opened(), notices=(entry(),), concerned=("alice",)))
        screen = Screen(store, "alice")
        version = screen.look().version

        assert store.mark_read("alice", "n", read=read)

        assert (attrs.evolve(entry(), read=read),) == store.desktop("alice").messages
        assert version + changes == screen.look().version
        screen.assert_true()

    def test_d4_a_mark_can_be_taken_back(self, store: TransferStore) -> None:
        """D4: read, and unread again."""
        store.commit(change(opened(), notices=(entry(),), concerned=("alice",)))
        for read in (True, False, True):
            assert store.mark_read("alice", "n", read=read)
            assert [read] == [message.read for message in store.desktop("alice").messages]

    def test_d4_an_entry_that_is_deleted_is_told_of_as_gone(self, store: TransferStore) -> None:
        """D4: once, and it counts one change."""
        store.commit(change(opened(), notices=(entry(), entry("other", "bob")), concerned=("alice", "bob")))
        screen = Screen(store, "alice")
        version = screen.look().version

        assert store.delete_message("alice", "n")

        assert version + 1 == screen.look().version
        screen.assert_true()
        assert not store.delete_message("alice", "n")
        assert not store.mark_read("alice", "n", read=True)
        assert version + 1 == store.desktop("alice").version

    @pytest.mark.parametrize("agent_id", ["bob", "nobody"])
    def test_d4_an_entry_is_its_agents_only(self, store: TransferStore, agent_id: str) -> None:
        """D4: for anybody else there is none."""
        store.commit(change(opened(), notices=(entry(),), concerned=("alice",)))

        assert not store.mark_read(agent_id, "n", read=True)
        assert not store.delete_message(agent_id, "n")
        assert (entry(),) == store.desktop("alice").messages
