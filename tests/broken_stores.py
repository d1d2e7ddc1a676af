"""Stores, doorbells and front ends with one thing wrong each, under their suites; `test_broken_stores` runs them.

Pytest does not collect this file by itself. Each class names, in ``caught_by``, the tests of the suite that must fail.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from itertools import count
from threading import Lock
from typing import ClassVar

import attrs
import pytest
from hypothesis import settings

from doubles import StatusUI
from kept_in_memory import AsyncSharedStore, SharedStore
from sms_transfer import (
    Agent,
    ChannelStatus,
    Desktop,
    Event,
    EventPage,
    InteractionPreview,
    InteractionWindow,
    InvalidValue,
    Message,
    Transcript,
    TransferRequest,
)
from sms_transfer.adapters.in_process import InProcessMessaging
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.core.commands import Need
from sms_transfer.core.decision import Claim, Decision
from sms_transfer.ports import Facts, TransferStore, UserInterface
from sms_transfer.testing import RecordingUI
from sms_transfer.testing.conformance import (
    AsyncStoreConformance,
    Capability,
    DirectoryConformance,
    MessagingConformance,
    Shown,
    StoreConformance,
    UserInterfaceConformance,
    deviates,
)
from sms_transfer.testing.conformance._store_suite import ReopenStore
from sms_transfer.testing.conformance._suite import Suite
from sms_transfer.testing.conformance.aio import MakeAsyncStore

PATIENCE = timedelta(milliseconds=50)
"""What is broken never comes, so it is not waited for long."""
MODEL = "test_f7_a_store_answers_as_dictionaries_would"


class Hasty(Suite):
    """What is only to fail need not be shrunk."""

    def story_settings(self, *, waits: bool = False) -> settings:
        del waits
        return super().story_settings(waits=True)


class Broken(Hasty, StoreConformance):
    """The suite, over a store that is broken."""

    patience = PATIENCE
    kind: ClassVar[type[MemoryStore]]
    caught_by: ClassVar[frozenset[str]]

    @pytest.fixture
    def make_store(self) -> type[MemoryStore]:
        return self.kind


class DropsAnEvent(MemoryStore):
    def commit(self, decision: Decision) -> None:
        super().commit(attrs.evolve(decision, events=decision.events[:1]))


class TestDropsAnEvent(Broken):
    kind = DropsAnEvent
    caught_by = frozenset({"test_a1_a_history_is_in_the_order_of_its_commits", "test_a1_every_history_comes_back"})


class IgnoresTheVersion(MemoryStore):
    def commit(self, decision: Decision) -> None:
        known = self.read(Need(interaction_id=decision.interaction.id), decision.events[0].at).interaction
        version = 1 if known is None else known.version + 1
        super().commit(attrs.evolve(decision, interaction=attrs.evolve(decision.interaction, version=version)))


class TestIgnoresTheVersion(Broken):
    kind = IgnoresTheVersion
    caught_by = frozenset(
        {
            "test_f7_a_commit_must_be_the_next_version[3]",
            "test_f7_the_first_commit_is_version_one[2]",
            "test_f7_a_refused_commit_keeps_nothing[version]",
            "test_f1_of_many_commits_on_one_version_one_wins",
            MODEL,
        }
    )


class RingsTooEarly(SharedStore):
    def commit(self, decision: Decision) -> None:
        self.doorbell.ring(decision.concerned)
        MemoryStore.commit(self, decision)


class TestRingsTooEarly(Broken):
    capabilities = frozenset({Capability.RINGS_ON_COMMIT})
    kind = RingsTooEarly
    caught_by = frozenset(
        {"test_f6_a_ring_is_heard_after_the_commit_and_not_before", "test_f7_a_refused_commit_rings_nobody"}
    )


class RingsEverybody(SharedStore):
    def commit(self, decision: Decision) -> None:
        MemoryStore.commit(self, decision)
        self.doorbell.ring(("alice", "bob", "carol", *decision.concerned))


class TestRingsEverybody(Broken):
    capabilities = frozenset({Capability.RINGS_ON_COMMIT})
    kind = RingsEverybody
    caught_by = frozenset({"test_d5_only_who_is_concerned_is_rung"})


class TrimsTexts(MemoryStore):
    def commit(self, decision: Decision) -> None:
        texts = tuple(attrs.evolve(text, text=text.text.strip()) for text in decision.texts)
        super().commit(attrs.evolve(decision, texts=texts))


class TestTrimsTexts(Broken):
    kind = TrimsTexts
    caught_by = frozenset(
        {
            "test_t12_a_text_keeps_every_character[spaces around]",
            "test_t12_a_text_keeps_every_character[only a space]",
        }
    )


class EndsTextsAtZero(MemoryStore):
    def commit(self, decision: Decision) -> None:
        texts = tuple(attrs.evolve(text, text=text.text.partition("\x00")[0]) for text in decision.texts)
        super().commit(attrs.evolve(decision, texts=texts))


class TestEndsTextsAtZero(Broken):
    kind = EndsTextsAtZero
    caught_by = frozenset({"test_t12_a_text_keeps_every_character[zero]"})


class ForgetsClaims(MemoryStore):
    def commit(self, decision: Decision) -> None:
        super().commit(attrs.evolve(decision, claim=None))


class TestForgetsClaims(Broken):
    kind = ForgetsClaims
    caught_by = frozenset(
        {
            "test_e3_a_claim_is_counted_after_the_change[0-False]",
            "test_e3_the_limit_is_met_exactly[0]",
            "test_e3_the_last_place_is_taken_once",
            "test_t9_who_has_left_is_not_invited[logged_out-True]",
            "test_f7_a_refused_commit_keeps_nothing[claim]",
            MODEL,
        }
    )


class InvitesWhoHasLeft(MemoryStore):
    def commit(self, decision: Decision) -> None:
        claim = decision.claim
        if claim is not None:
            claim = Claim(claim.agent_id, claim.limit, claim.at)
        super().commit(attrs.evolve(decision, claim=claim))


class TestInvitesWhoHasLeft(Broken):
    kind = InvitesWhoHasLeft
    caught_by = frozenset(
        {
            "test_t9_who_has_left_is_not_invited[logged_out-True]",
            "test_f7_a_refused_commit_keeps_nothing[left]",
        }
    )


class CountsWhatHasExpired(MemoryStore):
    def read(self, need: Need, now: datetime) -> Facts:
        return super().read(need, now - timedelta(seconds=1))


class TestCountsWhatHasExpired(Broken):
    kind = CountsWhatHasExpired
    caught_by = frozenset({"test_t10_an_offer_takes_a_place_until_its_deadline[at2-0]"})


class LosesADeadline(MemoryStore):
    def due(self, now: datetime, *, limit: int) -> tuple[str, ...]:
        found = super().due(now, limit=limit)
        self._deadlines.clear()
        return found


class TestLosesADeadline(Broken):
    kind = LosesADeadline
    caught_by = frozenset({"test_f4_what_is_due_is_named_until_it_is_closed", "test_f4_the_earliest_is_named_first"})


class SortsTheTranscript(MemoryStore):
    def transcript(self, interaction_id: str) -> tuple[Message, ...]:
        return tuple(sorted(super().transcript(interaction_id), key=lambda text: (text.at, text.id)))


class TestSortsTheTranscript(Broken):
    kind = SortsTheTranscript
    caught_by = frozenset({"test_t12_a_transcript_is_in_the_order_recorded"})


class NumbersBeforeItCommits(MemoryStore):
    """Its feed is in the order of numbers that are drawn when a commit begins, as a database's sequence is."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = count(1)
        self.seen: dict[int, Event] = {}
        self.drawing = Lock()
        self.slow = 0
        self.was_passed_over = threading.Event()

    def commit(self, decision: Decision) -> None:
        with self.drawing:
            numbered = {next(self.numbers): event for event in decision.events}
        if (decision.interaction.id, decision.interaction.version) == ("i 0", 1):
            [self.slow] = numbered
            self.was_passed_over.wait(5)  # this commit is as slow as it takes
        super().commit(decision)
        with self.drawing:
            self.seen |= numbered

    def events(self, *, after: str | None, limit: int) -> EventPage:
        start = 0 if after is None else int(after)
        with self.drawing:
            numbers = sorted(number for number in self.seen if number > start)[:limit]
            if self.slow and max(numbers, default=0) > self.slow:
                self.was_passed_over.set()
            events = tuple(self.seen[number] for number in numbers)
            return EventPage(events=events, cursor=str(numbers[-1] if numbers else start))


