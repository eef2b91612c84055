-- What workflows keep between their runs, and what a version was read with beside its text.
-- Times are UTC seconds. JSON stands as text.

CREATE TABLE state (
    workflow    TEXT NOT NULL,              -- empty: shared by all of them
    key         TEXT NOT NULL,
    value       TEXT NOT NULL,
    holder      TEXT,                       -- the effect that `once` said yes to
    changed_at  REAL NOT NULL,
    expires_at  REAL,
    PRIMARY KEY (workflow, key)
) STRICT;
CREATE INDEX state_by_end ON state (expires_at) WHERE expires_at IS NOT NULL;

-- What an effect changed was changed once: a call that is made again, after a crash or a replay, gets
-- what the first one gave. Kept as long as the effect's event; without one, for some time.
CREATE TABLE state_effects (
    event_id    TEXT NOT NULL,              -- the part of the key before the point
    key         TEXT NOT NULL,              -- the Idempotency-Key
    result      TEXT NOT NULL,
    expires_at  REAL,                       -- NULL: it goes with its event
    PRIMARY KEY (event_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX state_effects_by_end ON state_effects (expires_at) WHERE expires_at IS NOT NULL;
CREATE TRIGGER state_effects_of_event AFTER DELETE ON events
BEGIN
    DELETE FROM state_effects WHERE event_id = old.id;
END;

-- What a version took of the folder's `_defaults.yaml`, and the vars that the server set. NULL: nothing.
ALTER TABLE versions ADD COLUMN defaults TEXT;
ALTER TABLE versions ADD COLUMN vars TEXT;
