-- Accounts (pillarbox.auth.cluster): the tables of an accounts file (pillarbox.auth.accounts_schema), by the
-- same names and with the same columns, so that one set of statements does for both.
-- "user" is whose something is, by name, whichever source of accounts has that user. Times are seconds
-- since 1970, for people to read.

CREATE TABLE account (
    name TEXT NOT NULL PRIMARY KEY,
    verifier TEXT NOT NULL,
    disabled BOOLEAN NOT NULL DEFAULT FALSE,
    quota_octets BIGINT NOT NULL DEFAULT 0 CHECK (quota_octets >= 0),
    apop_secret BYTEA,
    generation BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);

CREATE TABLE device (
    "user" TEXT NOT NULL,
    device TEXT NOT NULL,
    digest BYTEA NOT NULL,
    scram_sha1 TEXT,
    scram_sha256 TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY ("user", device)
);

CREATE TABLE app_passwords_only (
    "user" TEXT NOT NULL PRIMARY KEY
);

CREATE TABLE scram (
    "user" TEXT NOT NULL,
    hash_name TEXT NOT NULL,
    keys TEXT NOT NULL,
    PRIMARY KEY ("user", hash_name)
);

CREATE TABLE secret (
    name TEXT NOT NULL PRIMARY KEY,
    value BYTEA NOT NULL
);