class TestNumbersBeforeItCommits(Broken):
    kind = NumbersBeforeItCommits
    caught_by = frozenset({"test_f6_a_feed_that_is_read_while_many_write_skips_nothing"})


class SkipsTheLastOfAPage(MemoryStore):
    def events(self, *, after: str | None, limit: int) -> EventPage:
        page = super().events(after=after, limit=limit)
        return attrs.evolve(page, events=page.events[: max(1, limit - 1)])


class TestSkipsTheLastOfAPage(Broken):
    kind = SkipsTheLastOfAPage
    caught_by = frozenset(
        {
            "test_a1_the_feed_has_everything_whatever_the_size_of_its_pages[2]",
            "test_a1_the_feed_has_everything_whatever_the_size_of_its_pages[7]",
        }
    )


class NeverEnds(MemoryStore):
    def events(self, *, after: str | None, limit: int) -> EventPage:
        del after
        return super().events(after=None, limit=limit)


class TestNeverEnds(Broken):
    kind = NeverEnds
    caught_by = frozenset({"test_a1_a_cursor_at_the_end_waits_for_more"})


class TakesAnyCursor(MemoryStore):
    def events(self, *, after: str | None, limit: int) -> EventPage:
        try:
            return super().events(after=after, limit=limit)
        except InvalidValue:
            return super().events(after=None, limit=limit)


