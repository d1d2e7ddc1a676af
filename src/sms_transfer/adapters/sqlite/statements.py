"""What `SqliteStore` says to SQLite."""

from __future__ import annotations

from typing import Final

# What a reading is made of. Every part gives a kind, an id and a body; put together they are one statement, so all of
# it is read at one instant.
INTERACTION: Final = "SELECT 'interaction', id, body FROM interaction WHERE id = ?"
BY_TRANSFER: Final = (
    "SELECT 'request', id, body FROM transfer WHERE id = ?"
    " UNION ALL SELECT 'interaction', i.id, i.body FROM transfer AS t JOIN interaction AS i ON i.id = t.interaction_id"
    " WHERE t.id = ?"
)
BY_TICKET: Final = (
    "SELECT 'request', t.id, t.body FROM ticket AS k JOIN transfer AS t ON t.id = k.transfer_id WHERE k.id = ?"
    " UNION ALL SELECT 'interaction', i.id, i.body FROM ticket AS k JOIN transfer AS t ON t.id = k.transfer_id"
    " JOIN interaction AS i ON i.id = t.interaction_id WHERE k.id = ?"
)
AGENT: Final = "SELECT 'agent', id, body FROM agent WHERE id = ?"
MESSAGE: Final = "SELECT 'message', id, body FROM text WHERE id = ?"
REPEATED: Final = (
    "SELECT 'repeated', t.id, t.body FROM used_key AS k JOIN transfer AS t ON t.id = k.transfer_id"
    " WHERE k.agent_id = ? AND k.key = ?"
)
PLACES: Final = (  # E3, T10
    "(SELECT count(*) FROM interaction WHERE holder = ?)"
    " + (SELECT count(*) FROM interaction WHERE kept_for = ?)"
    " + (SELECT count(*) FROM interaction WHERE invitee = ? AND offered_until > ?)"
)
LOAD: Final = f"SELECT 'load', NULL, {PLACES}"
ANY_WAITS: Final = "SELECT 'waits', NULL, EXISTS (SELECT 1 FROM transfer WHERE waits_for IS NOT NULL)"

