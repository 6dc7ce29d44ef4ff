-- What moving a maildrop here from another store leaves (pillarbox.store.cluster.moving).

-- Which maildrop it is, also when its user gets another one later.
ALTER TABLE maildrops ADD COLUMN id UUID NOT NULL DEFAULT gen_random_uuid();

-- While it is not complete, hold is the process that leases all its views and never dies, and mover the
-- one that moves it. standing is how the views were left: whether they have been used since.
CREATE TABLE arrivals (
    maildrop TEXT NOT NULL PRIMARY KEY,
    origin TEXT NOT NULL,
    next_seq BIGINT NOT NULL,
    complete BOOLEAN NOT NULL,
    standing TEXT NOT NULL,
    hold UUID,
    mover UUID
);

-- Marks of all that was brought: some messages in a row, by the first of their sequence numbers then.
CREATE TABLE brought (
    maildrop TEXT NOT NULL,
    seq BIGINT NOT NULL,
    marks BYTEA NOT NULL,
    PRIMARY KEY (maildrop, seq)
);
