"""Stores with one thing wrong each of what agents serve together, who waits and whom they ask; as `broken_stores`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime

import attrs
import pytest

from broken_stores import MODEL, PATIENCE, Broken, reopen
from kept_in_memory import SharedStore
from sms_transfer import Agent, ChannelStatus, Interaction, Queue, Target, TransferRequest
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.core.commands import Need
from sms_transfer.errors import AlreadyExists
from sms_transfer.ports import Directory, Facts, Roster
from sms_transfer.testing.conformance import Capability, DirectoryConformance
from sms_transfer.testing.conformance._samples import EVERY, live_request
from sms_transfer.testing.conformance._store_suite import ReopenStore


class ForgetsWhatIsKept(MemoryStore):
    """Gives away the place of a sender to whom it can come back."""

    def _load(self, agent_id: str, now: datetime) -> int:
        return super()._load(agent_id, now) - len(self._desk(agent_id).kept)


class TestForgetsWhatIsKept(Broken):
    kind = ForgetsWhatIsKept
    caught_by = frozenset(
        {
            "test_e3_what_can_come_back_keeps_its_place[False]",
            "test_e3_what_can_come_back_keeps_its_place[True]",
            "test_e3_a_place_that_is_kept_is_not_given_away",
            MODEL,
        }
    )


class KeepsItForEver(MemoryStore):
    """Keeps the place of a sender to whom nothing can come back."""

    def _load(self, agent_id: str, now: datetime) -> int:
        placed = {one.interaction_id for one in self._transfers.values() if one.return_to_sender}
        mine = {one.interaction_id for one in self._transfers.values() if one.sender == agent_id}
        return super()._load(agent_id, now) + len((placed & mine) - {*self._desk(agent_id).kept})


class TestKeepsItForEver(Broken):
    kind = KeepsItForEver
    caught_by = frozenset({"test_e3_what_cannot_come_back_keeps_no_place[accept]", MODEL})


class CountsNobodyWhoKeeps(MemoryStore):
    """Counts the places of many otherwise than those of one."""

    def loads(self, agent_ids: Collection[str], now: datetime) -> Mapping[str, int]:
        del now
        return {id_: len(self._desk(id_).owned) for id_ in agent_ids}


class TestCountsNobodyWhoKeeps(Broken):
    kind = CountsNobodyWhoKeeps
    caught_by = frozenset({"test_e3_places_of_many_are_counted_at_once", MODEL})


class Unordered(MemoryStore):
    """Has the right requests wait, in an order of its own."""

    def waiting(
        self, targets: Collection[Target], *, after: Interaction | None = None, limit: int
    ) -> tuple[Interaction, ...]:
        found = sorted(super().waiting(targets, limit=EVERY), key=self.turn)
        return tuple([one for one in found if after is None or self.turn(one) > self.turn(after)][:limit])

    @staticmethod
    def turn(interaction: Interaction) -> tuple[object, ...]:
        return (live_request(interaction).id,)


class TestOrdersById(Broken):
    kind = Unordered
    caught_by = frozenset({"test_q3_priority_goes_before_age_and_age_before_the_id", MODEL})


class IgnoresPriority(Unordered):
    @staticmethod
    def turn(interaction: Interaction) -> tuple[object, ...]:
        live = live_request(interaction)
        return live.requested_at, live.id


class TestIgnoresPriority(Broken):
    kind = IgnoresPriority
    caught_by = frozenset({"test_q3_priority_goes_before_age_and_age_before_the_id", MODEL})


class IgnoresAge(Unordered):
    @staticmethod
    def turn(interaction: Interaction) -> tuple[object, ...]:
        live = live_request(interaction)
        return -live.priority, live.id


class TestIgnoresAge(Broken):
    kind = IgnoresAge
    caught_by = frozenset({"test_q3_priority_goes_before_age_and_age_before_the_id", "test_q3_several_lines_are_one"})


class LosesWhatCameBack(MemoryStore):
    def waiting(
        self, targets: Collection[Target], *, after: Interaction | None = None, limit: int
    ) -> tuple[Interaction, ...]:
        found = super().waiting(targets, after=after, limit=limit)
        return tuple(one for one in found if not live_request(one).past_invitations)


class TestLosesWhatCameBack(Broken):
    kind = LosesWhatCameBack
    caught_by = frozenset({"test_q1_a_request_waits_while_it_is_routing", MODEL})


class RepeatsTheLast(MemoryStore):
    """Begins the next page with the last one of this."""

    def waiting(
        self, targets: Collection[Target], *, after: Interaction | None = None, limit: int
    ) -> tuple[Interaction, ...]:
        found = super().waiting(targets, after=after, limit=limit)
        return found if after is None else (after, *found)[:limit]


class TestRepeatsTheLast(Broken):
    kind = RepeatsTheLast
    caught_by = frozenset(
        {
            "test_q3_a_line_can_be_read_in_pages[1]",
            "test_q3_a_line_can_be_read_in_pages[20]",
            "test_q3_a_reading_goes_on_behind_who_has_left",
            MODEL,
        }
    )


class AsksForTheFirst(MemoryStore):
    """Goes by the target that was asked for, whosever turn it is."""

    def _keep_in_line(self, known: TransferRequest | None, request: TransferRequest) -> None:
        before = None if known is None else attrs.evolve(known, on_fallback=False)
        super()._keep_in_line(before, attrs.evolve(request, on_fallback=False))

    def _is_waiting(self, transfer_id: str, target: Target) -> bool:
        return super()._is_waiting(transfer_id, self._transfers[transfer_id].present_target) and bool(target)


class TestAsksForTheFirst(Broken):
    kind = AsksForTheFirst
    caught_by = frozenset({"test_q5_a_request_waits_for_the_target_whose_turn_it_is", MODEL})


class CountsWhoIsInvited(MemoryStore):
    def waiting_counts(self, targets: Collection[Target]) -> Mapping[Target, int]:
        live = [one.present_target for one in self._transfers.values() if not one.state.is_final]
        return {target: live.count(target) for target in targets}


class TestCountsWhoIsInvited(Broken):
    kind = CountsWhoIsInvited
    caught_by = frozenset({"test_q1_a_request_waits_while_it_is_routing", MODEL})


class SaysNobodyWaits(MemoryStore):
    def read(self, need: Need, now: datetime) -> Facts:
        return attrs.evolve(super().read(need, now), waiting=False)


class TestSaysNobodyWaits(Broken):
    kind = SaysNobodyWaits
    caught_by = frozenset({"test_f4_a_request_that_invites_nobody_yet_is_due_too", MODEL})


class DueByItself(MemoryStore):
    """Goes by the request's own deadline, whoever is invited until when."""

    def due(self, now: datetime, *, limit: int) -> tuple[str, ...]:
        live = [one for one in self._transfers.values() if not one.state.is_final and one.deadline <= now]
        return tuple([one.id for one in sorted(live, key=lambda one: one.deadline)][:limit])


