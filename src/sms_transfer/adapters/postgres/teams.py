"""What is asked of PostgreSQL of agents, of what they serve together, and of who can be found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from sms_transfer.adapters.postgres import statements
from sms_transfer.adapters.postgres.ask import MOST, Ask, Asking, Row, pairs, targets
from sms_transfer.adapters.postgres.ids import given_id, kept_id
from sms_transfer.adapters.records import (
    Kept,
    agent_row,
    agents_by_id,
    loaded,
    queue_row,
    target_key,
    target_of,
)
from sms_transfer.core.lifecycle import ChannelStatus
from sms_transfer.core.model import Agent, Queue, Target
from sms_transfer.errors import AlreadyExists, Conflict
from sms_transfer.ports import Roster


def keys_of(given: Iterable[Target]) -> list[str]:
    """Targets in the form in which they are kept, each once."""
    return [kept_id(target_key(target)) for target in dict.fromkeys(given)]


class TeamAsks(Asking):
    """Asks for `sms_transfer.ports.Directory` and `sms_transfer.ports.Teams`."""

    # the directory

    def agents(self, ids: Collection[str]) -> Ask[Mapping[str, Agent]]:
        return self._ask(statements.AGENTS, ([kept_id(id_) for id_ in ids],), lambda found: agents_by_id(pairs(found)))

    def add_agent(self, agent: Agent) -> Ask[None]:
        def answer(found: Sequence[Row]) -> None:
            if found != [(True,)]:
                raise AlreadyExists(kind="agent", id=agent.id)

        return self._ask(statements.ADD_AGENT, (kept_id(agent.id), *_columns(agent)), answer)

    def agent_body(self, agent_id: str) -> Ask[str | None]:
        """The record as it is kept, to be compared with what is known."""
        return self._ask(statements.AGENTS, ([kept_id(agent_id)],), _body)

    def replace_agent(self, body: str, known: Agent, agent: Agent) -> Ask[None]:
        """Change the record that is kept as ``body`` and says what is known."""

        def answer(found: Sequence[Row]) -> None:
            if found != [(True,)]:
                raise Conflict(kind="agent", id=agent.id)

        idle_anew = (known.status, known.do_not_disturb) != (agent.status, agent.do_not_disturb)  # Q4
        listed = (known.name, known.groups, known.skills) != (agent.name, agent.groups, agent.skills)
        params = (kept_id(agent.id), body, *_columns(agent), idle_anew, listed)
        return self._ask(statements.REPLACE_AGENT, params, answer)

    # what agents serve together

    def queues(self, given: Collection[Target]) -> Ask[Mapping[Target, Queue]]:
        return self._ask(statements.QUEUES, (keys_of(given),), lambda found: _queues(pairs(found)))

    def queue_names(self, given: Collection[Target]) -> Ask[Mapping[Target, str]]:
        return self._ask(
            statements.QUEUE_NAMES,
            (keys_of(given),),
            lambda found: {target_of(given_id(key)): given_id(label) for key, label in found},
        )

    def add_queue(self, queue: Queue) -> Ask[None]:
        def answer(found: Sequence[Row]) -> None:
            if found != [(True,)]:
                raise AlreadyExists(kind=queue.target.kind, id=queue.target.id)

        row = queue_row(queue)
        params = (kept_id(row.key), kept_id(row.label), row.body, [kept_id(id_) for id_ in row.members])
        return self._ask(statements.ADD_QUEUE, params, answer)

    def queue_body(self, target: Target) -> Ask[str | None]:
        """The record as it is kept, to be compared with what is known."""
        return self._ask(statements.QUEUES, (keys_of((target,)),), _body)

    def replace_queue(self, body: str, known: Queue, queue: Queue) -> Ask[None]:
        """Change the record that is kept as ``body`` and says what is known."""

        def answer(found: Sequence[Row]) -> None:
            if found != [(True,)]:
                raise Conflict(kind=queue.target.kind, id=queue.target.id)

        row = queue_row(queue)
        come = [kept_id(id_) for id_ in sorted(queue.members - known.members)]
        gone = [kept_id(id_) for id_ in known.members - queue.members]
        params = (kept_id(row.key), body, kept_id(row.label), row.body, come, gone)
        return self._ask(statements.REPLACE_QUEUE, params, answer)

    def members(self, target: Target, limit: int) -> Ask[tuple[Agent, ...]]:
        params = (kept_id(target_key(target)), min(limit, MOST))
        return self._ask(statements.MEMBERS, params, _agents)

    def able(self, target: Target, statuses: Collection[ChannelStatus], limit: int) -> Ask[tuple[Agent, ...]]:
        most = min(limit, MOST)
        wanted = [status.value for status in _IN_ORDER if status in statuses]
        return self._ask(statements.ABLE, (wanted, kept_id(target_key(target)), most, most), _agents)

    def ready(self, given: Collection[Target]) -> Ask[Mapping[Target, int]]:
        return self._ask(statements.READY, (keys_of(given),), counts)

    def served_by(self, agent_ids: Collection[str]) -> Ask[frozenset[Target]]:
        params = ([kept_id(id_) for id_ in agent_ids],)
        return self._ask(statements.SERVED_BY, params, lambda found: frozenset(targets(found)))

    def roster(self, since: int | None) -> Ask[Roster]:
        params = (None if since is None else max(-1, min(since, MOST)),)
        return self._ask(statements.ROSTER, params, _roster)


_IN_ORDER = (ChannelStatus.READY, ChannelStatus.NOT_READY)
"""Whoever is able, those who wait for work first."""


def _columns(agent: Agent) -> tuple[object, ...]:
    row = agent_row(agent)
    return (row.has_left, row.status, min(row.capacity, MOST), [kept_id(key) for key in row.targets], row.body)


# How rows are read


def counts(found: Sequence[Row]) -> Mapping[Target, int]:
    """Rows of a target and how many."""
    return {target_of(given_id(key)): count for key, count in found}


def _body(found: Sequence[Row]) -> str | None:
    return found[0][1] if found else None


def _agents(found: Sequence[Row]) -> tuple[Agent, ...]:
    return tuple(agents_by_id(pairs(found)).values())


def _queues(found: Iterable[Kept]) -> Mapping[Target, Queue]:
    return {queue.target: queue for queue in [loaded(one, Queue) for one in found]}


def _roster(found: Sequence[Row]) -> Roster:
    """Rows of ``read_roster``: what it is, its id, a number, a mark, its body."""
    of: defaultdict[str, list[Kept]] = defaultdict(list)
    version, complete = 0, True
    for kind, id_, number, mark, body in found:
        if kind == "version":
            version, complete = number, mark
        else:
            of[kind].append((given_id(id_), body))
    return Roster(
        version=version,
        agents=tuple(agents_by_id(of["agent"]).values()),
        queues=tuple(_queues(of["queue"]).values()),
        complete=complete,
    )
