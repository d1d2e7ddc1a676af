"""Every state that the real core can reach in a small world, and every invariant in each.

A world is a few agents with their statuses, a few conversations, and what each agent's desktop shows, which lags behind
what is recorded for as long as its rings are lost or late. `explore` begins with all desktops up to date and walks,
breadth first, whatever can happen next: a command by whoever may give it, time passing, a deadline swept or not, an
agent leaving or coming back, the invitations of somebody who left being withdrawn at once or much later (the process
died in between), a desktop looking. A ring that is lost is a look that never comes; one that is doubled is a look for
nothing; one that is late is a look later on.

What happens is worked out by the very `decide`, `decide_presence` and `Workspace` that an application runs. They are
pure, so the same situation is worked out once and remembered. Commands that must be refused in a situation (from former
owners, on closed tickets, by strangers, given twice) are tried in each and change nothing, so they lead nowhere.

Run it from the command line, for a given size: ``python -m sms_transfer.testing.explore --states 100000``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final

import attrs

from sms_transfer.core.commands import (
    AgentCommand,
    Expire,
    FailInvitation,
    LogIn,
    LogOut,
    RequestTransfer,
    SetNotReady,
    SetReady,
)
from sms_transfer.core.decide import PresentCommand, decide
from sms_transfer.core.lifecycle import Arc, ChannelStatus, InteractionState, TransferState
from sms_transfer.core.model import Agent, NoAnswer, Queue, Target
from sms_transfer.core.policy import Handover, TransferPolicy, has_left
from sms_transfer.core.presence import decide_presence
from sms_transfer.errors import IllegalTransition
from sms_transfer.flow import Flow
from sms_transfer.testing._cases import NOW, TICK, Broken, Case, Decide, Rules
from sms_transfer.testing._centre import Call, Centre, ExploredFlow, Situation
from sms_transfer.testing._coverage import EVERY, NEVER, QUEUED, ROUTING, Coverage
from sms_transfer.testing._screens import Screens, View
from sms_transfer.workspace import Workspace

_TIME: Final = "time passes"

State = tuple[int, ...]
"""A world as numbers: its conversations, then its agents, then each agent's views of each conversation."""

QUEUE: Final = Target.queue("q")
"""The queue of whatever world has one."""

PRESENCE: Final[Sequence[tuple[str, Callable[[str], AgentCommand]]]] = (
    ("log_in", LogIn),
    ("set_ready", SetReady),
    ("set_not_ready", SetNotReady),
    ("log_out", LogOut),
)