class TestDueByItself(Broken):
    kind = DueByItself
    caught_by = frozenset(
        {
            "test_f4_a_request_is_due_when_its_invitation_is",
            "test_f4_what_is_due_is_in_the_order_in_which_it_is_due",
        }
    )


class NamesWhoHasLeft(MemoryStore):
    """Names as able to receive whoever serves it."""

    def able(self, target: Target, *, statuses: Collection[ChannelStatus], limit: int) -> tuple[Agent, ...]:
        return self.members(target, limit=limit) if statuses else ()


class TestNamesWhoHasLeft(Broken):
    kind = NamesWhoHasLeft
    caught_by = frozenset({"test_q3_who_is_able_is_known_by_the_present_record", MODEL})


class LosesWhoIsFree(MemoryStore):
    """Strikes off whoever is full, and does not notice that a place of theirs is freed."""

    def _place(self, agent_id: str, *, last: bool) -> None:
        agent, desk = self._agents.get(agent_id), self._desks.get(agent_id)
        if not last or (agent is not None and desk is not None and desk.taken >= agent.capacity):
            super()._place(agent_id, last=last)


class TestLosesWhoIsFree(Broken):
    kind = LosesWhoIsFree
    caught_by = frozenset(
        {
            "test_q3_a_place_that_is_freed_is_known",
            "test_q3_who_was_asked_in_vain_is_able_again",
            "test_q2_a_place_that_was_kept_is_freed[accept]",
        }
    )