class TestTakesAnyCursor(Broken):
    kind = TakesAnyCursor
    caught_by = frozenset({"test_a8_a_cursor_that_was_never_handed_out_is_refused['x']"})


class ForgetsKeys(MemoryStore):
    def commit(self, decision: Decision) -> None:
        super().commit(attrs.evolve(decision, key=None))


class TestForgetsKeys(Broken):
    kind = ForgetsKeys
    caught_by = frozenset({"test_f5_a_key_is_used_once", "test_f5_one_key_makes_one_request", MODEL})


class KeepsHalf(MemoryStore):
    """Writes the texts first, and finds out afterwards that it must refuse."""

    def commit(self, decision: Decision) -> None:
        try:
            super().commit(decision)
        except Exception:
            for text in decision.texts:
                self._texts.setdefault(text.id, text)
            raise


class TestKeepsHalf(Broken):
    kind = KeepsHalf
    caught_by = frozenset(
        f"test_f7_a_refused_commit_keeps_nothing[{reason}]"
        for reason in ("version", "key", "first text", "last text", "claim", "left", "closed", "id", "ticket")
    )


class KeepsWhatConcerns(MemoryStore):
    """Counts a change for everybody whom a refused commit would have concerned."""

    def commit(self, decision: Decision) -> None:
        try:
            super().commit(decision)
        except Exception:
            for agent_id in decision.concerned:
                self._desk(agent_id).changed(None, None)
            raise


class TestKeepsWhatConcerns(Broken):
    kind = KeepsWhatConcerns
    caught_by = frozenset({"test_f7_a_refused_commit_keeps_nothing[claim]", MODEL})


class FoldsCase(MemoryStore):
    """Its agents' ids are compared as some databases compare by default."""

    def agents(self, ids: Collection[str]) -> Mapping[str, Agent]:
        known = {id_.casefold(): agent for id_, agent in self._agents.items()}
        return {id_: known[id_.casefold()] for id_ in ids if id_.casefold() in known}


class TestFoldsCase(Broken):
    kind = FoldsCase
    caught_by = frozenset({"test_a8_agents_whose_ids_look_alike_are_different"})


class FoldsCaseOfInteractions(MemoryStore):
    def read(self, need: Need, now: datetime) -> Facts:
        folded = None if need.interaction_id is None else need.interaction_id.casefold()
        return super().read(attrs.evolve(need, interaction_id=folded), now)


class TestFoldsCaseOfInteractions(Broken):
    kind = FoldsCaseOfInteractions
    caught_by = frozenset({"test_a8_ids_that_look_alike_are_different", MODEL})


