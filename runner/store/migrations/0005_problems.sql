-- Problems: runs that failed, or wait for a destination that does not answer, by workflow, step and
-- cause. Which runs, and how many, stands at the runs alone.
CREATE TABLE problems (
    number       INTEGER PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,  -- sorts by time
    workflow     TEXT NOT NULL,
    step         TEXT NOT NULL,         -- a path without loop indices; empty: the run as a whole
    cause        TEXT NOT NULL,         -- error type and normalised message, or the destination
    sentence     TEXT NOT NULL,         -- of its first run
    destination  TEXT,                  -- the connection or host that does not answer
    status       TEXT NOT NULL CHECK (status IN ('open', 'closed')),
    opened_at    REAL NOT NULL,         -- of the last opening
    seen_at      REAL,
    seen_by      TEXT,
    closed_at    REAL,
    dismissed_by TEXT,                  -- null where it closed by itself
    note         TEXT,
    told         TEXT NOT NULL DEFAULT 'nothing' CHECK (told IN ('nothing', 'open', 'closed')),
    told_at      REAL,
    CHECK ((status = 'closed') = (closed_at IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX problems_open ON problems (workflow, step, cause) WHERE status = 'open';
CREATE INDEX problems_by_cause ON problems (workflow, step, cause, number);
CREATE INDEX problems_by_status ON problems (status, number);
CREATE INDEX problems_untold ON problems (number) WHERE status <> told AND (status = 'open' OR told = 'open');

ALTER TABLE runs ADD COLUMN problem_id TEXT;
CREATE INDEX runs_by_problem ON runs (problem_id, status, number) WHERE problem_id IS NOT NULL;
CREATE INDEX runs_in_problem ON runs (problem_id, number) WHERE problem_id IS NOT NULL;  -- for lists

-- Messages to people. One is written in the transaction that marks its problem as told, and sent after.
CREATE TABLE notices (
    number      INTEGER PRIMARY KEY,
    kind        TEXT NOT NULL CHECK (kind IN ('open', 'closed', 'many')),
    subject     TEXT NOT NULL,
    text        TEXT NOT NULL,
    avoid       TEXT,                   -- the connection that is what broke
    made_at     REAL NOT NULL,
    due_at      REAL NOT NULL,          -- claimed by moving it ahead
    attempts    INTEGER NOT NULL DEFAULT 0,
    sent_at     REAL,
    way         TEXT,                   -- the connection that it went by
    error       TEXT                    -- why the last attempt failed
) STRICT;
CREATE INDEX notices_unsent ON notices (due_at, number) WHERE sent_at IS NULL;
CREATE INDEX notices_made ON notices (made_at);

-- Replays of many runs: a plan, then its progress, which is the progress of its runs.
CREATE TABLE replays (
    number        INTEGER PRIMARY KEY,
    id            TEXT NOT NULL UNIQUE,
    status        TEXT NOT NULL CHECK (status IN ('planned', 'running', 'paused', 'stopped', 'done')),
    terms         TEXT NOT NULL,        -- what was asked for
    problem_id    TEXT,                 -- where the replay is of one problem
    effects       TEXT NOT NULL,        -- [{step, action, key, included, runs}]
    created_at    REAL NOT NULL,
    created_by    TEXT NOT NULL,
    started_at    REAL,                 -- of the last start: trial and failures in a row count from it
    ended_at      REAL,
    why           TEXT,                 -- why it paused or stopped
    next_at       REAL,                 -- when the rate allows the next run
    owner         TEXT,                 -- the process that moves it on
    owned_until   REAL
) STRICT;
CREATE INDEX replays_by_status ON replays (status, number);
CREATE INDEX replays_by_problem ON replays (problem_id, number) WHERE problem_id IS NOT NULL;

CREATE TABLE replay_items (
    replay_id    TEXT    NOT NULL,      -- written before its replay, in portions
    place        INTEGER NOT NULL,      -- the order of accepting
    run_id       TEXT    NOT NULL,
    class        TEXT    NOT NULL CHECK (class IN ('safe', 'uncertain', 'stale', 'refused')),
    is_included  INTEGER NOT NULL,
    why          TEXT,                  -- why it is refused
    started_at   REAL,
    started_run  TEXT,                  -- the run that goes on: the same one, or the new one
    failure      TEXT,                  -- why it could not be started
    PRIMARY KEY (replay_id, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX replay_items_left ON replay_items (replay_id, place) WHERE is_included = 1 AND started_at IS NULL;
CREATE INDEX replay_items_started ON replay_items (replay_id, started_at) WHERE started_at IS NOT NULL;

-- What is replayed in bulk stands behind what is fresh.
ALTER TABLE runs ADD COLUMN is_behind INTEGER NOT NULL DEFAULT 0;
CREATE INDEX runs_due_behind ON runs (due_at, number) WHERE status IN ('queued', 'waiting') AND is_behind = 1;
