"""What is kept comes back as it was: every value, every event, every character, every microsecond."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

import attrs
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sms_transfer.core.check import CaseData, CaseValue, FrozenDict
from sms_transfer.core.commands import Need
from sms_transfer.core.decision import Decision
from sms_transfer.core.events import Event
from sms_transfer.core.lifecycle import InteractionState
from sms_transfer.core.model import Attachment, Contact, Interaction, Message, Outcome
from sms_transfer.core.notices import Notice, Priority, SystemMessage
from sms_transfer.ports import TransferStore
from sms_transfer.testing import strategies as kit
from sms_transfer.testing.conformance._commits import present
from sms_transfer.testing.conformance._events import EVENTS
from sms_transfer.testing.conformance._reading import read_feed
from sms_transfer.testing.conformance._samples import (
    NOW,
    ODD_TEXTS,
    change,
    closed,
    inviting,
    opened,
    opening,
    request,
    text,
)
from sms_transfer.testing.conformance._store_suite import MakeStore, StoreSuite, put
from sms_transfer.testing.conformance._suite import finished

_NUMBERS: Final[dict[str, CaseValue]] = {
    "tenth": 0.1,
    "sum": 0.1 + 0.2,
    "third": 1 / 3,
    "smallest": 5e-324,
    "large": 9.007199254740993e15,
    "nearly one": math.nextafter(1.0, 0.0),
    "whole float": 1.0,
    "negative zero": -0.0,
    "whole": 1,
    "largest": 2**63 - 1,
    "least": -(2**63) + 1,
    "beyond doubles": 2**53 + 1,
    "true": True,
    "false": False,
    "text of a number": "1.0",
    "text of nothing": "null",
    "": "",
}
_INSTANTS: Final = [
    NOW,
    NOW.replace(microsecond=0),
    NOW.replace(microsecond=1),
    NOW.replace(microsecond=999_999),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(2026, 3, 29, 2, 30, tzinfo=timezone(timedelta(hours=-7, minutes=-30))),
    datetime(9997, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
]
_WORDS: Final = pytest.mark.parametrize("words", ODD_TEXTS.values(), ids=ODD_TEXTS)


class Fidelity(StoreSuite):
    """What is kept comes back equal."""

    @_WORDS
    def test_t12_a_text_keeps_every_character(self, store: TransferStore, words: str) -> None:
        """T12: in the transcript, on the desktop, by its id, and where it waits to be sent."""
        name = words[:256]
        attached = Attachment("a", content_type="image/jpeg", url=words, name=name, size=2**62)
        message = attrs.evolve(text("m", words=words), attachments=(attached, attrs.evolve(attached, id="b")))
        store.commit(change(opened(), texts=(message,), concerned=("alice",)))

        assert (message,) == store.transcript("i")
        assert (message,) == store.desktop("alice").transcripts["i"].messages
        assert message == store.next_unsent("i")
        assert message == store.read(Need(interaction_id="i", message_id="m"), NOW).message

    @_WORDS
    def test_t16_what_travels_keeps_every_character(self, store: TransferStore, words: str) -> None:
        """T16: contact, note, case data, the request's note and names, and the error at the top of the window."""
        name, key = words[:256], words[:128] or "-"
        live = attrs.evolve(request(), note=words, sender_name=name, target_name=name)
        before = attrs.evolve(
            opened(),
            contact=Contact("+14155550123", name=name),
            note=words,
            case_data=CaseData({key: words}),
            error=Notice("transfer.rejected_because", FrozenDict({"target": name, "reason": words, "transfer": "t"})),
        )
        after = put(store, inviting(before, live))

        assert (after, live) == (present(store), store.transfer("t"))
        assert (after,) == store.desktop("alice").interactions == store.desktop("bob").offered

    @_WORDS
    def test_d4_my_messages_keep_every_character(self, store: TransferStore, words: str) -> None:
        """D4: and the reason of an outcome, in the request and in its event."""
        notice = Notice("transfer.rejected_because", FrozenDict({"target": words, "reason": words}))
        entry = SystemMessage("n", agent_id="alice", notice=notice, at=NOW, interaction_id="i", priority=Priority.HIGH)
        ended = closed(request())
        assert ended.outcome is not None
        ended = attrs.evolve(ended, outcome=attrs.evolve(ended.outcome, reason=words))
        store.commit(change(opened(), requests=(ended,), notices=(entry,), concerned=("alice",)))

        assert (entry,) == store.desktop("alice").messages
        assert ended == store.transfer("t")

    def test_t16_case_data_keeps_its_numbers_and_their_kinds(self, store: TransferStore) -> None:
        """T16: to the last bit; 1, 1.0, True and "1" are four different things."""
        case_data = CaseData({f"{name} ": value for name, value in _NUMBERS.items()})
        store.commit(inviting(attrs.evolve(opened(), case_data=case_data), request()))

        found = present(store).case_data
        assert {key: repr(value) for key, value in case_data.items()} == {key: repr(found[key]) for key in found}
        assert list(case_data) == list(found), "in the order they were given in"

    @pytest.mark.parametrize("at", _INSTANTS, ids=str)
    def test_a1_an_instant_keeps_its_microseconds(self, store: TransferStore, at: datetime) -> None:
        """A1: in texts, requests, outcomes, notices and events, in UTC."""
        message = attrs.evolve(text("m"), at=at)
        ended = attrs.evolve(closed(request(deadline=at)), requested_at=at)
        event = attrs.evolve(store.history("i")[0], at=message.at)
        store.commit(change(opened(), event, texts=(message,), requests=(ended,)))

        assert (message,) == store.transcript("i")
        assert ended == store.transfer("t")
        assert event == store.history("i")[-1]
        assert message.at.tzinfo is store.transcript("i")[0].at.tzinfo is UTC

    @pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
    def test_a1_every_kind_of_event_comes_back(self, store: TransferStore, event: Event) -> None:
        """A1: in the history and in the feed."""
        store.commit(change(opened(), event))

        assert event == store.history("i")[-1]
        assert self.eventually(lambda: event in read_feed(store)[0])

    def test_a1_every_history_comes_back(self, make_store: MakeStore) -> None:
        """A1: whatever can happen to a conversation."""
        store = make_store()
        present = attrs.evolve(opened(), version=0)
        told: list[Event] = []

        @self.story_settings()
        @given(kit.histories(max_steps=8))
        def story(history: tuple[Event, ...]) -> None:
            nonlocal present
            present = put(store, change(present, *history))
            told.extend(history)
            assert history == store.history("i")[-len(history) :]

        story()
        assert tuple(told) == store.history("i")

    def test_t16_every_interaction_comes_back(self, make_store: MakeStore) -> None:
        """T16: in every state, with its live request, by every way there is to it."""

        @self.story_settings()
        @given(kit.interactions(), st.lists(kit.messages(), max_size=2))
        def story(interaction: Interaction, texts: list[Message]) -> None:
            decision = _first(interaction, texts)
            ids = _ids(decision)
            assume(len(ids) == len(set(ids)))
            store = make_store()
            store.commit(decision)
            after = decision.interaction
            assert after == present(store, after.id)
            assert decision.texts == store.transcript(after.id)
            for live in decision.requests:
                assert live == store.transfer(live.id)
            if isinstance(after.owner, str) and after.state is not InteractionState.DONE:
                assert after in store.desktop(after.owner).interactions
            finished(store)

        story()

    def test_a2_every_outcome_comes_back(self, make_store: MakeStore) -> None:
        """A2: by whom, when, why, and who owns it."""
        store = make_store()
        made = 0
        last = put(store, opening(opened()))

        @self.story_settings()
        @given(kit.outcomes())
        def story(outcome: Outcome) -> None:
            nonlocal made, last
            made += 1
            ended = attrs.evolve(request(id_=f"t {made}"), state=outcome.state, outcome=outcome)
            last = put(store, change(last, requests=(ended,)))
            assert ended == store.transfer(ended.id)

        story()

    def test_f1_numbers_have_no_end(self, store: TransferStore) -> None:
        """F1, A4: epochs, hops and sizes are counted for as long as it takes."""
        far = attrs.evolve(opened(), epoch=10**12, hops=10**12)
        message = attrs.evolve(text("m"), epoch=10**12)
        after = put(store, change(far, texts=(message,)))

        assert (after, (message,)) == (present(store), store.transcript("i"))


def _first(interaction: Interaction, texts: list[Message]) -> Decision:
    """The commit that begins this interaction."""
    after = attrs.evolve(interaction, version=1)
    own = tuple(attrs.evolve(message, interaction_id=interaction.id) for message in texts)
    requests = () if after.transfer is None else (after.transfer,)
    return change(attrs.evolve(after, version=0), texts=own, requests=requests)


def _ids(decision: Decision) -> list[str]:
    """The ids that a decision takes, with their kinds."""
    found = [f"interaction {decision.interaction.id}"]
    found += [f"text {message.id}" for message in decision.texts]
    for live in decision.requests:
        found.append(f"request {live.id}")
        found += [] if live.invitation is None else [f"ticket {live.invitation.id}"]
    return found
