"""Races: of many who try at one instant exactly as many win as can (F1, F2, F5, E3, T9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Final

import attrs
import pytest

from sms_transfer.core.decision import Claim, Decision
from sms_transfer.core.lifecycle import ChannelStatus
from sms_transfer.core.model import Agent, Interaction
from sms_transfer.errors import Conflict, SmsTransferError
from sms_transfer.ports import TransferStore
from sms_transfer.testing.conformance._commits import present
from sms_transfer.testing.conformance._places import load
from sms_transfer.testing.conformance._racing import ROUNDS, THREADS, Race, racing
from sms_transfer.testing.conformance._samples import (
    EVERY,
    NOW,
    QUEUE,
    asking,
    change,
    closing,
    done,
    inviting,
    live_request,
    note,
    opened,
    opening,
    placing,
    request,
    routing,
    text,
)
from sms_transfer.testing.conformance._store_suite import MakeStore, ReopenStore, StoreSuite, put
from sms_transfer.testing.conformance._suite import Capability, needs

_PRIZES: Final = (
    "a version",
    "a place",
    "a key",
    "a text",
    "who leaves",
    "what is kept",
    "a line",
)
"""What is raced for; one test each, so that no server is asked for too many connections at once."""
_LEAVING: Final = 15
_TURNS: Final = 10


class Races(StoreSuite):
    """What `TransferStore.commit` promises when many call it at once."""

    def test_f1_of_many_commits_on_one_version_one_wins(self, make_store: MakeStore) -> None:
        """F1, F7: the others are told, and leave nothing behind."""
        store = make_store()
        race_for_a_version([store] * THREADS)

    def test_e3_the_last_place_is_taken_once(self, make_store: MakeStore) -> None:
        """E3: by one of many, each of whom found it free."""
        store = make_store()
        race_for_a_place([store] * THREADS)

    def test_f5_one_key_makes_one_request(self, make_store: MakeStore) -> None:
        """F5: of many commits of different conversations under one key."""
        store = make_store()
        race_for_a_key([store] * THREADS)

    def test_f5_one_text_id_is_recorded_once(self, make_store: MakeStore) -> None:
        """F5: a provider that delivers one text many times at once."""
        store = make_store()
        race_for_a_text([store] * THREADS)

    def test_t9_no_invitation_comes_between_leaving_and_looking(self, make_store: MakeStore) -> None:
        """T9: whoever leaves finds every invitation that is recorded."""
        store = make_store()
        race_with_who_leaves([store] * 2)

    def test_e3_a_place_that_is_kept_is_not_given_away(self, make_store: MakeStore) -> None:
        """E3, Q2: while many want the last one, what was placed with a queue can still come back."""
        store = make_store()
        race_for_what_is_kept([store] * THREADS)

    def test_q3_a_line_is_whole_after_many_came_and_went(self, make_store: MakeStore) -> None:
        """Q1, Q3: at once; whoever reads it meanwhile finds it in order."""
        store = make_store()
        race_through_a_line([store] * THREADS)

    @needs(Capability.MANY_HANDLES)
    @pytest.mark.parametrize("prize", _PRIZES)
    def test_f1_races_between_handles_have_one_winner(
        self, make_store: MakeStore, reopen_store: ReopenStore, prize: str
    ) -> None:
        """F1, E3, F5, T9: whichever handle a commit comes through."""
        store = make_store()
        _RACES[prize]([store, *(reopen_store(store) for _ in range(THREADS - 1))])


def race_for_a_version(stores: Sequence[TransferStore]) -> None:
    """Everybody changes the same version of one interaction, and records a text with it."""
    store = stores[0]
    interaction = put(store, opening(opened()))
    with racing() as race:
        for round_ in range(ROUNDS):
            decisions = [
                change(
                    interaction, attrs.evolve(note(interaction), by=f"{round_} {at}"), texts=(text(f"{round_} {at}"),)
                )
                for at in range(len(stores))
            ]
            won = winner(race, stores, decisions)
            interaction = present(store)
            assert decisions[won].interaction == interaction
            assert (decisions[won].events, decisions[won].texts) == (
                store.history("i")[-1:],
                store.transcript("i")[-1:],
            )
            assert (round_ + 2, round_ + 1) == (len(store.history("i")), len(store.transcript("i")))


def race_for_a_place(stores: Sequence[TransferStore]) -> None:
    """Everybody gives Bob a conversation; there is room for one, then for two and so on."""
    store = stores[0]
    with racing() as race:
        for round_ in range(ROUNDS):
            claim = Claim("bob", round_ + 1, NOW)
            decisions = [opening(opened(f"{round_} {at}", "bob"), claim=claim) for at in range(len(stores))]
            won = winner(race, stores, decisions)
            assert round_ + 1 == load(store, "bob")
            assert decisions[won].interaction == present(store, f"{round_} {won}")


def race_for_a_key(stores: Sequence[TransferStore]) -> None:
    """Everybody requests a transfer of another conversation of Alice's, under her one key."""
    before = [put(stores[0], opening(opened(f"i {at}"))) for at in range(len(stores))]
    with racing() as race:
        for round_ in range(ROUNDS):
            decisions = [
                inviting(one, request(one.id, f"{round_} {one.id}"), key=("alice", f"k {round_}")) for one in before
            ]
            won = winner(race, stores, decisions)
            assert [at == won for at in range(len(before))] == [
                stores[0].transfer(f"{round_} {one.id}") is not None for one in before
            ]
            before[won] = put(stores[0], closing(decisions[won].interaction))