class LosesMicroseconds(MemoryStore):
    def commit(self, decision: Decision) -> None:
        texts = tuple(attrs.evolve(text, at=text.at.replace(microsecond=0)) for text in decision.texts)
        super().commit(attrs.evolve(decision, texts=texts))


class TestLosesMicroseconds(Broken):
    kind = LosesMicroseconds
    caught_by = frozenset({"test_a1_an_instant_keeps_its_microseconds[2026-01-01 12:30:15.123456+00:00]"})


class RoundsNumbers(MemoryStore):
    def commit(self, decision: Decision) -> None:
        data = {key: float(value) if value == 1 else value for key, value in decision.interaction.case_data.items()}
        after = attrs.evolve(decision.interaction, case_data=data)
        super().commit(attrs.evolve(decision, interaction=after))


class TestRoundsNumbers(Broken):
    kind = RoundsNumbers
    caught_by = frozenset({"test_t16_case_data_keeps_its_numbers_and_their_kinds"})


class IgnoresKnown(MemoryStore):
    def desktop(self, agent_id: str, *, since: int | None = None, known: Mapping[str, int] | None = None) -> Desktop:
        found = super().desktop(agent_id, since=since)
        transcripts = {
            id_: Transcript((known or {}).get(id_, 0), transcript.messages)
            for id_, transcript in found.transcripts.items()
        }
        return attrs.evolve(found, transcripts=transcripts)


class TestIgnoresKnown(Broken):
    kind = IgnoresKnown
    caught_by = frozenset({"test_d7_a_desktop_is_told_the_texts_that_it_has_not", MODEL})


class DoesNotSayWhatItIsAbout(MemoryStore):
    def desktop(self, agent_id: str, *, since: int | None = None, known: Mapping[str, int] | None = None) -> Desktop:
        found = super().desktop(agent_id, since=since, known=known)
        return attrs.evolve(found, about=None, about_messages=None)


class TestDoesNotSayWhatItIsAbout(Broken):
    kind = DoesNotSayWhatItIsAbout
    caught_by = frozenset(
        {
            "test_d7_a_desktop_that_knows_all_is_told_nothing_wrong",
            "test_d7_a_desktop_that_looks_after_every_change_shows_the_truth",
            "test_d7_a_desktop_that_missed_much_shows_the_truth",
            MODEL,
        }
    )


class ForgetsToCount(MemoryStore):
    """Tells nobody that a message was deleted."""

    def delete_message(self, agent_id: str, message_id: str) -> bool:
        desk = self._desks.get(agent_id)
        return desk is not None and desk.messages.pop(message_id, None) is not None


class TestForgetsToCount(Broken):
    kind = ForgetsToCount
    caught_by = frozenset({"test_d4_an_entry_that_is_deleted_is_told_of_as_gone", MODEL})


class CountsOnlyTheFirst(MemoryStore):
    def commit(self, decision: Decision) -> None:
        super().commit(attrs.evolve(decision, concerned=decision.concerned[:1]))


class TestCountsOnlyTheFirst(Broken):
    kind = CountsOnlyTheFirst
    caught_by = frozenset({"test_d5_each_commit_counts_one_change_for_each_agent_concerned", MODEL})


class ForgetsWhenClosed(SharedStore):
    """Declares that it is durable, and is not."""

    def close(self) -> None:
        self.__dict__ = SharedStore().__dict__


class TestForgetsWhenClosed(Broken):
    capabilities = frozenset({Capability.DURABLE})
    kind = ForgetsWhenClosed
    caught_by = frozenset(
        {
            "test_f4_everything_is_found_by_whoever_opens_it_next",
            "test_f5_what_was_used_up_stays_used_up",
            "test_f6_what_was_deleted_or_sent_does_not_come_back",
        }
    )

    @pytest.fixture
    def reopen_store(self) -> ReopenStore:
        return reopen


def reopen(store: TransferStore) -> SharedStore:
    assert isinstance(store, SharedStore)
    return store.reopen()


class SeesOnlyItsOwn(SharedStore):
    """Declares many handles, each of which has a copy of what there was when it was opened."""

    def reopen(self) -> SharedStore:
        return type(self)()