@attrs.frozen(kw_only=True)
class World:
    """How small the world is.

    Args:
        owners: for each conversation, which agent opens it.
        capacities: for each agent, how many places (E3); there are as many agents as there are capacities.
        requests: how many transfers of one conversation are requested, at most.
        texts: how many texts the contact sends in one conversation, at most.
        leaving: which agents log out, come back, and go Not Ready in between.
        asking: which agents are asked themselves; everybody, if left out.
        members: who serves the queue; there is none if nobody does.
        handover: as in `TransferPolicy`, and so are the next three.
        priorities: of what is asked for each conversation; 0, if left out (Q3).
        rounds: how many times a queue begins a request anew before time stands still (Q2).
        late: how many ticks after a request's deadline time goes on without anything recording it.
        dies: whether a process may die as soon as it has recorded a command.
        lags: whether desktops may lag behind what is recorded; otherwise each shows it at once.
    """

    owners: tuple[int, ...] = (0, 1)
    capacities: tuple[int, ...] = (2, 2, 1)
    requests: int = 2
    texts: int = 0
    leaving: tuple[int, ...] = (0, 1, 2)
    asking: tuple[int, ...] | None = None
    members: tuple[int, ...] = ()
    handover: Handover = Handover.ON_ACCEPT
    return_to_sender: bool = False
    fallback: Target | None = None
    no_answer: NoAnswer = NoAnswer.NOTHING
    priorities: tuple[int, ...] = ()
    rounds: int = 1
    late: int = 0
    dies: bool = False
    lags: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """Who the agents are."""
        return tuple("abcdefgh"[: len(self.capacities)])

    @property
    def targets(self) -> tuple[Target, ...]:
        """What can be asked for a conversation."""
        asked = self.names if self.asking is None else tuple(self.names[number] for number in self.asking)
        return (*([QUEUE] if self.members else []), *map(Target.agent, asked))

    @property
    def policy(self) -> TransferPolicy:
        """What this centre allows."""
        return TransferPolicy(
            invitation_timeout=2 * TICK,
            routing_timeout=3 * TICK,
            handover=self.handover,
            return_to_sender=self.return_to_sender,
            fallback=self.fallback,
            no_answer=self.no_answer,
        )

    @property
    def arcs(self) -> frozenset[Arc]:
        """The arcs that this world leads through."""
        if not self.members:
            return EVERY - ROUTING - QUEUED
        never = set(self._never)
        if self.fallback == QUEUE:  # whoever is asked first has somebody behind them
            never |= {(TransferState.INVITED, trigger) for trigger in ("reject", "expire", "fail")}
        return frozenset(arc for arc in EVERY if (arc.source, arc.trigger) not in never)

    @property
    def _never(self) -> Iterator[tuple[str, str]]:
        """The sources and triggers that the handover and the policy rule out (Q2)."""
        queued, routing = InteractionState.QUEUED, TransferState.ROUTING
        if self.handover is Handover.ON_ACCEPT:
            yield from ((arc.source, arc.trigger) for arc in QUEUED)
            return
        if self.return_to_sender:
            yield queued, "requeue"
        else:
            yield queued, "give_back"
            yield routing, "fail"  # what a queue owns for good waits on there
        if self.fallback is None:
            yield routing, "cancel"  # whoever placed it does not own it any more (F1)


@attrs.frozen(kw_only=True)
class Violation:
    """Something that must hold and does not, with the shortest way there.

    Args:
        what: the rule, and how it is broken.
        path: what happened, one step after another.
    """

    what: str
    path: tuple[str, ...]

    def __str__(self) -> str:
        steps = "".join(f"\n  {number}. {step}" for number, step in enumerate(self.path, 1))
        return f"{self.what}; the shortest way there:{steps or ' none: it is so from the start'}"


@attrs.frozen(kw_only=True)
class Report:
    """What an exploration covered.

    Args:
        states: how many distinct states were visited.
        steps: how many steps led from one to another.
        complete: whether these are all that there are in this world.
        situations: how many distinct conversations there were among them.
        violation: what was found, or None.
    """

    states: int
    steps: int
    complete: bool
    situations: int
    coverage: Coverage
    violation: Violation | None

    def __str__(self) -> str:
        coverage = self.coverage
        expected = coverage.expected - NEVER.keys()
        missing = sorted(f"{arc.source} {arc.trigger}" for arc in coverage.missing_arcs) or "none"
        lines = [
            f"states       {self.states:,} ({'all there are' if self.complete else 'the nearest ones'})",
            f"steps        {self.steps:,}",
            f"situations   {self.situations:,} of one conversation",
            f"arcs         {len(expected & coverage.arcs)} of the {len(expected)} of this world, missing: {missing}",
            f"pairs        {len(coverage.pairs)} of triggers, not yet seen: {sorted(coverage.missing_pairs) or 'none'}",
            f"guards       {len(coverage.refused)} seen, not yet both ways: {sorted(coverage.one_way) or 'none'}",
            f"violation    {self.violation or 'none'}",
        ]
        return "\n".join(lines)


def explore(
    world: World | None = None,
    *,
    limit: int = 100_000,
    decide: Decide = decide,
    workspace: type[Workspace] = Workspace,
    flow: type[ExploredFlow] = ExploredFlow,
    progress: Callable[[int], None] | None = None,
) -> Report:
    """Walk the states of a small world, the nearest first, until there are no more or ``limit`` were visited.

    Stops at the first violation, which by the order of the walk is one of the nearest.

    Args:
        decide: the core to explore; hand in a broken one to see it found.
        workspace: the workspace to explore.
        flow: the flow to explore, in worlds with a queue.
        progress: called now and then with the number of states visited so far.
    """
    world = World() if world is None else world
    walk = _QueueWalk(world, decide, workspace, flow) if world.members else _Walk(world, decide, workspace)
    return walk.run(limit, progress)


