"""How a crowd is put into the tables: one statement for each, and one body of each kind, written by the codec.

Marks stand where a body has ids; the database puts the ids in.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import attrs

from benchmarks.centre import CASE_DATA, PLENTY, TEXTS
from sms_transfer import (
    Agent,
    ChannelStatus,
    Contact,
    Direction,
    Interaction,
    InteractionOpened,
    InteractionState,
    Invitation,
    Media,
    Message,
    Notice,
    SystemMessage,
    Target,
    TransferRequest,
    TransferState,
)
from sms_transfer.adapters.codec import to_json

PER_AGENT: Final = 10
"""Conversations of each agent; in each of them two texts, and for each of them two entries of My Messages."""
START: Final = datetime(2030, 1, 1, tzinfo=UTC)
"""When all of them began."""
TIMEOUT: Final = timedelta(seconds=30)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@attrs.frozen
class Crowd:
    """Conversations with the numbers from ``first`` on, all of agents who have no others.

    Args:
        first: a multiple of `PER_AGENT`.
        size: a multiple of `PER_AGENT`.
        deadline: until when each is offered to the next agent; None: nothing is pending.
    """

    first: int
    size: int
    deadline: datetime | None = None


def interaction_id(number: int) -> str:
    """The conversation with this number."""
    return f"interaction-{number}"


def agent_id(number: int) -> str:
    """Who owns the conversation with this number."""
    return f"agent-{number // PER_AGENT}"


_ID: Final = "'interaction-' || n"
_OWNER: Final = f"'agent-' || (n / {PER_AGENT})"
_INVITEE: Final = f"'agent-' || (n / {PER_AGENT} + 1)"
_TRANSFER: Final = "'transfer-' || n"
_TICKET: Final = "'ticket-' || n"
_TEXT: Final = "'text-' || n || '-' || k"
_ENTRY: Final = "'entry-' || n || '-' || k"
_MARKS: Final[Mapping[str, str]] = {
    "#interaction#": _ID,
    "#owner#": _OWNER,
    "#invitee#": _INVITEE,
    "#transfer#": _TRANSFER,
    "#ticket#": _TICKET,
    "#text#": _TEXT,
    "#entry#": _ENTRY,
}
_TWICE: Final = "(SELECT 0 AS k UNION ALL SELECT 1) AS twice"


def sqlite_statements(crowd: Crowd) -> list[str]:
    """For `SqliteStore`."""
    end = crowd.first + crowd.size
    each = (
        f"FROM (WITH RECURSIVE s(n) AS (SELECT {crowd.first} UNION ALL SELECT n + 1 FROM s WHERE n + 1 < {end})"
        " SELECT n FROM s) AS numbers"
    )
    until = "NULL" if crowd.deadline is None else str((crowd.deadline - _EPOCH) // timedelta(microseconds=1))
    invitee = "NULL" if crowd.deadline is None else _INVITEE
    version = 1 if crowd.deadline is None else 2
    known, whole = f"n / {PER_AGENT} + 1, 0, 'ready', {PLENTY}", _interaction(crowd)
    made = [
        f"INSERT INTO agent SELECT {_OWNER}, {known}, {_agent()} {each} WHERE n % {PER_AGENT} = 0",
        f"INSERT INTO interaction SELECT {_ID}, {version}, {_OWNER}, NULL, {invitee}, {until}, {whole} {each}",
        f"INSERT INTO text SELECT {_TEXT}, {_ID}, k, 0, {_text()} {each}, {_TWICE}",
        f"INSERT INTO event (interaction_id, body) SELECT {_ID}, {_event()} {each}",
        f"INSERT INTO change SELECT {_OWNER}, n % {PER_AGENT} + 1, {_ID}, NULL {each}",
        f"INSERT INTO entry (agent_id, id, read, body) SELECT {_OWNER}, {_ENTRY}, 0, {_entry()} {each}, {_TWICE}",
    ]
    if crowd.deadline is not None:
        line = f"NULL, 0, {(crowd.deadline - TIMEOUT - _EPOCH) // timedelta(microseconds=1)}"
        asked, request = f"{_OWNER}, 'agent:' || {_INVITEE}", _request(crowd.deadline)
        made += [
            f"INSERT INTO transfer SELECT NULL, {_TRANSFER}, {_ID}, 1, {until}, {line}, {asked}, {request} {each}",
            f"INSERT INTO ticket SELECT {_TICKET}, {_TRANSFER} {each}",
        ]
    return made


def postgres_statements(crowd: Crowd) -> list[str]:
    """For `PostgresStore`; its schema is on the search path."""
    end = crowd.first + crowd.size
    each = f"FROM generate_series({crowd.first}, {end - 1}) AS n"
    some = f"{each} WHERE n % {PER_AGENT} = 0"
    version, offered, due = 1, "NULL, NULL", ""
    if crowd.deadline is not None:
        until = f"'{crowd.deadline.isoformat()}'::timestamptz"
        version, offered = 2, f"{_INVITEE}, {until}"
        due = f"{until}, NULL, 0, '{(crowd.deadline - TIMEOUT).isoformat()}'::timestamptz"
    counts, whole = "2, 1, 0, 0", _interaction(crowd)
    made = [
        f"INSERT INTO agent SELECT {_OWNER}, false, 'ready', {PLENTY}, '{{}}', n + 1, {_agent()} {some}",
        f"UPDATE roster SET version = {end}",
        f"INSERT INTO desk SELECT {_OWNER}, {PER_AGENT} {some}",
        f"INSERT INTO interaction SELECT {_ID}, {version}, {_OWNER}, NULL, {offered}, {counts}, {whole} {each}",
        f"INSERT INTO text SELECT {_ID}, k + 1, {_TEXT}, false, {_text()} {each}, {_TWICE}",
        f"INSERT INTO name SELECT 'message', '', {_TEXT}, {_ID}, NULL, k + 1 {each}, {_TWICE}",
        f"INSERT INTO event SELECT {_ID}, 1, nextval('written'), n + 1, {_event()} {each}",
        f"UPDATE feed SET last = {end}",
        f"INSERT INTO change SELECT {_OWNER}, n % {PER_AGENT} + 1, {_ID}, NULL {each}",
        f"INSERT INTO entry SELECT {_OWNER}, {_ENTRY}, n * 2 + k, false, {_entry()} {each}, {_TWICE}",
    ]
    if crowd.deadline is not None:
        made += [
            f"INSERT INTO transfer SELECT {_ID}, {_TRANSFER}, true, {due}, {_request(crowd.deadline)} {each}",
            f"INSERT INTO name SELECT 'transfer', '', {_TRANSFER}, {_ID}, {_TRANSFER} {each}",
            f"INSERT INTO name SELECT 'invitation', '', {_TICKET}, {_ID}, {_TRANSFER} {each}",
        ]
    return made


# One body of each kind


def _agent() -> str:
    return _body(Agent("#owner#", "Agent", status=ChannelStatus.READY, capacity=PLENTY))


def _interaction(crowd: Crowd) -> str:
    pending = None if crowd.deadline is None else _transfer(crowd.deadline)
    return _body(
        Interaction(
            "#interaction#",
            media=Media.SMS,
            contact=Contact("+14155550100", name="Jane Roe"),
            owner="#owner#",
            state=InteractionState.ACTIVE if pending is None else InteractionState.TRANSFERRING,
            version=1 if pending is None else 2,
            case_data=CASE_DATA,
            transfer=pending,
        )
    )


def _request(deadline: datetime) -> str:
    return _body(_transfer(deadline))


def _transfer(deadline: datetime) -> TransferRequest:
    begun = deadline - TIMEOUT
    return TransferRequest(
        "#transfer#",
        interaction_id="#interaction#",
        sender="#owner#",
        target=Target.agent("#invitee#"),
        state=TransferState.INVITED,
        requested_at=begun,
        deadline=deadline,
        invitation=Invitation("#ticket#", invitee="#invitee#", offered_at=begun, deadline=deadline),
    )


def _text() -> str:
    said = TEXTS[0]
    return _body(Message("#text#", interaction_id="#interaction#", direction=Direction.INBOUND, text=said, at=START))


def _event() -> str:
    return _body(
        InteractionOpened(
            interaction_id="#interaction#", at=START, by="#owner#", owner="#owner#", media=Media.SMS, epoch=0
        )
    )


def _entry() -> str:
    return _body(
        SystemMessage(
            "#entry#",
            agent_id="#owner#",
            notice=Notice("transfer.expired", {"target": "Agent"}),
            at=START,
            interaction_id="#interaction#",
        )
    )


def _body(value: object) -> str:
    """An expression that makes such a body, with ids where the marks are."""
    body = to_json(value)
    made = "'" + body.replace("'", "''") + "'"
    for mark, id_ in _MARKS.items():
        if mark in body:
            made = f"replace({made}, '{mark}', {id_})"
    return made
