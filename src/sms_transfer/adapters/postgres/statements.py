"""The statements, one for each of a store's operations; ``{s}`` is the schema.

What needs more than one step is a function in the database: `sms_transfer.adapters.postgres.schema`.
"""

from __future__ import annotations

from typing import Final, LiteralString

AGENTS: Final[LiteralString] = "SELECT id, body FROM {s}.agent WHERE id = ANY (%s)"
ADD_AGENT: Final[LiteralString] = "SELECT {s}.add_agent(%s, %s, %s, %s, %s, %s)"
REPLACE_AGENT: Final[LiteralString] = "SELECT {s}.replace_agent(%s, %s, %s, %s, %s, %s, %s, %s, %s)"
READ: Final[LiteralString] = "SELECT kind, id, body FROM {s}.read_need(%s, %s, %s, %s, %s, %s, %s, %s, %s)"
# Lists of texts go as %b, in binary form: as text, every quotation mark in every body would be escaped, one by one.
COMMIT: Final[LiteralString] = (
    "SELECT {s}.commit_decision("
    "%s, %s, %s, %s, %s, %s, %s, "  # the interaction
    "%b, %b, %s, %s, %b, %b, %b, "  # transfers: id, ticket, live, when due, sender, target, what it waits for
    "%s, %s, %b, "  # their rank, age and body
    "%s, %s, %s, "  # the key
    "%b, %s, %b, "  # texts: id, outbound, body
    "%b, "  # events
    "%b, %s, %b, "  # desks: agent, whether it counts a change; whose places may have changed
    "%b, %s, %b, %s, "  # entry's id, its mark, its body; how many changes are remembered
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
SELECT id FROM {s}.transfer WHERE live AND due_at <= %s ORDER BY due_at, id LIMIT %s FOR UPDATE SKIP LOCKED
"""
UNSENT: Final[LiteralString] = "SELECT interaction FROM {s}.next_turns(%s)"
NEXT_UNSENT: Final[LiteralString] = """
SELECT id, body FROM {s}.text WHERE interaction_id = %s AND unsent ORDER BY number LIMIT 1
"""
MARK_SENT: Final[LiteralString] = "SELECT {s}.mark_sent(%s)"
MARK_READ: Final[LiteralString] = "SELECT {s}.mark_read(%s, %s, %s, %s)"
DELETE_ENTRY: Final[LiteralString] = "SELECT {s}.delete_entry(%s, %s, %s)"

# What agents serve together.
QUEUES: Final[LiteralString] = "SELECT key, body FROM {s}.queue WHERE key = ANY (%s)"
QUEUE_NAMES: Final[LiteralString] = "SELECT key, label FROM {s}.queue WHERE key = ANY (%s)"
ADD_QUEUE: Final[LiteralString] = "SELECT {s}.add_queue(%s, %s, %s, %s)"
REPLACE_QUEUE: Final[LiteralString] = "SELECT {s}.replace_queue(%s, %s, %s, %s, %s, %s)"
MEMBERS: Final[LiteralString] = """
SELECT agent.id, agent.body FROM {s}.member JOIN {s}.agent ON agent.id = member.agent_id
WHERE member.target = %s ORDER BY member.agent_id LIMIT %s
"""
# One status after the other, so that each is read in the order of the index. Each body by itself: PostgreSQL thinks a
# limit large that it does not know, and would read the whole table for a join.
ABLE: Final[LiteralString] = """
SELECT agent_id, (SELECT body FROM {s}.agent WHERE id = agent_id) FROM (
  SELECT member.agent_id, given.place, member.moved FROM unnest(%s::text[]) WITH ORDINALITY AS given (status, place)
  CROSS JOIN LATERAL (
    SELECT agent_id, moved FROM {s}.member WHERE target = %s AND status = given.status AND free ORDER BY moved LIMIT %s
  ) AS member
  ORDER BY given.place, member.moved LIMIT %s
) AS able ORDER BY place, moved
"""
READY: Final[LiteralString] = """
SELECT given.target, (SELECT count(*) FROM {s}.member WHERE member.target = given.target AND status = 'ready')
FROM unnest(%s::text[]) AS given (target)
"""
SERVED_BY: Final[LiteralString] = "SELECT DISTINCT target FROM {s}.member WHERE agent_id = ANY (%s)"
ROSTER: Final[LiteralString] = "SELECT kind, id, number, mark, body FROM {s}.read_roster(%s)"

# Who waits for an agent.
LOADS: Final[LiteralString] = "SELECT id, load FROM {s}.read_loads(%s, %s)"
# Each line is read in the order of the index, and no further than the limit.
WAITING: Final[LiteralString] = """
SELECT interaction_id, (SELECT body FROM {s}.interaction WHERE interaction.id = interaction_id) FROM (
  SELECT line.* FROM unnest(%s::text[]) AS given (target) CROSS JOIN LATERAL (
    SELECT interaction_id, rank, requested_at, id FROM {s}.transfer
    WHERE waits_for = given.target AND (rank, requested_at, id) > (%s::bigint, %s::timestamptz, %s::text)
    ORDER BY rank, requested_at, id LIMIT %s
  ) AS line
  ORDER BY line.rank, line.requested_at, line.id LIMIT %s
) AS line ORDER BY rank, requested_at, id
"""
# From each target on to the next one, past all that waits for it.
WAITING_TARGETS: Final[LiteralString] = """
WITH RECURSIVE present (target) AS (
  (SELECT waits_for FROM {s}.transfer WHERE waits_for IS NOT NULL ORDER BY waits_for LIMIT 1)
  UNION ALL
  SELECT (SELECT waits_for FROM {s}.transfer WHERE waits_for > present.target ORDER BY waits_for LIMIT 1)
  FROM present WHERE present.target IS NOT NULL
)
SELECT target FROM present WHERE target IS NOT NULL
"""
WAITING_COUNTS: Final[LiteralString] = """
SELECT given.target, (SELECT count(*) FROM {s}.transfer WHERE waits_for = given.target)
FROM unnest(%s::text[]) AS given (target)
"""

# Whom an agent asks often.
FAVOURITES: Final[LiteralString] = "SELECT target FROM {s}.favourite WHERE agent_id = %s ORDER BY number"
MARK_FAVOURITE: Final[LiteralString] = """
INSERT INTO {s}.favourite (agent_id, target) VALUES (%s, %s) ON CONFLICT DO NOTHING RETURNING true
"""
UNMARK_FAVOURITE: Final[LiteralString] = "DELETE FROM {s}.favourite WHERE agent_id = %s AND target = %s RETURNING true"
RECENTS: Final[LiteralString] = "SELECT target FROM {s}.recent WHERE agent_id = %s ORDER BY number DESC LIMIT %s"

# What makes one ask all or nothing inside a transaction of the host's.
SAVE: Final = "SAVEPOINT sms_transfer"
UNDO: Final = "ROLLBACK TO sms_transfer"
KEEP: Final = "RELEASE sms_transfer"