class _Walk:
    """One exploration. Every distinct thing gets a number, so that a state is a tuple of small ones."""

    def __init__(self, world: World, decide: Decide, workspace: type[Workspace]) -> None:
        self._names = world.names
        self._world = world
        self.coverage = Coverage(world.arcs)
        self._rules = Rules(
            decide,
            self._names,
            targets=world.targets,
            policy=world.policy,
            requests=world.requests,
            texts=world.texts,
            note=self.coverage.step,
        )
        self._screens = Screens(workspace)
        self._cases: dict[Case, int] = {}
        self._case_list: list[Case] = []
        self._agents: list[list[Agent]] = [
            [Agent(name, name, status=ChannelStatus.READY, capacity=capacity)]
            for name, capacity in zip(self._names, world.capacities, strict=True)
        ]
        self._views: dict[View, int] = {}
        self._view_list: list[View] = []
        self._shown: dict[tuple[int, int], int] = {}
        self._moves: dict[int, tuple[PresentCommand, ...]] = {}
        self._steps: dict[tuple[object, ...], int] = {}
        self._later: dict[int, int] = {}
        self._presence: dict[tuple[int, int], tuple[tuple[str, int], ...]] = {}
        self._n = len(world.owners)
        self._m = len(self._names)

    def run(self, limit: int, progress: Callable[[int], None] | None) -> Report:
        """Walk."""
        came: dict[State, tuple[State, str] | None] = {}
        steps, here, label = 0, None, ""
        violation: Violation | None = None
        frontier: list[State] = []
        try:
            start = self._start()
            came[start] = None
            frontier = [start]
            while frontier and len(came) < limit:
                following: list[State] = []
                for here in frontier:
                    for label, there in self._following(here):
                        steps += 1
                        if there not in came:
                            came[there] = (here, label)
                            following.append(there)
                    if progress is not None and len(came) % 1_000 < len(following):
                        progress(len(came))
                    if len(came) >= limit:
                        break
                frontier = following
        except Broken as broken:
            violation = Violation(what=str(broken), path=(*_path(came, here), *self._attempt))
        return Report(
            states=len(came),
            steps=steps,
            complete=not frontier and violation is None,
            situations=len(self._case_list),
            coverage=self.coverage,
            violation=violation,
        )

    _attempt: tuple[str, ...] = ()
    """The step that was being taken, for the path to a violation."""

    def _start(self) -> State:
        cases = [
            self._case(self._rules.begin(f"i{number}", self._agents[owner][0]))
            for number, owner in enumerate(self._world.owners, 1)
        ]
        return (*cases, *[0] * self._m, *self._views_of(tuple(cases)))

    def _views_of(self, cases: State) -> State:
        """What desktops show that are up to date; nothing, where they always are."""
        if not self._world.lags:
            return ()
        return tuple(self._view(agent, case) for agent in range(self._m) for case in cases)

    def _following(self, state: State) -> Iterator[tuple[str, State]]:
        """Every step out of a state, with what happens in it."""
        self._attempt = ()
        shown = state[self._n + self._m :]
        for label, recorded in self._happenings(state[: self._n + self._m]):
            yield label, (*recorded, *shown)
        if self._world.lags:
            for agent in range(self._m):
                yield from self._looks(agent, state)

    def _happenings(self, recorded: State) -> Iterator[tuple[str, State]]:
        """Every step that changes what is recorded, with what happens in it."""
        cases, statuses = recorded[: self._n], recorded[self._n :]
        loads = self._loads(cases)
        for position, case in enumerate(cases):
            for number, command in enumerate(self._commands(case)):
                after = self._step(case, number, command, statuses, loads)
                if after is not None and after != case:
                    yield repr(command), (*recorded[:position], after, *recorded[position + 1 :])
        later = tuple(self._one_tick(case) for case in cases)
        if later != cases:
            yield _TIME, (*later, *statuses)
        for agent, name in enumerate(self._names):
            place = self._n + agent
            for trigger, status in self._presence_steps(agent, recorded[place]):
                if status != recorded[place]:
                    yield f"{name}: {trigger}", (*recorded[:place], status, *recorded[place + 1 :])

    def _looks(self, agent: int, state: State) -> Iterator[tuple[str, State]]:
        name = self._names[agent]
        begin = self._n + self._m + agent * self._n
        seen = state[begin : begin + self._n]
        self._attempt = (f"{name}'s desktop looks",)
        now = tuple(self._view(agent, case) for case in state[: self._n])
        for before, after in zip(seen, now, strict=True):
            self._screens.look(name, self._view_list[before], self._view_list[after])
        if seen != now:
            yield self._attempt[0], (*state[:begin], *now, *state[begin + self._n :])

    def _commands(self, case: int) -> tuple[PresentCommand, ...]:
        moves = self._moves.get(case)
        if moves is None:
            moves = self._moves[case] = tuple(self._rules.moves(self._case_list[case]))
        return moves

    def _step(
        self, case: int, number: int, command: PresentCommand, statuses: State, loads: dict[str, int]
    ) -> int | None:
        need = command.need()
        agents = [self._names.index(name) for name in need.agents]
        if isinstance(command, FailInvitation) and not self._gone(case, statuses):
            return None
        load = 0 if need.load_of is None else loads.get(need.load_of, 0)
        key = (case, number, load, *[statuses[agent] for agent in agents])
        after = self._steps.get(key)
        if after is None:
            self._attempt = (repr(command),)
            present = self._case_list[case]
            records = {self._names[agent]: self._agents[agent][statuses[agent]] for agent in agents}
            step = self._rules.step(present, command, records, load)
            after = self._steps[key] = case if step.case is present else self._case(step.case)
        return after

    def _gone(self, case: int, statuses: State) -> bool:
        """Whether the invitee has left: only then is the invitation withdrawn by whoever cleans up (T9)."""
        invitation = self._case_list[case].interaction.live_invitation
        records = [self._agents[agent][status] for agent, status in enumerate(statuses)]
        gone = {record.id for record in records if has_left(record)}
        return invitation is not None and invitation.invitee in gone

    def _loads(self, cases: State) -> dict[str, int]:
        loads = dict.fromkeys(self._names, 0)
        for case in cases:
            for name in self._case_list[case].places:
                loads[name] += 1
        for name, capacity in zip(self._names, self._world.capacities, strict=True):
            if loads[name] > capacity:
                raise Broken(f"E3: {name} has {loads[name]} places taken of {capacity}")
        return loads

    def _case(self, case: Case) -> int:
        number = self._cases.get(case)
        if number is None:
            self._rules.check(case)
            number = self._cases[case] = len(self._case_list)
            self._case_list.append(case)
        return number

    def _one_tick(self, case: int) -> int:
        later = self._later.get(case)
        if later is None:
            self._attempt = (_TIME,)
            later = self._later[case] = self._case(self._case_list[case].later(self._world.late))
        return later

    def _presence_steps(self, agent: int, status: int) -> tuple[tuple[str, int], ...]:
        if agent not in self._world.leaving:
            return ()
        steps = self._presence.get((agent, status))
        if steps is None:
            steps = self._presence[agent, status] = tuple(self._try_presence(agent, status))
        return steps

    def _try_presence(self, agent: int, status: int) -> Iterator[tuple[str, int]]:
        records = self._agents[agent]
        for trigger, command in PRESENCE:
            try:
                record = decide_presence(records[status], command(self._names[agent]))
            except IllegalTransition:
                continue
            self.coverage.presence(records[status].status, trigger)
            if record not in records:
                records.append(record)
            yield trigger, records.index(record)

    def _view(self, agent: int, case: int) -> int:
        number = self._shown.get((agent, case))
        if number is None:
            view = self._screens.view(self._agents[agent][0], self._case_list[case])
            number = self._views.get(view)
            if number is None:
                number = self._views[view] = len(self._view_list)
                self._view_list.append(view)
            self._shown[agent, case] = number
        return number


