-- The texts that people are working on, and who made which version. Times are UTC seconds.
-- contracts since 0016

CREATE TABLE drafts (
    workflow  TEXT    NOT NULL,
    person    TEXT    NOT NULL,     -- the key of whoever writes it
    by        TEXT    NOT NULL,     -- and the name, for the others
    name      TEXT,                 -- of the workflow, as the text has it
    text      TEXT    NOT NULL,
    revision  INTEGER NOT NULL,     -- goes up with each save and is never given twice
    base      INTEGER,              -- the version that it began from
    saved_at  REAL    NOT NULL,
    PRIMARY KEY (workflow, person)
) STRICT;
CREATE INDEX drafts_by_base ON drafts (workflow, base);

-- A text that is published again is a version again: of a digest there may be several now.
CREATE TABLE versions_with_authors (
    workflow    TEXT    NOT NULL,
    version     INTEGER NOT NULL,   -- 1, 2, 3 … for each workflow
    digest      TEXT    NOT NULL,   -- of the source and of what it was read with
    source      TEXT    NOT NULL,
    created_at  REAL    NOT NULL,
    defaults    TEXT,               -- what it took of the folder's `_defaults.yaml`
    vars        TEXT,               -- those that the server set
    author      TEXT,               -- who published it here; NULL: the file was changed otherwise
    message     TEXT,               -- what the author said of it
    PRIMARY KEY (workflow, version)
) STRICT, WITHOUT ROWID;
INSERT INTO versions_with_authors (workflow, version, digest, source, created_at, defaults, vars)
SELECT workflow, version, digest, source, created_at, defaults, vars FROM versions;
DROP TABLE versions;
ALTER TABLE versions_with_authors RENAME TO versions;
CREATE INDEX versions_by_digest ON versions (workflow, digest, version);
