-- The first tables. Times are UTC seconds. JSON stands as text. Nothing is counted beside its rows.

CREATE TABLE versions (
    workflow    TEXT    NOT NULL,
    version     INTEGER NOT NULL,   -- 1, 2, 3 … for each workflow
    digest      TEXT    NOT NULL,   -- of the source
    source      TEXT    NOT NULL,
    created_at  REAL    NOT NULL,
    PRIMARY KEY (workflow, version),
    UNIQUE (workflow, digest)
) STRICT, WITHOUT ROWID;

-- How often the address of a workflow was changed; the token follows from the server's key.
CREATE TABLE addresses (
    workflow  TEXT    NOT NULL PRIMARY KEY,
    rotation  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    number        INTEGER PRIMARY KEY,      -- the order of accepting
    id            TEXT NOT NULL UNIQUE,     -- sorts by time
    workflow      TEXT NOT NULL,
    trigger       TEXT NOT NULL,
    disposition   TEXT NOT NULL CHECK (disposition IN
                  ('accepted', 'ignored', 'duplicate', 'held', 'dropped', 'rejected')),
    received_at   REAL NOT NULL,
    method        TEXT NOT NULL,
    path          TEXT NOT NULL,            -- what follows the token
    query         TEXT NOT NULL,
    headers       TEXT NOT NULL,            -- object, lower-case names
    content_type  TEXT NOT NULL,
    size          INTEGER NOT NULL,
    source_ip     TEXT NOT NULL,
    type          TEXT,                     -- the provider's event type
    delivery_id   TEXT,
    gates         TEXT NOT NULL,            -- [{name, verdict, reason, facts}]
    body          BLOB NOT NULL             -- the raw bytes, last: lists never touch its pages
) STRICT;
CREATE INDEX events_by_workflow ON events (workflow, number);
CREATE INDEX events_rejected ON events (workflow, number) WHERE disposition = 'rejected';

-- What trimming let go, so that a count of refusals stays true.
CREATE TABLE rejected_let_go (
    workflow  TEXT    NOT NULL PRIMARY KEY,
    count     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
    number            INTEGER PRIMARY KEY,  -- the order of accepting
    id                TEXT    NOT NULL UNIQUE,
    event_id          TEXT    NOT NULL REFERENCES events (id),
    workflow          TEXT    NOT NULL,
    version           INTEGER NOT NULL,
    title             TEXT    NOT NULL,
    mode              TEXT    NOT NULL DEFAULT 'live',
    status            TEXT    NOT NULL CHECK (status IN
                      ('queued', 'running', 'waiting', 'succeeded', 'failed', 'filtered', 'cancelled')),
    seed              TEXT    NOT NULL,     -- 128 random bits, hex: uuid() and random choices follow from it
    attempt           INTEGER NOT NULL DEFAULT 1,
    replay_of         TEXT,
    generations       TEXT,                 -- object path → generation, of a replay from the start
    accepted_at       REAL    NOT NULL,
    base_at           REAL,                 -- what now() gives before the first effect
    fence             INTEGER NOT NULL DEFAULT 0,
    turns             INTEGER NOT NULL DEFAULT 0,
    stalled           INTEGER NOT NULL DEFAULT 0,  -- turns begun since the last write of one
    owner             TEXT,
    due_at            REAL,
    waiting_for       TEXT,
    cancel_requested  INTEGER NOT NULL DEFAULT 0,
    reason            TEXT,                 -- {code, sentence, facts}
    output            TEXT,
    answer            TEXT,                 -- {status, headers, body} given to a waiting caller
    trace             TEXT,                 -- what each step of the last turn did
    notes             TEXT,
    started_at        REAL,
    ended_at          REAL,
    CHECK ((status = 'running') = (owner IS NOT NULL)),
    CHECK ((status IN ('queued', 'waiting')) = (due_at IS NOT NULL)),
    CHECK ((status = 'waiting') = (waiting_for IS NOT NULL)),
    CHECK ((status IN ('succeeded', 'failed', 'filtered', 'cancelled')) = (ended_at IS NOT NULL))
) STRICT;
CREATE INDEX runs_by_workflow ON runs (workflow, number);
CREATE INDEX runs_by_event ON runs (event_id);
CREATE INDEX runs_due ON runs (due_at, number) WHERE status IN ('queued', 'waiting');
CREATE INDEX runs_queued ON runs (number) WHERE status = 'queued';
CREATE INDEX runs_owned ON runs (owner) WHERE status = 'running';
CREATE INDEX runs_by_status ON runs (status, number);

-- One row for each effect of a run: an action, or a bound that passed.
CREATE TABLE records (
    run_id        TEXT    NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    path          TEXT    NOT NULL,
    kind          TEXT    NOT NULL,         -- action, steps …
    status        TEXT    NOT NULL CHECK (status IN ('started', 'waiting', 'succeeded', 'failed')),
    attempts      INTEGER NOT NULL,
    generation    INTEGER NOT NULL DEFAULT 0,
    due_at        REAL,
    input         TEXT,                     -- rendered, secrets as their names
    input_digest  TEXT,
    item_digest   TEXT,
    output        TEXT,
    error         TEXT,                     -- {type, message}
    started_at    REAL    NOT NULL,
    ended_at      REAL,
    PRIMARY KEY (run_id, path),
    CHECK ((status = 'waiting') = (due_at IS NOT NULL)),
    CHECK ((status IN ('succeeded', 'failed')) = (ended_at IS NOT NULL))
) STRICT, WITHOUT ROWID;

-- Uploads and binary answers, stored once by their SHA-256.
CREATE TABLE files (
    digest      TEXT    NOT NULL PRIMARY KEY,
    size        INTEGER NOT NULL,
    created_at  REAL    NOT NULL,
    content     BLOB    NOT NULL
) STRICT;
CREATE TABLE file_uses (
    event_id  TEXT NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    digest    TEXT NOT NULL REFERENCES files (digest),
    PRIMARY KEY (event_id, digest)
) STRICT, WITHOUT ROWID;

-- Secrets and connections, sealed by the vault.
CREATE TABLE sealed (
    kind  TEXT NOT NULL,
    name  TEXT NOT NULL,
    blob  BLOB NOT NULL,
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;

-- People are known by their tokens and sessions; only digests of those are kept.
CREATE TABLE tokens (
    digest      TEXT NOT NULL PRIMARY KEY,
    kind        TEXT NOT NULL CHECK (kind IN ('api', 'session', 'link')),
    name        TEXT NOT NULL,
    role        TEXT NOT NULL CHECK (role IN ('viewer', 'editor', 'admin')),
    created_at  REAL NOT NULL,
    expires_at  REAL
) STRICT, WITHOUT ROWID;
