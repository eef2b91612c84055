-- keep_tried
INSERT INTO tried (workflow, number, digest, source, created_at, defaults, vars)
SELECT :workflow, coalesce(max(number), 0) + 1, :digest, :source, :now, :defaults, :vars
FROM tried WHERE workflow = :workflow RETURNING number;

-- known_tried
SELECT number FROM tried WHERE workflow = :workflow AND digest = :digest ORDER BY number DESC LIMIT 1;

-- let_go_tried
-- But for the last one, so that no number is given twice.
DELETE FROM tried
WHERE workflow = :workflow AND created_at < :before
  AND number < (SELECT max(number) FROM tried AS other WHERE other.workflow = :workflow)
  AND NOT EXISTS (SELECT 1 FROM runs INDEXED BY runs_by_version
                  WHERE runs.workflow = :workflow AND runs.version = -tried.number);

-- versions_of
SELECT DISTINCT version FROM runs WHERE event_id = :event;

-- recorded
-- Of the newest run of an event whose actions were called.
SELECT path, input, output FROM records
WHERE run_id = (SELECT id FROM runs WHERE event_id = :event AND mode IN ('live', 'test')
                ORDER BY number DESC LIMIT 1)
  AND status = 'succeeded' AND attempts > 0 AND kind IN ('action', 'call');

-- latest
SELECT id, size FROM events INDEXED BY events_by_workflow
WHERE workflow = :workflow AND disposition <> 'rejected' ORDER BY number DESC LIMIT :limit;

-- samples
SELECT id FROM events WHERE id IN (SELECT value FROM json_each(:ids)) AND CAST(gates AS TEXT) LIKE '%"sample":%';

-- judged
-- Accepted ones with an ended live run, and those that their type kept out.
SELECT id FROM events INDEXED BY events_by_workflow
WHERE workflow = :workflow AND received_at >= :since AND (
    disposition = 'ignored'
    OR disposition = 'accepted'
       AND EXISTS (SELECT 1 FROM runs WHERE event_id = events.id AND mode = 'live' AND version > 0
                   AND status IN ('succeeded', 'failed', 'filtered'))
       AND NOT EXISTS (SELECT 1 FROM runs WHERE event_id = events.id AND mode = 'live'
                       AND status IN ('queued', 'running', 'waiting')))
ORDER BY number DESC LIMIT :limit;

-- ended_runs
SELECT id, event_id, workflow, version, title, seed, attempt, fence, turns, stalled, accepted_at,
       coalesce(base_at, accepted_at), mode, cancel_requested, generations, NULL, item, status, reason
FROM runs
WHERE event_id IN (SELECT value FROM json_each(:ids)) AND mode = 'live' AND version > 0
  AND status IN ('succeeded', 'failed', 'filtered')
ORDER BY number;

-- records_of_runs
SELECT run_id, path, kind, status, attempts, started_at, generation, due_at, input, input_digest, item_digest,
       output, error, ended_at, parked_at, parked_since, parked_seconds
FROM records WHERE run_id IN (SELECT value FROM json_each(:ids));