class TestSeesOnlyItsOwn(Broken):
    capabilities = frozenset({Capability.MANY_HANDLES})
    kind = SeesOnlyItsOwn
    caught_by = frozenset(
        {
            "test_f1_another_handle_sees_at_once_what_is_committed",
            "test_f1_races_between_handles_have_one_winner[a place]",
            "test_f7_what_is_refused_here_is_refused_there[version]",
            "test_d7_a_desktop_can_move_from_handle_to_handle",
            "test_f6_a_feed_that_is_read_while_many_handles_write_skips_nothing",
            "test_e1_another_handle_sees_it_at_once",
        }
    )

    @pytest.fixture
    def reopen_store(self) -> ReopenStore:
        return reopen


class OnlyTheFirstWaits(MemoryStore):
    """Names the same conversations first each time."""

    def unsent(self, *, limit: int) -> tuple[str, ...]:
        return tuple(self._unsent)[:limit]


class TestOnlyTheFirstWaits(Broken):
    kind = OnlyTheFirstWaits
    caught_by = frozenset({"test_f6_nobody_is_passed_over_for_ever"})


class ReopensRequests(MemoryStore):
    def _check_ids(self, request: TransferRequest) -> None:
        del request


class TestReopensRequests(Broken):
    kind = ReopensRequests
    caught_by = frozenset(
        {
            "test_f3_a_closed_request_never_changes",
            "test_f3_a_request_belongs_to_one_interaction",
            "test_f3_a_ticket_belongs_to_one_request[False]",
        }
    )


class ReplacesAnybody(MemoryStore):
    def replace_agent(self, known: Agent, agent: Agent) -> None:
        del known
        self._agents[agent.id] = agent


class TestReplacesAnybody(Broken):
    kind = ReplacesAnybody
    caught_by = frozenset(
        {
            "test_f7_nobody_becomes_known_by_being_replaced",
            "test_f7_of_many_who_replace_one_wins",
            "test_e1_it_does_what_a_dictionary_would_do",
        }
    )


class TestAsyncTrimsTexts(AsyncStoreConformance):
    patience = PATIENCE
    caught_by: ClassVar[frozenset[str]] = frozenset({"test_t12_a_text_keeps_every_character[spaces around]"})

    @pytest.fixture
    def make_async_store(self) -> MakeAsyncStore:
        async def make() -> AsyncSharedStore:
            return AsyncTrimsTexts(SharedStore())

        return make


class AsyncTrimsTexts(AsyncSharedStore):
    async def commit(self, decision: Decision) -> None:
        texts = tuple(attrs.evolve(text, text=text.text.strip()) for text in decision.texts)
        self.store.commit(attrs.evolve(decision, texts=texts))


# doorbells


class BrokenBell(Hasty, MessagingConformance):
    """The suite, over a doorbell that is broken."""

    patience = PATIENCE
    bell: ClassVar[type[InProcessMessaging]]
    caught_by: ClassVar[frozenset[str]]

    @pytest.fixture
    def make_messaging(self) -> type[InProcessMessaging]:
        return self.bell


class WakesEverybody(InProcessMessaging):
    def ring(self, agent_ids: Collection[str]) -> None:
        super().ring(list(self._listening) if agent_ids else ())


class TestWakesEverybody(BrokenBell):
    bell = WakesEverybody
    caught_by = frozenset(
        {
            "test_d5_a_ring_wakes_every_listener_of_these_agents_and_nobody_else",
            "test_d5_it_does_what_a_dictionary_would_do",
        }
    )


class WakesOneOfTwo(InProcessMessaging):
    def ring(self, agent_ids: Collection[str]) -> None:
        for agent_id in agent_ids:
            for listening in self._listening.get(agent_id, ())[:1]:
                listening.try_to_wake()


class TestWakesOneOfTwo(BrokenBell):
    bell = WakesOneOfTwo
    caught_by = frozenset(
        {
            "test_d5_a_ring_wakes_every_listener_of_these_agents_and_nobody_else",
            "test_d5_a_listener_that_raises_harms_nobody",
            "test_d5_it_does_what_a_dictionary_would_do",
        }
    )


