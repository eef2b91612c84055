-- Runs that call others.

-- Which run the `call` at a path started, or found again.
CREATE TABLE calls (
    run_id     TEXT    NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    path       TEXT    NOT NULL,
    child      TEXT    NOT NULL,
    is_waited  INTEGER NOT NULL,
    PRIMARY KEY (run_id, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX calls_by_child ON calls (child) WHERE is_waited = 1;

-- However a child ends, the same statement wakes who waits for it.
CREATE TRIGGER runs_child_ended AFTER UPDATE OF status ON runs
WHEN NEW.status IN ('succeeded', 'failed', 'filtered', 'cancelled')
 AND EXISTS (SELECT 1 FROM calls WHERE child = NEW.id AND is_waited = 1)
BEGIN
    UPDATE runs SET due_at = NEW.ended_at
    WHERE status = 'waiting' AND due_at > NEW.ended_at
      AND id IN (SELECT run_id FROM calls WHERE child = NEW.id AND is_waited = 1);
END;

-- However a run is cancelled, the children that it waits for are too; theirs by the same trigger again.
CREATE TRIGGER runs_caller_cancelled AFTER UPDATE OF status ON runs
WHEN NEW.status = 'cancelled' AND EXISTS (SELECT 1 FROM calls WHERE run_id = NEW.id AND is_waited = 1)
BEGIN
    UPDATE runs SET cancel_requested = 1
    WHERE status = 'running' AND id IN (SELECT child FROM calls WHERE run_id = NEW.id AND is_waited = 1);
    UPDATE runs SET status = 'cancelled', due_at = NULL, waiting_for = NULL, ended_at = NEW.ended_at,
                    reason = json_object('code', 'cancelled',
                                         'sentence', 'Cancelled with the run that called it.',
                                         'facts', json_object('caller', NEW.id))
    WHERE status IN ('queued', 'waiting')
      AND id IN (SELECT child FROM calls WHERE run_id = NEW.id AND is_waited = 1);
END;
