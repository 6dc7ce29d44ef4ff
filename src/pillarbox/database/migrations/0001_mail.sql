-- The cluster engine's tables (pillarbox.store.cluster tells their theory).
-- Every key begins with what spreads: a user's name, or a random identifier.

CREATE TABLE maildrops (
    name TEXT NOT NULL PRIMARY KEY,
    next_seq BIGINT NOT NULL DEFAULT 1,
    messages BIGINT NOT NULL DEFAULT 0 CHECK (messages >= 0),
    octets BIGINT NOT NULL DEFAULT 0 CHECK (octets >= 0),
    changes BIGINT NOT NULL DEFAULT 0
);

-- token rises with each taking, and begins with the time, so that a view of a name that was there
-- before has none that was used. opening is another name of the session, which its node has chosen
-- before it asked: so a node that never heard an answer can give up what it may have taken.
CREATE TABLE views (
    maildrop TEXT NOT NULL,
    name TEXT NOT NULL,
    unlisted_messages BIGINT NOT NULL DEFAULT 0,
    unlisted_octets BIGINT NOT NULL DEFAULT 0,
    since BIGINT NOT NULL DEFAULT 0,
    changes BIGINT NOT NULL DEFAULT 0,
    token BIGINT NOT NULL,
    holder UUID,
    opening UUID,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    seen_at TIMESTAMPTZ,
    opened_at TIMESTAMPTZ,
    absent BOOLEAN NOT NULL DEFAULT FALSE,
    PRIMARY KEY (maildrop, name)
);

CREATE TABLE processes (
    id UUID NOT NULL PRIMARY KEY,
    node TEXT NOT NULL,
    pid BIGINT NOT NULL,
    alive_until TIMESTAMPTZ NOT NULL
);

CREATE TABLE messages (
    maildrop TEXT NOT NULL,
    seq BIGINT NOT NULL,
    unique_id TEXT NOT NULL,
    octets BIGINT NOT NULL,
    stored BIGINT NOT NULL,
    international BOOLEAN NOT NULL,
    checksum BIGINT NOT NULL,
    received_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    deleted BOOLEAN NOT NULL DEFAULT FALSE,
    object UUID,
    PRIMARY KEY (maildrop, seq)
);

-- What waits for one view only because another has not deleted it: the sweep looks for it.
CREATE INDEX messages_deleted ON messages (maildrop, seq) WHERE deleted;

CREATE TABLE bodies (
    maildrop TEXT NOT NULL,
    seq BIGINT NOT NULL,
    data BYTEA NOT NULL,
    PRIMARY KEY (maildrop, seq)
);

CREATE TABLE hidden (
    maildrop TEXT NOT NULL,
    view TEXT NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (maildrop, view, seq)
);

-- A large body. Announced before it is uploaded; touched whenever a reference comes or goes.
-- Without a reference for long enough it is doomed: whoever would refer to it then is refused.
CREATE TABLE objects (
    id UUID NOT NULL PRIMARY KEY,
    refs BIGINT NOT NULL DEFAULT 0 CHECK (refs >= 0),
    touched_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    doomed_at TIMESTAMPTZ
);

CREATE INDEX objects_unused ON objects (touched_at) WHERE refs = 0;

-- Who has an object: for its references to be counted anew, and few messages have one.
CREATE INDEX messages_objects ON messages (object) WHERE object IS NOT NULL;

-- What a health check writes, to see that it can be written: a row for each node.
CREATE TABLE pulses (
    node TEXT NOT NULL PRIMARY KEY,
    at TIMESTAMPTZ NOT NULL
);

-- Whose turn it is to apply retention: one row.
CREATE TABLE sweeps (
    one BOOLEAN NOT NULL PRIMARY KEY CHECK (one),
    taken_by UUID NOT NULL,
    until TIMESTAMPTZ NOT NULL
);

-- What repair has taken away: bodies that were not whole, or nobody's. An operator removes it.
CREATE TABLE lost (
    id UUID NOT NULL PRIMARY KEY,
    maildrop TEXT NOT NULL,
    unique_id TEXT,
    data BYTEA NOT NULL,
    taken_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    object UUID,
    octets BIGINT,
    received_at TIMESTAMPTZ
);

-- What was lost and not deleted: moving asks for it by maildrop.
CREATE INDEX lost_by_maildrop ON lost (maildrop);

-- A message in lost still refers to its object: should that turn up, the collector leaves it alone.
CREATE INDEX lost_objects ON lost (object) WHERE object IS NOT NULL;

-- Whose the object store's place is (pillarbox.store.cluster.owner): one row. turn counts with the mark there.
CREATE TABLE cluster_identity (
    one BOOLEAN NOT NULL PRIMARY KEY DEFAULT TRUE CHECK (one),
    id UUID NOT NULL DEFAULT gen_random_uuid(),
    turn BIGINT NOT NULL DEFAULT 0,
    turned_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
);

INSERT INTO cluster_identity DEFAULT VALUES;