class _QueueWalk(_Walk):
    """An exploration of a world with a queue: who waits ties the conversations together, so they are walked as one."""

    def __init__(self, world: World, decide: Decide, workspace: type[Workspace], flow: type[ExploredFlow]) -> None:
        super().__init__(world, decide, workspace)
        queue = Queue(QUEUE, frozenset(self._names[number] for number in world.members))
        self._centre = Centre(self._rules, queue, policy=world.policy, flow=flow, dies=world.dies)
        self._happened: dict[State, tuple[tuple[str, State], ...]] = {}
        self._priorities = world.priorities or (0,) * self._n

    def _happenings(self, recorded: State) -> Iterator[tuple[str, State]]:
        happened = self._happened.get(recorded)
        if happened is None:
            found = dict.fromkeys(self._work_out(recorded))
            happened = self._happened[recorded] = tuple(one for one in found if one[1] != recorded)
        yield from happened

    def _work_out(self, recorded: State) -> Iterator[tuple[str, State]]:
        cases, statuses = recorded[: self._n], recorded[self._n :]
        self._loads(cases)
        situation = Situation(
            tuple(self._case_list[case] for case in cases),
            tuple(records[status] for records, status in zip(self._agents, statuses, strict=True)),
        )
        self._centre.check(situation)
        for label, call in self._calls(situation):
            self._attempt = (label,)
            for after in self._centre.outcomes(situation, call):
                yield label, self._numbered(after)
        if not any(self._stands_still(case) for case in situation.cases):
            yield _TIME, (*map(self._one_tick, cases), *statuses)

    def _calls(self, situation: Situation) -> Iterator[tuple[str, Call]]:
        for case, priority in zip(situation.cases, self._priorities, strict=True):
            for command in self._rules.moves(case, priority):
                if isinstance(command, RequestTransfer):
                    yield repr(command), _asking(command)
                elif isinstance(command, FailInvitation):
                    if self._world.dies and _has_lost_invitee(case, situation):
                        yield repr(command), _performing(command)
                elif not isinstance(command, Expire) or case.overdue:
                    yield repr(command), _performing(command)
        for agent in self._world.leaving:
            name, status = self._names[agent], situation.agents[agent].status
            for trigger, change in PRESENCE:
                self.coverage.presence(status, trigger)
                yield f"{name}: {trigger}", _of_agent(change(name))
        if any(case.waits for case in situation.cases):
            yield "somebody looks for agents", _routing

    def _stands_still(self, case: Case) -> bool:
        """Whether time has to stand still, because a queue has begun this request anew often enough."""
        live = case.interaction.transfer
        rounds = 0 if live is None else live.id.count("+") and int(live.id.rpartition("+")[2]) - 1
        return live is not None and rounds >= self._world.rounds and live.deadline - TICK <= NOW

    def _numbered(self, situation: Situation) -> State:
        for records, agent in zip(self._agents, situation.agents, strict=True):
            if agent not in records:
                records.append(agent)
        statuses = (records.index(agent) for records, agent in zip(self._agents, situation.agents, strict=True))
        return (*map(self._case, situation.cases), *statuses)


