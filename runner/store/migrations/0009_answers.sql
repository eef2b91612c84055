-- The first answer to each `wait_for` step of a run, or the note that its time was over (made_by is null):
-- whichever of the two comes first is the row, and no other is written.
CREATE TABLE answers (
    run_id   TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    path     TEXT NOT NULL,
    value    TEXT,                 -- JSON: the step's output
    made_by  TEXT,
    at       REAL NOT NULL,
    files    TEXT,                 -- digests of the files in it
    PRIMARY KEY (run_id, path)
) STRICT, WITHOUT ROWID;

-- What waits for an answer, and nothing else: a few rows among all that are kept.
CREATE INDEX records_asked ON records (run_id, path) WHERE kind = 'wait_for' AND status = 'waiting';
