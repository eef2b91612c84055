-- The tables on PostgreSQL: those of the SQLite store, by the same names, as of its migration 0032.
-- Times are UTC seconds. Flags are 0 or 1. Nothing is counted beside its rows. PgQueuer's own tables
-- are there already.
--
-- JSON that came from outside stands as text: JSONB refuses \u0000, which payloads may hold, and
-- forgets the order of keys. What SQL reads, gates, reasons and errors, is JSONB.

-- Of SQLite's functions those that the statements use which both stores share.
CREATE FUNCTION iif(condition BOOLEAN, yes anycompatible, no anycompatible) RETURNS anycompatible
    LANGUAGE sql IMMUTABLE AS $$ SELECT CASE WHEN condition THEN yes ELSE no END $$;
CREATE FUNCTION min(one anycompatible, other anycompatible) RETURNS anycompatible
    LANGUAGE sql IMMUTABLE AS $$ SELECT CASE WHEN one IS NULL OR other IS NULL THEN NULL ELSE least(one, other) END $$;
CREATE FUNCTION max(one anycompatible, other anycompatible) RETURNS anycompatible
    LANGUAGE sql IMMUTABLE AS $$ SELECT CASE WHEN one IS NULL OR other IS NULL THEN NULL ELSE greatest(one, other) END $$;
CREATE FUNCTION json_extract(value JSONB, path TEXT) RETURNS TEXT
    LANGUAGE sql IMMUTABLE AS $$ SELECT jsonb_path_query_first(value, path::jsonpath) #>> '{}' $$;
-- A text that was not looked at may hold \u0000.
CREATE FUNCTION json_extract(value TEXT, path TEXT) RETURNS TEXT
    LANGUAGE sql IMMUTABLE AS
    $$ SELECT jsonb_path_query_first(replace(value, '\u0000', '\ufffd')::jsonb, path::jsonpath) #>> '{}' $$;

CREATE FUNCTION json_each(list TEXT) RETURNS TABLE (key INTEGER, value TEXT)
    LANGUAGE sql IMMUTABLE ROWS 100 AS
    $$ SELECT (place - 1)::integer, one FROM jsonb_array_elements_text(list::jsonb) WITH ORDINALITY AS x (one, place) $$;
CREATE FUNCTION json_each(list JSONB) RETURNS TABLE (key INTEGER, value JSONB)
    LANGUAGE sql IMMUTABLE ROWS 10 AS
    $$ SELECT (place - 1)::integer, one FROM jsonb_array_elements(list) WITH ORDINALITY AS x (one, place) $$;
CREATE FUNCTION instr(text TEXT, part TEXT) RETURNS INTEGER
    LANGUAGE sql IMMUTABLE AS $$ SELECT strpos(text, part) $$;

CREATE TABLE versions (
    workflow    TEXT    NOT NULL,
    version     BIGINT  NOT NULL,
    digest      TEXT    NOT NULL,
    source      TEXT    NOT NULL,
    created_at  DOUBLE PRECISION NOT NULL,
    defaults    TEXT,
    vars        TEXT,
    author      TEXT,
    message     TEXT,
    PRIMARY KEY (workflow, version)
);
CREATE INDEX versions_by_digest ON versions (workflow, digest, version);
CREATE TABLE tried (
    workflow    TEXT    NOT NULL,
    number      BIGINT  NOT NULL,
    digest      TEXT    NOT NULL,
    source      TEXT    NOT NULL,
    created_at  DOUBLE PRECISION NOT NULL,
    defaults    TEXT,
    vars        TEXT,
    PRIMARY KEY (workflow, number)
);
CREATE TABLE drafts (
    workflow  TEXT    NOT NULL,
    person    TEXT    NOT NULL,
    by        TEXT    NOT NULL,
    name      TEXT,
    text      TEXT    NOT NULL,
    revision  BIGINT  NOT NULL,
    base      BIGINT,
    saved_at  DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (workflow, person)
);
CREATE INDEX drafts_by_base ON drafts (workflow, base);

