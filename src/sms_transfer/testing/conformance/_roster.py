"""Who can be found (T2), and who is asked first (Q4): for stores, and for a `Directory` that is `Teams`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import attrs
import pytest

from sms_transfer.adapters.blocking import TeamDirectory
from sms_transfer.core.lifecycle import ChannelStatus
from sms_transfer.core.model import Agent, Queue, Target
from sms_transfer.ports import Teams
from sms_transfer.testing.conformance._racing import THREADS, racing
from sms_transfer.testing.conformance._samples import ALIKE, EVERY, QUEUE
from sms_transfer.testing.conformance._suite import Capability, needs
from sms_transfer.testing.conformance._teams import (
    BOB,
    CAROL,
    POINT,
    READY,
    MakeTeams,
    ReopenDirectory,
    SharedTeams,
    as_teams,
)

_EACH: Final = 12

Found = tuple[str, frozenset[str], frozenset[str]]
"""What of an agent can be found: name, groups, skills."""


class Roll:
    """Who can be found, by one who is only ever told what has changed since they last asked."""

    def __init__(self, teams: Teams) -> None:
        self._teams = teams
        self.version: int | None = None
        self.agents: dict[str, Found] = {}
        self.queues: dict[Target, str] = {}

    def call(self, teams: Teams | None = None) -> Roll:
        """Ask for what is new, of this one from now on."""
        self._teams = self._teams if teams is None else teams
        roster = self._teams.roster(self.version)
        assert roster.complete or self.version is not None, "whoever asks for all is told all"
        if roster.complete:
            self.agents, self.queues = {}, {}
        self.agents |= {agent.id: (agent.name, agent.groups, agent.skills) for agent in roster.agents}
        self.queues |= {queue.target: queue.label for queue in roster.queues}
        self.version = roster.version
        return self

    def assert_true(self) -> None:
        """It is what one who asks for the first time is told."""
        first = Roll(self._teams).call()
        assert (first.agents, first.queues) == (self.agents, self.queues)


class Finding(SharedTeams):
    """What `Teams.roster` promises, and the order of `Teams.able`."""

    @needs(Capability.TEAMS)
    def test_t2_everybody_can_be_found(self, make_teams: MakeTeams) -> None:
        """T2: whoever asks for all is told of all, as they are now, and that these are all."""
        teams = make_teams()
        empty = teams.roster(None)
        assert ((), (), True) == (empty.agents, empty.queues, empty.complete)
        sales, point = Queue(QUEUE, {"bob", "nobody"}, name="Sales"), Queue(POINT)
        teams.add_agent(BOB)
        teams.add_queue(sales)
        teams.add_agent(CAROL)
        teams.add_queue(point)

        roll = Roll(teams).call()

        everybody: dict[str, Found] = {
            "bob": ("Bob", frozenset(), frozenset()),
            "carol": ("Carol", frozenset(), frozenset()),
        }
        assert (everybody, {QUEUE: "Sales", POINT: "q"}) == (roll.agents, roll.queues)

    @needs(Capability.TEAMS)
    def test_t2_a_later_reading_names_whoever_is_new_or_changed(self, make_teams: MakeTeams) -> None:
        """T2: who is added, and whose name, groups or skills change; a later version each time."""
        teams = make_teams()
        roll = Roll(teams).call()
        steps = _changes(teams)

        for change in steps:
            before = roll.version
            change()
            assert before is not None
            assert teams.roster(before).version > before, "what was changed after a reading has a later version"
            roll.call().assert_true()

        late = Roll(teams).call()
        assert {
            "bob": ("Robert", frozenset({"g"}), frozenset({"s"})),
            "carol": ("Carol", frozenset(), frozenset()),
        } == (late.agents)
        assert {QUEUE: "Sales", POINT: "Point"} == late.queues

    @needs(Capability.TEAMS)
    def test_t2_a_reading_may_be_as_old_as_it_likes(self, make_teams: MakeTeams) -> None:
        """T2: from every earlier version on, everybody is found."""
        teams = make_teams()
        rolls = [Roll(teams).call()]
        for change in _changes(teams):
            change()
            rolls.append(Roll(teams).call())

        for roll in rolls:
            roll.call().assert_true()

    @needs(Capability.TEAMS)
    @pytest.mark.parametrize("ahead", [1, 10**9, -(10**9)])
    def test_t2_a_version_that_was_never_given_asks_for_all(self, make_teams: MakeTeams, ahead: int) -> None:
        """T2: it is another store's, perhaps, or this one's before it was restored."""
        teams = make_teams()
        for change in _changes(teams):
            change()
        whole = teams.roster(None)

        again = teams.roster(whole.version + ahead)

        assert again.complete
        assert {agent.id for agent in whole.agents} == {agent.id for agent in again.agents}
        assert {queue.target for queue in whole.queues} == {queue.target for queue in again.queues}

    @needs(Capability.TEAMS)
    def test_t2_who_looks_alike_is_found_apart(self, make_teams: MakeTeams) -> None:
        """T2, A8: agents and queues."""
        teams = make_teams()
        roll = Roll(teams).call()
        for id_ in ALIKE:
            teams.add_agent(Agent(id_, f"of {id_}", skills={id_}))
            teams.add_queue(Queue(Target.queue(id_), name=f"of {id_}"))
            teams.add_queue(Queue(Target.routing_point(id_)))

        roll.call().assert_true()

        assert {id_: (f"of {id_}", frozenset(), frozenset({id_})) for id_ in ALIKE} == roll.agents
        queues = {Target.queue(id_): f"of {id_}" for id_ in ALIKE}
        assert queues | {Target.routing_point(id_): id_ for id_ in ALIKE} == roll.queues

    @needs(Capability.TEAMS)
    def test_t2_a_roster_that_is_read_while_many_write_misses_nobody(self, make_teams: MakeTeams) -> None:
        """T2: a change that began early and ends late is not passed over by whoever reads in between."""
        teams = make_teams()
        _read_while_written(teams, [teams] * (THREADS - 1))

    @needs(Capability.TEAMS, Capability.MANY_HANDLES)
    def test_t2_a_roster_that_is_read_while_many_handles_write_misses_nobody(
        self, make_teams: MakeTeams, reopen_directory: ReopenDirectory
    ) -> None:
        """T2: likewise where the changes come through other handles; a version means the same everywhere."""
        teams = make_teams()
        others = [as_teams(reopen_directory(teams)) for _ in range(THREADS - 2)]
        roll = _read_while_written(teams, [teams, *others])

        others[0].add_agent(BOB)

        roll.call(others[-1]).assert_true()

    @needs(Capability.TEAMS, Capability.KNOWS_IDLE)
    def test_q4_the_longest_in_their_status_comes_first(self, make_teams: MakeTeams) -> None:
        """Q4: whoever becomes Ready is the last; a new name or capacity changes nothing of that.

        This holds for agents of one status who served the target all the time. How those of several statuses are mixed,
        and where one stands who begins to serve it, is not said.
        """
        teams = make_teams()
        here = {id_: Agent(id_, id_, groups={"q"}) for id_ in ("b", "c", "a", "d")}
        teams.add_queue(Queue(QUEUE, set(here)))
        for agent in here.values():
            teams.add_agent(agent)

        def put(after: Agent) -> None:
            teams.replace_agent(here[after.id], after)
            here[after.id] = after

        def line() -> str:
            assert idle(teams, QUEUE) == idle(teams, Target.agent_group("q"))
            return idle(teams, QUEUE)

        for id_ in ("d", "b", "a", "c"):
            put(attrs.evolve(here[id_], status=ChannelStatus.NOT_READY))
        for id_ in ("c", "a", "d", "b"):
            put(attrs.evolve(here[id_], status=ChannelStatus.READY))
        assert line() == "cadb"
        put(attrs.evolve(here["a"], name="A", capacity=9))
        assert line() == "cadb"
        put(attrs.evolve(here["c"], status=ChannelStatus.NOT_READY))
        put(attrs.evolve(here["c"], status=ChannelStatus.READY))
        assert line() == "adbc"
        put(attrs.evolve(here["d"], do_not_disturb=True))
        assert line() == "abc"
        put(attrs.evolve(here["d"], do_not_disturb=False))
        assert line() == "abcd"
        assert ["a", "b"] == [agent.id for agent in teams.able(QUEUE, statuses=READY, limit=2)]


def idle(teams: Teams, target: Target) -> str:
    """The ids of who is Ready, the longest idle first."""
    return "".join(agent.id for agent in teams.able(target, statuses=READY, limit=EVERY))


def _changes(directory: TeamDirectory) -> list[Callable[[], None]]:
    """Everything that changes who can be found, and how."""
    bob = attrs.evolve(BOB, groups={"g"})
    skilled = attrs.evolve(bob, skills={"s"})
    return [
        lambda: directory.add_agent(BOB),
        lambda: directory.add_queue(Queue(QUEUE, {"bob"})),
        lambda: directory.replace_agent(BOB, bob),
        lambda: directory.add_queue(Queue(POINT, name="Point")),
        lambda: directory.replace_agent(bob, skilled),
        lambda: directory.replace_queue(Queue(QUEUE, {"bob"}), Queue(QUEUE, {"bob"}, name="Sales")),
        lambda: directory.replace_agent(skilled, attrs.evolve(skilled, name="Robert")),
        lambda: directory.add_agent(CAROL),
    ]


def _read_while_written(reader: TeamDirectory, writers: Sequence[TeamDirectory]) -> Roll:
    roll = Roll(reader).call()
    with racing(), ThreadPoolExecutor(len(writers)) as threads:
        running = [threads.submit(_write(writer, at)) for at, writer in enumerate(writers)]
        while not all(one.done() for one in running):
            roll.call()
        for one in running:
            one.result()
    roll.call().assert_true()
    assert {"new", "known"} == {name for name, _, _ in roll.agents.values()}
    assert (len(writers) * _EACH, len(writers) * _EACH) == (len(roll.agents), len(roll.queues))
    return roll


def _write(directory: TeamDirectory, at: int) -> Callable[[], None]:
    def write() -> None:
        for number in range(_EACH):
            agent = Agent(f"{at} {number}", "new")
            directory.add_agent(agent)
            directory.add_queue(Queue(Target.queue(agent.id), {agent.id}))
            if number % 2:  # of the others nothing is told a second time, which would hide that it was missed
                directory.replace_agent(agent, attrs.evolve(agent, name="known"))

    return write
