"""Who serves what and who waits for whom, in memory; used under the lock of `MemoryStore`."""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from itertools import chain, islice

from sms_transfer.core.lifecycle import ChannelStatus
from sms_transfer.core.model import Target, TransferRequest


class Team:
    """The agents who serve one target. A plain dict is slow to begin with when its first entries come and go."""

    __slots__ = ("able", "members", "ready")

    def __init__(self) -> None:
        self.members: dict[str, None] = {}
        self.able: dict[ChannelStatus, OrderedDict[str, None]] = {
            ChannelStatus.READY: OrderedDict(),
            ChannelStatus.NOT_READY: OrderedDict(),
        }
        """Who can receive, by status; the longest idle first."""
        self.ready: set[str] = set()


class MemoryTeams:
    """Which agents serve a target, and in what order they are asked (Q1, Q4)."""

    def __init__(self) -> None:
        self._teams: dict[Target, Team] = {}
        self._served: dict[str, frozenset[Target]] = {}
        self._turns: dict[str, int] = {}  # by agent: counts the changes of all; the longest idle have the least
        self._changes = 0

    def __bool__(self) -> bool:
        return bool(self._teams)

    def served_by(self, agent_id: str) -> frozenset[Target]:
        return self._served.get(agent_id, frozenset())

    def enrol(self, agent_id: str, targets: frozenset[Target]) -> None:
        """From now on this agent serves exactly these; `place` them next."""
        before = self.served_by(agent_id)
        for target in before - targets:
            self._leave(agent_id, target)
        for target in targets - before:
            self._teams.setdefault(target, Team()).members[agent_id] = None
        self._served[agent_id] = targets

    def place(self, agent_id: str, able: ChannelStatus | None, *, ready: bool, last: bool) -> None:
        """Say whether this agent can receive, in which status, and whether they are the least idle now."""
        if last or agent_id not in self._turns:
            self._changes += 1
            self._turns[agent_id] = self._changes
        for target in self.served_by(agent_id):
            team = self._teams[target]
            for status, line in team.able.items():
                if status is not able:
                    line.pop(agent_id, None)
                elif last or agent_id not in line:
                    self._enter(agent_id, line)
            (team.ready.add if ready else team.ready.discard)(agent_id)

    def in_turn(self, agent_ids: Iterable[str]) -> list[str]:
        """These agents, the longest idle first; who was never placed comes first of all."""
        return sorted(agent_ids, key=lambda agent_id: (self._turns.get(agent_id, 0), agent_id))

    def _enter(self, agent_id: str, line: OrderedDict[str, None]) -> None:
        """Put this agent into a line where their turn is: at its end, unless they have just joined."""
        turn, behind = self._turns[agent_id], next(reversed(line), None)
        line[agent_id] = None
        line.move_to_end(agent_id)
        if behind is not None and self._turns[behind] > turn:
            for id_ in self.in_turn(line):
                line.move_to_end(id_)

    def members(self, target: Target, limit: int) -> Iterable[str]:
        team = self._teams.get(target)
        return () if team is None else islice(team.members, limit)

    def able(self, target: Target, statuses: Collection[ChannelStatus], limit: int) -> Iterable[str]:
        team = self._teams.get(target)
        if team is None:
            return ()
        return islice(chain.from_iterable([line for status, line in team.able.items() if status in statuses]), limit)

    def ready(self, target: Target) -> int:
        team = self._teams.get(target)
        return 0 if team is None else len(team.ready)

    def _leave(self, agent_id: str, target: Target) -> None:
        team = self._teams[target]
        del team.members[agent_id]
        team.ready.discard(agent_id)
        for line in team.able.values():
            line.pop(agent_id, None)
        if not team.members:
            del self._teams[target]


Turn = tuple[int, datetime, str]
"""When a request is routed (Q3): the least first. Its priority, the highest being least; its age; its id."""


def turn_of(request: TransferRequest) -> Turn:
    """The turn of this request."""
    return (-request.priority, request.requested_at, request.id)


class MemoryLines:
    """The requests that are ROUTING, by target, in the order in which they are routed (Q3)."""

    def __init__(self, is_waiting: Callable[[str, Target], bool]) -> None:
        self._is_waiting = is_waiting
        self._lines: dict[Target, list[Turn]] = {}  # heaps; entries of requests that have left go when they come up
        self._counts: dict[Target, int] = {}

    def __bool__(self) -> bool:
        return bool(self._counts)

    def enter(self, target: Target, request: TransferRequest) -> None:
        heapq.heappush(self._lines.setdefault(target, []), turn_of(request))
        self._counts[target] = self._counts.get(target, 0) + 1

    def leave(self, target: Target) -> None:
        """One of this target's requests has left: say so after it is recorded."""
        left = self._counts[target] - 1
        if left:
            self._counts[target] = left
            line = self._lines[target]
            if len(line) > 2 * left + 64:  # mostly entries of requests that have left: drop them
                self._lines[target] = sorted({turn for turn in line if self._is_waiting(turn[2], target)})
        else:
            del self._counts[target]
            del self._lines[target]

    def targets(self) -> frozenset[Target]:
        return frozenset(self._counts)

    def count(self, target: Target) -> int:
        return self._counts.get(target, 0)

    def first(self, targets: Collection[Target], after: Turn | None, limit: int) -> list[Turn]:
        found = [turn for target in set(targets) for turn in self._first(target, after, limit)]
        return sorted(found)[:limit]

    def _first(self, target: Target, after: Turn | None, limit: int) -> Collection[Turn]:
        line = self._lines.get(target)
        if line is None:
            return ()
        if after is not None:
            return [turn for turn in sorted(set(line)) if turn > after and self._is_waiting(turn[2], target)][:limit]
        found = dict[Turn, None]()  # what came again is in the heap again, too
        while line and len(found) < limit:
            turn = heapq.heappop(line)
            if self._is_waiting(turn[2], target):
                found[turn] = None
        for turn in found:
            heapq.heappush(line, turn)
        return found