CREATE TABLE addresses (
    workflow  TEXT    NOT NULL PRIMARY KEY,
    rotation  INTEGER NOT NULL,
    origin    TEXT,
    gone_at   DOUBLE PRECISION,
    became    TEXT,
    live      BIGINT
);
CREATE TABLE kept_addresses (
    origin    TEXT    NOT NULL,
    rotation  INTEGER NOT NULL,
    workflow  TEXT    NOT NULL,
    until     DOUBLE PRECISION,
    PRIMARY KEY (origin, rotation)
);
CREATE TABLE paths (
    path      TEXT NOT NULL PRIMARY KEY,
    workflow  TEXT NOT NULL
);
CREATE TABLE expectations (
    workflow  TEXT NOT NULL PRIMARY KEY,
    seconds   DOUBLE PRECISION NOT NULL,
    since     DOUBLE PRECISION NOT NULL
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
    gates         JSONB NOT NULL,
    body          BYTEA NOT NULL,
    keyed_as      TEXT
);
CREATE INDEX events_by_workflow ON events (workflow, number);
CREATE INDEX events_rejected ON events (workflow, number) WHERE disposition = 'rejected';
CREATE INDEX events_held ON events (workflow, number) WHERE disposition = 'held';
CREATE INDEX events_by_delivery ON events (delivery_id) WHERE delivery_id IS NOT NULL;
CREATE INDEX events_unusual ON events (disposition, workflow, number)
    WHERE disposition IN ('ignored', 'duplicate', 'dropped');
CREATE INDEX events_unusual_newest ON events (disposition, number)
    WHERE disposition IN ('ignored', 'duplicate', 'dropped');
CREATE INDEX events_held_newest ON events (number) WHERE disposition = 'held';

CREATE TABLE rejected_let_go (
    workflow  TEXT   NOT NULL PRIMARY KEY,
    count     BIGINT NOT NULL
);

