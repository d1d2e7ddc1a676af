"""What is asked of PostgreSQL of conversations and desktops, and with the rest of it: of everything."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

from sms_transfer.adapters.postgres import statements
from sms_transfer.adapters.postgres.ask import MOST, Ask, Row, kept_or_none, nothing, pairs, whether
from sms_transfer.adapters.postgres.ids import given_id, kept_id
from sms_transfer.adapters.postgres.lines import LineAsks, rank
from sms_transfer.adapters.postgres.teams import TeamAsks
from sms_transfer.adapters.records import (
    REMEMBERED_CHANGES,
    Kept,
    Rows,
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
from sms_transfer.core.model import Message, TransferRequest
from sms_transfer.errors import InvalidValue
from sms_transfer.ports import EventPage, Facts

_LONGEST_RING: Final = 7_999
"""Bytes of one notification, at most."""
EVERYBODY: Final = "*"
"""The notification for so many agents that their ids do not fit into one."""


def ring_for(agent_ids: Collection[str]) -> str:
    """What a notification says: whom it is for."""
    said = json.dumps(sorted(agent_ids), separators=(",", ":"))  # ASCII, so its length is its bytes
    return said if len(said) <= _LONGEST_RING else EVERYBODY


class Asks(LineAsks, TeamAsks):
    """Every ask, for one schema."""

    # one command

    def read(self, need: Need, now: datetime) -> Ask[Facts]:
        kind, name = None, None
        if need.interaction_id is None:
            kind = "transfer" if need.invitation_id is None else "invitation"
            name = need.transfer_id if need.invitation_id is None else need.invitation_id
        key_agent, key = need.key or (None, None)
        params = (
            kept_or_none(need.interaction_id),
            kind,
            kept_or_none(name),
            kept_or_none(need.load_of),
            now,
            kept_or_none(need.message_id),
            kept_or_none(key_agent),
            kept_or_none(key),
            [kept_id(id_) for id_ in need.agents],
        )
        return self._ask(statements.READ, params, _facts)

    def commit(self, decision: Decision) -> Ask[None]:
        ring = (self.channel, ring_for(decision.concerned)) if decision.concerned else (None, None)
        return self._ask(statements.COMMIT, (*_commit_params(rows(decision)), *ring), nothing)

    def ring(self, agent_ids: Collection[str]) -> Ask[None]:
        return self._ask(statements.RING, (self.channel, ring_for(agent_ids)), nothing)

    # what is recorded

    def desktop(self, agent_id: str, since: int | None, known: Mapping[str, int] | None) -> Ask[Desktop]:
        shown = dict(known or {})
        params = (
            kept_id(agent_id),
            None if since is None else max(-1, min(since, MOST)),
            [kept_id(id_) for id_ in shown],
            [min(count, MOST) for count in shown.values()],
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
            statements.TRANSCRIPT, (kept_id(interaction_id),), lambda found: all_loaded(pairs(found), Message)
        )

    def history(self, interaction_id: str) -> Ask[tuple[Event, ...]]:
        return self._ask(statements.HISTORY, (kept_id(interaction_id),), lambda found: all_loaded(pairs(found), Event))

    def events(self, after: str | None, limit: int) -> Ask[EventPage]:
        if after is not None and not (after.isascii() and after.isdecimal() and len(after) < len(str(MOST))):
            raise InvalidValue(field="after", rule="must be the cursor of an earlier page")
        start = 0 if after is None else int(after)

        def answer(found: Sequence[Row]) -> EventPage:
            events = all_loaded(pairs([(id_, body) for _, id_, body in found]), Event)
            return EventPage(events=events, cursor=str(found[-1][0] if found else start))

        return self._ask(statements.FEED, (start, min(limit, MOST)), answer)

    # what time brings

    def due(self, now: datetime, limit: int) -> Ask[tuple[str, ...]]:
        return self._ask(statements.DUE, (now, min(limit, MOST)), _ids)

    def unsent(self, limit: int) -> Ask[tuple[str, ...]]:
        return self._ask(statements.UNSENT, (min(limit, MOST),), _ids)

    def next_unsent(self, interaction_id: str) -> Ask[Message | None]:
        return self._ask(
            statements.NEXT_UNSENT,
            (kept_id(interaction_id),),
            lambda found: loaded(pairs(found)[0], Message) if found else None,
        )

    def mark_sent(self, message_id: str) -> Ask[None]:
        return self._ask(statements.MARK_SENT, (kept_id(message_id),), nothing)

    # My Messages

    def mark_read(self, agent_id: str, message_id: str, *, read: bool) -> Ask[bool]:
        params = (kept_id(agent_id), kept_id(message_id), read, REMEMBERED_CHANGES)
        return self._ask(statements.MARK_READ, params, whether)

    def delete_message(self, agent_id: str, message_id: str) -> Ask[bool]:
        return self._ask(statements.DELETE_ENTRY, (kept_id(agent_id), kept_id(message_id), REMEMBERED_CHANGES), whether)


def _commit_params(written: Rows) -> tuple[object, ...]:
    """The arguments of ``commit_decision``, but for the last two."""
    key_agent, key = written.key or (None, None)
    claim = written.claim
    return (
        kept_id(written.id),
        min(written.version, MOST),
        kept_or_none(written.holder),
        kept_or_none(written.kept_for),
        kept_or_none(written.invitee),
        written.offered_until,
        written.body,
        *_transfers(written),
        kept_or_none(key_agent),
        kept_or_none(key),
        kept_or_none(written.request_id),
        [kept_id(text.id) for text in written.texts],
        [text.outbound for text in written.texts],
        [text.body for text in written.texts],
        list(written.events),
        *_desks(written),
        REMEMBERED_CHANGES,
        None if claim is None else kept_id(claim.agent_id),
        None if claim is None else min(claim.limit, MOST),
        None if claim is None else claim.at,
        None if claim is None else claim.invites,
    )


def _transfers(written: Rows) -> tuple[list[object], ...]:
    return (
        [kept_id(row.id) for row in written.transfers],
        [kept_or_none(row.ticket) for row in written.transfers],
        [row.live for row in written.transfers],
        [row.due_at for row in written.transfers],
        [None if row.sender is None else kept_id(row.sender) for row in written.transfers],
        [kept_id(row.target) for row in written.transfers],
        [kept_or_none(row.waits_for) for row in written.transfers],
        [rank(row.priority) for row in written.transfers],
        [row.requested_at for row in written.transfers],
        [row.body for row in written.transfers],
    )


def _desks(written: Rows) -> tuple[list[object], ...]:
    """All desks that are locked, in one order whoever locks them, so that nobody waits in a circle."""
    concerned = {kept_id(agent_id) for agent_id in written.concerned}
    moved = {kept_id(agent_id) for agent_id in written.moved}
    desks = sorted(concerned | moved | ({kept_id(written.claim.agent_id)} if written.claim is not None else set()))
    entries = {kept_id(entry.agent_id): entry for entry in written.entries}
    noted = [entries.get(agent_id) for agent_id in desks]
    return (
        [*desks],
        [agent_id in concerned for agent_id in desks],
        [agent_id for agent_id in desks if agent_id in moved],
        [None if entry is None else kept_id(entry.id) for entry in noted],
        [None if entry is None else entry.read for entry in noted],
        [None if entry is None else entry.body for entry in noted],
    )


# How rows are read


def _ids(found: Sequence[Row]) -> tuple[str, ...]:
    return tuple([given_id(id_) for (id_,) in found])


def _facts(found: Sequence[Row]) -> Facts:
    """Rows of ``read_need``: what it is, its id, its body."""
    of: dict[str, Kept] = {}
    agents: list[Kept] = []
    load, waiting = 0, False
    for kind, id_, body in found:
        if kind == "agent":
            agents.append((given_id(id_), body))
        elif kind == "load":
            load = int(body)
        elif kind == "waiting":
            waiting = True
        else:
            of[kind] = (given_id(id_), body)
    return facts(
        interaction=of.get("interaction"),
        request=of.get("request"),
        load=load,
        message=of.get("message"),
        repeated=of.get("repeated"),
        agents=agents,
        waiting=waiting,
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
