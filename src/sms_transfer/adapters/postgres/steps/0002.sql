-- The functions that a store's operations call. What is called from outside sees PostgreSQL's own functions only,
-- whatever the caller's search_path has.

-- Be the only one who counts this agent's places, until the transaction ends. The row is written, and not only locked:
-- so a transaction that sees an older one (a stricter isolation) fails instead of deciding upon what was.
CREATE FUNCTION sms_transfer.lock_desk(p_agent text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO sms_transfer.desk AS desk (agent_id, version) VALUES (p_agent, 0)
  ON CONFLICT (agent_id) DO UPDATE SET version = desk.version;
END $$;

-- Lock these desks, sorted by their agents' ids, and count a change for those that it concerns, with an entry of My
-- Messages for some.
CREATE FUNCTION sms_transfer.count_up(
  p_agents text[], p_concerned boolean[], p_interaction text, p_entries text[], p_marks boolean[], p_bodies text[],
  p_remembered bigint
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_version bigint;
BEGIN
  FOR i IN 1 .. cardinality(p_agents) LOOP
    IF NOT p_concerned[i] THEN
      PERFORM sms_transfer.lock_desk(p_agents[i]);
      CONTINUE;
    END IF;
    INSERT INTO sms_transfer.desk AS desk (agent_id, version) VALUES (p_agents[i], 1)
    ON CONFLICT (agent_id) DO UPDATE SET version = desk.version + 1 RETURNING version INTO v_version;
    INSERT INTO sms_transfer.change (agent_id, version, interaction_id, entry_id)
    VALUES (p_agents[i], v_version, p_interaction, p_entries[i]);
    IF p_bodies[i] IS NOT NULL THEN
      INSERT INTO sms_transfer.entry AS entry (agent_id, id, number, read, body)
      VALUES (p_agents[i], p_entries[i], v_version, p_marks[i], p_bodies[i])
      ON CONFLICT (agent_id, id) DO UPDATE SET body = excluded.body, read = excluded.read;
    END IF;
    IF v_version % 64 = 0 THEN
      DELETE FROM sms_transfer.change WHERE agent_id = p_agents[i] AND version <= v_version - p_remembered;
    END IF;
  END LOOP;
END $$;

-- How many places this agent has taken (E3): conversations, those that can come back, and invitations still open then.
CREATE FUNCTION sms_transfer.places_taken(p_agent text, p_at timestamptz) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (SELECT count(*) FROM sms_transfer.interaction WHERE holder = p_agent)
    + (SELECT count(*) FROM sms_transfer.interaction WHERE kept_for = p_agent)
    + (SELECT count(*) FROM sms_transfer.interaction WHERE invitee = p_agent AND offered_until > p_at);
END $$;

-- Say in all that this agent serves whether they can receive. The desk is locked, and this began after that, so nothing
-- recent is missed. Deadlines that nothing has recorded yet still count. p_last: they are the least idle now (Q4).
CREATE FUNCTION sms_transfer.place(p_agent text, p_last boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_status text;
  v_free boolean;
BEGIN
  SELECT agent.status, agent.status IS NOT NULL AND agent.capacity > sms_transfer.places_taken(p_agent, '-infinity')
  INTO v_status, v_free FROM sms_transfer.agent WHERE id = p_agent;
  IF FOUND THEN
    UPDATE sms_transfer.member SET status = v_status, free = v_free, moved = nextval('sms_transfer.moved')
    WHERE agent_id = p_agent AND (p_last AND v_free OR (status, free) IS DISTINCT FROM (v_status, v_free));
  END IF;
END $$;

-- Say that this agent has these groups and skills, and had those before. The desk is locked.
CREATE FUNCTION sms_transfer.enrol(p_agent text, p_before text[], p_targets text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF p_before <> p_targets THEN
    DELETE FROM sms_transfer.member
    WHERE agent_id = p_agent AND target = ANY (p_before) AND target <> ALL (p_targets);
    INSERT INTO sms_transfer.member (target, agent_id) SELECT given, p_agent FROM unnest(p_targets) AS given
    ON CONFLICT DO NOTHING;
  END IF;
END $$;

-- Say that these agents, whom nobody need know, serve a queue now, and those no longer. The queue's row is locked.
CREATE FUNCTION sms_transfer.change_members(p_key text, p_come text[], p_gone text[])
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_agent text;
BEGIN
  FOR v_agent IN SELECT given FROM unnest(p_come || p_gone) AS given ORDER BY given COLLATE "C" LOOP
    PERFORM sms_transfer.lock_desk(v_agent);
  END LOOP;
  DELETE FROM sms_transfer.member WHERE target = p_key AND agent_id = ANY (p_gone);
  INSERT INTO sms_transfer.member (target, agent_id) SELECT p_key, given FROM unnest(p_come) AS given;
  FOREACH v_agent IN ARRAY p_come LOOP
    PERFORM sms_transfer.place(v_agent, false);
  END LOOP;
END $$;

-- Count up the version of who can be found. Whoever calls it locks nothing after it but what nobody else waits for.
CREATE FUNCTION sms_transfer.next_listed() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_version bigint;
BEGIN
  UPDATE sms_transfer.roster SET version = version + 1 RETURNING version INTO v_version;
  RETURN v_version;
END $$;

-- Refuse a claim (E3, T9). Its desk is locked, and this statement began after that, so nothing recent is missed.
CREATE FUNCTION sms_transfer.check_claim(p_agent text, p_limit bigint, p_at timestamptz, p_invites boolean)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF sms_transfer.places_taken(p_agent, p_at) > p_limit
     OR p_invites AND EXISTS (SELECT FROM sms_transfer.agent WHERE id = p_agent AND has_left)
  THEN
    RAISE EXCEPTION USING ERRCODE = 'SX001', MESSAGE = 'agent', DETAIL = p_agent;
  END IF;
END $$;

-- Keep one request: never over a closed one, nor under an id or a ticket that is taken (F3).
CREATE FUNCTION sms_transfer.keep_transfer(
  p_interaction text, p_id text, p_ticket text, p_live boolean, p_due_at timestamptz, p_sender text, p_target text,
  p_waits_for text, p_rank bigint, p_requested_at timestamptz, p_body text
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE sms_transfer.transfer SET live = p_live, due_at = p_due_at, waits_for = p_waits_for, rank = p_rank,
    requested_at = p_requested_at, body = p_body
  WHERE interaction_id = p_interaction AND id = p_id AND live;
  IF NOT FOUND THEN
    INSERT INTO sms_transfer.name (kind, scope, id, interaction_id, transfer_id)
    VALUES ('transfer', '', p_id, p_interaction, p_id) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
      RAISE EXCEPTION USING ERRCODE = 'SX002', MESSAGE = 'transfer', DETAIL = p_id;
    END IF;
    INSERT INTO sms_transfer.transfer (interaction_id, id, live, due_at, waits_for, rank, requested_at, body)
    VALUES (p_interaction, p_id, p_live, p_due_at, p_waits_for, p_rank, p_requested_at, p_body);
    IF p_sender IS NOT NULL THEN
      INSERT INTO sms_transfer.recent (agent_id, target, number)
      VALUES (p_sender, p_target, nextval('sms_transfer.asked'))
      ON CONFLICT (agent_id, target) DO UPDATE SET number = excluded.number;
    END IF;
  END IF;
  IF p_ticket IS NULL OR EXISTS (
    SELECT FROM sms_transfer.name WHERE kind = 'invitation' AND scope = '' AND id = p_ticket AND transfer_id = p_id
  ) THEN
    RETURN;
  END IF;
  INSERT INTO sms_transfer.name (kind, scope, id, interaction_id, transfer_id)
  VALUES ('invitation', '', p_ticket, p_interaction, p_id) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'SX002', MESSAGE = 'invitation', DETAIL = p_ticket;
  END IF;
END $$;

-- Record a decision, all of it or none.
CREATE FUNCTION sms_transfer.commit_decision(
  p_id text, p_version bigint, p_holder text, p_kept_for text, p_invitee text, p_offered_until timestamptz,
  p_body text,
  p_transfers text[], p_tickets text[], p_live boolean[], p_due_at timestamptz[], p_senders text[], p_targets text[],
  p_waits_for text[], p_ranks bigint[], p_requested_at timestamptz[], p_transfer_bodies text[],
  p_key_agent text, p_key text, p_key_transfer text,
  p_texts text[], p_outbound boolean[], p_text_bodies text[],
  p_events text[],
  p_agents text[], p_concerned boolean[], p_moved text[], p_entries text[], p_marks boolean[], p_entry_bodies text[],
  p_remembered bigint,
  p_claim_agent text, p_claim_limit bigint, p_claim_at timestamptz, p_claim_invites boolean,
  p_channel text, p_ring text
) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_texts integer := cardinality(p_texts);
  v_unsent integer := cardinality(array_positions(p_outbound, true));
  v_events integer := cardinality(p_events);
  v_text integer;
  v_event integer;
  v_taken text;
  v_agent text;
BEGIN
  IF p_version = 1 THEN
    INSERT INTO sms_transfer.interaction
      (id, version, holder, kept_for, invitee, offered_until, texts, events, unsent, turn, body)
    VALUES (p_id, 1, p_holder, p_kept_for, p_invitee, p_offered_until, v_texts, v_events, v_unsent,
      CASE WHEN v_unsent > 0 THEN nextval('sms_transfer.turn') ELSE 0 END, p_body)
    ON CONFLICT DO NOTHING RETURNING 0, 0 INTO v_text, v_event;
  ELSE
    UPDATE sms_transfer.interaction SET
      version = p_version, holder = p_holder, kept_for = p_kept_for, invitee = p_invitee,
      offered_until = p_offered_until,
      texts = texts + v_texts, events = events + v_events, unsent = unsent + v_unsent,
      turn = CASE WHEN unsent = 0 AND v_unsent > 0 THEN nextval('sms_transfer.turn') ELSE turn END, body = p_body
    WHERE id = p_id AND version = p_version - 1
    RETURNING texts - v_texts, events - v_events INTO v_text, v_event;
  END IF;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'SX001', MESSAGE = 'interaction', DETAIL = p_id;
  END IF;

  IF p_key IS NOT NULL THEN
    INSERT INTO sms_transfer.name (kind, scope, id, interaction_id, transfer_id)
    VALUES ('key', p_key_agent, p_key, p_id, p_key_transfer) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
      RAISE EXCEPTION USING ERRCODE = 'SX001', MESSAGE = 'key', DETAIL = p_key;
    END IF;
  END IF;
  IF v_texts > 0 THEN
    WITH fresh AS (
      INSERT INTO sms_transfer.name (kind, scope, id, interaction_id, number)
      SELECT 'message', '', given.id, p_id, v_text + given.number
      FROM unnest(p_texts) WITH ORDINALITY AS given (id, number) ON CONFLICT DO NOTHING RETURNING id
    )
    SELECT given.id INTO v_taken FROM unnest(p_texts) AS given (id) WHERE given.id NOT IN (SELECT id FROM fresh) LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION USING ERRCODE = 'SX001', MESSAGE = 'message', DETAIL = v_taken;
    END IF;
    INSERT INTO sms_transfer.text (interaction_id, number, id, unsent, body)
    SELECT p_id, v_text + given.number, given.id, given.outbound, given.body
    FROM unnest(p_texts, p_outbound, p_text_bodies) WITH ORDINALITY AS given (id, outbound, body, number);
  END IF;

  PERFORM sms_transfer.count_up(p_agents, p_concerned, p_id, p_entries, p_marks, p_entry_bodies, p_remembered);
  IF p_claim_agent IS NOT NULL THEN
    PERFORM sms_transfer.check_claim(p_claim_agent, p_claim_limit, p_claim_at, p_claim_invites);
  END IF;
  IF EXISTS (SELECT FROM sms_transfer.member WHERE agent_id = ANY (p_moved)) THEN
    FOREACH v_agent IN ARRAY p_moved LOOP
      PERFORM sms_transfer.place(v_agent, true);
    END LOOP;
  END IF;

  FOR i IN 1 .. cardinality(p_transfers) LOOP
    PERFORM sms_transfer.keep_transfer(
      p_id, p_transfers[i], p_tickets[i], p_live[i], p_due_at[i], p_senders[i], p_targets[i], p_waits_for[i],
      p_ranks[i], p_requested_at[i], p_transfer_bodies[i]);
  END LOOP;
  INSERT INTO sms_transfer.event (interaction_id, number, written, body)
  SELECT p_id, v_event + given.number, nextval('sms_transfer.written'), given.body
  FROM unnest(p_events) WITH ORDINALITY AS given (body, number);
  IF p_channel IS NOT NULL THEN
    PERFORM pg_notify(p_channel, p_ring);
  END IF;
END $$;

-- All that a need asks for, in one snapshot: a stable function sees what its caller's statement sees.
CREATE FUNCTION sms_transfer.read_need(
  p_interaction text, p_kind text, p_name text, p_load_of text, p_now timestamptz, p_message text,
  p_key_agent text, p_key text, p_agents text[]
) RETURNS TABLE (kind text, id text, body text) LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_interaction text := p_interaction;
  v_transfer text;
BEGIN
  IF p_name IS NOT NULL THEN
    SELECT name.interaction_id, name.transfer_id INTO v_interaction, v_transfer
    FROM sms_transfer.name WHERE name.kind = p_kind AND name.scope = '' AND name.id = p_name;
    RETURN QUERY SELECT 'request', transfer.id, transfer.body
    FROM sms_transfer.transfer WHERE transfer.interaction_id = v_interaction AND transfer.id = v_transfer;
  END IF;
  RETURN QUERY SELECT 'interaction', interaction.id, interaction.body
  FROM sms_transfer.interaction WHERE interaction.id = v_interaction;
  IF p_load_of IS NOT NULL THEN
    RETURN QUERY SELECT 'load', NULL, sms_transfer.places_taken(p_load_of, p_now)::text;
  END IF;
  IF p_message IS NOT NULL THEN
    RETURN QUERY SELECT 'message', text.id, text.body FROM sms_transfer.name JOIN sms_transfer.text USING (interaction_id, number)
    WHERE name.kind = 'message' AND name.scope = '' AND name.id = p_message;
  END IF;
  IF p_key IS NOT NULL THEN
    RETURN QUERY SELECT 'repeated', transfer.id, transfer.body
    FROM sms_transfer.name JOIN sms_transfer.transfer USING (interaction_id)
    WHERE name.kind = 'key' AND name.scope = p_key_agent AND name.id = p_key AND transfer.id = name.transfer_id;
  END IF;
  RETURN QUERY SELECT 'agent', agent.id, agent.body FROM sms_transfer.agent WHERE agent.id = ANY (p_agents);
  -- The first of the line, and not just any: the way there is the index, whatever PostgreSQL thinks how many wait.
  RETURN QUERY SELECT 'waiting', NULL, NULL FROM (
    SELECT FROM sms_transfer.transfer WHERE waits_for IS NOT NULL ORDER BY waits_for LIMIT 1) AS line;
END $$;

-- A desktop, in one snapshot: all of it, or what changed after a version if the changes since are still known.
CREATE FUNCTION sms_transfer.read_desktop(
  p_agent text, p_since bigint, p_known text[], p_texts bigint[], p_remembered bigint
) RETURNS TABLE (kind text, id text, number bigint, mark boolean, body text) LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_version bigint := coalesce((SELECT version FROM sms_transfer.desk WHERE agent_id = p_agent), 0);
  v_partial boolean := coalesce(p_since BETWEEN v_version - p_remembered AND v_version, false) AND p_since >= 0;
  v_about text[];
  v_entries text[];
BEGIN
  RETURN QUERY SELECT 'version', NULL, v_version, v_partial, NULL;
  IF v_partial THEN
    SELECT array_agg(DISTINCT interaction_id) FILTER (WHERE interaction_id IS NOT NULL),
           array_agg(DISTINCT entry_id) FILTER (WHERE entry_id IS NOT NULL) INTO v_about, v_entries
    FROM sms_transfer.change WHERE agent_id = p_agent AND version > p_since;
    v_about := coalesce(v_about, '{}');
    v_entries := coalesce(v_entries, '{}');
    RETURN QUERY SELECT 'about', one, NULL::bigint, NULL::boolean, NULL FROM unnest(v_about) AS one;
    RETURN QUERY SELECT 'about_entry', one, NULL::bigint, NULL::boolean, NULL FROM unnest(v_entries) AS one;
  END IF;
  RETURN QUERY SELECT CASE WHEN holder = p_agent THEN 'owned' ELSE 'offered' END,
    interaction.id, NULL::bigint, NULL::boolean, interaction.body
  FROM sms_transfer.interaction WHERE (holder = p_agent OR invitee = p_agent)
    AND (v_about IS NULL OR interaction.id = ANY (v_about)) ORDER BY interaction.id;
  RETURN QUERY SELECT 'text', text.interaction_id, text.number::bigint, NULL::boolean, text.body
  FROM sms_transfer.interaction JOIN sms_transfer.text ON text.interaction_id = interaction.id
    LEFT JOIN unnest(p_known, p_texts) AS known (interaction_id, texts) ON known.interaction_id = interaction.id
  WHERE holder = p_agent AND (v_about IS NULL OR interaction.id = ANY (v_about))
    AND text.number > coalesce(known.texts, 0) ORDER BY text.interaction_id, text.number;
  RETURN QUERY SELECT 'entry', entry.id, entry.number, entry.read, entry.body
  FROM sms_transfer.entry WHERE agent_id = p_agent AND (v_entries IS NULL OR entry.id = ANY (v_entries))
  ORDER BY entry.number;
END $$;

-- The interactions whose texts wait, those that waited longest first; they go to the end of the row.
CREATE FUNCTION sms_transfer.next_turns(p_limit bigint) RETURNS TABLE (interaction text) LANGUAGE sql
SET search_path = pg_catalog, pg_temp AS $$
  WITH waiting AS (
    SELECT id, turn FROM sms_transfer.interaction WHERE unsent > 0 ORDER BY turn LIMIT p_limit FOR UPDATE SKIP LOCKED
  ), numbered AS (
    SELECT id, turn, nextval('sms_transfer.turn') AS next FROM (SELECT * FROM waiting ORDER BY turn) AS waiting
  ), moved AS (
    UPDATE sms_transfer.interaction SET turn = numbered.next FROM numbered
    WHERE interaction.id = numbered.id RETURNING interaction.id
  )
  SELECT id FROM numbered JOIN moved USING (id) ORDER BY numbered.turn
$$;

-- A page of the feed. Events that nobody has read yet get their places now, when they are committed and can be seen.
CREATE FUNCTION sms_transfer.read_feed(p_after bigint, p_limit bigint)
RETURNS TABLE (place bigint, interaction text, content text) LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_last bigint;
  v_new bigint;
BEGIN
  SELECT last INTO v_last FROM sms_transfer.feed FOR UPDATE;
  IF p_after > v_last THEN
    RAISE EXCEPTION USING ERRCODE = 'SX003', MESSAGE = 'cursor';
  END IF;
  IF v_last - p_after < p_limit THEN
    WITH fresh AS (
      SELECT event.interaction_id, event.number, v_last + row_number() OVER (ORDER BY event.written) AS place
      FROM sms_transfer.event WHERE event.position IS NULL ORDER BY event.written LIMIT p_limit - (v_last - p_after)
    )
    UPDATE sms_transfer.event SET position = fresh.place FROM fresh
    WHERE event.interaction_id = fresh.interaction_id AND event.number = fresh.number;
    GET DIAGNOSTICS v_new = ROW_COUNT;
    UPDATE sms_transfer.feed SET last = v_last + v_new;
  END IF;
  RETURN QUERY SELECT event.position, event.interaction_id, event.body FROM sms_transfer.event
  WHERE event.position > p_after ORDER BY event.position LIMIT p_limit;
END $$;

-- Begin to know an agent; false if there is one. Queues may have named them before.
CREATE FUNCTION sms_transfer.add_agent(
  p_id text, p_has_left boolean, p_status text, p_capacity bigint, p_targets text[], p_body text
) RETURNS boolean LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM sms_transfer.lock_desk(p_id);
  IF EXISTS (SELECT FROM sms_transfer.agent WHERE id = p_id) THEN
    RETURN false;
  END IF;
  INSERT INTO sms_transfer.agent (id, has_left, status, capacity, targets, listed, body)
  VALUES (p_id, p_has_left, p_status, p_capacity, p_targets, sms_transfer.next_listed(), p_body);
  PERFORM sms_transfer.enrol(p_id, '{}', p_targets);
  PERFORM sms_transfer.place(p_id, false);
  RETURN true;
END $$;

-- Change a record. It takes the desk's lock, so it stands before or after an invitation, and never beside it (T9).
CREATE FUNCTION sms_transfer.replace_agent(
  p_id text, p_known text, p_has_left boolean, p_status text, p_capacity bigint, p_targets text[], p_body text,
  p_last boolean, p_listed boolean
) RETURNS boolean LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_before text[];
BEGIN
  PERFORM sms_transfer.lock_desk(p_id);
  SELECT targets INTO v_before FROM sms_transfer.agent WHERE id = p_id AND body = p_known;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  UPDATE sms_transfer.agent SET has_left = p_has_left, status = p_status, capacity = p_capacity, targets = p_targets,
    listed = CASE WHEN p_listed THEN sms_transfer.next_listed() ELSE listed END, body = p_body
  WHERE id = p_id;
  PERFORM sms_transfer.enrol(p_id, v_before, p_targets);
  PERFORM sms_transfer.place(p_id, p_last);
  RETURN true;
END $$;

-- Begin to know a queue or routing point; false if there is one.
CREATE FUNCTION sms_transfer.add_queue(p_key text, p_label text, p_body text, p_come text[])
RETURNS boolean LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO sms_transfer.queue (key, label, listed, body) VALUES (p_key, p_label, 0, p_body) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  PERFORM sms_transfer.change_members(p_key, p_come, '{}');
  UPDATE sms_transfer.queue SET listed = sms_transfer.next_listed() WHERE key = p_key;
  RETURN true;
END $$;

CREATE FUNCTION sms_transfer.replace_queue(
  p_key text, p_known text, p_label text, p_body text, p_come text[], p_gone text[]
) RETURNS boolean LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE sms_transfer.queue SET label = p_label, body = p_body WHERE key = p_key AND body = p_known;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  PERFORM sms_transfer.change_members(p_key, p_come, p_gone);
  UPDATE sms_transfer.queue SET listed = sms_transfer.next_listed() WHERE key = p_key;
  RETURN true;
END $$;

-- Who can be found (T2), in one snapshot: all of them, or those who changed after a version that was given.
CREATE FUNCTION sms_transfer.read_roster(p_since bigint)
RETURNS TABLE (kind text, id text, number bigint, mark boolean, body text) LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_version bigint := (SELECT version FROM sms_transfer.roster);
  v_complete boolean := p_since IS NULL OR p_since NOT BETWEEN 0 AND v_version;
  v_since bigint := CASE WHEN v_complete THEN -1 ELSE p_since END;
BEGIN
  RETURN QUERY SELECT 'version', NULL, v_version, v_complete, NULL;
  IF v_since < v_version THEN
    RETURN QUERY SELECT 'agent', agent.id, NULL::bigint, NULL::boolean, agent.body
    FROM sms_transfer.agent WHERE agent.listed > v_since;
    RETURN QUERY SELECT 'queue', queue.key, NULL::bigint, NULL::boolean, queue.body
    FROM sms_transfer.queue WHERE queue.listed > v_since;
  END IF;
END $$;

CREATE FUNCTION sms_transfer.read_loads(p_agents text[], p_at timestamptz)
RETURNS TABLE (id text, load bigint) LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT given, sms_transfer.places_taken(given, p_at) FROM unnest(p_agents) AS given;
END $$;

-- A gateway took this text; saying so twice does no harm.
CREATE FUNCTION sms_transfer.mark_sent(p_id text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_interaction text;
  v_number integer;
BEGIN
  SELECT interaction_id, number INTO v_interaction, v_number
  FROM sms_transfer.name WHERE kind = 'message' AND scope = '' AND id = p_id;
  UPDATE sms_transfer.text SET unsent = false WHERE interaction_id = v_interaction AND number = v_number AND unsent;
  IF FOUND THEN
    UPDATE sms_transfer.interaction SET unsent = unsent - 1 WHERE id = v_interaction;
  END IF;
END $$;

-- My Messages (D4): true if there is such an entry; a change only if there was one.
CREATE FUNCTION sms_transfer.mark_read(p_agent text, p_id text, p_read boolean, p_remembered bigint)
RETURNS boolean LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM FROM sms_transfer.desk WHERE agent_id = p_agent FOR UPDATE;
  UPDATE sms_transfer.entry SET read = p_read WHERE agent_id = p_agent AND id = p_id AND read <> p_read;
  IF FOUND THEN
    PERFORM sms_transfer.count_up(
      ARRAY[p_agent], ARRAY[true], NULL, ARRAY[p_id], ARRAY[NULL]::boolean[], ARRAY[NULL]::text[], p_remembered);
    RETURN true;
  END IF;
  RETURN EXISTS (SELECT FROM sms_transfer.entry WHERE agent_id = p_agent AND id = p_id);
END $$;

CREATE FUNCTION sms_transfer.delete_entry(p_agent text, p_id text, p_remembered bigint)
RETURNS boolean LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM FROM sms_transfer.desk WHERE agent_id = p_agent FOR UPDATE;
  DELETE FROM sms_transfer.entry WHERE agent_id = p_agent AND id = p_id;
  IF FOUND THEN
    PERFORM sms_transfer.count_up(
      ARRAY[p_agent], ARRAY[true], NULL, ARRAY[p_id], ARRAY[NULL]::boolean[], ARRAY[NULL]::text[], p_remembered);
    RETURN true;
  END IF;
  RETURN false;
END $$;
