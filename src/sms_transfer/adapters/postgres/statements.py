"""The statements, one for each of a store's operations; ``{s}`` is the schema.

What needs more than one step is a function in the database: `sms_transfer.adapters.postgres.schema`.
"""

from __future__ import annotations

from typing import Final, LiteralString

AGENTS: Final[LiteralString] = "SELECT id, body FROM {s}.agent WHERE id = ANY (%s)"
ADD_AGENT: Final[LiteralString] = """
INSERT INTO {s}.agent (id, has_left, body) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING RETURNING id
"""
REPLACE_AGENT: Final[LiteralString] = "SELECT {s}.replace_agent(%s, %s, %s, %s)"
READ: Final[LiteralString] = "SELECT kind, id, body FROM {s}.read_need(%s, %s, %s, %s, %s, %s, %s, %s, %s)"
# Lists of texts go as %b, in binary form: as text, every quotation mark in every body would be escaped, one by one.
COMMIT: Final[LiteralString] = (
    "SELECT {s}.commit_decision("
    "%s, %s, %s, %s, %s, %s, "  # the interaction
    "%b, %b, %s, %s, %b, "  # transfers: id, ticket, live, deadline, body
    "%s, %s, %s, "  # the key
    "%b, %s, %b, "  # texts: id, outbound, body
    "%b, "  # events
    "%b, %b, %s, %b, %s, "  # desks: agent, entry's id, its mark, its body; how many changes are remembered
    "%s, %s, %s, %s, "  # the claim
    "%s, %s)"  # the doorbell
)
RING: Final[LiteralString] = "SELECT pg_notify(%s, %s)"
DESKTOP: Final[LiteralString] = "SELECT kind, id, number, mark, body FROM {s}.read_desktop(%s, %s, %s, %s, %s)"
TRANSFER: Final[LiteralString] = """
SELECT transfer.body FROM {s}.name JOIN {s}.transfer USING (interaction_id)
WHERE name.kind = 'transfer' AND name.scope = '' AND name.id = %s AND transfer.id = name.id
"""
TRANSCRIPT: Final[LiteralString] = "SELECT id, body FROM {s}.text WHERE interaction_id = %s ORDER BY number"
HISTORY: Final[LiteralString] = "SELECT interaction_id, body FROM {s}.event WHERE interaction_id = %s ORDER BY number"
FEED: Final[LiteralString] = "SELECT place, interaction, content FROM {s}.read_feed(%s, %s)"
DUE: Final[LiteralString] = """
SELECT id FROM {s}.transfer WHERE live AND deadline <= %s ORDER BY deadline, id LIMIT %s FOR UPDATE SKIP LOCKED
"""
UNSENT: Final[LiteralString] = "SELECT interaction FROM {s}.next_turns(%s)"
NEXT_UNSENT: Final[LiteralString] = """
SELECT id, body FROM {s}.text WHERE interaction_id = %s AND unsent ORDER BY number LIMIT 1
"""
MARK_SENT: Final[LiteralString] = "SELECT {s}.mark_sent(%s)"
MARK_READ: Final[LiteralString] = "SELECT {s}.mark_read(%s, %s, %s, %s)"
DELETE_ENTRY: Final[LiteralString] = "SELECT {s}.delete_entry(%s, %s, %s)"

# What makes one ask all or nothing inside a transaction of the host's.
SAVE: Final = "SAVEPOINT sms_transfer"
UNDO: Final = "ROLLBACK TO sms_transfer"
KEEP: Final = "RELEASE sms_transfer"