def race_for_a_text(stores: Sequence[TransferStore]) -> None:
    """Everybody records the same text, in another conversation each."""
    before = [put(stores[0], opening(opened(f"i {at}"))) for at in range(len(stores))]
    with racing() as race:
        for round_ in range(ROUNDS):
            decisions = [change(one, texts=(text(f"m {round_}", one.id),)) for one in before]
            won = winner(race, stores, decisions)
            before[won] = decisions[won].interaction
            assert round_ + 1 == sum(len(stores[0].transcript(one.id)) for one in before)
            assert f"m {round_}" == stores[0].transcript(before[won].id)[-1].id


def race_with_who_leaves(stores: Sequence[TransferStore]) -> None:
    """One invites Bob, and one logs him out and looks up his invitations after that."""
    here, there = stores[0], stores[1]
    for round_ in range(_LEAVING):
        bob = Agent(f"bob {round_}", "Bob", status=ChannelStatus.READY)
        here.add_agent(bob)
        interaction = put(here, opening(opened(f"i {round_}")))
        live = request(interaction.id, f"t {round_}", bob.id)
        found: list[str] = []

        def leave(bob: Agent = bob, found: list[str] = found) -> None:
            there.replace_agent(bob, attrs.evolve(bob, status=ChannelStatus.LOGGED_OUT))
            found.extend(offered.id for offered in there.desktop(bob.id).offered)

        claim = Claim(bob.id, 5, NOW, invites=True)
        with racing() as race:
            invite = partial(here.commit, inviting(interaction, live, claim=claim))
            refused, left = race([invite, leave] if round_ % 2 else [leave, invite])[:: 1 if round_ % 2 else -1]
        assert left is None
        assert ([interaction.id] if refused is None else []) == found
        assert found == [offered.id for offered in here.desktop(bob.id).offered]


def race_for_what_is_kept(stores: Sequence[TransferStore]) -> None:
    """Alice places one conversation after another; everybody wants the place that she has beside those kept for her."""
    store = stores[0]
    with racing() as race:
        for round_ in range(ROUNDS):
            kept = attrs.evolve(routing(f"kept {round_}", f"t {round_}"), return_to_sender=True)
            queued = put(store, placing(put(store, opening(opened(kept.interaction_id))), kept))
            claim = Claim("alice", 2, NOW)
            decisions = [opening(opened(f"{round_} {at}"), claim=claim) for at in range(len(stores))]
            won = winner(race, stores, decisions)
            assert store.loads(["alice"], NOW)["alice"] == 2
            store.commit(done(decisions[won].interaction))
            store.commit(done(put(store, closing(queued, claim=Claim("alice", 1, NOW)))))


def race_through_a_line(stores: Sequence[TransferStore]) -> None:
    """Everybody but one has a conversation of theirs wait, be asked for, wait again and so on; the last one reads."""
    *writers, reader = stores
    before = [put(store, opening(opened(f"i {at}"))) for at, store in enumerate(writers)]
    kept = [routing(one.id, f"t {at}", age=at % 3, priority=at % 2) for at, one in enumerate(before)]

    def come_and_go(at: int) -> None:
        interaction, live = before[at], kept[at]
        for _ in range(_TURNS):
            waiting = put(writers[at], inviting(interaction, live))
            interaction = put(writers[at], inviting(waiting, asking(live)))
        writers[at].commit(inviting(interaction, live))

    def read() -> None:
        for _ in range(_TURNS):
            turns = [_turn(one) for one in reader.waiting([QUEUE], limit=EVERY)]
            assert sorted(set(turns)) == turns

    with racing() as race:
        assert not any(race([*(partial(come_and_go, at) for at in range(len(writers))), read]))
    ids = [live_request(one).id for one in reader.waiting([QUEUE], limit=EVERY)]
    assert [one.id for one in sorted(kept, key=lambda one: (-one.priority, one.requested_at, one.id))] == ids
    assert {QUEUE: len(writers)} == dict(reader.waiting_counts([QUEUE]))


def _turn(interaction: Interaction) -> tuple[int, datetime, str]:
    live = live_request(interaction)
    return -live.priority, live.requested_at, live.id


def winner(race: Race, stores: Sequence[TransferStore], decisions: Sequence[Decision]) -> int:
    """Who of all won, by number; the others were beaten."""
    attempts = [partial(store.commit, decision) for store, decision in zip(stores, decisions, strict=True)]
    answers: list[SmsTransferError | None] = race(attempts)
    assert all(isinstance(error, Conflict) for error in answers if error is not None), "whoever is beaten is told so"
    won = [at for at, error in enumerate(answers) if error is None]
    assert len(won) == 1, "of all who try at once exactly one wins"
    return won[0]


_RACES: Final[Mapping[str, Callable[[Sequence[TransferStore]], None]]] = {
    "a version": race_for_a_version,
    "a place": race_for_a_place,
    "a key": race_for_a_key,
    "a text": race_for_a_text,
    "who leaves": race_with_who_leaves,
    "what is kept": race_for_what_is_kept,
    "a line": race_through_a_line,
}