class FirstIsLast(MemoryStore):
    def able(self, target: Target, *, statuses: Collection[ChannelStatus], limit: int) -> tuple[Agent, ...]:
        return super().able(target, statuses=statuses, limit=EVERY)[::-1][:limit]


class TestFirstIsLast(Broken):
    capabilities = frozenset({Capability.KNOWS_IDLE})
    kind = FirstIsLast
    caught_by = frozenset(
        {
            "test_q4_the_longest_in_their_status_comes_first",
            "test_q4_who_was_given_something_last_is_asked_last",
        }
    )


class KeepsFormerMembers(MemoryStore):
    """Those who leave a queue, a group or a skill go on serving it."""

    def _enrol(self, agent_id: str) -> None:
        before = self._teams.served_by(agent_id)
        super()._enrol(agent_id)
        self._teams.enrol(agent_id, before | self._teams.served_by(agent_id))
        self._place(agent_id, last=False)


class TestKeepsFormerMembers(Broken):
    kind = KeepsFormerMembers
    caught_by = frozenset(
        {
            "test_q1_members_come_and_go_with_their_queue",
            "test_q1_groups_and_skills_stand_in_the_agents_records",
            MODEL,
        }
    )


class ForgetsWhoIsUnknown(MemoryStore):
    """A queue's members are those who were known when it came."""

    def _keep_queue(self, queue: Queue, before: frozenset[str]) -> None:
        known = frozenset(self._agents)
        super()._keep_queue(attrs.evolve(queue, members=queue.members & known), before & known)
        self._queues[queue.target] = queue


class TestForgetsWhoIsUnknown(Broken):
    kind = ForgetsWhoIsUnknown
    caught_by = frozenset({"test_q1_a_member_may_come_to_be_known_later"})


class ReplacesAnyQueue(MemoryStore):
    def replace_queue(self, known: Queue, queue: Queue) -> None:
        super().replace_queue(self._queues.get(queue.target, known), queue)


class TestReplacesAnyQueue(Broken):
    kind = ReplacesAnyQueue
    caught_by = frozenset({"test_f7_of_many_who_replace_a_queue_one_wins", MODEL})


class CallsItAQueue(MemoryStore):
    def add_queue(self, queue: Queue) -> None:
        try:
            super().add_queue(queue)
        except AlreadyExists as refused:
            raise AlreadyExists(kind="queue", id=queue.target.id) from refused


class TestCallsItAQueue(Broken):
    kind = CallsItAQueue
    caught_by = frozenset({"test_a8_a_queues_id_is_taken_once[routing_point]"})


class MixesKinds(MemoryStore):
    """Knows favourites by their ids, of whatever kind."""

    def favourites(self, agent_id: str) -> tuple[Target, ...]:
        return tuple({target.id: target for target in super().favourites(agent_id)}.values())


class TestMixesKinds(Broken):
    kind = MixesKinds
    caught_by = frozenset({"test_a8_favourites_that_look_alike_are_different"})


class SharesFavourites(MemoryStore):
    def favourites(self, agent_id: str) -> tuple[Target, ...]:
        return super().favourites("everybody" if agent_id else agent_id)

    def mark_favourite(self, agent_id: str, target: Target, *, favourite: bool) -> None:
        super().mark_favourite("everybody" if agent_id else agent_id, target, favourite=favourite)


