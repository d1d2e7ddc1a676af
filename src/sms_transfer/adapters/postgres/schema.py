"""The tables and functions in PostgreSQL, made and changed by numbered steps.

A commit is one function call, so it is one round trip and one transaction. Its order matters:

1. the interaction's row is written under its version. From here on nobody else commits to this interaction, so what
   follows (numbers of texts and events, the live transfer) cannot race;
2. ids that may be used once only are put into ``name``;
3. the desks concerned are counted up, in the order of the agents' ids, so that two commits never wait for each other in
   a circle. Each desk's row is locked from here on, so the places of its agent are counted by one commit at a time, and
   by a statement that began after the one before was committed: the last place is taken once (E3);
4. what the interaction has (transfers, texts, events) is written, and the doorbell rung, which PostgreSQL does when and
   if the transaction is committed.

Everything that belongs to one interaction has ``interaction_id`` in its key, and ``name`` and the desks stand by
themselves: the tables can be partitioned, or spread over machines, by interaction id, ``name`` by its own id and the
desks by agent.

Events get their ``position`` in the feed when the feed is first read after they are committed, and not when they are
written: numbers given by the writers would become visible out of order, and a reader that goes by them would skip those
of a slower writer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, LiteralString

import psycopg
from psycopg import sql

from sms_transfer.adapters.postgres.faults import translated
from sms_transfer.core.check import untrusted
from sms_transfer.errors import InvalidValue, UnusableStore

MIGRATION_LOCK: Final = 7_364_021_955_126_402_803
"""The advisory lock under which a schema is made or changed; any number that nobody else uses."""

_TABLES: LiteralString = """
CREATE TABLE {schema}.interaction (
  id             text COLLATE "C" PRIMARY KEY,
  version        bigint NOT NULL,
  holder         text COLLATE "C",
  invitee        text COLLATE "C",
  offered_until  timestamptz,
  texts          integer NOT NULL,
  events         integer NOT NULL,
  unsent         integer NOT NULL,
  turn           bigint NOT NULL,
  body           text NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX interaction_by_holder ON {schema}.interaction (holder) WHERE holder IS NOT NULL;
CREATE INDEX interaction_by_invitee ON {schema}.interaction (invitee) WHERE invitee IS NOT NULL;
CREATE INDEX interaction_by_turn ON {schema}.interaction (turn) WHERE unsent > 0;
CREATE SEQUENCE {schema}.turn;

CREATE TABLE {schema}.transfer (
  interaction_id  text COLLATE "C" NOT NULL,
  id              text COLLATE "C" NOT NULL,
  live            boolean NOT NULL,
  deadline        timestamptz NOT NULL,
  body            text NOT NULL,
  PRIMARY KEY (interaction_id, id)
);
CREATE INDEX transfer_by_deadline ON {schema}.transfer (deadline) WHERE live;

CREATE TABLE {schema}.text (
  interaction_id  text COLLATE "C" NOT NULL,
  number          integer NOT NULL,
  id              text COLLATE "C" NOT NULL,
  unsent          boolean NOT NULL,
  body            text NOT NULL,
  PRIMARY KEY (interaction_id, number)
);
CREATE INDEX text_unsent ON {schema}.text (interaction_id, number) WHERE unsent;

CREATE TABLE {schema}.event (
  interaction_id  text COLLATE "C" NOT NULL,
  number          integer NOT NULL,
  written         bigint NOT NULL,
  position        bigint,
  body            text NOT NULL,
  PRIMARY KEY (interaction_id, number)
);
CREATE SEQUENCE {schema}.written;
CREATE INDEX event_without_position ON {schema}.event (written) WHERE position IS NULL;
CREATE INDEX event_by_position ON {schema}.event (position) WHERE position IS NOT NULL;
CREATE TABLE {schema}.feed (last bigint NOT NULL);
INSERT INTO {schema}.feed VALUES (0);

CREATE TABLE {schema}.name (
  kind            text COLLATE "C" NOT NULL,
  scope           text COLLATE "C" NOT NULL,
  id              text COLLATE "C" NOT NULL,
  interaction_id  text COLLATE "C" NOT NULL,
  transfer_id     text COLLATE "C",
  number          integer,
  PRIMARY KEY (kind, scope, id)
);

CREATE TABLE {schema}.agent (
  id        text COLLATE "C" PRIMARY KEY,
  has_left  boolean NOT NULL,
  body      text NOT NULL
) WITH (fillfactor = 80);

CREATE TABLE {schema}.desk (
  agent_id  text COLLATE "C" PRIMARY KEY,
  version   bigint NOT NULL
) WITH (fillfactor = 50);
CREATE TABLE {schema}.change (
  agent_id        text COLLATE "C" NOT NULL,
  version         bigint NOT NULL,
  interaction_id  text COLLATE "C",
  entry_id        text COLLATE "C",
  PRIMARY KEY (agent_id, version)
);
CREATE TABLE {schema}.entry (
  agent_id  text COLLATE "C" NOT NULL,
  id        text COLLATE "C" NOT NULL,
  number    bigint NOT NULL,
  read      boolean NOT NULL,
  body      text NOT NULL,
  PRIMARY KEY (agent_id, id)
);
"""

_COUNT_UP: LiteralString = """
CREATE FUNCTION {schema}.count_up(
  p_agents text[], p_interaction text, p_entries text[], p_bodies text[], p_remembered bigint
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  WITH counted AS (
    INSERT INTO {schema}.desk AS desk (agent_id, version)
    SELECT agent_id, 1 FROM unnest(p_agents) AS agent_id ORDER BY agent_id COLLATE "C"
    ON CONFLICT (agent_id) DO UPDATE SET version = desk.version + 1
    RETURNING desk.agent_id, desk.version
  ), given AS (
    SELECT * FROM unnest(p_agents, p_entries, p_bodies) AS given (agent_id, entry_id, body)
  ), logged AS (
    INSERT INTO {schema}.change (agent_id, version, interaction_id, entry_id)
    SELECT agent_id, counted.version, p_interaction, given.entry_id FROM counted JOIN given USING (agent_id)
  ), forgotten AS (
    DELETE FROM {schema}.change USING counted
    WHERE change.agent_id = counted.agent_id
      AND counted.version % 64 = 0 AND change.version <= counted.version - p_remembered
  )
  INSERT INTO {schema}.entry AS entry (agent_id, id, number, read, body)
  SELECT agent_id, given.entry_id, counted.version, false, given.body
  FROM counted JOIN given USING (agent_id) WHERE given.body IS NOT NULL
  ON CONFLICT (agent_id, id) DO UPDATE SET body = excluded.body, read = false;
END $$;
"""

_LOCK_DESK: LiteralString = """
CREATE FUNCTION {schema}.lock_desk(p_agent text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO {schema}.desk (agent_id, version) VALUES (p_agent, 0) ON CONFLICT DO NOTHING;
  PERFORM FROM {schema}.desk WHERE agent_id = p_agent FOR UPDATE;
END $$;
"""

_CLAIM: LiteralString = """
CREATE FUNCTION {schema}.check_claim(p_agent text, p_limit bigint, p_at timestamptz, p_invites boolean)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT count(*) FROM {schema}.interaction WHERE holder = p_agent)
     + (SELECT count(*) FROM {schema}.interaction WHERE invitee = p_agent AND offered_until > p_at) > p_limit
     OR p_invites AND EXISTS (SELECT FROM {schema}.agent WHERE id = p_agent AND has_left)
  THEN
    RAISE EXCEPTION USING ERRCODE = 'SX001', MESSAGE = 'agent', DETAIL = p_agent;
  END IF;
END $$;
"""

_KEEP_TRANSFER: LiteralString = """
CREATE FUNCTION {schema}.keep_transfer(
  p_interaction text, p_id text, p_ticket text, p_live boolean, p_deadline timestamptz, p_body text
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE {schema}.transfer SET live = p_live, deadline = p_deadline, body = p_body
  WHERE interaction_id = p_interaction AND id = p_id AND live;
  IF NOT FOUND THEN
    INSERT INTO {schema}.name (kind, scope, id, interaction_id, transfer_id)
    VALUES ('transfer', '', p_id, p_interaction, p_id) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
      RAISE EXCEPTION USING ERRCODE = 'SX002', MESSAGE = 'transfer', DETAIL = p_id;
    END IF;
    INSERT INTO {schema}.transfer (interaction_id, id, live, deadline, body)
    VALUES (p_interaction, p_id, p_live, p_deadline, p_body);
  END IF;
  IF p_ticket IS NULL OR EXISTS (
    SELECT FROM {schema}.name WHERE kind = 'invitation' AND scope = '' AND id = p_ticket AND transfer_id = p_id
  ) THEN
    RETURN;
  END IF;
  INSERT INTO {schema}.name (kind, scope, id, interaction_id, transfer_id)
  VALUES ('invitation', '', p_ticket, p_interaction, p_id) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'SX002', MESSAGE = 'invitation', DETAIL = p_ticket;
  END IF;
END $$;
"""

_COMMIT: LiteralString = """
CREATE FUNCTION {schema}.commit_decision(
  p_id text, p_version bigint, p_holder text, p_invitee text, p_offered_until timestamptz, p_body text,
  p_transfers text[], p_tickets text[], p_live boolean[], p_deadlines timestamptz[], p_transfer_bodies text[],
  p_key_agent text, p_key text, p_key_transfer text,
  p_texts text[], p_outbound boolean[], p_text_bodies text[],
  p_events text[],
  p_agents text[], p_entries text[], p_entry_bodies text[], p_remembered bigint,
  p_claim_agent text, p_claim_limit bigint, p_claim_at timestamptz, p_claim_invites boolean,
  p_channel text, p_ring text
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_texts integer := cardinality(p_texts);
  v_unsent integer := cardinality(array_positions(p_outbound, true));
  v_events integer := cardinality(p_events);
  v_text integer;
  v_event integer;
  v_taken text;
BEGIN
  IF p_version = 1 THEN
    INSERT INTO {schema}.interaction
      (id, version, holder, invitee, offered_until, texts, events, unsent, turn, body)
    VALUES (p_id, 1, p_holder, p_invitee, p_offered_until, v_texts, v_events, v_unsent,
      CASE WHEN v_unsent > 0 THEN nextval({turn}) ELSE 0 END, p_body)
    ON CONFLICT DO NOTHING RETURNING 0, 0 INTO v_text, v_event;
  ELSE
    UPDATE {schema}.interaction SET
      version = p_version, holder = p_holder, invitee = p_invitee, offered_until = p_offered_until,
      texts = texts + v_texts, events = events + v_events, unsent = unsent + v_unsent,
      turn = CASE WHEN unsent = 0 AND v_unsent > 0 THEN nextval({turn}) ELSE turn END, body = p_body
    WHERE id = p_id AND version = p_version - 1
    RETURNING texts - v_texts, events - v_events INTO v_text, v_event;
  END IF;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'SX001', MESSAGE = 'interaction', DETAIL = p_id;
  END IF;

  IF p_key IS NOT NULL THEN
    INSERT INTO {schema}.name (kind, scope, id, interaction_id, transfer_id)
    VALUES ('key', p_key_agent, p_key, p_id, p_key_transfer) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
      RAISE EXCEPTION USING ERRCODE = 'SX001', MESSAGE = 'key', DETAIL = p_key;
    END IF;
  END IF;
  IF v_texts > 0 THEN
    WITH fresh AS (
      INSERT INTO {schema}.name (kind, scope, id, interaction_id, number)
      SELECT 'message', '', given.id, p_id, v_text + given.number
      FROM unnest(p_texts) WITH ORDINALITY AS given (id, number) ON CONFLICT DO NOTHING RETURNING id
    )
    SELECT given.id INTO v_taken FROM unnest(p_texts) AS given (id) WHERE given.id NOT IN (SELECT id FROM fresh) LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION USING ERRCODE = 'SX001', MESSAGE = 'message', DETAIL = v_taken;
    END IF;
    INSERT INTO {schema}.text (interaction_id, number, id, unsent, body)
    SELECT p_id, v_text + given.number, given.id, given.outbound, given.body
    FROM unnest(p_texts, p_outbound, p_text_bodies) WITH ORDINALITY AS given (id, outbound, body, number);
  END IF;

  PERFORM {schema}.count_up(p_agents, p_id, p_entries, p_entry_bodies, p_remembered);
  IF p_claim_agent IS NOT NULL THEN
    IF p_claim_agent <> ALL (p_agents) THEN
      PERFORM {schema}.lock_desk(p_claim_agent);
    END IF;
    PERFORM {schema}.check_claim(p_claim_agent, p_claim_limit, p_claim_at, p_claim_invites);
  END IF;

  FOR i IN 1 .. cardinality(p_transfers) LOOP
    PERFORM {schema}.keep_transfer(
      p_id, p_transfers[i], p_tickets[i], p_live[i], p_deadlines[i], p_transfer_bodies[i]);
  END LOOP;
  INSERT INTO {schema}.event (interaction_id, number, written, body)
  SELECT p_id, v_event + given.number, nextval({written}), given.body
  FROM unnest(p_events) WITH ORDINALITY AS given (body, number);
  IF p_channel IS NOT NULL THEN
    PERFORM pg_notify(p_channel, p_ring);
  END IF;
END $$;
"""

_READ: LiteralString = """
CREATE FUNCTION {schema}.read_need(
  p_interaction text, p_kind text, p_name text, p_load_of text, p_now timestamptz, p_message text,
  p_key_agent text, p_key text, p_agents text[]
) RETURNS TABLE (kind text, id text, body text) LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_interaction text := p_interaction;
  v_transfer text;
BEGIN
  IF p_name IS NOT NULL THEN
    SELECT name.interaction_id, name.transfer_id INTO v_interaction, v_transfer
    FROM {schema}.name WHERE name.kind = p_kind AND name.scope = '' AND name.id = p_name;
    RETURN QUERY SELECT 'request', transfer.id, transfer.body
    FROM {schema}.transfer WHERE transfer.interaction_id = v_interaction AND transfer.id = v_transfer;
  END IF;
  RETURN QUERY SELECT 'interaction', interaction.id, interaction.body
  FROM {schema}.interaction WHERE interaction.id = v_interaction;
  IF p_load_of IS NOT NULL THEN
    RETURN QUERY SELECT 'load', NULL, (
      (SELECT count(*) FROM {schema}.interaction WHERE holder = p_load_of)
      + (SELECT count(*) FROM {schema}.interaction WHERE invitee = p_load_of AND offered_until > p_now))::text;
  END IF;
  IF p_message IS NOT NULL THEN
    RETURN QUERY SELECT 'message', text.id, text.body FROM {schema}.name JOIN {schema}.text USING (interaction_id, number)
    WHERE name.kind = 'message' AND name.scope = '' AND name.id = p_message;
  END IF;
  IF p_key IS NOT NULL THEN
    RETURN QUERY SELECT 'repeated', transfer.id, transfer.body
    FROM {schema}.name JOIN {schema}.transfer USING (interaction_id)
    WHERE name.kind = 'key' AND name.scope = p_key_agent AND name.id = p_key AND transfer.id = name.transfer_id;
  END IF;
  RETURN QUERY SELECT 'agent', agent.id, agent.body FROM {schema}.agent WHERE agent.id = ANY (p_agents);
END $$;
"""

_DESKTOP: LiteralString = """
CREATE FUNCTION {schema}.read_desktop(
  p_agent text, p_since bigint, p_known text[], p_texts bigint[], p_remembered bigint
) RETURNS TABLE (kind text, id text, number bigint, mark boolean, body text) LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_version bigint := coalesce((SELECT version FROM {schema}.desk WHERE agent_id = p_agent), 0);
  v_partial boolean := coalesce(p_since BETWEEN v_version - p_remembered AND v_version, false) AND p_since >= 0;
  v_about text[];
  v_entries text[];
BEGIN
  RETURN QUERY SELECT 'version', NULL, v_version, v_partial, NULL;
  IF v_partial THEN
    SELECT array_agg(DISTINCT interaction_id) FILTER (WHERE interaction_id IS NOT NULL),
           array_agg(DISTINCT entry_id) FILTER (WHERE entry_id IS NOT NULL) INTO v_about, v_entries
    FROM {schema}.change WHERE agent_id = p_agent AND version > p_since;
    v_about := coalesce(v_about, '{{}}');
    v_entries := coalesce(v_entries, '{{}}');
    RETURN QUERY SELECT 'about', one, NULL::bigint, NULL::boolean, NULL FROM unnest(v_about) AS one;
    RETURN QUERY SELECT 'about_entry', one, NULL::bigint, NULL::boolean, NULL FROM unnest(v_entries) AS one;
  END IF;
  RETURN QUERY SELECT CASE WHEN holder = p_agent THEN 'owned' ELSE 'offered' END,
    interaction.id, NULL::bigint, NULL::boolean, interaction.body
  FROM {schema}.interaction WHERE (holder = p_agent OR invitee = p_agent)
    AND (v_about IS NULL OR interaction.id = ANY (v_about)) ORDER BY interaction.id;
  RETURN QUERY SELECT 'text', text.interaction_id, text.number::bigint, NULL::boolean, text.body
  FROM {schema}.interaction JOIN {schema}.text ON text.interaction_id = interaction.id
    LEFT JOIN unnest(p_known, p_texts) AS known (interaction_id, texts) ON known.interaction_id = interaction.id
  WHERE holder = p_agent AND (v_about IS NULL OR interaction.id = ANY (v_about))
    AND text.number > coalesce(known.texts, 0) ORDER BY text.interaction_id, text.number;
  RETURN QUERY SELECT 'entry', entry.id, entry.number, entry.read, entry.body
  FROM {schema}.entry WHERE agent_id = p_agent AND (v_entries IS NULL OR entry.id = ANY (v_entries))
  ORDER BY entry.number;
END $$;
"""

_TURNS: LiteralString = """
CREATE FUNCTION {schema}.next_turns(p_limit bigint) RETURNS TABLE (interaction text) LANGUAGE sql AS $$
  WITH waiting AS (
    SELECT id, turn FROM {schema}.interaction WHERE unsent > 0 ORDER BY turn LIMIT p_limit FOR UPDATE SKIP LOCKED
  ), numbered AS (
    SELECT id, turn, nextval({turn}) AS next FROM (SELECT * FROM waiting ORDER BY turn) AS waiting
  ), moved AS (
    UPDATE {schema}.interaction SET turn = numbered.next FROM numbered
    WHERE interaction.id = numbered.id RETURNING interaction.id
  )
  SELECT id FROM numbered JOIN moved USING (id) ORDER BY numbered.turn
$$;
"""

_FEED: LiteralString = """
CREATE FUNCTION {schema}.read_feed(p_after bigint, p_limit bigint)
RETURNS TABLE (place bigint, interaction text, content text) LANGUAGE plpgsql AS $$
DECLARE
  v_last bigint;
  v_new bigint;
BEGIN
  SELECT last INTO v_last FROM {schema}.feed FOR UPDATE;
  IF p_after > v_last THEN
    RAISE EXCEPTION USING ERRCODE = 'SX003', MESSAGE = 'cursor';
  END IF;
  IF v_last - p_after < p_limit THEN
    WITH fresh AS (
      SELECT event.interaction_id, event.number, v_last + row_number() OVER (ORDER BY event.written) AS place
      FROM {schema}.event WHERE event.position IS NULL ORDER BY event.written LIMIT p_limit - (v_last - p_after)
    )
    UPDATE {schema}.event SET position = fresh.place FROM fresh
    WHERE event.interaction_id = fresh.interaction_id AND event.number = fresh.number;
    GET DIAGNOSTICS v_new = ROW_COUNT;
    UPDATE {schema}.feed SET last = v_last + v_new;
  END IF;
  RETURN QUERY SELECT event.position, event.interaction_id, event.body FROM {schema}.event
  WHERE event.position > p_after ORDER BY event.position LIMIT p_limit;
END $$;
"""

_REPLACE_AGENT: LiteralString = """
CREATE FUNCTION {schema}.replace_agent(p_id text, p_known text, p_has_left boolean, p_body text)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM {schema}.lock_desk(p_id);
  UPDATE {schema}.agent SET has_left = p_has_left, body = p_body WHERE id = p_id AND body = p_known;
  RETURN FOUND;
END $$;
"""

_SENT: LiteralString = """
CREATE FUNCTION {schema}.mark_sent(p_id text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_interaction text;
  v_number integer;
BEGIN
  SELECT interaction_id, number INTO v_interaction, v_number
  FROM {schema}.name WHERE kind = 'message' AND scope = '' AND id = p_id;
  UPDATE {schema}.text SET unsent = false WHERE interaction_id = v_interaction AND number = v_number AND unsent;
  IF FOUND THEN
    UPDATE {schema}.interaction SET unsent = unsent - 1 WHERE id = v_interaction;
  END IF;
END $$;
"""

_ENTRIES: LiteralString = """
CREATE FUNCTION {schema}.mark_read(p_agent text, p_id text, p_read boolean, p_remembered bigint)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM {schema}.desk WHERE agent_id = p_agent FOR UPDATE;
  UPDATE {schema}.entry SET read = p_read WHERE agent_id = p_agent AND id = p_id AND read <> p_read;
  IF FOUND THEN
    PERFORM {schema}.count_up(ARRAY[p_agent], NULL, ARRAY[p_id], ARRAY[NULL]::text[], p_remembered);
    RETURN true;
  END IF;
  RETURN EXISTS (SELECT FROM {schema}.entry WHERE agent_id = p_agent AND id = p_id);
END $$;
CREATE FUNCTION {schema}.delete_entry(p_agent text, p_id text, p_remembered bigint)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM {schema}.desk WHERE agent_id = p_agent FOR UPDATE;
  DELETE FROM {schema}.entry WHERE agent_id = p_agent AND id = p_id;
  IF FOUND THEN
    PERFORM {schema}.count_up(ARRAY[p_agent], NULL, ARRAY[p_id], ARRAY[NULL]::text[], p_remembered);
    RETURN true;
  END IF;
  RETURN false;
END $$;
"""

STEPS: Final[tuple[LiteralString, ...]] = (
    _TABLES
    + _COUNT_UP
    + _LOCK_DESK
    + _CLAIM
    + _KEEP_TRANSFER
    + _COMMIT
    + _READ
    + _DESKTOP
    + _TURNS
    + _FEED
    + _REPLACE_AGENT
    + _SENT
    + _ENTRIES,
)
"""What leads from each version of the schema to the next; the first makes it. Never changed once released."""

_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]{0,62}")


def checked_name(schema: str) -> str:
    """A schema's name, if it can be one.

    Raises:
        InvalidValue: it is not made of letters, digits and underscores, or is too long for PostgreSQL.
    """
    if not isinstance(untrusted(schema), str) or _NAME.fullmatch(schema) is None:
        raise InvalidValue(field="schema", rule="must be 1 to 63 letters, digits or underscores, and no digit first")
    return schema


def migrate(conninfo: str, *, schema: str = "sms_transfer", steps: Sequence[LiteralString] = STEPS) -> int:
    """Make the schema, or bring it up to date, in one transaction; nothing happens if it is.

    Any number of processes may do so at once. A store does it when it is opened, unless it is told not to: call this
    with a role that may create things, and open stores with one that may not.

    Args:
        conninfo: where the database is, in libpq's words.
        schema: what the schema is called.
        steps: for tests.

    Returns:
        How many steps were taken.

    Raises:
        InvalidValue: the schema's name cannot be one.
        UnusableStore: the schema is newer than this code, or holds something else, or the role may not do this.
        StoreUnavailable: the database cannot be reached.
    """
    name = sql.Identifier(checked_name(schema))
    with translated(), psycopg.connect(conninfo) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (MIGRATION_LOCK,))
        known = _version(connection, schema)
        if known > len(steps):
            raise UnusableStore(detail=f"schema {schema} has version {known}, and this code knows {len(steps)}")
        if known == 0:
            connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {schema}").format(schema=name))
            connection.execute(sql.SQL("CREATE TABLE {schema}.version (version integer NOT NULL)").format(schema=name))
            connection.execute(sql.SQL("INSERT INTO {schema}.version VALUES (0)").format(schema=name))
        for step in steps[known:]:
            connection.execute(_composed(step, schema))
        connection.execute(sql.SQL("UPDATE {schema}.version SET version = %s").format(schema=name), (len(steps),))
    return len(steps) - known


def check_version(conninfo: str, *, schema: str = "sms_transfer") -> None:
    """See whether the schema is what this code needs.

    Raises:
        UnusableStore: it is not there, older or newer.
        StoreUnavailable: the database cannot be reached.
    """
    with translated(), psycopg.connect(conninfo) as connection:
        known = _version(connection, checked_name(schema))
    if known != len(STEPS):
        raise UnusableStore(detail=f"schema {schema} has version {known}, and this code needs {len(STEPS)}")


def _composed(step: LiteralString, schema: str) -> sql.Composed:
    return sql.SQL(step).format(
        schema=sql.Identifier(schema),
        turn=sql.Literal(f'"{schema}"."turn"'),
        written=sql.Literal(f'"{schema}"."written"'),
    )


def _version(connection: psycopg.Connection[tuple[object, ...]], schema: str) -> int:
    """The version that the schema has; 0 if there is none."""
    found = connection.execute("SELECT to_regclass(%s)", (f'"{schema}"."version"',)).fetchone()
    if found is None or found[0] is None:
        return 0
    version = sql.SQL("SELECT version FROM {schema}.version").format(schema=sql.Identifier(schema))
    found = connection.execute(version).fetchone()
    return found[0] if found is not None and isinstance(found[0], int) else 0