def _has_lost_invitee(case: Case, situation: Situation) -> bool:
    invitation = case.interaction.live_invitation
    return invitation is not None and any(has_left(one) for one in situation.agents if one.id == invitation.invitee)


def _asking(command: RequestTransfer) -> Call:
    return lambda flow: flow.request(command)


def _performing(command: PresentCommand) -> Call:
    return lambda flow: flow.perform(command)


def _of_agent(command: AgentCommand) -> Call:
    return lambda flow: flow.perform_for_agent(command)


def _routing(flow: Flow) -> Awaitable[int]:
    return flow.route()


_QUEUE_WORLD: Final = World(
    owners=(0, 0), capacities=(2, 1, 1), members=(1, 2), asking=(1,), requests=1, leaving=(1, 2)
)
_PLACEMENT: Final = Handover.ON_PLACEMENT

WORLDS: Final = {
    "agents": World(),
    "queue": _QUEUE_WORLD,
    "again": attrs.evolve(_QUEUE_WORLD, owners=(0,), requests=2),
    "priority": attrs.evolve(_QUEUE_WORLD, owners=(0, 1), priorities=(0, 1), no_answer=NoAnswer.LOG_OUT, lags=False),
    "placement": attrs.evolve(_QUEUE_WORLD, handover=_PLACEMENT),
    "return": attrs.evolve(_QUEUE_WORLD, handover=_PLACEMENT, return_to_sender=True, late=1),
    "fallback": attrs.evolve(_QUEUE_WORLD, fallback=Target.agent("c"), no_answer=NoAnswer.NOT_READY),
    "queue-behind": attrs.evolve(_QUEUE_WORLD, asking=(1, 2), fallback=QUEUE, late=2),
    "placed-fallback": attrs.evolve(_QUEUE_WORLD, handover=_PLACEMENT, fallback=Target.agent("c"), late=4),
    "returned-fallback": attrs.evolve(
        _QUEUE_WORLD, handover=_PLACEMENT, return_to_sender=True, fallback=Target.agent("c"), lags=False, late=4
    ),
    "dying": attrs.evolve(_QUEUE_WORLD, dies=True, lags=False),
    "dying-placement": attrs.evolve(_QUEUE_WORLD, dies=True, handover=_PLACEMENT, return_to_sender=True, lags=False),
}
"""The worlds of the command line, by name; all but the first have a queue of two agents."""


