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
    " + (SELECT count(*) FROM interaction WHERE invitee = ? AND offered_until > ?)"
)
LOAD: Final = f"SELECT 'load', NULL, {PLACES}"

ADD_AGENT: Final = "INSERT INTO agent (id, has_left, body) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
REPLACE_AGENT: Final = "UPDATE agent SET has_left = ?, body = ? WHERE id = ?"

FIRST_VERSION: Final = (
    "INSERT INTO interaction (version, holder, invitee, offered_until, body, id) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT DO NOTHING"
)
NEXT_VERSION: Final = (
    "UPDATE interaction SET version = ?, holder = ?, invitee = ?, offered_until = ?, body = ?"
    " WHERE id = ? AND version = ?"
)
USE_KEY: Final = "INSERT INTO used_key (agent_id, key, transfer_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
ADD_TEXT: Final = (
    "INSERT INTO text (id, interaction_id, number, unsent, body)"
    " VALUES (?, ?, (SELECT coalesce(max(number) + 1, 0) FROM text WHERE interaction_id = ?), ?, ?)"
    " ON CONFLICT (id) DO NOTHING"
)
CHECK_CLAIM: Final = f"SELECT {PLACES}, (SELECT has_left FROM agent WHERE id = ?)"  # noqa: S608 - a constant in a constant
KEEP_REQUEST: Final = (  # F3: what is closed stays as it is
    "INSERT INTO transfer (id, interaction_id, live, deadline, body) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (id) DO UPDATE SET live = excluded.live, deadline = excluded.deadline, body = excluded.body"
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

DUE: Final = "SELECT id FROM transfer WHERE live AND deadline <= ? ORDER BY deadline, id LIMIT ?"
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
