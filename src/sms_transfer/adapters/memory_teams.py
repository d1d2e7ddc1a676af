"""Who the agents are and what they serve together, in memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from itertools import chain, islice
from threading import Lock

from sms_transfer.core.lifecycle import ChannelStatus
from sms_transfer.core.model import Agent, Queue, Target, TargetKind, targets_of
from sms_transfer.core.policy import may_be_able
from sms_transfer.errors import AlreadyExists, Conflict
from sms_transfer.ports import Roster


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


class MemoryDirectory(ABC):
    """The `Directory` and `Teams` of `sms_transfer.adapters.memory.MemoryStore`, under its one lock."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._agents: dict[str, Agent] = {}
        self._queues: dict[Target, Queue] = {}
        self._in_queues: dict[str, dict[Target, None]] = {}  # by agent
        self._teams = MemoryTeams()
        self._changed: dict[Target, int] = {}  # who can be found, with the version of the last change, in that order
        self._roster_version = 0

    @abstractmethod
    def _taken(self, agent_id: str) -> int:
        """How many places are taken; deadlines that nothing has recorded yet still count."""

    # the directory

    def agents(self, ids: Collection[str]) -> Mapping[str, Agent]:
        known = self._agents
        return {id_: known[id_] for id_ in ids if id_ in known}

    def add_agent(self, agent: Agent) -> None:
        with self._lock:
            if agent.id in self._agents:
                raise AlreadyExists(kind="agent", id=agent.id)
            self._agents[agent.id] = agent
            self._enrol(agent.id)
            self._note(Target.agent(agent.id))

    def replace_agent(self, known: Agent, agent: Agent) -> None:
        with self._lock:
            if self._agents.get(agent.id) != known:
                raise Conflict(kind="agent", id=agent.id)
            self._agents[agent.id] = agent
            if (known.groups, known.skills) != (agent.groups, agent.skills):
                self._enrol(agent.id)
            self._place(agent.id, last=_availability(known) != _availability(agent))
            if (known.name, known.groups, known.skills) != (agent.name, agent.groups, agent.skills):
                self._note(Target.agent(agent.id))

    # what agents serve together

    def queues(self, targets: Collection[Target]) -> Mapping[Target, Queue]:
        known = self._queues
        return {target: known[target] for target in targets if target in known}

    def queue_names(self, targets: Collection[Target]) -> Mapping[Target, str]:
        return {target: queue.label for target, queue in self.queues(targets).items()}

    def add_queue(self, queue: Queue) -> None:
        with self._lock:
            if queue.target in self._queues:
                raise AlreadyExists(kind=queue.target.kind, id=queue.target.id)
            self._keep_queue(queue, frozenset())

    def replace_queue(self, known: Queue, queue: Queue) -> None:
        with self._lock:
            if self._queues.get(queue.target) != known:
                raise Conflict(kind=queue.target.kind, id=queue.target.id)
            self._keep_queue(queue, known.members)

    def _keep_queue(self, queue: Queue, before: frozenset[str]) -> None:
        self._queues[queue.target] = queue
        for agent_id in before - queue.members:
            self._in_queues[agent_id].pop(queue.target)
            self._enrol(agent_id)
        for agent_id in self._teams.in_turn(queue.members - before):
            self._in_queues.setdefault(agent_id, {})[queue.target] = None
            self._enrol(agent_id)
        self._note(queue.target)

    def members(self, target: Target, *, limit: int) -> tuple[Agent, ...]:
        with self._lock:
            return tuple([self._agents[id_] for id_ in self._teams.members(target, limit)])

    def able(self, target: Target, *, statuses: Collection[ChannelStatus], limit: int) -> tuple[Agent, ...]:
        with self._lock:
            return tuple([self._agents[id_] for id_ in self._teams.able(target, statuses, limit)])

    def ready(self, targets: Collection[Target]) -> Mapping[Target, int]:
        with self._lock:
            return {target: self._teams.ready(target) for target in targets}

    def served_by(self, agent_ids: Collection[str]) -> frozenset[Target]:
        with self._lock:
            found = set[Target]()
            for id_ in agent_ids:
                found |= self._teams.served_by(id_)
                found.update(self._in_queues.get(id_, ()))  # whoever is known to another directory only
            return frozenset(found)

    def roster(self, since: int | None) -> Roster:
        with self._lock:
            changed: list[Target] = []
            complete = since is None or not 0 <= since <= self._roster_version
            for target, version in reversed(self._changed.items()):
                if not complete and since is not None and version <= since:
                    break
                changed.append(target)
            return Roster(
                version=self._roster_version,
                agents=tuple([self._agents[target.id] for target in changed if target.kind is TargetKind.AGENT]),
                queues=tuple([self._queues[target] for target in changed if target in self._queues]),
                complete=complete,
            )

    def _note(self, target: Target) -> None:
        """Somebody who can be found is new, or is found differently."""
        self._roster_version += 1
        self._changed.pop(target, None)
        self._changed[target] = self._roster_version

    def _enrol(self, agent_id: str) -> None:
        """Bring up to date what this agent serves; who is unknown serves nothing yet."""
        agent = self._agents.get(agent_id)
        if agent is not None:
            self._teams.enrol(agent_id, targets_of(agent).union(self._in_queues.get(agent_id, ())))
            self._place(agent_id, last=False)

    def _place(self, agent_id: str, *, last: bool) -> None:
        """Bring up to date whether this agent can receive. Deadlines that nothing has recorded yet still count."""
        agent = self._agents.get(agent_id)
        if agent is None:
            return
        here = may_be_able(agent)
        free = self._taken(agent_id) < agent.capacity
        self._teams.place(
            agent_id,
            agent.status if here and free else None,
            ready=here and agent.status is ChannelStatus.READY,
            last=last,
        )


def _availability(agent: Agent) -> tuple[ChannelStatus, bool]:
    return agent.status, agent.do_not_disturb