def _path(came: dict[State, tuple[State, str] | None], here: State | None) -> tuple[str, ...]:
    steps: list[str] = []
    while here is not None and (origin := came[here]) is not None:
        here, label = origin
        steps.append(label)
    return tuple(reversed(steps))


def main(arguments: Sequence[str] | None = None) -> int:
    """Explore from the command line; 0 if nothing is broken."""
    parser = argparse.ArgumentParser(prog="python -m sms_transfer.testing.explore", description=__doc__)
    parser.add_argument("--states", type=int, default=100_000, help="how many states of a world to visit, at most")
    parser.add_argument("--world", choices=[*WORLDS, _QUEUES], default="agents", help=f"{_QUEUES}: all with a queue")
    parser.add_argument("--requests", type=int, help="transfers of each conversation")
    parser.add_argument("--texts", type=int, help="texts from each contact")
    chosen = parser.parse_args(arguments)
    names = [name for name, world in WORLDS.items() if world.members] if chosen.world == _QUEUES else [chosen.world]
    given = {name: number for name in ("requests", "texts") if (number := getattr(chosen, name)) is not None}
    reports: list[Report] = []
    for name in names:
        world = attrs.evolve(WORLDS[name], **given)
        report = explore(world, limit=chosen.states, progress=_show_progress if sys.stderr.isatty() else None)
        print(f"world        {name}\n{report}\n")  # noqa: T201 - this is a command
        reports.append(report)
    print(_in_all(reports))  # noqa: T201 - likewise
    return 0 if all(report.violation is None for report in reports) else 1


_QUEUES: Final = "queues"


def _in_all(reports: Sequence[Report]) -> str:
    """What several explorations have been through together, and what none ever will."""
    walked = frozenset[Arc]().union(*[report.coverage.arcs for report in reports])
    left = sorted(f"{arc.source} {arc.trigger}" for arc in EVERY - walked - NEVER.keys())
    never = ", ".join(f"{arc.source} {arc.trigger} ({why})" for arc, why in NEVER.items())
    return (
        f"in all       {sum(report.states for report in reports):,} states, {len(walked)} of {len(EVERY)} arcs;"
        f" left: {', '.join(left) or 'none'}; never: {never}"
    )


def _show_progress(states: int) -> None:
    print(f"\r{states:,} states", end="", file=sys.stderr, flush=True)  # noqa: T201 - this is a command


if __name__ == "__main__":
    sys.exit(main())
