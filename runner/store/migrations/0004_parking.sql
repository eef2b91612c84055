-- Runs that wait at a destination which takes no call now, or at a paused connection. `parked_at`
-- speaks only while the run is waiting: whoever ends or cancels it need not know of it.
ALTER TABLE runs ADD COLUMN parked_at TEXT;
CREATE INDEX runs_parked ON runs (parked_at, number) WHERE status = 'waiting' AND parked_at IS NOT NULL;

-- Where a step is parked and since when, and how long it was before: none of it counts as trying.
ALTER TABLE records ADD COLUMN parked_at TEXT;
ALTER TABLE records ADD COLUMN parked_since REAL;
ALTER TABLE records ADD COLUMN parked_seconds REAL NOT NULL DEFAULT 0;
