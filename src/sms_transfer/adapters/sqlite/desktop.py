"""What is recorded for one agent's desktop, or what of it has changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Final

import attrs

from sms_transfer.adapters.records import REMEMBERED_CHANGES, Kept, all_loaded, loaded_entry, loaded_interaction
from sms_transfer.adapters.sqlite import statements as sql
from sms_transfer.adapters.sqlite.numbers import clamped
from sms_transfer.core.desktop import Desktop, Transcript
from sms_transfer.core.model import Message

_Change = tuple[int, str | None, str | None]
"""A version, and the interaction and the entry of My Messages that it is about."""

_NOTHING: Final[Mapping[str, int]] = {}


@attrs.frozen
class Found:
    """The rows of one reading: they are made values of when the reading is over."""

    version: int
    about: frozenset[str] | None = None
    about_messages: frozenset[str] | None = None
    interactions: list[tuple[str, int, str]] = attrs.field(factory=list[tuple[str, int, str]])
    entries: list[tuple[str, int, str]] = attrs.field(factory=list[tuple[str, int, str]])
    texts: dict[str, tuple[int, list[Kept]]] = attrs.field(factory=dict[str, tuple[int, list[Kept]]])

    def desktop(self) -> Desktop:
        """The values."""
        return Desktop(
            version=self.version,
            interactions=tuple([loaded_interaction((id_, body)) for id_, held, body in self.interactions if held]),
            offered=tuple([loaded_interaction((id_, body)) for id_, held, body in self.interactions if not held]),
            messages=tuple([loaded_entry((id_, body), read=bool(read)) for id_, read, body in self.entries]),
            transcripts={
                id_: Transcript(start, all_loaded(texts, Message)) for id_, (start, texts) in self.texts.items()
            },
            about=self.about,
            about_messages=self.about_messages,
        )


def find(connection: sqlite3.Connection, agent_id: str, since: int | None, known: Mapping[str, int] | None) -> Found:
    """Read what `TransferStore.desktop` asks for; the connection's snapshot is the one instant of all of it."""
    changes = None if since is None else _changes(connection, agent_id, clamped(since))
    found = _everything(connection, agent_id) if changes is None else _changed(connection, agent_id, changes)
    known = _NOTHING if known is None else known
    for id_, held, _ in found.interactions:
        if held:
            start = known.get(id_, 0)
            found.texts[id_] = (start, connection.execute(sql.TEXTS, (id_, clamped(start))).fetchall())
    return found


def _changes(connection: sqlite3.Connection, agent_id: str, since: int) -> list[_Change] | None:
    """The change numbered ``since`` and all later ones, or None if that is too long ago or was never told."""
    changes: list[_Change] = connection.execute(sql.CHANGES, (agent_id, since)).fetchall()
    if since == 0:  # before the first
        changes.insert(0, (0, None, None))
    # They are numbered without a gap, so if the first is there all are; and if any are forgotten, these are too many.
    complete = bool(changes) and changes[0][0] == since
    return changes if complete and len(changes) <= REMEMBERED_CHANGES + 1 else None


def _everything(connection: sqlite3.Connection, agent_id: str) -> Found:
    [[version]] = connection.execute(sql.VERSION, (agent_id,))
    return Found(
        version,
        interactions=connection.execute(sql.DESKTOP, (agent_id, agent_id)).fetchall(),
        entries=connection.execute(sql.ENTRIES, (agent_id,)).fetchall(),
    )


def _changed(connection: sqlite3.Connection, agent_id: str, changes: list[_Change]) -> Found:
    since, version = changes[0][0], changes[-1][0]
    about = frozenset([id_ for _, id_, _ in changes[1:] if id_ is not None])
    about_messages = frozenset([id_ for _, _, id_ in changes[1:] if id_ is not None])
    found = Found(version, about, about_messages)
    if about:
        values = (agent_id, agent_id, since, agent_id, agent_id)
        found.interactions.extend(connection.execute(sql.DESKTOP_SINCE, values))
    if about_messages:
        found.entries.extend(connection.execute(sql.ENTRIES_SINCE, (agent_id, agent_id, since)))
    return found
