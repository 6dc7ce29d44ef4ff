-- Imports into maildrops (pillarbox.app.importing.journal tells what is noted, and why).

CREATE TABLE imports (
    maildrop TEXT NOT NULL PRIMARY KEY,
    run UUID NOT NULL,
    held_until TIMESTAMPTZ NOT NULL
);

CREATE TABLE imported (
    maildrop TEXT NOT NULL,
    digest BYTEA NOT NULL,
    octets BIGINT NOT NULL,
    stored BIGINT NOT NULL DEFAULT 0,
    begun BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (maildrop, digest)
);