FIRST_VERSION: Final = (
    "INSERT INTO interaction (version, holder, kept_for, invitee, offered_until, body, id)"
    " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
NEXT_VERSION: Final = (
    "UPDATE interaction SET version = ?, holder = ?, kept_for = ?, invitee = ?, offered_until = ?, body = ?"
    " WHERE id = ? AND version = ?"
)
USE_KEY: Final = "INSERT INTO used_key (agent_id, key, transfer_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
ADD_TEXT: Final = (
    "INSERT INTO text (id, interaction_id, number, unsent, body)"
    " VALUES (?, ?, (SELECT coalesce(max(number) + 1, 0) FROM text WHERE interaction_id = ?), ?, ?)"
    " ON CONFLICT (id) DO NOTHING"
)
CHECK_CLAIM: Final = f"SELECT {PLACES}, (SELECT has_left FROM agent WHERE id = ?)"
KEEP_REQUEST: Final = (  # F3: what is closed stays as it is
    "INSERT INTO transfer (id, interaction_id, live, due_at, waits_for, rank, requested_at, sender, target, body)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE"
    " SET live = excluded.live, due_at = excluded.due_at, waits_for = excluded.waits_for, body = excluded.body"
    " WHERE transfer.live AND transfer.interaction_id = excluded.interaction_id"
)
KEEP_TICKET: Final = "INSERT INTO ticket (id, transfer_id) VALUES (?, ?) ON CONFLICT DO NOTHING"
ADD_EVENT: Final = "INSERT INTO event (interaction_id, body) VALUES (?, ?)"
WAIT: Final = (
    "INSERT INTO waiting (interaction_id, turn) VALUES (?, (SELECT coalesce(max(turn), 0) + 1 FROM waiting))"
    " ON CONFLICT DO NOTHING"
)
COUNT_CHANGE: Final = (
    "INSERT INTO change (agent_id, version, interaction_id, entry_id)"
    " VALUES (?, (SELECT coalesce(max(version), 0) + 1 FROM change WHERE agent_id = ?), ?, ?)"
)
KEEP_ENTRY: Final = (
    "INSERT INTO entry (agent_id, id, read, body) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (agent_id, id) DO UPDATE SET read = excluded.read, body = excluded.body"
)

DESKTOP: Final = (
    "SELECT id, 1, body FROM interaction WHERE holder = ?"
    " UNION ALL SELECT id, 0, body FROM interaction WHERE invitee = ?"
)
DESKTOP_SINCE: Final = (  # the plus keeps SQLite from looking through all that the agent owns
    "SELECT id, holder IS ?, body FROM interaction"
    " WHERE id IN (SELECT interaction_id FROM change WHERE agent_id = ? AND version > ?)"
    " AND (+holder = ? OR +invitee = ?)"
)
VERSION: Final = "SELECT coalesce(max(version), 0) FROM change WHERE agent_id = ?"
CHANGES: Final = (
    "SELECT version, interaction_id, entry_id FROM change WHERE agent_id = ? AND version >= ? ORDER BY version"
)
ENTRIES: Final = "SELECT id, read, body FROM entry WHERE agent_id = ? ORDER BY number"
ENTRIES_SINCE: Final = (
    "SELECT id, read, body FROM entry WHERE agent_id = ?"
    " AND id IN (SELECT entry_id FROM change WHERE agent_id = ? AND version > ?) ORDER BY number"
)
TEXTS: Final = "SELECT id, body FROM text WHERE interaction_id = ? AND number >= ? ORDER BY number"
TRANSFER: Final = "SELECT id, body FROM transfer WHERE id = ?"
HISTORY: Final = "SELECT interaction_id, body FROM event WHERE interaction_id = ? ORDER BY position"
FEED: Final = "SELECT position, interaction_id, body FROM event WHERE position > ? ORDER BY position LIMIT ?"
FEED_END: Final = "SELECT coalesce(max(position), 0) FROM event"

DUE: Final = "SELECT id FROM transfer WHERE live AND due_at <= ? ORDER BY due_at, id LIMIT ?"
UNSENT: Final = "SELECT interaction_id FROM waiting ORDER BY turn LIMIT ?"
TO_THE_END: Final = "UPDATE waiting SET turn = (SELECT max(turn) + 1 FROM waiting) WHERE interaction_id = ?"
NEXT_UNSENT: Final = "SELECT id, body FROM text WHERE interaction_id = ? AND unsent ORDER BY number LIMIT 1"
MARK_SENT: Final = "UPDATE text SET unsent = 0 WHERE id = ? AND unsent"
STOP_WAITING: Final = (
    "DELETE FROM waiting WHERE interaction_id = (SELECT interaction_id FROM text WHERE id = ?)"
    " AND NOT EXISTS (SELECT 1 FROM text WHERE text.interaction_id = waiting.interaction_id AND unsent)"
)

TICKET: Final = "SELECT transfer_id FROM ticket WHERE id = ?"
ENTRY_MARK: Final = "SELECT read FROM entry WHERE agent_id = ? AND id = ?"
MARK_ENTRY: Final = "UPDATE entry SET read = ? WHERE agent_id = ? AND id = ?"
DELETE_ENTRY: Final = "DELETE FROM entry WHERE agent_id = ? AND id = ?"

# Who waits for an agent

LINE: Final = (  # Q3
    "SELECT rank, requested_at, id FROM transfer WHERE waits_for = ? AND (rank, requested_at, id) > (?, ?, ?)"
    " ORDER BY rank, requested_at, id LIMIT ?"
)
WAITS: Final = "SELECT i.id, i.body FROM transfer AS t JOIN interaction AS i ON i.id = t.interaction_id WHERE t.id = ?"
WAITED_FOR: Final = (  # from each target to the next, over all that waits for it
    "WITH RECURSIVE line (target) AS (SELECT min(waits_for) FROM transfer WHERE waits_for IS NOT NULL"
    " UNION ALL SELECT (SELECT min(waits_for) FROM transfer WHERE waits_for > line.target) FROM line"
    " WHERE line.target IS NOT NULL) SELECT target FROM line WHERE target IS NOT NULL"
)
COUNT_WAITING: Final = "SELECT count(*) FROM transfer WHERE waits_for = ?"

# Whom an agent asks often

FAVOURITES: Final = "SELECT target FROM favourite WHERE agent_id = ? ORDER BY number"
MARK_FAVOURITE: Final = (
    "INSERT INTO favourite (agent_id, number, target)"
    " VALUES (?, (SELECT coalesce(max(number), 0) + 1 FROM favourite WHERE agent_id = ?), ?) ON CONFLICT DO NOTHING"
)
UNMARK_FAVOURITE: Final = "DELETE FROM favourite WHERE agent_id = ? AND target = ?"
RECENTS: Final = "SELECT target FROM recent WHERE agent_id = ? ORDER BY number DESC LIMIT ?"

# Agents, and what they serve together


def _free(agent: str) -> str:
    """Whether an agent has a place; it names them four times. What is offered counts until its end is recorded."""
    return (
        f"coalesce((SELECT capacity FROM agent WHERE id = {agent})"
        f" > (SELECT count(*) FROM interaction WHERE holder = {agent})"
        f" + (SELECT count(*) FROM interaction WHERE kept_for = {agent})"
        f" + (SELECT count(*) FROM interaction WHERE invitee = {agent}), 0)"
    )


def _last(target: str, status: str) -> str:
    """The turn behind all who serve this target and can receive in this status (Q4)."""
    return (
        "(SELECT coalesce(max(turn), 0) + 1 FROM member AS line"
        f" WHERE line.target = {target} AND line.status = {status} AND line.free = 1)"
    )


_VERSION: Final = "max(coalesce((SELECT max(found) FROM agent), 0), coalesce((SELECT max(found) FROM queue), 0))"

ADD_AGENT: Final = (
    "INSERT INTO agent (id, found, has_left, status, capacity, body)"
    f" VALUES (?, {_VERSION} + 1, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
REPLACE_AGENT: Final = "UPDATE agent SET has_left = ?, status = ?, capacity = ?, body = ? WHERE id = ?"
FIND_ANEW: Final = f"UPDATE agent SET found = {_VERSION} + 1 WHERE id = ?"

QUEUE: Final = "SELECT id, body FROM queue WHERE id = ?"
QUEUE_LABEL: Final = "SELECT label FROM queue WHERE id = ?"
ADD_QUEUE: Final = f"INSERT INTO queue (id, found, label, body) VALUES (?, {_VERSION} + 1, ?, ?) ON CONFLICT DO NOTHING"
REPLACE_QUEUE: Final = f"UPDATE queue SET found = {_VERSION} + 1, label = ?, body = ? WHERE id = ?"

ROSTER_VERSION: Final = f"SELECT {_VERSION}"
AGENTS_FOUND: Final = "SELECT id, body FROM agent WHERE found > ? ORDER BY found"
QUEUES_FOUND: Final = "SELECT id, body FROM queue WHERE found > ? ORDER BY found"

ENROL: Final = (
    "INSERT INTO member (agent_id, target, status, free, turn)"
    f" SELECT new.agent_id, new.target, a.status, {_free('new.agent_id')}, {_last('new.target', 'a.status')}"
    " FROM (SELECT ? AS agent_id, ? AS target) AS new LEFT JOIN agent AS a ON a.id = new.agent_id"
)
LEAVE: Final = "DELETE FROM member WHERE agent_id = ? AND target = ?"
PLACE: Final = (  # whoever could not receive goes to the end, too
    f"UPDATE member SET status = ?, free = {_free('?')}, turn = CASE"
    f" WHEN ? OR status IS NULL OR NOT free THEN {_last('member.target', '?')} ELSE turn END WHERE agent_id = ?"
)
MOVED: Final = (
    f"UPDATE member SET free = {_free('?')}, turn = {_last('member.target', 'member.status')}"
    " WHERE agent_id = ? AND status IS NOT NULL"
)

MEMBERS: Final = (
    "SELECT a.id, a.body FROM member AS m JOIN agent AS a ON a.id = m.agent_id"
    " WHERE m.target = ? ORDER BY m.agent_id LIMIT ?"
)
ABLE: Final = (
    "SELECT a.id, a.body FROM member AS m JOIN agent AS a ON a.id = m.agent_id"
    " WHERE m.target = ? AND m.status = ? AND m.free = 1 ORDER BY m.turn LIMIT ?"
)
COUNT_READY: Final = "SELECT count(*) FROM member WHERE target = ? AND status = 'ready'"
SERVED: Final = "SELECT target FROM member WHERE agent_id = ?"
