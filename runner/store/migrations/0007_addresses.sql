-- Where workflows are reached, under which names they were known, and whom they expect to hear from.
-- Times are UTC seconds.

-- A token derives from `origin` (NULL: the workflow itself) and `rotation`; no two rows derive the same.
ALTER TABLE addresses ADD COLUMN origin TEXT;
ALTER TABLE addresses ADD COLUMN gone_at REAL;      -- since when the workflow has no file
ALTER TABLE addresses ADD COLUMN became TEXT;       -- the workflow that has taken over all of this one
INSERT INTO addresses (workflow, rotation) SELECT DISTINCT workflow, 0 FROM versions WHERE true
ON CONFLICT DO NOTHING;

-- Tokens that answer beside a workflow's own.
CREATE TABLE kept_addresses (
    origin    TEXT    NOT NULL,
    rotation  INTEGER NOT NULL,
    workflow  TEXT    NOT NULL,
    until     REAL,                         -- NULL: as long as the workflow
    PRIMARY KEY (origin, rotation)
) STRICT, WITHOUT ROWID;

-- Paths that answer beside tokens, each of one workflow.
CREATE TABLE paths (
    path      TEXT NOT NULL PRIMARY KEY,
    workflow  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The slug that the keys of an event's effects were made of, where its workflow was renamed since.
ALTER TABLE events ADD COLUMN keyed_as TEXT;

-- A problem of runs, or of a sender from whom nothing comes.
ALTER TABLE problems ADD COLUMN kind TEXT NOT NULL DEFAULT 'runs' CHECK (kind IN ('runs', 'silent'));

-- Which workflows expect an event at least every so often, and since when.
CREATE TABLE expectations (
    workflow  TEXT NOT NULL PRIMARY KEY,
    seconds   REAL NOT NULL,
    since     REAL NOT NULL
) STRICT, WITHOUT ROWID;
