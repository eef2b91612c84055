-- found
-- The latest run of the event that has this key: a child that was replayed from the start counts.
SELECT events.id, events.disposition, runs.id, runs.status
FROM events INDEXED BY events_by_delivery LEFT JOIN runs ON runs.event_id = events.id
WHERE events.delivery_id = :key AND events.trigger = 'call'
ORDER BY runs.number DESC LIMIT 1;

-- upsert_call
INSERT INTO calls (run_id, path, child, is_waited) VALUES (:run_id, :path, :child, :is_waited)
ON CONFLICT (run_id, path) DO UPDATE SET child = excluded.child, is_waited = excluded.is_waited;

-- child
SELECT runs.id, runs.event_id, runs.status, json_extract(runs.reason, '$.sentence'), runs.output
FROM runs WHERE runs.id = :run_id;

-- look
SELECT runs.id, runs.event_id, runs.status, json_extract(runs.reason, '$.sentence'), runs.output
FROM calls JOIN runs ON runs.id = calls.child
WHERE calls.run_id = :run_id AND calls.path = :path;

-- use_file
INSERT INTO file_uses (event_id, digest) VALUES (:event_id, :digest) ON CONFLICT DO NOTHING;

-- adopt
INSERT INTO file_uses (event_id, digest)
SELECT :event_id, digest FROM file_uses
WHERE event_id = :child_event AND digest IN (SELECT value FROM json_each(:digests))
ON CONFLICT DO NOTHING;

-- wake_caller
-- One of the children that a run waits for ended before the run began to wait.
UPDATE runs SET due_at = 0 WHERE id = :run_id AND status = 'waiting' AND EXISTS (
    SELECT 1 FROM calls
    JOIN records ON records.run_id = calls.run_id AND records.path = calls.path
    JOIN runs AS child ON child.id = calls.child
    WHERE calls.run_id = :run_id AND calls.is_waited = 1 AND records.status = 'waiting'
      AND child.status IN ('succeeded', 'failed', 'filtered', 'cancelled'));
