"""What is asked of PostgreSQL: for each of a store's operations one statement, and how its rows are read.

An `Ask` is a value. It knows nothing of connections, so blocking and awaitable stores perform the same ones; and each
is one statement, so it is one round trip, one transaction and one snapshot.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Generic, LiteralString, TypeVar

import attrs
from psycopg import sql

from sms_transfer.adapters.codec import to_json
from sms_transfer.adapters.postgres import statements
from sms_transfer.adapters.postgres.ids import given_id, kept_id
from sms_transfer.adapters.records import (
    REMEMBERED_CHANGES,
    Kept,
    Rows,
    agents_by_id,
    all_loaded,
    facts,
    loaded,
    loaded_entry,
    loaded_interaction,
    rows,
)
from sms_transfer.core.commands import Need
from sms_transfer.core.decision import Decision
from sms_transfer.core.desktop import Desktop, Transcript
from sms_transfer.core.events import Event
from sms_transfer.core.model import Agent, Message, TransferRequest
from sms_transfer.core.policy import has_left
from sms_transfer.errors import AlreadyExists, Conflict, InvalidValue
from sms_transfer.ports import EventPage, Facts

T = TypeVar("T")

Row = tuple[Any, ...]
"""What psycopg makes of a row; the readers below say what it is."""

_MOST: Final = 2**63 - 1
_LONGEST_RING: Final = 7_999
"""Bytes of one notification, at most."""
EVERYBODY: Final = "*"
"""The notification for so many agents that their ids do not fit into one."""


@attrs.frozen
class Ask(Generic[T]):
    """One statement, and what its rows mean."""

    statement: sql.Composed
    params: Sequence[object]
    answer: Callable[[Sequence[Row]], T]


def _kept_or_none(id_: str | None) -> str | None:
    return None if id_ is None else kept_id(id_)


def _pairs(found: Sequence[Row]) -> list[Kept]:
    return [(given_id(id_), body) for id_, body in found]


def ring_for(agent_ids: Collection[str]) -> str:
    """What a notification says: whom it is for."""
    said = json.dumps(sorted(agent_ids), separators=(",", ":"))  # ASCII, so its length is its bytes
    return said if len(said) <= _LONGEST_RING else EVERYBODY


class Asks:
    """Every ask, for one schema.

    Args:
        schema: its name, checked.
    """

    def __init__(self, schema: str) -> None:
        self.channel: Final = schema
        self._composed: dict[str, sql.Composed] = {}
        self._schema = sql.Identifier(schema)

    def _ask(self, statement: LiteralString, params: Sequence[object], answer: Callable[[Sequence[Row]], T]) -> Ask[T]:
        composed = self._composed.get(statement)
        if composed is None:
            composed = self._composed[statement] = sql.SQL(statement).format(s=self._schema)
        return Ask(composed, params, answer)

    # the directory

    def agents(self, ids: Collection[str]) -> Ask[Mapping[str, Agent]]:
        return self._ask(statements.AGENTS, ([kept_id(id_) for id_ in ids],), lambda found: agents_by_id(_pairs(found)))

    def add_agent(self, agent: Agent) -> Ask[None]:
        def answer(found: Sequence[Row]) -> None:
            if not found:
                raise AlreadyExists(kind="agent", id=agent.id)

        return self._ask(statements.ADD_AGENT, (kept_id(agent.id), has_left(agent), to_json(agent)), answer)

    def agent_body(self, agent_id: str) -> Ask[str | None]:
        """The record as it is kept, to be compared with what is known."""
        return self._ask(statements.AGENTS, ([kept_id(agent_id)],), lambda found: found[0][1] if found else None)

    def replace_agent(self, body: str, agent: Agent) -> Ask[None]:
        """Change the record that is kept as ``body``."""

        def answer(found: Sequence[Row]) -> None:
            if found != [(True,)]:
                raise Conflict(kind="agent", id=agent.id)

        params = (kept_id(agent.id), body, has_left(agent), to_json(agent))
        return self._ask(statements.REPLACE_AGENT, params, answer)

    # one command

    def read(self, need: Need, now: datetime) -> Ask[Facts]:
        kind, name = None, None
        if need.interaction_id is None:
            kind = "transfer" if need.invitation_id is None else "invitation"
            name = need.transfer_id if need.invitation_id is None else need.invitation_id
        key_agent, key = need.key or (None, None)
        params = (
            _kept_or_none(need.interaction_id),
            kind,
            _kept_or_none(name),
            _kept_or_none(need.load_of),
            now,
            _kept_or_none(need.message_id),
            _kept_or_none(key_agent),
            _kept_or_none(key),
            [kept_id(id_) for id_ in need.agents],
        )
        return self._ask(statements.READ, params, _facts)

    def commit(self, decision: Decision) -> Ask[None]:
        ring = (self.channel, ring_for(decision.concerned)) if decision.concerned else (None, None)
        return self._ask(statements.COMMIT, (*_commit_params(rows(decision)), *ring), _nothing)

    def ring(self, agent_ids: Collection[str]) -> Ask[None]:
        return self._ask(statements.RING, (self.channel, ring_for(agent_ids)), _nothing)

    # what is recorded

    def desktop(self, agent_id: str, since: int | None, known: Mapping[str, int] | None) -> Ask[Desktop]:
        shown = dict(known or {})
        params = (
            kept_id(agent_id),
            None if since is None else max(-1, min(since, _MOST)),
            [kept_id(id_) for id_ in shown],
            [min(count, _MOST) for count in shown.values()],
            REMEMBERED_CHANGES,
        )
        return self._ask(statements.DESKTOP, params, lambda found: _desktop(found, shown))

    def transfer(self, transfer_id: str) -> Ask[TransferRequest | None]:
        return self._ask(
            statements.TRANSFER,
            (kept_id(transfer_id),),
            lambda found: loaded((transfer_id, found[0][0]), TransferRequest) if found else None,
        )

    def transcript(self, interaction_id: str) -> Ask[tuple[Message, ...]]:
        return self._ask(
            statements.TRANSCRIPT, (kept_id(interaction_id),), lambda found: all_loaded(_pairs(found), Message)
        )

    def history(self, interaction_id: str) -> Ask[tuple[Event, ...]]:
        return self._ask(statements.HISTORY, (kept_id(interaction_id),), lambda found: all_loaded(_pairs(found), Event))

    def events(self, after: str | None, limit: int) -> Ask[EventPage]:
        if after is not None and not (after.isascii() and after.isdecimal() and len(after) < len(str(_MOST))):
            raise InvalidValue(field="after", rule="must be the cursor of an earlier page")
        start = 0 if after is None else int(after)

        def answer(found: Sequence[Row]) -> EventPage:
            events = all_loaded(_pairs([(id_, body) for _, id_, body in found]), Event)
            return EventPage(events=events, cursor=str(found[-1][0] if found else start))

        return self._ask(statements.FEED, (start, min(limit, _MOST)), answer)

    # what time brings

    def due(self, now: datetime, limit: int) -> Ask[tuple[str, ...]]:
        return self._ask(statements.DUE, (now, min(limit, _MOST)), _ids)

    def unsent(self, limit: int) -> Ask[tuple[str, ...]]:
        return self._ask(statements.UNSENT, (min(limit, _MOST),), _ids)

    def next_unsent(self, interaction_id: str) -> Ask[Message | None]:
        return self._ask(
            statements.NEXT_UNSENT,
            (kept_id(interaction_id),),
            lambda found: loaded(_pairs(found)[0], Message) if found else None,
        )

    def mark_sent(self, message_id: str) -> Ask[None]:
        return self._ask(statements.MARK_SENT, (kept_id(message_id),), _nothing)

    # My Messages

    def mark_read(self, agent_id: str, message_id: str, *, read: bool) -> Ask[bool]:
        params = (kept_id(agent_id), kept_id(message_id), read, REMEMBERED_CHANGES)
        return self._ask(statements.MARK_READ, params, _whether)

    def delete_message(self, agent_id: str, message_id: str) -> Ask[bool]:
        return self._ask(
            statements.DELETE_ENTRY, (kept_id(agent_id), kept_id(message_id), REMEMBERED_CHANGES), _whether
        )


def _commit_params(written: Rows) -> tuple[object, ...]:
    """The arguments of ``commit_decision``, but for the last two."""
    entries = {entry.agent_id: entry for entry in written.entries}
    noted = [entries.get(agent_id) for agent_id in written.concerned]
    key_agent, key = written.key or (None, None)
    claim = written.claim
    return (
        kept_id(written.id),
        min(written.version, _MOST),
        _kept_or_none(written.holder),
        _kept_or_none(written.invitee),
        written.offered_until,
        written.body,
        [kept_id(transfer.id) for transfer in written.transfers],
        [_kept_or_none(transfer.ticket) for transfer in written.transfers],
        [transfer.live for transfer in written.transfers],
        [transfer.deadline for transfer in written.transfers],
        [transfer.body for transfer in written.transfers],
        _kept_or_none(key_agent),
        _kept_or_none(key),
        _kept_or_none(written.request_id),
        [kept_id(text.id) for text in written.texts],
        [text.outbound for text in written.texts],
        [text.body for text in written.texts],
        list(written.events),
        [kept_id(agent_id) for agent_id in written.concerned],
        [None if entry is None else kept_id(entry.id) for entry in noted],
        [None if entry is None else entry.read for entry in noted],
        [None if entry is None else entry.body for entry in noted],
        REMEMBERED_CHANGES,
        None if claim is None else kept_id(claim.agent_id),
        None if claim is None else min(claim.limit, _MOST),
        None if claim is None else claim.at,
        None if claim is None else claim.invites,
    )


# How rows are read


def _nothing(_: Sequence[Row]) -> None:
    pass


def _whether(found: Sequence[Row]) -> bool:
    return found == [(True,)]


def _ids(found: Sequence[Row]) -> tuple[str, ...]:
    return tuple([given_id(id_) for (id_,) in found])


def _facts(found: Sequence[Row]) -> Facts:
    """Rows of ``read_need``: what it is, its id, its body."""
    of: dict[str, Kept] = {}
    agents: list[Kept] = []
    load = 0
    for kind, id_, body in found:
        if kind == "agent":
            agents.append((given_id(id_), body))
        elif kind == "load":
            load = int(body)
        else:
            of[kind] = (given_id(id_), body)
    return facts(
        interaction=of.get("interaction"),
        request=of.get("request"),
        load=load,
        message=of.get("message"),
        repeated=of.get("repeated"),
        agents=agents,
    )


def _desktop(found: Sequence[Row], known: Mapping[str, int]) -> Desktop:
    """Rows of ``read_desktop``: what it is, its id, a number, a mark, its body."""
    of: defaultdict[str, list[tuple[str, int, bool, str]]] = defaultdict(list)
    for kind, id_, number, mark, body in found:
        of[kind].append(("" if id_ is None else given_id(id_), number, mark, body))
    [(_, version, partial, _)] = of["version"]
    texts: defaultdict[str, list[Message]] = defaultdict(list)
    for id_, _, _, body in of["text"]:
        texts[id_].append(loaded((id_, body), Message))
    owned = [loaded_interaction((id_, body)) for id_, _, _, body in of["owned"]]
    return Desktop(
        version=version,
        interactions=tuple(owned),
        offered=tuple([loaded_interaction((id_, body)) for id_, _, _, body in of["offered"]]),
        messages=tuple([loaded_entry((id_, body), read=mark) for id_, _, mark, body in of["entry"]]),
        transcripts={one.id: Transcript(known.get(one.id, 0), tuple(texts[one.id])) for one in owned},
        about=frozenset([id_ for id_, *_ in of["about"]]) if partial else None,
        about_messages=frozenset([id_ for id_, *_ in of["about_entry"]]) if partial else None,
    )
