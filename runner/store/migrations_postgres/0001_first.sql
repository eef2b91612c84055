-- The first tables on PostgreSQL: those of the SQLite store that the engine's way needs, as of its
-- migration 0005. Times are UTC seconds. Nothing is counted beside its rows. PgQueuer's own tables
-- are there already.
--
-- JSON that came from outside stands as text: JSONB refuses \u0000, which payloads may hold, and
-- forgets the order of keys. What we made ourselves and SQL reads, reasons and errors, is JSONB.

CREATE TABLE versions (
    workflow    TEXT    NOT NULL,
    version     INTEGER NOT NULL,
    digest      TEXT    NOT NULL,
    source      TEXT    NOT NULL,
    created_at  DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (workflow, version),
    UNIQUE (workflow, digest)
);

CREATE TABLE addresses (
    workflow  TEXT    NOT NULL PRIMARY KEY,
    rotation  INTEGER NOT NULL
);

CREATE TABLE events (
    number        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id            TEXT NOT NULL UNIQUE,
    workflow      TEXT NOT NULL,
    trigger       TEXT NOT NULL,
    disposition   TEXT NOT NULL CHECK (disposition IN
                  ('accepted', 'ignored', 'duplicate', 'held', 'dropped', 'rejected')),
    received_at   DOUBLE PRECISION NOT NULL,
    method        TEXT NOT NULL,
    path          TEXT NOT NULL,
    query         TEXT NOT NULL,
    headers       TEXT NOT NULL,
    content_type  TEXT NOT NULL,
    size          BIGINT NOT NULL,
    source_ip     TEXT NOT NULL,
    type          TEXT,
    delivery_id   TEXT,
    gates         TEXT NOT NULL,
    body          BYTEA NOT NULL
);
CREATE INDEX events_by_workflow ON events (workflow, number);
CREATE INDEX events_rejected ON events (workflow, number) WHERE disposition = 'rejected';
CREATE INDEX events_held ON events (workflow, number) WHERE disposition = 'held';

CREATE TABLE rejected_let_go (
    workflow  TEXT   NOT NULL PRIMARY KEY,
    count     BIGINT NOT NULL
);

CREATE TABLE runs (
    number             BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id                 TEXT    NOT NULL UNIQUE,
    event_id           TEXT    NOT NULL REFERENCES events (id),
    workflow           TEXT    NOT NULL,
    version            INTEGER NOT NULL,
    title              TEXT    NOT NULL,
    mode               TEXT    NOT NULL DEFAULT 'live',
    status             TEXT    NOT NULL CHECK (status IN
                       ('queued', 'running', 'waiting', 'succeeded', 'failed', 'filtered', 'cancelled')),
    seed               TEXT    NOT NULL,
    attempt            INTEGER NOT NULL DEFAULT 1,
    replay_of          TEXT,
    generations        TEXT,
    accepted_at        DOUBLE PRECISION NOT NULL,
    base_at            DOUBLE PRECISION,
    fence              INTEGER NOT NULL DEFAULT 0,
    turns              INTEGER NOT NULL DEFAULT 0,
    stalled            INTEGER NOT NULL DEFAULT 0,
    owner              TEXT,
    due_at             DOUBLE PRECISION,
    waiting_for        TEXT,
    parked_at          TEXT,
    cancel_requested   BOOLEAN NOT NULL DEFAULT FALSE,
    is_behind          BOOLEAN NOT NULL DEFAULT FALSE,
    reason             JSONB,
    output             TEXT,
    answer             TEXT,
    trace              TEXT,
    notes              TEXT,
    started_at         DOUBLE PRECISION,
    ended_at           DOUBLE PRECISION,
    concurrency_key    TEXT,
    concurrency_limit  INTEGER,
    slot               TEXT CHECK (slot IN ('waits', 'holds')),
    place              BIGINT,
    replaced_by        TEXT,
    CHECK ((status = 'running') = (owner IS NOT NULL)),
    CHECK ((status IN ('queued', 'waiting')) = (due_at IS NOT NULL)),
    CHECK ((status = 'waiting') = (waiting_for IS NOT NULL)),
    CHECK ((status IN ('succeeded', 'failed', 'filtered', 'cancelled')) = (ended_at IS NOT NULL))
) WITH (fillfactor = 80);  -- a run's row changes some times: room for that on its own page
CREATE INDEX runs_by_workflow ON runs (workflow, number);
CREATE INDEX runs_by_event ON runs (event_id);
CREATE INDEX runs_due ON runs (due_at, number)
    WHERE status IN ('queued', 'waiting') AND slot IS DISTINCT FROM 'waits';
