-- What starts by itself: schedules and polls. Times are UTC seconds.
-- contracts since 0011

-- When a workflow's schedule comes next: a firing is one compare-and-set on next_at.
CREATE TABLE schedules (
    workflow     TEXT    NOT NULL PRIMARY KEY,
    spec         TEXT    NOT NULL,              -- what next_at was computed from
    since        REAL    NOT NULL,              -- `every` counts from here
    next_at      REAL    NOT NULL,
    last_at      REAL,                          -- when the last firing with a run was due
    fired_at     REAL,                          -- and when it was made
    event_id     TEXT,                          -- its event
    skipped      INTEGER NOT NULL DEFAULT 0,    -- firings since then that started nothing
    skipped_why  TEXT
) STRICT, WITHOUT ROWID;

-- How a workflow's poll is doing; one process polls at a time: its owner, until a time.
CREATE TABLE polls (
    workflow       TEXT    NOT NULL PRIMARY KEY,
    spec           TEXT    NOT NULL,            -- digest of what is asked and how items are told apart
    next_at        REAL    NOT NULL,
    is_begun       INTEGER NOT NULL DEFAULT 0,  -- what was there at first is known
    polled_at      REAL,                        -- the last one that succeeded
    found          INTEGER NOT NULL DEFAULT 0,  -- items in it
    failures       INTEGER NOT NULL DEFAULT 0,  -- in a row
    failing_since  REAL,
    error          TEXT,                        -- why the last one gave nothing, or not all
    owner          TEXT,
    owned_until    REAL
) STRICT, WITHOUT ROWID;

-- The items that a workflow knows, by their ids, and when a list had them last (to the day).
CREATE TABLE polled (
    workflow  TEXT NOT NULL,
    id        TEXT NOT NULL,
    seen_at   REAL NOT NULL,
    PRIMARY KEY (workflow, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX polled_by_age ON polled (workflow, seen_at);

-- A poll that fails again and again is a problem, too.
ALTER TABLE problems ADD COLUMN kind_of TEXT NOT NULL DEFAULT 'runs'
    CHECK (kind_of IN ('runs', 'silent', 'poll'));
UPDATE problems SET kind_of = kind;
ALTER TABLE problems DROP COLUMN kind;
ALTER TABLE problems RENAME COLUMN kind_of TO kind;
