-- The tables; schema.py tells how they work. Wherever it says sms_transfer, the name of the user's choosing is put.

-- holder: on whose desktop it is. kept_for: whose place it takes while a queue owns it (Q2, E3). texts, events: how many
-- there are, so the next one's number. unsent: how many texts wait for the gateway; turn: this interaction's place among
-- those with some.
CREATE TABLE sms_transfer.interaction (
  id             text COLLATE "C" PRIMARY KEY,
  version        bigint NOT NULL,
  holder         text COLLATE "C",
  kept_for       text COLLATE "C",
  invitee        text COLLATE "C",
  offered_until  timestamptz,
  texts          integer NOT NULL,
  events         integer NOT NULL,
  unsent         integer NOT NULL,
  turn           bigint NOT NULL,
  body           text NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX interaction_by_holder ON sms_transfer.interaction (holder) WHERE holder IS NOT NULL;
CREATE INDEX interaction_by_kept_for ON sms_transfer.interaction (kept_for) WHERE kept_for IS NOT NULL;
CREATE INDEX interaction_by_invitee ON sms_transfer.interaction (invitee) WHERE invitee IS NOT NULL;
CREATE INDEX interaction_by_turn ON sms_transfer.interaction (turn) WHERE unsent > 0;
CREATE SEQUENCE sms_transfer.turn;

-- waits_for: the target that it is ROUTING to. rank: its priority, the highest being least, so that a line is in one
-- direction (Q3).
CREATE TABLE sms_transfer.transfer (
  interaction_id  text COLLATE "C" NOT NULL,
  id              text COLLATE "C" NOT NULL,
  live            boolean NOT NULL,
  due_at          timestamptz NOT NULL,
  waits_for       text COLLATE "C",
  rank            bigint NOT NULL,
  requested_at    timestamptz NOT NULL,
  body            text NOT NULL,
  PRIMARY KEY (interaction_id, id)
);
CREATE INDEX transfer_by_due_at ON sms_transfer.transfer (due_at) WHERE live;
CREATE INDEX transfer_in_line ON sms_transfer.transfer (waits_for, rank, requested_at, id) WHERE waits_for IS NOT NULL;

CREATE TABLE sms_transfer.text (
  interaction_id  text COLLATE "C" NOT NULL,
  number          integer NOT NULL,
  id              text COLLATE "C" NOT NULL,
  unsent          boolean NOT NULL,
  body            text NOT NULL,
  PRIMARY KEY (interaction_id, number)
);
CREATE INDEX text_unsent ON sms_transfer.text (interaction_id, number) WHERE unsent;

-- written: the order of writing, right for each interaction. position: the place in the feed, given by read_feed.
CREATE TABLE sms_transfer.event (
  interaction_id  text COLLATE "C" NOT NULL,
  number          integer NOT NULL,
  written         bigint NOT NULL,
  position        bigint,
  body            text NOT NULL,
  PRIMARY KEY (interaction_id, number)
);
CREATE SEQUENCE sms_transfer.written;
CREATE INDEX event_without_position ON sms_transfer.event (written) WHERE position IS NULL;
CREATE INDEX event_by_position ON sms_transfer.event (position) WHERE position IS NOT NULL;
-- One row: the last place given. Whoever holds its lock gives the next ones.
CREATE TABLE sms_transfer.feed (last bigint NOT NULL);
INSERT INTO sms_transfer.feed VALUES (0);

-- What may be used once only: ids of texts ('message', with its number), of transfers and of invitations (with their
-- transfer), and idempotency keys ('key', in the scope of their agent, with their transfer).
CREATE TABLE sms_transfer.name (
  kind            text COLLATE "C" NOT NULL,
  scope           text COLLATE "C" NOT NULL,
  id              text COLLATE "C" NOT NULL,
  interaction_id  text COLLATE "C" NOT NULL,
  transfer_id     text COLLATE "C",
  number          integer,
  PRIMARY KEY (kind, scope, id)
);

-- status: null for whoever is logged out or in do-not-disturb. targets: the agent groups and skills of the record.
-- listed: the roster's version when it last changed who can be found.
CREATE TABLE sms_transfer.agent (
  id        text COLLATE "C" PRIMARY KEY,
  has_left  boolean NOT NULL,
  status    text COLLATE "C",
  capacity  bigint NOT NULL,
  targets   text[] NOT NULL,
  listed    bigint NOT NULL,
  body      text NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX agent_by_listed ON sms_transfer.agent (listed);

-- Queues and routing points. key: the target.
CREATE TABLE sms_transfer.queue (
  key     text COLLATE "C" PRIMARY KEY,
  label   text NOT NULL,
  listed  bigint NOT NULL,
  body    text NOT NULL
);
CREATE INDEX queue_by_listed ON sms_transfer.queue (listed);

-- One row: the version of who can be found (T2). It is locked until the change that counts it up is committed, so
-- nothing is committed later under a lower one.
CREATE TABLE sms_transfer.roster (version bigint NOT NULL);
INSERT INTO sms_transfer.roster VALUES (0);

-- Who serves which target; members of a queue need not be known. status: the agent's. free: whether they are there and
-- have a free place. moved: the number of the last change, so the longest idle have the smallest (Q4).
CREATE TABLE sms_transfer.member (
  target    text COLLATE "C" NOT NULL,
  agent_id  text COLLATE "C" NOT NULL,
  status    text COLLATE "C",
  free      boolean NOT NULL DEFAULT false,
  moved     bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (target, agent_id)
);
CREATE INDEX member_by_agent ON sms_transfer.member (agent_id);
CREATE INDEX member_by_status ON sms_transfer.member (target, status, free, moved) WHERE status IS NOT NULL;
CREATE SEQUENCE sms_transfer.moved;

-- Whom an agent marked, and whom they asked, each once. number: the order.
CREATE SEQUENCE sms_transfer.asked;
CREATE TABLE sms_transfer.favourite (
  agent_id  text COLLATE "C" NOT NULL,
  target    text COLLATE "C" NOT NULL,
  number    bigint NOT NULL DEFAULT nextval('sms_transfer.asked'),
  PRIMARY KEY (agent_id, target)
);
CREATE TABLE sms_transfer.recent (
  agent_id  text COLLATE "C" NOT NULL,
  target    text COLLATE "C" NOT NULL,
  number    bigint NOT NULL,
  PRIMARY KEY (agent_id, target)
);
CREATE INDEX recent_by_number ON sms_transfer.recent (agent_id, number);

-- version: counts the changes that concern the agent, and its row is the lock under which places are counted (E3).
CREATE TABLE sms_transfer.desk (
  agent_id  text COLLATE "C" PRIMARY KEY,
  version   bigint NOT NULL
) WITH (fillfactor = 50);

-- What each change was about.
CREATE TABLE sms_transfer.change (
  agent_id        text COLLATE "C" NOT NULL,
  version         bigint NOT NULL,
  interaction_id  text COLLATE "C",
  entry_id        text COLLATE "C",
  PRIMARY KEY (agent_id, version)
);

-- My Messages. number: the desk's version when it came, so their order.
CREATE TABLE sms_transfer.entry (
  agent_id  text COLLATE "C" NOT NULL,
  id        text COLLATE "C" NOT NULL,
  number    bigint NOT NULL,
  read      boolean NOT NULL,
  body      text NOT NULL,
  PRIMARY KEY (agent_id, id)
);
