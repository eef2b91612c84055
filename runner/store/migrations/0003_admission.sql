-- What is let in: once (deliveries), in order (slots of a key), and later (holding). Times are UTC seconds.
-- contracts since 0003

-- The delivery key of an event, within its workflow; past its time it is as good as absent.
CREATE TABLE deliveries (
    workflow    TEXT NOT NULL,
    key         TEXT NOT NULL,
    event_id    TEXT NOT NULL,          -- the first event
    expires_at  REAL NOT NULL,
    PRIMARY KEY (workflow, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_by_end ON deliveries (expires_at);

-- What a person paused. A workflow's row stays after its end until its held events are released.
CREATE TABLE pauses (
    kind    TEXT NOT NULL CHECK (kind IN ('workflow', 'connection', 'host')),
    name    TEXT NOT NULL,
    until   REAL,                       -- NULL: until resumed
    why     TEXT NOT NULL,
    by      TEXT NOT NULL,
    at      REAL NOT NULL,
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX events_held ON events (workflow, number) WHERE disposition = 'held';

-- A run of a workflow with `concurrency` has a place in the line of its key until it ends.
ALTER TABLE runs ADD COLUMN concurrency_key TEXT;       -- NULL: no limit
ALTER TABLE runs ADD COLUMN concurrency_limit INTEGER;
ALTER TABLE runs ADD COLUMN slot TEXT CHECK (slot IN ('waits', 'holds'));
ALTER TABLE runs ADD COLUMN place INTEGER;              -- in the line: the order of accepting
ALTER TABLE runs ADD COLUMN replaced_by TEXT;           -- the run for which this one is cancelled
CREATE INDEX runs_in_line ON runs (workflow, concurrency_key, slot, place) WHERE slot IS NOT NULL;

-- A run without its slot is not due.
DROP INDEX runs_due;
CREATE INDEX runs_due ON runs (due_at, number)
    WHERE status IN ('queued', 'waiting') AND slot IS NOT 'waits';

-- However a run ends, the same statement frees its slot and gives it to the next of its key.
-- The limit is the one that the last of the line brought along: a changed file takes effect.
CREATE TRIGGER runs_slot_freed AFTER UPDATE OF status ON runs
WHEN OLD.slot IS NOT NULL AND NEW.status IN ('succeeded', 'failed', 'filtered', 'cancelled')
BEGIN
    UPDATE runs SET slot = NULL, place = NULL WHERE number = OLD.number;
    UPDATE runs SET slot = 'holds', reason = NULL
    WHERE number = (SELECT number FROM runs
                    WHERE workflow = OLD.workflow AND concurrency_key = OLD.concurrency_key
                      AND slot = 'waits' ORDER BY place LIMIT 1)
      AND (SELECT count(*) FROM runs
           WHERE workflow = OLD.workflow AND concurrency_key = OLD.concurrency_key AND slot = 'holds')
        < (SELECT concurrency_limit FROM runs
           WHERE workflow = OLD.workflow AND concurrency_key = OLD.concurrency_key
             AND slot = 'waits' ORDER BY place DESC LIMIT 1);
END;

-- The moves of runs.py, refused here too: no statement, ours or a person's, makes another.
CREATE TRIGGER runs_move BEFORE UPDATE OF status ON runs
WHEN NOT CASE OLD.status
    WHEN 'queued'  THEN NEW.status IN ('running', 'cancelled')
    WHEN 'running' THEN NEW.status IN ('queued', 'waiting', 'succeeded', 'failed', 'filtered', 'cancelled')
    WHEN 'waiting' THEN NEW.status IN ('running', 'cancelled')
    WHEN 'failed'  THEN NEW.status = 'queued'
    ELSE 0 END
BEGIN
    SELECT RAISE(ABORT, 'a run cannot make this move (execution.md, "Events and runs")');
END;
