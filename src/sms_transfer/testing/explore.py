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
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import attrs

from sms_transfer.core.commands import AgentCommand, FailInvitation, LogIn, LogOut, SetNotReady, SetReady
from sms_transfer.core.decide import PresentCommand, decide
from sms_transfer.core.lifecycle import AGENT, INTERACTION, TRANSFER, ChannelStatus
from sms_transfer.core.model import Agent
from sms_transfer.core.policy import has_left
from sms_transfer.core.presence import decide_presence
from sms_transfer.errors import IllegalTransition
from sms_transfer.testing._cases import Broken, Case, Decide, Rules
from sms_transfer.testing._coverage import ROUTED, Coverage
from sms_transfer.testing._screens import Screens, View
from sms_transfer.workspace import Workspace

State = tuple[int, ...]
"""A world as numbers: its conversations, then its agents, then each agent's views of each conversation."""

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
    """

    owners: tuple[int, ...] = (0, 1)
    capacities: tuple[int, ...] = (2, 2, 1)
    requests: int = 2
    texts: int = 0
    leaving: tuple[int, ...] = (0, 1, 2)


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
        every = len(TRANSFER.arcs) + len(INTERACTION.arcs) + len(AGENT.arcs) - len(ROUTED)
        lines = [
            f"states       {self.states:,} ({'all there are' if self.complete else 'the nearest ones'})",
            f"steps        {self.steps:,}",
            f"situations   {self.situations:,} of one conversation",
            f"arcs         {every - len(coverage.missing_arcs)} of {every} (and {len(ROUTED)} of routing: not here)",
            f"pairs        {len(coverage.pairs)} of arcs, not yet seen: {sorted(coverage.missing_pairs) or 'none'}",
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
    progress: Callable[[int], None] | None = None,
) -> Report:
    """Walk the states of a small world, the nearest first, until there are no more or ``limit`` were visited.

    Stops at the first violation, which by the order of the walk is one of the nearest.

    Args:
        decide: the core to explore; hand in a broken one to see it found.
        workspace: the workspace to explore.
        progress: called now and then with the number of states visited so far.
    """
    return _Walk(World() if world is None else world, decide, workspace).run(limit, progress)


class _Walk:
    """One exploration. Every distinct thing gets a number, so that a state is a tuple of small ones."""

    def __init__(self, world: World, decide: Decide, workspace: type[Workspace]) -> None:
        self._names = tuple("abcdefgh"[: len(world.capacities)])
        self._world = world
        self.coverage = Coverage()
        self._rules = Rules(decide, self._names, requests=world.requests, texts=world.texts, note=self.coverage.step)
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
        views = [self._view(agent, case) for agent in range(self._m) for case in cases]
        return (*cases, *[0] * self._m, *views)

    def _following(self, state: State) -> Iterator[tuple[str, State]]:
        """Every step out of a state, with what happens in it."""
        self._attempt = ()
        cases, statuses = state[: self._n], state[self._n : self._n + self._m]
        loads = self._loads(cases)
        for position, case in enumerate(cases):
            for number, command in enumerate(self._commands(case)):
                after = self._step(case, number, command, statuses, loads)
                if after is not None and after != case:
                    yield repr(command), (*state[:position], after, *state[position + 1 :])
        later = tuple(self._one_tick(case) for case in cases)
        if later != cases:
            yield "time passes", (*later, *state[self._n :])
        for agent in range(self._m):
            yield from self._agent_steps(agent, state)

    def _agent_steps(self, agent: int, state: State) -> Iterator[tuple[str, State]]:
        name = self._names[agent]
        place = self._n + agent
        for trigger, status in self._presence_steps(agent, state[place]):
            if status != state[place]:
                yield f"{name}: {trigger}", (*state[:place], status, *state[place + 1 :])
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
            self._attempt = ("time passes",)
            later = self._later[case] = self._case(self._case_list[case].later())
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


def _path(came: dict[State, tuple[State, str] | None], here: State | None) -> tuple[str, ...]:
    steps: list[str] = []
    while here is not None and (origin := came[here]) is not None:
        here, label = origin
        steps.append(label)
    return tuple(reversed(steps))


def main(arguments: Sequence[str] | None = None) -> int:
    """Explore from the command line; 0 if nothing is broken."""
    parser = argparse.ArgumentParser(prog="python -m sms_transfer.testing.explore", description=__doc__)
    parser.add_argument("--states", type=int, default=100_000, help="how many states to visit, at most")
    parser.add_argument("--requests", type=int, default=World().requests, help="transfers of each conversation")
    parser.add_argument("--texts", type=int, default=World().texts, help="texts from each contact")
    chosen = parser.parse_args(arguments)
    world = World(requests=chosen.requests, texts=chosen.texts)

    report = explore(world, limit=chosen.states, progress=_show_progress if sys.stderr.isatty() else None)
    print(report)  # noqa: T201 - this is a command
    return 0 if report.violation is None else 1


def _show_progress(states: int) -> None:
    print(f"\r{states:,} states", end="", file=sys.stderr, flush=True)  # noqa: T201 - this is a command


if __name__ == "__main__":
    sys.exit(main())