CREATE INDEX runs_queued ON runs (number) WHERE status = 'queued';
CREATE INDEX runs_owned ON runs (owner) WHERE status = 'running';
CREATE INDEX runs_parked ON runs (parked_at, number) WHERE status = 'waiting' AND parked_at IS NOT NULL;
CREATE INDEX runs_in_line ON runs (workflow, concurrency_key, slot, place) WHERE slot IS NOT NULL;

CREATE TABLE records (
    run_id          TEXT    NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    path            TEXT    NOT NULL,
    kind            TEXT    NOT NULL,
    status          TEXT    NOT NULL CHECK (status IN ('started', 'waiting', 'succeeded', 'failed')),
    attempts        INTEGER NOT NULL,
    generation      INTEGER NOT NULL DEFAULT 0,
    due_at          DOUBLE PRECISION,
    input           TEXT,
    input_digest    TEXT,
    item_digest     TEXT,
    output          TEXT,
    error           JSONB,
    started_at      DOUBLE PRECISION NOT NULL,
    ended_at        DOUBLE PRECISION,
    parked_at       TEXT,
    parked_since    DOUBLE PRECISION,
    parked_seconds  DOUBLE PRECISION NOT NULL DEFAULT 0,
    PRIMARY KEY (run_id, path),
    CHECK ((status = 'waiting') = (due_at IS NOT NULL)),
    CHECK ((status IN ('succeeded', 'failed')) = (ended_at IS NOT NULL))
);

CREATE TABLE files (
    digest      TEXT   NOT NULL PRIMARY KEY,
    size        BIGINT NOT NULL,
    created_at  DOUBLE PRECISION NOT NULL,
    content     BYTEA  NOT NULL
);
CREATE TABLE file_uses (
    event_id  TEXT NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    digest    TEXT NOT NULL REFERENCES files (digest),
    PRIMARY KEY (event_id, digest)
);

CREATE TABLE sealed (
    kind  TEXT  NOT NULL,
    name  TEXT  NOT NULL,
    blob  BYTEA NOT NULL,
    PRIMARY KEY (kind, name)
);

CREATE TABLE deliveries (
    workflow    TEXT NOT NULL,
    key         TEXT NOT NULL,
    event_id    TEXT NOT NULL,
    expires_at  DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (workflow, key)
);
CREATE INDEX deliveries_by_end ON deliveries (expires_at);

CREATE TABLE pauses (
    kind   TEXT NOT NULL CHECK (kind IN ('workflow', 'connection', 'host')),
    name   TEXT NOT NULL,
    until  DOUBLE PRECISION,
    why    TEXT NOT NULL,
    by     TEXT NOT NULL,
    at     DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (kind, name)
);

-- Which processes live: each renews its row. By the database's clock, the only one they share.
CREATE TABLE nodes (
    node     TEXT        NOT NULL PRIMARY KEY,
    beat_at  TIMESTAMPTZ NOT NULL
);

-- Whoever changes a key's line holds this lock until its transaction ends, and takes it before it
-- locks a row of the line: in the one order there can be no deadlock.
CREATE FUNCTION lock_line(workflow TEXT, key TEXT) RETURNS BOOLEAN LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock(hashtextextended(workflow || E'\n' || key, 0)) IS NOT NULL
$$;

