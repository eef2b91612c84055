-- current
SELECT kind, name, by, at, why, until FROM pauses WHERE until IS NULL OR until > :now ORDER BY at, kind, name;

-- holding
SELECT kind, name, by, at, why, until FROM pauses WHERE kind = 'workflow';

-- pause
INSERT INTO pauses (kind, name, by, at, why, until) VALUES (:kind, :name, :by, :at, :why, :until)
ON CONFLICT (kind, name) DO UPDATE SET
    by = excluded.by, at = excluded.at, why = excluded.why, until = excluded.until;

-- resume
-- It is over now; of a workflow, until its held events are released.
UPDATE pauses SET until = :now
WHERE kind = :kind AND name = :name AND (until IS NULL OR until > :now)
RETURNING kind, name, by, at, why, until;

-- is_paused
SELECT 1 FROM pauses WHERE kind = 'workflow' AND name = :workflow AND (until IS NULL OR until > :now);

-- settle
DELETE FROM pauses
WHERE kind = 'workflow' AND name = :workflow AND until <= :now
  AND (:keeps_held OR NOT EXISTS (SELECT 1 FROM events INDEXED BY events_held
                                  WHERE workflow = :workflow AND disposition = 'held'
                                    AND NOT EXISTS (SELECT 1 FROM json_each(gates)
                                                    WHERE value ->> 'name' = 'version')));

-- untidy
SELECT 1 FROM pauses WHERE kind <> 'workflow' AND until <= :now LIMIT 1;

-- tidy
DELETE FROM pauses WHERE kind <> 'workflow' AND until <= :now;

-- held
-- Those held for want of a version without faults have to be judged first (rechecking.py).
SELECT id, length(body) FROM events INDEXED BY events_held
WHERE workflow = :workflow AND disposition = 'held'
  AND NOT EXISTS (SELECT 1 FROM json_each(gates) WHERE value ->> 'name' = 'version')
ORDER BY number LIMIT :most;

-- count_held
SELECT count(*) FROM events INDEXED BY events_held WHERE workflow = :workflow AND disposition = 'held';

-- held_events
SELECT id, workflow, trigger, received_at, disposition, method, path, query, headers, content_type,
       size, source_ip, body, gates, type, delivery_id
FROM events WHERE id IN (SELECT value FROM json_each(:ids)) ORDER BY number;

-- let_go
UPDATE events SET disposition = 'accepted', gates = :gates WHERE id = :event_id AND disposition = 'held';
