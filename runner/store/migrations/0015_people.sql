-- People: who may sign in, what they hold, and what was done by whom.
-- contracts since 0015

CREATE TABLE users (
    id            TEXT    NOT NULL PRIMARY KEY,  -- sorts by time; stays the same for good
    email         TEXT    NOT NULL UNIQUE,       -- case-folded
    name          TEXT    NOT NULL,
    role          TEXT    NOT NULL CHECK (role IN ('viewer', 'editor', 'admin')),
    may_run       INTEGER NOT NULL DEFAULT 0,    -- of a viewer; the others may
    password      TEXT,                          -- as argon2 writes it: with its parameters and salt; null: none yet
    identity      TEXT    UNIQUE,                -- issuer and subject of whoever signs in elsewhere
    created_at    REAL    NOT NULL,
    signed_in_at  REAL,
    disabled_at   REAL
) STRICT, WITHOUT ROWID;

-- Sessions of before belonged to nobody: whoever had one signs in anew.
DELETE FROM tokens WHERE kind <> 'api';
ALTER TABLE tokens ADD COLUMN id TEXT;               -- what lists and forms name it by; it opens nothing
ALTER TABLE tokens ADD COLUMN user_id TEXT REFERENCES users (id) ON DELETE CASCADE;  -- of a session or link
ALTER TABLE tokens ADD COLUMN token_id TEXT;         -- the API token with which a session was opened: they end together
ALTER TABLE tokens ADD COLUMN may_run INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tokens ADD COLUMN made_by TEXT NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN browser TEXT NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN used_at REAL;          -- to the hour
UPDATE tokens SET id = lower(hex(randomblob(8)));
CREATE UNIQUE INDEX tokens_by_id ON tokens (id);
CREATE INDEX tokens_by_user ON tokens (user_id) WHERE user_id IS NOT NULL;

CREATE TABLE audit (
    number    INTEGER PRIMARY KEY,
    at        REAL NOT NULL,
    who_key   TEXT NOT NULL,   -- a user's id, token:NAME, os:NAME of the command line; empty: nobody who is known
    who_name  TEXT NOT NULL,   -- as it was then
    verb      TEXT NOT NULL,
    kind      TEXT NOT NULL,   -- of what it was done to
    name      TEXT NOT NULL,
    facts     TEXT NOT NULL    -- object, without secrets
) STRICT;
CREATE INDEX audit_by_time ON audit (at);