class TestSharesFavourites(Broken):
    kind = SharesFavourites
    caught_by = frozenset({"test_t2_favourites_are_each_agents_own", MODEL})


class MovesFavourites(MemoryStore):
    """Marks again what is marked."""

    def mark_favourite(self, agent_id: str, target: Target, *, favourite: bool) -> None:
        super().mark_favourite(agent_id, target, favourite=False)
        super().mark_favourite(agent_id, target, favourite=favourite)


class TestMovesFavourites(Broken):
    kind = MovesFavourites
    caught_by = frozenset({"test_t2_favourites_are_in_the_order_marked"})


class NamesWhatOthersAsked(MemoryStore):
    def recents(self, agent_id: str, *, limit: int) -> tuple[Target, ...]:
        asked = [one.target for one in self._transfers.values() if agent_id]
        return tuple(dict.fromkeys(asked[::-1]))[:limit]


class TestNamesWhatOthersAsked(Broken):
    kind = NamesWhatOthersAsked
    caught_by = frozenset({"test_t2_recents_are_the_senders", MODEL})


class NamesTheFirstFirst(MemoryStore):
    def recents(self, agent_id: str, *, limit: int) -> tuple[Target, ...]:
        return super().recents(agent_id, limit=EVERY)[::-1][:limit]


class TestNamesTheFirstFirst(Broken):
    kind = NamesTheFirstFirst
    caught_by = frozenset({"test_t2_the_latest_target_comes_first", MODEL})


class SkipsARename(MemoryStore):
    def replace_agent(self, known: Agent, agent: Agent) -> None:
        noted, version = dict(self._changed), self._roster_version
        super().replace_agent(known, agent)
        if known.name != agent.name:
            self._changed, self._roster_version = noted, version


class TestSkipsARename(Broken):
    kind = SkipsARename
    caught_by = frozenset({"test_t2_a_later_reading_names_whoever_is_new_or_changed", MODEL})


class StandsStill(MemoryStore):
    """Its roster is true, and its version never changes."""

    def roster(self, since: int | None) -> Roster:
        return attrs.evolve(super().roster(since), version=0)


class TestStandsStill(Broken):
    kind = StandsStill
    caught_by = frozenset({"test_t2_a_later_reading_names_whoever_is_new_or_changed"})


class TrustsAnyVersion(MemoryStore):
    def roster(self, since: int | None) -> Roster:
        found = super().roster(since)
        return found if since is None or not found.complete else attrs.evolve(found, agents=(), complete=False)


class TestTrustsAnyVersion(Broken):
    kind = TrustsAnyVersion
    caught_by = frozenset({"test_t2_a_version_that_was_never_given_asks_for_all[1]"})


class TeamsOfItsOwn(SharedStore):
    """Declares many handles, each of which has teams of its own."""

    def reopen(self) -> SharedStore:
        other = super().reopen()
        other.__dict__ = dict(self.__dict__) | {"_teams": MemoryStore()._teams}  # noqa: SLF001 - to break it
        return other


class TestTeamsOfItsOwn(Broken):
    capabilities = frozenset({Capability.MANY_HANDLES})
    kind = TeamsOfItsOwn
    caught_by = frozenset(
        {"test_q1_another_handle_sees_who_serves_what", "test_q3_another_handle_knows_what_was_freed"}
    )

    @pytest.fixture
    def reopen_store(self) -> ReopenStore:
        return reopen


# authors who declare what is not so


class AgentsOnly:
    """A directory that knows agents and nothing else."""

    def __init__(self) -> None:
        store = MemoryStore()
        self.agents = store.agents
        self.add_agent = store.add_agent
        self.replace_agent = store.replace_agent


class TestIsNoTeams(DirectoryConformance):
    patience = PATIENCE
    capabilities = frozenset({Capability.TEAMS})
    caught_by = frozenset({"test_q1_a_queue_is_known_as_it_was_given"})

    @pytest.fixture
    def make_directory(self) -> Callable[[], Directory]:
        return AgentsOnly