class NeverForgets(InProcessMessaging):
    def forget(self, agent_id: str, listening: object) -> None:
        del agent_id, listening


class TestNeverForgets(BrokenBell):
    bell = NeverForgets
    caught_by = frozenset(
        {
            "test_d5_a_closed_subscription_is_not_woken",
            "test_d5_a_listener_may_close_itself_while_it_is_woken",
        }
    )


class LetsItThrough(InProcessMessaging):
    def ring(self, agent_ids: Collection[str]) -> None:
        for agent_id in agent_ids:
            for listening in self._listening.get(agent_id, ()):
                listening._wake()  # noqa: SLF001 - what it raises reaches whoever rings, which is what is wrong


class TestLetsItThrough(BrokenBell):
    bell = LetsItThrough
    caught_by = frozenset({"test_d5_a_listener_that_raises_harms_nobody"})


class RingsOnce(InProcessMessaging):
    """Takes a burst for one ring, and drops what comes after its first."""

    def __init__(self) -> None:
        super().__init__()
        self.rung = set[str]()

    def ring(self, agent_ids: Collection[str]) -> None:
        super().ring([agent_id for agent_id in agent_ids if agent_id not in self.rung])
        self.rung.update(agent_ids)


class TestRingsOnce(BrokenBell):
    bell = RingsOnce
    caught_by = frozenset({"test_d7_the_last_ring_of_a_burst_is_heard"})


# front ends


class BrokenScreen(Hasty, UserInterfaceConformance):
    """The suite, over a front end that is broken."""

    capabilities = frozenset({Capability.REMOVES_MESSAGES})
    screen: ClassVar[type[RecordingUI]]
    caught_by: ClassVar[frozenset[str]]

    @pytest.fixture
    def make_ui(self) -> type[RecordingUI]:
        return self.screen

    def shown(self, ui: UserInterface) -> Shown:
        assert isinstance(ui, RecordingUI)
        return Shown(windows=ui.windows, previews=ui.previews, errors=ui.errors, messages=ui.messages)


SCREEN_MODEL = "test_d7_the_screen_shows_what_the_workspace_holds"


class KeepsTheError(RecordingUI):
    def update_window(self, window: InteractionWindow) -> None:
        self.windows[window.interaction.id] = window


class TestKeepsTheError(BrokenScreen):
    screen = KeepsTheError
    caught_by = frozenset({"test_t6_an_error_stands_at_the_top_until_it_is_withdrawn", SCREEN_MODEL})


class KeepsThePreview(RecordingUI):
    def dismiss_preview(self, invitation_id: str) -> None:
        del invitation_id


class TestKeepsThePreview(BrokenScreen):
    screen = KeepsThePreview
    caught_by = frozenset({"test_d3_a_preview_goes_when_its_invitation_is_closed", SCREEN_MODEL})


class ShowsItTwice(RecordingUI):
    def show_preview(self, preview: InteractionPreview) -> None:
        known = f"{preview.invitation_id} again" if preview.invitation_id in self.previews else preview.invitation_id
        self.previews[known] = preview


class TestShowsItTwice(BrokenScreen):
    screen = ShowsItTwice
    caught_by = frozenset({"test_d5_what_is_shown_again_is_shown_in_its_place"})


class KeepsTheStatus(StatusUI):
    def show_agent(self, agent: Agent) -> None:
        self.agents = self.agents or [agent]


class TestKeepsTheStatus(BrokenScreen):
    capabilities = frozenset({Capability.SHOWS_AGENT})
    screen = KeepsTheStatus
    caught_by = frozenset({"test_e2_the_status_is_shown"})

    def shown_status(self, ui: UserInterface) -> ChannelStatus:
        assert isinstance(ui, StatusUI)
        return ui.agents[-1].status


class ReadsMarkup(RecordingUI):
    def open_window(self, window: InteractionWindow) -> None:
        for message in window.transcript:
            if "<" in message.text:
                raise ValueError("what is this?")
        super().open_window(window)


class TestReadsMarkup(BrokenScreen):
    screen = ReadsMarkup
    caught_by = frozenset({"test_a8_any_words_can_be_shown[markup]"})