CREATE TABLE runs (
    number             BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id                 TEXT    NOT NULL UNIQUE,
    event_id           TEXT    NOT NULL REFERENCES events (id),
    workflow           TEXT    NOT NULL,
    version            BIGINT  NOT NULL,
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
    cancel_requested   INTEGER NOT NULL DEFAULT 0,
    is_behind          INTEGER NOT NULL DEFAULT 0,
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
    item               INTEGER,
    problem_id         TEXT,
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
CREATE INDEX runs_by_status ON runs (status, number);
CREATE INDEX runs_failed ON runs (workflow, status, number) WHERE status = 'failed';
CREATE INDEX runs_by_problem ON runs (problem_id, status, number) WHERE problem_id IS NOT NULL;
CREATE INDEX runs_in_problem ON runs (problem_id, number) WHERE problem_id IS NOT NULL;
CREATE INDEX runs_by_version ON runs (workflow, version);

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
    exchanges       TEXT,
    PRIMARY KEY (run_id, path),
    CHECK ((status = 'waiting') = (due_at IS NOT NULL)),
    CHECK ((status IN ('succeeded', 'failed')) = (ended_at IS NOT NULL))
);
CREATE INDEX records_asked ON records (run_id, path) WHERE kind = 'wait_for' AND status = 'waiting';

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
CREATE INDEX file_uses_by_digest ON file_uses (digest);

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
    address  TEXT        NOT NULL DEFAULT '',
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
    VALUES (CASE WHEN NEW.is_behind = 1 THEN -1 ELSE 0 END, 'turn', convert_to(job, 'UTF8'),
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

-- How large it is. Rows that are deleted leave their bytes in the files, which do not shrink: so what is
-- used is added up from the rows themselves, a table of more than so many pages by a part of them, always
-- the same one. A row takes its header, its columns as they are stored, and its entries in the indexes.

CREATE TABLE live_size (
    used_bytes   BIGINT           NOT NULL,
    measured_at  DOUBLE PRECISION NOT NULL  -- and what went since is taken off
);
INSERT INTO live_size (used_bytes, measured_at) VALUES (0, 0);

CREATE FUNCTION bytes_of_row(one REGCLASS) RETURNS TEXT LANGUAGE sql STABLE AS $$
    SELECT format('%s + %s', 32 + 24 * (SELECT count(*) FROM pg_index WHERE indrelid = one AND indpred IS NULL),
                  string_agg(format('coalesce(%s * pg_column_size(%I), 0)', 1 + (
                      SELECT count(*) FROM pg_index
                      WHERE indrelid = one AND indpred IS NULL AND attnum = ANY (indkey)), attname), ' + '))
    FROM pg_attribute WHERE attrelid = one AND attnum > 0 AND NOT attisdropped
$$;
CREATE FUNCTION live_bytes(most_pages BIGINT) RETURNS BIGINT LANGUAGE plpgsql AS $$
DECLARE
    one    REGCLASS;
    pages  BIGINT;
    share  DOUBLE PRECISION;
    found  DOUBLE PRECISION;
    total  DOUBLE PRECISION := 0;
BEGIN
    FOR one IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
    LOOP
        pages := pg_relation_size(one) / current_setting('block_size')::bigint;
        share := least(1.0, most_pages::double precision / greatest(pages, 1));
        EXECUTE format('SELECT coalesce(sum(%s), 0) FROM %s TABLESAMPLE SYSTEM (%s) REPEATABLE (1)',
                       bytes_of_row(one), one, 100 * share) INTO found;
        total := total + found / share;
    END LOOP;
    RETURN total;
END $$;
CREATE FUNCTION live_bytes_of(one REGCLASS, name TEXT, among TEXT) RETURNS BIGINT LANGUAGE plpgsql AS $$
DECLARE
    found  BIGINT;
BEGIN
    EXECUTE format('SELECT coalesce(sum(%s), 0) FROM %s WHERE %I IN (SELECT value FROM json_each($1))',
                   bytes_of_row(one), one, name) INTO found USING among;
    RETURN found;
END $$;

-- Problems, notices, replays.

CREATE TABLE problems (
    number        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id            TEXT NOT NULL UNIQUE,
    workflow      TEXT NOT NULL,
    step          TEXT NOT NULL,
    cause         TEXT NOT NULL,
    sentence      TEXT NOT NULL,
    destination   TEXT,
    status        TEXT NOT NULL CHECK (status IN ('open', 'closed')),
    opened_at     DOUBLE PRECISION NOT NULL,
    seen_at       DOUBLE PRECISION,
    seen_by       TEXT,
    closed_at     DOUBLE PRECISION,
    dismissed_by  TEXT,
    note          TEXT,
    told          TEXT NOT NULL DEFAULT 'nothing' CHECK (told IN ('nothing', 'open', 'closed')),
    told_at       DOUBLE PRECISION,
    kind          TEXT NOT NULL DEFAULT 'runs' CHECK (kind IN ('runs', 'silent', 'poll', 'backlog')),
    CHECK ((status = 'closed') = (closed_at IS NOT NULL))
);
CREATE UNIQUE INDEX problems_open ON problems (workflow, step, cause) WHERE status = 'open';
CREATE INDEX problems_by_cause ON problems (workflow, step, cause, number);
CREATE INDEX problems_by_status ON problems (status, number);
CREATE INDEX problems_untold ON problems (number) WHERE status <> told AND (status = 'open' OR told = 'open');

CREATE TABLE notices (
    number    BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind      TEXT NOT NULL CHECK (kind IN ('open', 'closed', 'many')),
    subject   TEXT NOT NULL,
    text      TEXT NOT NULL,
    avoid     TEXT,
    made_at   DOUBLE PRECISION NOT NULL,
    due_at    DOUBLE PRECISION NOT NULL,
    attempts  INTEGER NOT NULL DEFAULT 0,
    sent_at   DOUBLE PRECISION,
    way       TEXT,
    error     TEXT
);
CREATE INDEX notices_unsent ON notices (due_at, number) WHERE sent_at IS NULL;
CREATE INDEX notices_made ON notices (made_at);

CREATE TABLE replays (
    number       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    status       TEXT NOT NULL CHECK (status IN ('planned', 'running', 'paused', 'stopped', 'done')),
    terms        TEXT NOT NULL,
    problem_id   TEXT,
    effects      TEXT NOT NULL,
    created_at   DOUBLE PRECISION NOT NULL,
    created_by   TEXT NOT NULL,
    started_at   DOUBLE PRECISION,
    ended_at     DOUBLE PRECISION,
    why          TEXT,
    next_at      DOUBLE PRECISION,
    owner        TEXT,
    owned_until  DOUBLE PRECISION
);
CREATE INDEX replays_by_status ON replays (status, number);
CREATE INDEX replays_by_problem ON replays (problem_id, number) WHERE problem_id IS NOT NULL;

CREATE TABLE replay_items (
    replay_id    TEXT    NOT NULL,
    place        BIGINT  NOT NULL,
    run_id       TEXT    NOT NULL,
    class        TEXT    NOT NULL CHECK (class IN ('safe', 'uncertain', 'stale', 'refused')),
    is_included  INTEGER NOT NULL,
    why          TEXT,
    started_at   DOUBLE PRECISION,
    started_run  TEXT,
    failure      TEXT,
    PRIMARY KEY (replay_id, place)
);
CREATE INDEX replay_items_left ON replay_items (replay_id, place) WHERE is_included = 1 AND started_at IS NULL;
CREATE INDEX replay_items_started ON replay_items (replay_id, started_at) WHERE started_at IS NOT NULL;

-- Answers to steps, and runs that call others.

CREATE TABLE answers (
    run_id   TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    path     TEXT NOT NULL,
    value    TEXT,
    made_by  TEXT,
    at       DOUBLE PRECISION NOT NULL,
    files    TEXT,
    PRIMARY KEY (run_id, path)
);

CREATE TABLE calls (
    run_id     TEXT    NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    path       TEXT    NOT NULL,
    child      TEXT    NOT NULL,
    is_waited  INTEGER NOT NULL,
    PRIMARY KEY (run_id, path)
);
CREATE INDEX calls_by_child ON calls (child) WHERE is_waited = 1;

-- Whoever ends a turn waiting, and whoever brings what a waiting run waits for, holds this lock until
-- its transaction ends: one of the two comes second and sees the other's rows.
CREATE FUNCTION lock_waiting(run_id TEXT) RETURNS BOOLEAN LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock(hashtextextended('waiting ' || run_id, 0)) IS NOT NULL
$$;

CREATE FUNCTION runs_child_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lock_waiting(run_id) FROM calls WHERE child = NEW.id AND is_waited = 1 ORDER BY run_id;
    UPDATE runs SET due_at = NEW.ended_at
    WHERE status = 'waiting' AND due_at > NEW.ended_at
      AND id IN (SELECT run_id FROM calls WHERE child = NEW.id AND is_waited = 1);
    RETURN NULL;
END $$;
CREATE TRIGGER runs_child_ended AFTER UPDATE OF status ON runs FOR EACH ROW
    WHEN (NEW.ended_at IS NOT NULL) EXECUTE FUNCTION runs_child_ended();

CREATE FUNCTION runs_caller_cancelled() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE runs SET cancel_requested = 1
    WHERE status = 'running' AND id IN (SELECT child FROM calls WHERE run_id = NEW.id AND is_waited = 1);
    UPDATE runs SET status = 'cancelled', due_at = NULL, waiting_for = NULL, ended_at = NEW.ended_at,
                    reason = jsonb_build_object('code', 'cancelled',
                                                'sentence', 'Cancelled with the run that called it.',
                                                'facts', jsonb_build_object('caller', NEW.id))
    WHERE status IN ('queued', 'waiting')
      AND id IN (SELECT child FROM calls WHERE run_id = NEW.id AND is_waited = 1);
    RETURN NULL;
END $$;
CREATE TRIGGER runs_caller_cancelled AFTER UPDATE OF status ON runs FOR EACH ROW
    WHEN (NEW.status = 'cancelled') EXECUTE FUNCTION runs_caller_cancelled();

-- What starts by itself.

CREATE TABLE schedules (
    workflow     TEXT    NOT NULL PRIMARY KEY,
    spec         TEXT    NOT NULL,
    since        DOUBLE PRECISION NOT NULL,
    next_at      DOUBLE PRECISION NOT NULL,
    last_at      DOUBLE PRECISION,
    fired_at     DOUBLE PRECISION,
    event_id     TEXT,
    skipped      INTEGER NOT NULL DEFAULT 0,
    skipped_why  TEXT
);

CREATE TABLE polls (
    workflow       TEXT    NOT NULL PRIMARY KEY,
    spec           TEXT    NOT NULL,
    next_at        DOUBLE PRECISION NOT NULL,
    is_begun       INTEGER NOT NULL DEFAULT 0,
    polled_at      DOUBLE PRECISION,
    found          INTEGER NOT NULL DEFAULT 0,
    failures       INTEGER NOT NULL DEFAULT 0,
    failing_since  DOUBLE PRECISION,
    error          TEXT,
    owner          TEXT,
    owned_until    DOUBLE PRECISION
);

CREATE TABLE polled (
    workflow  TEXT NOT NULL,
    id        TEXT NOT NULL,
    seen_at   DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (workflow, id)
);
CREATE INDEX polled_by_age ON polled (workflow, seen_at);

-- What workflows keep between their runs.

CREATE TABLE state (
    workflow    TEXT NOT NULL,
    key         TEXT NOT NULL,
    value       TEXT NOT NULL,
    holder      TEXT,
    changed_at  DOUBLE PRECISION NOT NULL,
    expires_at  DOUBLE PRECISION,
    PRIMARY KEY (workflow, key)
);
CREATE INDEX state_by_end ON state (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE state_effects (
    event_id    TEXT NOT NULL,
    key         TEXT NOT NULL,
    result      TEXT NOT NULL,
    expires_at  DOUBLE PRECISION,
    PRIMARY KEY (event_id, key)
);
CREATE INDEX state_effects_by_end ON state_effects (expires_at) WHERE expires_at IS NOT NULL;
CREATE FUNCTION state_effects_of_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM state_effects WHERE event_id = OLD.id;
    RETURN NULL;
END $$;
CREATE TRIGGER state_effects_of_event AFTER DELETE ON events FOR EACH ROW
    EXECUTE FUNCTION state_effects_of_event();

-- What happened here and starts runs of those who listen, until it has.

CREATE TABLE interests (kind TEXT NOT NULL PRIMARY KEY);
CREATE TABLE own_events (
    number   BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind     TEXT NOT NULL,
    subject  TEXT NOT NULL,
    at       DOUBLE PRECISION NOT NULL
);

CREATE FUNCTION own_run_failed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO own_events (kind, subject, at)
    SELECT kind, NEW.id, NEW.ended_at FROM interests WHERE kind = 'run_failed';
    RETURN NULL;
END $$;
CREATE TRIGGER own_run_failed AFTER UPDATE OF status ON runs FOR EACH ROW
    WHEN (NEW.status = 'failed' AND NEW.mode = 'live') EXECUTE FUNCTION own_run_failed();

CREATE FUNCTION own_problem_opened() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO own_events (kind, subject, at)
    SELECT kind, NEW.id, NEW.opened_at FROM interests
    WHERE kind = CASE WHEN NEW.kind = 'silent' THEN 'workflow_silent' ELSE 'problem_opened' END;
    RETURN NULL;
END $$;
CREATE TRIGGER own_problem_opened AFTER INSERT ON problems FOR EACH ROW
    WHEN (NEW.status = 'open') EXECUTE FUNCTION own_problem_opened();
CREATE TRIGGER own_problem_opened_again AFTER UPDATE OF status ON problems FOR EACH ROW
    WHEN (NEW.status = 'open' AND OLD.status = 'closed') EXECUTE FUNCTION own_problem_opened();

CREATE FUNCTION own_problem_closed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO own_events (kind, subject, at)
    SELECT kind, NEW.id, NEW.closed_at FROM interests WHERE kind = 'problem_closed';
    RETURN NULL;
END $$;
CREATE TRIGGER own_problem_closed AFTER UPDATE OF status ON problems FOR EACH ROW
    WHEN (NEW.status = 'closed' AND OLD.status = 'open') EXECUTE FUNCTION own_problem_closed();

-- People: who may sign in, what they hold, and what was done by whom.

CREATE TABLE users (
    id            TEXT    NOT NULL PRIMARY KEY,
    email         TEXT    NOT NULL UNIQUE,
    name          TEXT    NOT NULL,
    role          TEXT    NOT NULL CHECK (role IN ('viewer', 'editor', 'admin')),
    may_run       INTEGER NOT NULL DEFAULT 0,
    password      TEXT,
    identity      TEXT    UNIQUE,
    created_at    DOUBLE PRECISION NOT NULL,
    signed_in_at  DOUBLE PRECISION,
    disabled_at   DOUBLE PRECISION
);

CREATE TABLE tokens (
    digest      TEXT NOT NULL PRIMARY KEY,
    kind        TEXT NOT NULL CHECK (kind IN ('api', 'session', 'link')),
    name        TEXT NOT NULL,
    role        TEXT NOT NULL CHECK (role IN ('viewer', 'editor', 'admin')),
    created_at  DOUBLE PRECISION NOT NULL,
    expires_at  DOUBLE PRECISION,
    id          TEXT,
    user_id     TEXT REFERENCES users (id) ON DELETE CASCADE,
    token_id    TEXT,
    may_run     INTEGER NOT NULL DEFAULT 0,
    made_by     TEXT NOT NULL DEFAULT '',
    address     TEXT NOT NULL DEFAULT '',
    browser     TEXT NOT NULL DEFAULT '',
    used_at     DOUBLE PRECISION
);
CREATE UNIQUE INDEX tokens_by_id ON tokens (id);
CREATE INDEX tokens_by_user ON tokens (user_id) WHERE user_id IS NOT NULL;

CREATE TABLE audit (
    number    BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at        DOUBLE PRECISION NOT NULL,
    who_key   TEXT NOT NULL,
    who_name  TEXT NOT NULL,
    verb      TEXT NOT NULL,
    kind      TEXT NOT NULL,
    name      TEXT NOT NULL,
    facts     TEXT NOT NULL
);
CREATE INDEX audit_by_time ON audit (at);
