"""Commits: compare and set, keys, ids, and all or nothing."""

from __future__ import annotations

import attrs
import pytest

from sms_transfer.core.commands import Need
from sms_transfer.core.decision import Claim, Decision
from sms_transfer.core.lifecycle import ChannelStatus, TransferState
from sms_transfer.core.model import Agent, Direction, Interaction, Invitation, Queue
from sms_transfer.errors import AlreadyExists, Conflict, SmsTransferError
from sms_transfer.ports import Facts, TransferStore
from sms_transfer.testing.conformance._reading import Story, reading
from sms_transfer.testing.conformance._samples import (
    ALIKE,
    NOW,
    QUEUE,
    TIMEOUT,
    change,
    closed,
    closing,
    entry,
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
from sms_transfer.testing.conformance._store_suite import MakeStore, StoreSuite, put

_BOB = Agent("bob", "Bob", status=ChannelStatus.READY)
_DAVE = Agent("dave", "Dave")


class Commits(StoreSuite):
    """What `TransferStore.commit` and `TransferStore.read` promise, apart from places."""

    @pytest.mark.parametrize("version", [0, 1, 3])
    def test_f7_a_commit_must_be_the_next_version(self, store: TransferStore, version: int) -> None:
        """F1, F7: anything else was decided upon something that is not there any more."""
        decision = Decision(attrs.evolve(opened(), version=version), events=(note(opened()),))

        with pytest.raises(Conflict) as beaten:
            store.commit(decision)

        assert {"kind": "interaction", "id": "i"} == dict(beaten.value.fields)
        assert opened() == store.read(Need(interaction_id="i"), NOW).interaction
        assert len(store.history("i")) == 1

    @pytest.mark.parametrize("version", [0, 2])
    def test_f7_the_first_commit_is_version_one(self, make_store: MakeStore, version: int) -> None:
        """F7: there is nothing that another could follow."""
        store = make_store()

        with pytest.raises(Conflict) as beaten:
            store.commit(Decision(attrs.evolve(opened(), version=version), events=(note(opened()),)))

        assert {"kind": "interaction", "id": "i"} == dict(beaten.value.fields)
        assert Facts() == store.read(Need(interaction_id="i"), NOW)
        assert () == store.history("i")

    def test_f7_a_new_store_is_empty(self, store: TransferStore, make_store: MakeStore) -> None:
        """F7: one store's conversations are none of another's, so each can have its own."""
        other = make_store()
        assert store.read(Need(interaction_id="i"), NOW).interaction is not None
        assert other.read(Need(interaction_id="i"), NOW).interaction is None

        other.commit(opening(opened(owner="bob")))

        assert "bob" == present(other).owner
        assert "alice" == present(store).owner

    def test_f7_an_interaction_is_what_was_committed_last(self, store: TransferStore) -> None:
        """F7: with its new note, and the history goes on."""
        after = put(store, change(opened()))
        last = put(store, change(after))

        assert last == present(store)
        assert (*store.history("i")[:1], note(after), note(last)) == store.history("i")

    def test_f5_a_key_is_used_once(self, store: TransferStore) -> None:
        """F5: the second commit under it keeps nothing, and the first is found by it."""
        after = put(store, inviting(opened(), request(), key=("alice", "k")))

        with pytest.raises(Conflict) as beaten:
            store.commit(closing(after, key=("alice", "k")))

        assert {"kind": "key", "id": "k"} == dict(beaten.value.fields)
        facts = store.read(Need(interaction_id="i", key=("alice", "k")), NOW)
        assert Facts(interaction=after, repeated=after.transfer) == facts

    def test_f5_a_key_is_its_agents_only(self, store: TransferStore) -> None:
        """F5: what Alice calls ``k`` is none of Bob's business, and Bob's is none of hers."""
        after = put(store, inviting(opened(), request(), key=("alice", "k")))
        assert store.read(Need(interaction_id="i", key=("bob", "k")), NOW).repeated is None

        store.commit(opening(opened("j", "bob")))
        store.commit(inviting(opened("j", "bob"), request("j", "t2", "carol"), key=("bob", "k")))

        for agent_id, transfer_id in (("alice", "t"), ("bob", "t2")):
            repeated = store.read(Need(interaction_id="i", key=(agent_id, "k")), NOW).repeated
            assert repeated is not None
            assert transfer_id == repeated.id
        assert after == present(store)

    def test_f5_a_key_finds_its_request_when_that_is_closed(self, store: TransferStore) -> None:
        """F5: a command that is repeated late has still had its effect."""
        store.commit(closing(put(store, inviting(opened(), request(), key=("alice", "k")))))

        assert closed(request()) == store.read(Need(interaction_id="i", key=("alice", "k")), NOW).repeated

    def test_f5_a_text_id_is_used_once(self, store: TransferStore) -> None:
        """F5: in whatever interaction; the second commit under it keeps nothing."""
        after = put(store, change(opened(), texts=(text("m"),)))
        store.commit(opening(opened("j")))

        for beaten in (change(after, texts=(text("m"),)), change(opened("j"), texts=(text("m", "j"),))):
            with pytest.raises(Conflict) as refused:
                store.commit(beaten)
            assert {"kind": "message", "id": "m"} == dict(refused.value.fields)

        assert ((text("m"),), ()) == (store.transcript("i"), store.transcript("j"))
        for interaction_id in ("i", "j"):
            assert text("m") == store.read(Need(interaction_id=interaction_id, message_id="m"), NOW).message

    @pytest.mark.parametrize("need", [Need(invitation_id="v-t"), Need(transfer_id="t")])
    def test_f3_a_request_is_found_by_its_ticket_and_by_its_id(self, store: TransferStore, need: Need) -> None:
        """F3: live or closed, with its interaction."""
        live = put(store, inviting(opened(), request()))
        assert Facts(interaction=live, request=live.transfer) == store.read(need, NOW)
        assert live.transfer == store.transfer("t")

        settled = put(store, closing(live))

        assert Facts(interaction=settled, request=closed(request())) == store.read(need, NOW)
        assert closed(request()) == store.transfer("t")

    def test_t11_a_ticket_that_was_followed_by_another_finds_its_request(self, store: TransferStore) -> None:
        """T11, Q1: whoever answers an offer that went on to somebody else is told what became of it."""
        first = put(store, inviting(opened(), request()))
        routed = attrs.evolve(request(), state=TransferState.ROUTING, invitation=None)
        waiting = put(store, inviting(first, routed))
        second = attrs.evolve(request(), invitation=attrs.evolve(live_ticket(first), id="v-2", invitee="carol"))
        now = put(store, inviting(waiting, second))

        for ticket in ("v-t", "v-2"):
            assert Facts(interaction=now, request=second) == store.read(Need(invitation_id=ticket), NOW)

    @pytest.mark.parametrize(
        "need", [Need(invitation_id="none"), Need(transfer_id="none"), Need(interaction_id="none")]
    )
    def test_a8_nothing_is_known_of_what_is_unknown(self, store: TransferStore, need: Need) -> None:
        """A8: no error, nothing."""
        assert Facts() == store.read(need, NOW)
        assert store.transfer("none") is None
        assert ((), ()) == (store.transcript("none"), store.history("none"))
        assert store.next_unsent("none") is None

    @pytest.mark.parametrize("need", [Need("i"), Need(transfer_id="t"), Need("none"), Need(invitation_id="none")])
    def test_e1_a_reading_tells_the_agents_that_it_is_asked_for(self, store: TransferStore, need: Need) -> None:
        """E1: those whom the store keeps, in the same reading, whatever else is known."""
        store.add_agent(_BOB)
        store.commit(inviting(opened(), request()))

        for agents in ((), ("bob",), ("bob", "nobody"), ("nobody",)):
            known = store.read(attrs.evolve(need, agents=agents), NOW).agents
            assert {id_: _BOB for id_ in agents if id_ == "bob"} == dict(known)

    def test_f3_a_closed_request_never_changes(self, store: TransferStore) -> None:
        """F3: whatever it would change to."""
        after = put(store, closing(put(store, inviting(opened(), request()))))

        for again in (request(), closed(request(), TransferState.FAILED), closed(request())):
            with pytest.raises(AlreadyExists) as refused:
                store.commit(change(after, requests=(again,)))
            assert {"kind": "transfer", "id": "t"} == dict(refused.value.fields)

        assert closed(request()) == store.transfer("t")
        assert after == present(store)

    def test_f3_a_request_belongs_to_one_interaction(self, store: TransferStore) -> None:
        """F3: a new one cannot have the id of a live one of another interaction."""
        store.commit(inviting(opened(), request()))
        store.commit(opening(opened("j")))

        with pytest.raises(AlreadyExists) as refused:
            store.commit(inviting(opened("j"), request("j")))

        assert {"kind": "transfer", "id": "t"} == dict(refused.value.fields)
        assert request() == store.transfer("t")

    @pytest.mark.parametrize("is_closed", [False, True])
    def test_f3_a_ticket_belongs_to_one_request(self, store: TransferStore, *, is_closed: bool) -> None:
        """F3: it names one offer and no other, for ever."""
        live = put(store, inviting(opened(), request()))
        if is_closed:
            store.commit(closing(live))
        store.commit(opening(opened("j")))
        other = attrs.evolve(request("j", "t2", "carol"), invitation=live_ticket(live))

        with pytest.raises(AlreadyExists) as refused:
            store.commit(inviting(opened("j"), other))

        assert {"kind": "invitation", "id": "v-t"} == dict(refused.value.fields)
        assert store.transfer("t2") is None

    def test_a8_ids_that_look_alike_are_different(self, make_store: MakeStore) -> None:
        """A8: of interactions, texts, requests, tickets, keys and agents."""
        store = make_store()
        stored: dict[str, Interaction] = {}
        for id_ in ALIKE:
            first = put(store, opening(opened(id_, id_), texts=(text(id_, id_, words=f"of {id_}"),)))
            ticket = Invitation(id_, invitee="bob", offered_at=NOW, deadline=NOW + TIMEOUT)
            live = attrs.evolve(request(id_, id_), invitation=ticket, sender=id_)
            stored[id_] = put(store, inviting(first, live, key=(id_, id_)))

        for id_, interaction in stored.items():
            facts = store.read(Need(interaction_id=id_, message_id=id_, key=(id_, id_), load_of=id_), NOW)
            expected = Facts(
                interaction=interaction,
                load=1,
                message=text(id_, id_, words=f"of {id_}"),
                repeated=interaction.transfer,
            )
            assert expected == facts
            assert (interaction.transfer, interaction.transfer) == (
                store.transfer(id_),
                store.read(Need(invitation_id=id_), NOW).request,
            )
            assert [id_] == [owned.id for owned in store.desktop(id_).interactions]
            assert ([id_], id_) == ([one.id for one in store.transcript(id_)], store.history(id_)[0].interaction_id)

    @pytest.mark.parametrize(
        "reason", ["version", "key", "first text", "last text", "claim", "left", "closed", "id", "ticket"]
    )
    def test_f7_a_refused_commit_keeps_nothing(self, make_store: MakeStore, reason: str) -> None:
        """F6, F7: whatever it is refused for, everything is as it was, and its ids are free."""
        store = make_store()
        scene = Scene(store)
        before = reading(store, scene.story)

        with pytest.raises(SmsTransferError) as refused:
            store.commit(scene.refused[reason])

        assert scene.expected(reason) == (type(refused.value), dict(refused.value.fields))
        assert before == reading(store, scene.story)
        store.commit(scene.sound)
        assert scene.sound.interaction == present(store)
        assert scene.sound.texts == store.transcript("i")[-2:]


def present(store: TransferStore, interaction_id: str = "i") -> Interaction:
    """An interaction as it is now."""
    found = store.read(Need(interaction_id=interaction_id), NOW).interaction
    assert found is not None, f"{interaction_id!r} was committed"
    return found


def live_ticket(interaction: Interaction) -> Invitation:
    """The invitation of an interaction that has one."""
    ticket = live_request(interaction).invitation
    assert ticket is not None
    return ticket


class Scene:
    """A store with something in it, a sound decision that has every part, and what spoils it."""

    def __init__(self, store: TransferStore) -> None:
        for agent in (_BOB, _DAVE):
            store.add_agent(agent)
        first = put(store, opening(opened(), texts=(text("old"),), notices=(entry("old"),)))
        other = put(store, opening(opened("j")))
        store.commit(inviting(other, request("j", "t-other", "carol")))
        before = put(store, closing(put(store, inviting(first, request(id_="t-old"), key=("alice", "k-old")))))
        store.add_queue(Queue(QUEUE, {"bob", "dave", "later"}, name="Sales"))
        store.commit(
            placing(put(store, opening(opened("k"))), attrs.evolve(routing("k", "t-queued"), return_to_sender=True))
        )
        store.mark_favourite("alice", QUEUE, favourite=True)
        self.sound = self._decide(before)
        self.refused = {
            "version": attrs.evolve(self.sound, interaction=attrs.evolve(self.sound.interaction, version=7)),
            "key": attrs.evolve(self.sound, key=("alice", "k-old")),
            "first text": attrs.evolve(self.sound, texts=(text("old"), *self.sound.texts)),
            "last text": attrs.evolve(self.sound, texts=(*self.sound.texts, text("old"))),
            "claim": attrs.evolve(self.sound, claim=Claim("bob", 0, NOW, invites=True)),
            "left": attrs.evolve(self.sound, claim=Claim("dave", 9, NOW, invites=True)),
            "closed": attrs.evolve(self.sound, requests=(request(id_="t-old"), *self.sound.requests)),
            "id": self._decide(before, id_="t-other"),
            "ticket": self._decide(before, ticket="v-t-other"),
        }
        self.story = Story(
            interactions=("i", "j", "k"),
            agents=("alice", "bob", "carol", "dave"),
            transfers=("t", "t-old", "t-other", "t-queued"),
            texts=("old", "in", "out"),
            keys=(("alice", "k"), ("alice", "k-old")),
        )

    @staticmethod
    def _decide(before: Interaction, id_: str = "t", ticket: str = "v-t") -> Decision:
        live = request(id_=id_)
        assert live.invitation is not None
        return inviting(
            before,
            attrs.evolve(live, invitation=attrs.evolve(live.invitation, id=ticket)),
            texts=(text("in", direction=Direction.INBOUND), text("out")),
            notices=(entry(),),
            key=("alice", "k"),
            claim=Claim("bob", 1, NOW, invites=True),
        )

    @staticmethod
    def expected(reason: str) -> tuple[type[SmsTransferError], dict[str, str]]:
        """What the store must raise."""
        kind, id_ = {
            "version": ("interaction", "i"),
            "key": ("key", "k-old"),
            "first text": ("message", "old"),
            "last text": ("message", "old"),
            "claim": ("agent", "bob"),
            "left": ("agent", "dave"),
            "closed": ("transfer", "t-old"),
            "id": ("transfer", "t-other"),
            "ticket": ("invitation", "v-t-other"),
        }[reason]
        error = AlreadyExists if kind in {"transfer", "invitation"} else Conflict
        return error, {"kind": kind, "id": id_}
