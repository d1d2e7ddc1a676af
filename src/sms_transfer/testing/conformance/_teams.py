"""What agents serve together, and who can be found: the part that a store and a `Directory` that is `Teams` share."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import Final

import attrs
import pytest

from sms_transfer.adapters.blocking import TeamDirectory
from sms_transfer.core.lifecycle import ChannelStatus
from sms_transfer.core.model import Agent, Queue, Target, TargetKind
from sms_transfer.errors import AlreadyExists, Conflict
from sms_transfer.ports import Directory, Teams
from sms_transfer.testing.conformance._racing import ROUNDS, THREADS, racing
from sms_transfer.testing.conformance._samples import ALIKE, EVERY, ODD_TEXTS, QUEUE
from sms_transfer.testing.conformance._suite import Capability, Suite, needs

MakeDirectory = Callable[[], Directory]
ReopenDirectory = Callable[[Directory], Directory]
MakeTeams = Callable[[], TeamDirectory]

ON_CHANNEL: Final = frozenset({ChannelStatus.READY, ChannelStatus.NOT_READY})
READY: Final = frozenset({ChannelStatus.READY})
POINT: Final = Target.routing_point("q")
GROUP: Final = Target.agent_group("q")
SKILL: Final = Target.skill("q")
BOB: Final = Agent("bob", "Bob", status=ChannelStatus.READY)
CAROL: Final = Agent("carol", "Carol", status=ChannelStatus.READY)
_ODD_IDS: Final = (*ALIKE, "queue:a", "routing_point:a", "skill:a", ":", "a:", ":a", "b", "a:b:c")
_SIZES: Final = (0, 1, 2, 3, 7)
_MAX_NAME: Final = 256


class SharedTeams(Suite):
    """What `Teams` must do, whoever it is; places apart, which a directory knows nothing of."""

    @pytest.fixture
    def make_directory(self) -> MakeDirectory:
        """Each call makes a new directory that knows nobody; what it made is cleaned up in your fixture."""
        return pytest.fail(f"{type(self).__name__} needs a fixture make_directory: a callable that makes an empty one")

    @pytest.fixture
    def reopen_directory(self) -> ReopenDirectory:
        """Another handle on the data of the given directory."""
        return pytest.fail(f"{type(self).__name__} needs a fixture reopen_directory for what it declares")

    @pytest.fixture
    def make_teams(self, make_directory: MakeDirectory) -> MakeTeams:
        """The same, where it is declared that it is `Teams` too."""
        return lambda: as_teams(make_directory())

    @needs(Capability.TEAMS)
    def test_q1_a_queue_is_known_as_it_was_given(self, make_teams: MakeTeams) -> None:
        """Q1: a queue and a routing point of one id are two; what is unknown is left out."""
        teams = make_teams()
        queue, point = Queue(QUEUE, {"bob", "carol"}, name="Sales"), Queue(POINT)
        teams.add_queue(queue)
        teams.add_queue(point)
        asked = [QUEUE, POINT, GROUP, SKILL, Target.queue("none")]

        assert {QUEUE: queue, POINT: point} == dict(teams.queues(asked))
        assert {QUEUE: "Sales", POINT: "q"} == dict(teams.queue_names(asked))
        assert ({}, {}) == (dict(teams.queues([])), dict(teams.queue_names([])))
        assert {} == dict(make_teams().queues(asked)), "a new one knows nothing"

    @needs(Capability.TEAMS)
    @pytest.mark.parametrize("target", [QUEUE, POINT], ids=lambda target: target.kind)
    def test_a8_a_queues_id_is_taken_once(self, make_teams: MakeTeams, target: Target) -> None:
        """A8: even for an equal record; the first one stays, and so does who serves it."""
        teams = make_teams()
        first = Queue(target, {"bob"}, name="first")
        teams.add_agent(BOB)
        teams.add_agent(CAROL)
        teams.add_queue(first)

        for again in (first, Queue(target, {"carol"}, name="again")):
            with pytest.raises(AlreadyExists) as refused:
                teams.add_queue(again)
            assert {"kind": target.kind, "id": "q"} == dict(refused.value.fields)

        assert ({target: first}, {target: "first"}) == (dict(teams.queues([target])), dict(teams.queue_names([target])))
        assert ([BOB], [target]) == (who(teams, target), [*teams.served_by(["bob", "carol"])])

    @needs(Capability.TEAMS)
    def test_q1_members_come_and_go_with_their_queue(self, make_teams: MakeTeams) -> None:
        """Q1: the record is replaced whole, and everything that goes by it follows."""
        teams = make_teams()
        for agent in (BOB, CAROL):
            teams.add_agent(agent)
        first, then = Queue(QUEUE, {"bob"}, name="Sales"), Queue(QUEUE, {"carol"})
        teams.add_queue(first)
        assert ([BOB], [BOB], 1) == (who(teams, QUEUE), able(teams, QUEUE), ready(teams, QUEUE))

        teams.replace_queue(first, then)

        assert ({QUEUE: then}, {QUEUE: "q"}) == (dict(teams.queues([QUEUE])), dict(teams.queue_names([QUEUE])))
        assert ([CAROL], [CAROL], 1) == (who(teams, QUEUE), able(teams, QUEUE), ready(teams, QUEUE))
        assert (frozenset(), frozenset({QUEUE})) == (teams.served_by(["bob"]), teams.served_by(["carol"]))
        teams.replace_queue(then, Queue(QUEUE))
        assert ([], [], 0) == (who(teams, QUEUE), able(teams, QUEUE), ready(teams, QUEUE))
        assert frozenset() == teams.served_by(["bob", "carol"])

    @needs(Capability.TEAMS)
    @pytest.mark.parametrize(
        "known", [Queue(QUEUE, {"bob"}, name="other"), Queue(QUEUE, {"bob", "carol"}, name="q"), Queue(QUEUE, name="q")]
    )
    def test_f7_a_queue_is_replaced_only_if_it_is_the_one_that_was_read(
        self, make_teams: MakeTeams, known: Queue
    ) -> None:
        """F7: somebody else was faster, and nothing changes."""
        teams = make_teams()
        for agent in (BOB, CAROL):
            teams.add_agent(agent)
        present = Queue(QUEUE, {"bob"}, name="q")
        teams.add_queue(present)

        with pytest.raises(Conflict) as beaten:
            teams.replace_queue(known, Queue(QUEUE, {"carol"}, name="new"))

        assert {"kind": "queue", "id": "q"} == dict(beaten.value.fields)
        assert ({QUEUE: present}, {QUEUE: "q"}) == (dict(teams.queues([QUEUE])), dict(teams.queue_names([QUEUE])))
        assert ([BOB], [BOB], 1) == (who(teams, QUEUE), able(teams, QUEUE), ready(teams, QUEUE))
        assert frozenset() == teams.served_by(["carol"])

    @needs(Capability.TEAMS)
    def test_f7_no_queue_becomes_known_by_being_replaced(self, make_teams: MakeTeams) -> None:
        """F7: there is no record that could be the one that was read; not that of another kind either."""
        teams = make_teams()
        teams.add_queue(Queue(QUEUE))

        with pytest.raises(Conflict) as beaten:
            teams.replace_queue(Queue(POINT), Queue(POINT, {"bob"}))

        assert {"kind": "routing_point", "id": "q"} == dict(beaten.value.fields)
        assert {QUEUE: Queue(QUEUE)} == dict(teams.queues([QUEUE, POINT]))
        assert frozenset() == teams.served_by(["bob"])

    @needs(Capability.TEAMS)
    def test_q1_a_member_may_come_to_be_known_later(self, make_teams: MakeTeams) -> None:
        """Q1: a queue may name who is unknown; they are left out, and are there as soon as they are known."""
        teams = make_teams()
        queue = Queue(QUEUE, {"bob", "later"})
        teams.add_agent(BOB)
        teams.add_queue(queue)
        assert ([BOB], [BOB], 1) == (who(teams, QUEUE), able(teams, QUEUE), ready(teams, QUEUE))
        assert {QUEUE} == teams.served_by(["later"]), "whom another directory knows serves it all the same"
        later = Agent("later", "Later", status=ChannelStatus.READY)

        teams.add_agent(later)

        assert ([BOB, later], [BOB, later], 2) == (who(teams, QUEUE), able(teams, QUEUE), ready(teams, QUEUE))
        assert {QUEUE: queue} == dict(teams.queues([QUEUE]))

    @needs(Capability.TEAMS)
    def test_q1_groups_and_skills_stand_in_the_agents_records(self, make_teams: MakeTeams) -> None:
        """Q1: an agent joins and leaves them by their own record, known or changed."""
        teams = make_teams()
        both = attrs.evolve(BOB, groups={"q", "night"}, skills={"q"})
        teams.add_agent(both)
        teams.add_agent(CAROL)
        night = Target.agent_group("night")
        assert {GROUP, SKILL, night} == teams.served_by(["bob", "carol"])
        assert ([both], [both], 1) == (who(teams, GROUP), able(teams, SKILL), ready(teams, night))
        less, more = attrs.evolve(BOB, groups={"night"}), attrs.evolve(CAROL, groups={"q"})

        teams.replace_agent(both, less)
        teams.replace_agent(CAROL, more)

        assert ([more], [], [less]) == (who(teams, GROUP), who(teams, SKILL), who(teams, night))
        assert ([more], [], [less]) == (able(teams, GROUP), able(teams, SKILL), able(teams, night))
        assert [1, 0, 1] == [ready(teams, target) for target in (GROUP, SKILL, night)]
        assert (frozenset({night}), frozenset({GROUP})) == (teams.served_by(["bob"]), teams.served_by(["carol"]))
        assert {} == dict(teams.queues([GROUP, SKILL, night])), "of these there is no record"

    @needs(Capability.TEAMS)
    def test_q1_an_agent_can_serve_many(self, make_teams: MakeTeams) -> None:
        """Q1: all that any of the agents asked about serves is told, each target once; nobody serves nothing."""
        teams = make_teams()
        teams.add_agent(attrs.evolve(BOB, groups={"q"}, skills={"q", "s"}))
        teams.add_agent(attrs.evolve(CAROL, groups={"q"}))
        teams.add_queue(Queue(QUEUE, {"bob", "carol"}))
        teams.add_queue(Queue(POINT, {"carol"}))

        assert {QUEUE, GROUP, SKILL, Target.skill("s")} == teams.served_by(["bob"])
        assert {QUEUE, POINT, GROUP} == teams.served_by(["carol", "nobody", "carol"])
        assert {QUEUE, POINT, GROUP, SKILL, Target.skill("s")} == teams.served_by(["bob", "carol"])
        assert (frozenset(), frozenset()) == (teams.served_by([]), teams.served_by(["nobody"]))

    @needs(Capability.TEAMS)
    def test_q1_no_more_than_so_many_are_told(self, make_teams: MakeTeams) -> None:
        """Q1: and if fewer are wanted, of members they are the first ones: the order stays the same."""
        teams = make_teams()
        ids = ["e", "b", "d", "a", "c"]
        teams.add_queue(Queue(QUEUE, ids))
        for id_ in ids:
            teams.add_agent(Agent(id_, id_, status=ChannelStatus.READY))

        everybody = teams.members(QUEUE, limit=EVERY)

        assert sorted(ids) == sorted(agent.id for agent in everybody)
        for size in _SIZES:
            assert everybody[:size] == teams.members(QUEUE, limit=size)
            some = [agent.id for agent in teams.able(QUEUE, statuses=READY, limit=size)]
            assert (min(size, 5), set()) == (len(set(some)), set(some) - set(ids))

    @needs(Capability.TEAMS)
    @pytest.mark.parametrize("statuses", [READY, ON_CHANNEL, ON_CHANNEL - READY, frozenset[ChannelStatus]()])
    def test_q4_who_is_able_has_one_of_the_statuses(
        self, make_teams: MakeTeams, statuses: frozenset[ChannelStatus]
    ) -> None:
        """Q3, Q4, E2: and is not in do-not-disturb; each once, in whatever order."""
        teams = make_teams()
        agents = [
            Agent(f"{status} {quiet}", "x", status=status, do_not_disturb=quiet, groups={"q"})
            for status in ChannelStatus
            for quiet in (False, True)
        ]
        for agent in agents:
            teams.add_agent(agent)
        teams.add_queue(Queue(QUEUE, {agent.id for agent in agents}))
        expected = [agent for agent in agents if agent.status in statuses and not agent.do_not_disturb]

        for target in (QUEUE, GROUP):
            assert by_id(expected) == able(teams, target, statuses)
            assert (by_id(agents), 1) == (who(teams, target), ready(teams, target))
        assert ((), 0) == (teams.able(SKILL, statuses=statuses, limit=9), ready(teams, SKILL))

    @needs(Capability.TEAMS)
    def test_q3_who_is_able_is_known_by_the_present_record(self, make_teams: MakeTeams) -> None:
        """Q3: whatever they were before; nobody is found under a status that is no longer theirs."""
        teams = make_teams()
        agent = attrs.evolve(BOB, status=ChannelStatus.LOGGED_OUT, skills={"q"})
        teams.add_agent(agent)
        teams.add_queue(Queue(QUEUE, {"bob"}))
        story = [(status, quiet) for status in (*ChannelStatus, *ChannelStatus) for quiet in (True, False)]

        for status, quiet in story:
            after = attrs.evolve(agent, status=status, do_not_disturb=quiet)
            teams.replace_agent(agent, after)
            agent = after
            for target in (QUEUE, SKILL):
                for asked in (READY, ON_CHANNEL - READY):
                    assert ([agent] if status in asked and not quiet else []) == able(teams, target, asked)
                assert (status in READY and not quiet) == ready(teams, target)

    @needs(Capability.TEAMS)
    def test_a8_targets_and_members_that_look_alike_are_different(self, make_teams: MakeTeams) -> None:
        """A8: of every kind, under one id or under ids that look alike; each has the one agent of that id."""
        teams = make_teams()
        agents = {id_: attrs.evolve(BOB, id=id_, groups={id_}, skills={id_}) for id_ in _ODD_IDS}
        for id_, agent in agents.items():
            teams.add_agent(agent)
            teams.add_queue(Queue(Target.queue(id_), {id_}))
            teams.add_queue(Queue(Target.routing_point(id_), {id_}, name=f"of {id_}"[:_MAX_NAME]))

        for id_, agent in agents.items():
            targets = {Target(kind, id_) for kind in TargetKind if kind is not TargetKind.AGENT}
            assert targets == teams.served_by([id_])
            assert {Target.queue(id_): id_, Target.routing_point(id_): f"of {id_}"} == dict(teams.queue_names(targets))
            for target in targets:
                assert ([agent], [agent], 1) == (who(teams, target), able(teams, target), ready(teams, target))
        assert {Queue(Target.queue(id_), {id_}) for id_ in _ODD_IDS} == set(
            teams.queues([Target.queue(id_) for id_ in _ODD_IDS]).values()
        )

    @needs(Capability.TEAMS)
    @pytest.mark.parametrize("words", ODD_TEXTS.values(), ids=ODD_TEXTS)
    def test_a8_a_queue_keeps_its_words(self, make_teams: MakeTeams, words: str) -> None:
        """A8: to the last character."""
        teams = make_teams()
        queue = Queue(QUEUE, {words[:128] or "-"}, name=words[:_MAX_NAME])
        teams.add_queue(queue)

        assert ({QUEUE: queue}, {QUEUE: queue.label}) == (
            dict(teams.queues([QUEUE])),
            dict(teams.queue_names([QUEUE])),
        )

    @needs(Capability.TEAMS)
    def test_f7_of_many_who_replace_a_queue_one_wins(self, make_teams: MakeTeams) -> None:
        """F7: in a race for one record; the record is the winner's, and so are its members."""
        teams = make_teams()
        for number in range(THREADS):
            teams.add_agent(attrs.evolve(BOB, id=str(number)))
        known = Queue(QUEUE)
        teams.add_queue(known)

        with racing() as race:
            for round_ in range(ROUNDS):
                after = [Queue(QUEUE, {str(number)}, name=f"{round_}") for number in range(THREADS)]
                answers = race([partial(teams.replace_queue, known, queue) for queue in after])
                won = [queue for queue, error in zip(after, answers, strict=True) if error is None]
                assert won == list(teams.queues([QUEUE]).values())
                assert all(isinstance(error, Conflict) for error in answers if error is not None)
                [known] = won
                assert sorted(known.members) == [agent.id for agent in who(teams, QUEUE)]

    @needs(Capability.TEAMS)
    def test_a8_of_many_who_add_a_queue_one_wins(self, make_teams: MakeTeams) -> None:
        """A8: in a race for one id."""
        teams = make_teams()

        with racing() as race:
            for round_ in range(ROUNDS):
                queues = [Queue(Target.queue(f"{round_}"), {str(number)}) for number in range(THREADS)]
                answers = race([partial(teams.add_queue, queue) for queue in queues])
                won = [queue for queue, error in zip(queues, answers, strict=True) if error is None]
                assert won == list(teams.queues([queues[0].target]).values())
                assert all(isinstance(error, AlreadyExists) for error in answers if error is not None)

    @needs(Capability.TEAMS, Capability.MANY_HANDLES)
    def test_q1_another_handle_sees_who_serves_what(
        self, make_teams: MakeTeams, reopen_directory: ReopenDirectory
    ) -> None:
        """Q1: at once, both ways; and what is refused here is refused there."""
        one = make_teams()
        two = as_teams(reopen_directory(one))
        queue = Queue(QUEUE, {"bob"}, name="Sales")
        one.add_queue(queue)
        two.add_agent(BOB)
        for teams in (one, two):
            assert ([BOB], [BOB], 1) == (who(teams, QUEUE), able(teams, QUEUE), ready(teams, QUEUE))
            assert (frozenset({QUEUE}), {QUEUE: queue}) == (teams.served_by(["bob"]), dict(teams.queues([QUEUE])))

        two.replace_queue(queue, Queue(QUEUE))
        one.replace_agent(BOB, attrs.evolve(BOB, skills={"q"}))

        for teams in (one, two):
            assert (frozenset({SKILL}), {QUEUE: "q"}) == (teams.served_by(["bob"]), dict(teams.queue_names([QUEUE])))
            assert ([], 1) == (able(teams, QUEUE), ready(teams, SKILL))
        with pytest.raises(Conflict):
            one.replace_queue(queue, Queue(QUEUE, {"carol"}))
        with pytest.raises(AlreadyExists):
            two.add_queue(queue)


def as_teams(directory: Directory) -> TeamDirectory:
    """A directory that is `Teams` too, as it is declared to be."""
    assert isinstance(directory, Teams), "it declares TEAMS, so it has the methods of Teams"
    return directory


def who(teams: Teams, target: Target) -> list[Agent]:
    """Who serves a target, by id."""
    return by_id(teams.members(target, limit=EVERY))


def able(teams: Teams, target: Target, statuses: Collection[ChannelStatus] = ON_CHANNEL) -> list[Agent]:
    """Who serves a target and may be able to receive, by id."""
    return by_id(teams.able(target, statuses=statuses, limit=EVERY))


def ready(teams: Teams, target: Target) -> int:
    """How many agents of a target are Ready."""
    return teams.ready([target]).get(target, 0)


def by_id(agents: Collection[Agent]) -> list[Agent]:
    """These agents, each of whom must be there once, in an order that can be compared."""
    found = sorted(agents, key=lambda agent: agent.id)
    assert len({agent.id for agent in found}) == len(found), "nobody is named twice"
    return found