-- The moves of runs.py, refused here too; and however a run ends, it leaves its line.
CREATE FUNCTION runs_moving() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT (CASE OLD.status
        WHEN 'queued'  THEN NEW.status IN ('running', 'cancelled')
        WHEN 'running' THEN NEW.status IN ('queued', 'waiting', 'succeeded', 'failed', 'filtered', 'cancelled')
        WHEN 'waiting' THEN NEW.status IN ('running', 'cancelled')
        WHEN 'failed'  THEN NEW.status = 'queued'
        ELSE FALSE END)
    THEN
        RAISE EXCEPTION 'a run cannot make this move (execution.md, "Events and runs")';
    END IF;
    IF NEW.ended_at IS NOT NULL THEN
        NEW.slot := NULL;
        NEW.place := NULL;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER runs_moving BEFORE UPDATE OF status ON runs FOR EACH ROW EXECUTE FUNCTION runs_moving();

-- The freed slot goes to the next of its key. The limit is the one that the last of the line brought
-- along: a changed file takes effect.
CREATE FUNCTION runs_slot_freed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lock_line(OLD.workflow, OLD.concurrency_key);
    UPDATE runs SET slot = 'holds', reason = NULL
    WHERE number = (SELECT number FROM runs
                    WHERE workflow = OLD.workflow AND concurrency_key = OLD.concurrency_key
                      AND slot = 'waits' ORDER BY place LIMIT 1)
      AND (SELECT count(*) FROM runs
           WHERE workflow = OLD.workflow AND concurrency_key = OLD.concurrency_key AND slot = 'holds')
        < (SELECT concurrency_limit FROM runs
           WHERE workflow = OLD.workflow AND concurrency_key = OLD.concurrency_key
             AND slot = 'waits' ORDER BY place DESC LIMIT 1);
    RETURN NULL;
END $$;
CREATE TRIGGER runs_slot_freed AFTER UPDATE OF status ON runs FOR EACH ROW
    WHEN (OLD.slot IS NOT NULL AND NEW.slot IS NULL) EXECUTE FUNCTION runs_slot_freed();

-- A run that can be due has a job in PgQueuer's queue, and one that cannot has none: kept so here, in
-- the transaction of whatever changes the run. The job says which turn would begin.
CREATE FUNCTION runs_enqueue() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    job TEXT := NEW.id || ':' || (NEW.turns + 1);
BEGIN
    INSERT INTO pgqueuer (priority, entrypoint, payload, execute_after, dedupe_key, status)
    VALUES (CASE WHEN NEW.is_behind THEN -1 ELSE 0 END, 'turn', convert_to(job, 'UTF8'),
            to_timestamp(NEW.due_at), job, 'queued')
    ON CONFLICT (dedupe_key) WHERE status IN ('queued', 'picked') AND dedupe_key IS NOT NULL
    DO UPDATE SET execute_after = excluded.execute_after, priority = excluded.priority,
                  status = 'queued', queue_manager_id = NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER runs_enqueue_new AFTER INSERT ON runs FOR EACH ROW
    WHEN (NEW.due_at IS NOT NULL AND NEW.slot IS DISTINCT FROM 'waits')
    EXECUTE FUNCTION runs_enqueue();
CREATE TRIGGER runs_enqueue AFTER UPDATE OF status, due_at, slot, is_behind ON runs FOR EACH ROW
    WHEN (NEW.due_at IS NOT NULL AND NEW.slot IS DISTINCT FROM 'waits'
          AND (OLD.due_at, OLD.slot, OLD.is_behind) IS DISTINCT FROM (NEW.due_at, NEW.slot, NEW.is_behind))
    EXECUTE FUNCTION runs_enqueue();

CREATE FUNCTION runs_dequeue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM pgqueuer
    WHERE dedupe_key = OLD.id || ':' || (OLD.turns + 1) AND status IN ('queued', 'picked');
    RETURN NULL;
END $$;
CREATE TRIGGER runs_dequeue AFTER UPDATE OF status, slot ON runs FOR EACH ROW
    WHEN (OLD.due_at IS NOT NULL AND OLD.slot IS DISTINCT FROM 'waits'
          AND (NEW.due_at IS NULL OR NEW.slot = 'waits'))
    EXECUTE FUNCTION runs_dequeue();