# authors who leave something out

A_KEY = "test_f5_a_key_is_used_once"
THE_EARLIEST = "test_f4_the_earliest_is_named_first"
USED_UP = "test_f5_what_was_used_up_stays_used_up"


class OverMemory(StoreConformance):
    """The suite over a store that is sound."""

    @pytest.fixture
    def make_store(self) -> type[MemoryStore]:
        return MemoryStore


class TestLeavesOutInSilence(OverMemory):
    caught_by = frozenset({A_KEY, THE_EARLIEST})
    test_f5_a_key_is_used_once = None  # type: ignore[assignment] # that is what is wrong

    def test_f4_the_earliest_is_named_first(self) -> None:  # type: ignore[override] # likewise
        pass


class TestInheritsSilence(TestLeavesOutInSilence):
    caught_by = frozenset({THE_EARLIEST})


class Lenient:
    """A mixin that leaves a test out."""

    def test_a8_an_id_is_taken_once(self) -> None:
        pass


class TestLeavesOutByAMixin(Lenient, OverMemory):  # type: ignore[misc] # that is what is wrong
    caught_by = frozenset({"test_a8_an_id_is_taken_once"})


class TestStatesItsReasons(OverMemory):
    caught_by = frozenset({A_KEY, THE_EARLIEST})
    test_f5_a_key_is_used_once = deviates("our clients have no keys")  # type: ignore[assignment] # as documented

    @deviates("our engine has no order")
    def test_f4_the_earliest_is_named_first(self) -> None:  # type: ignore[override] # as documented
        pass


class TestInheritsItsReasons(TestStatesItsReasons):
    caught_by = frozenset({A_KEY, THE_EARLIEST})


class TestMakesNoStore(StoreConformance):
    caught_by = frozenset({A_KEY})


class TestReopensNoStore(OverMemory):
    capabilities = frozenset({Capability.DURABLE})
    caught_by = frozenset({USED_UP})


class TestMakesNoAsyncStore(AsyncStoreConformance):
    caught_by = frozenset({A_KEY})


class TestReopensNoAsyncStore(AsyncStoreConformance):
    capabilities = frozenset({Capability.DURABLE})
    caught_by = frozenset({USED_UP})

    @pytest.fixture
    def make_async_store(self) -> MakeAsyncStore:
        async def make() -> AsyncSharedStore:
            return AsyncSharedStore(SharedStore())

        return make


class TestMakesNoDirectory(DirectoryConformance):
    caught_by = frozenset({"test_e1_who_is_unknown_is_left_out"})


class TestReopensNoDirectory(DirectoryConformance):
    capabilities = frozenset({Capability.MANY_HANDLES})
    caught_by = frozenset({"test_e1_another_handle_sees_it_at_once"})

    @pytest.fixture
    def make_directory(self) -> type[MemoryStore]:
        return MemoryStore


class TestMakesNoMessaging(MessagingConformance):
    caught_by = frozenset({"test_d5_a_ring_may_be_for_nobody"})


class TestReopensNoMessaging(MessagingConformance):
    capabilities = frozenset({Capability.MANY_HANDLES})
    caught_by = frozenset({"test_d5_a_ring_is_heard_in_every_process"})

    @pytest.fixture
    def make_messaging(self) -> type[InProcessMessaging]:
        return InProcessMessaging


class TestMakesNoUI(UserInterfaceConformance):
    caught_by = frozenset({"test_d7_a_screen_is_empty_at_first"})


class TestShowsNothing(UserInterfaceConformance):
    caught_by = frozenset({"test_d7_a_screen_is_empty_at_first"})

    @pytest.fixture
    def make_ui(self) -> type[RecordingUI]:
        return RecordingUI


class TestShowsNoStatus(UserInterfaceConformance):
    capabilities = frozenset({Capability.SHOWS_AGENT})
    caught_by = frozenset({"test_e2_the_status_is_shown"})

    @pytest.fixture
    def make_ui(self) -> type[StatusUI]:
        return StatusUI


AUTHORS = frozenset({"TestStatesItsReasons", "TestInheritsItsReasons"})
"""The classes whose named tests do not fail."""
