-- take_delivery
-- Succeeds (a row comes back) when the key is absent or expired, or when all its event's runs failed.
INSERT INTO deliveries (workflow, key, event_id, expires_at) VALUES (:workflow, :key, :event_id, :expires_at)
ON CONFLICT (workflow, key) DO UPDATE SET event_id = excluded.event_id, expires_at = excluded.expires_at
WHERE deliveries.expires_at <= :now
   OR deliveries.event_id = excluded.event_id  -- one that was held has it already
   OR (:retries_failed
       AND EXISTS (SELECT 1 FROM runs WHERE runs.event_id = deliveries.event_id)
       AND NOT EXISTS (SELECT 1 FROM runs
                       WHERE runs.event_id = deliveries.event_id AND runs.status <> 'failed'))
RETURNING event_id;

-- first_delivery
SELECT deliveries.event_id, events.received_at, events.body = :body,
       (SELECT id FROM runs WHERE runs.event_id = deliveries.event_id ORDER BY number LIMIT 1)
FROM deliveries LEFT JOIN events ON events.id = deliveries.event_id
WHERE deliveries.workflow = :workflow AND deliveries.key = :key;

-- forget_deliveries
DELETE FROM deliveries WHERE (workflow, key) IN
    (SELECT workflow, key FROM deliveries INDEXED BY deliveries_by_end WHERE expires_at <= :now LIMIT :most);

-- is_held
SELECT 1 FROM pauses WHERE kind = 'workflow' AND name = :workflow;

-- is_held (postgresql)
-- Nobody ends the pause before this transaction does: what it holds is released with the others.
SELECT 1 FROM pauses WHERE kind = 'workflow' AND name = :workflow FOR SHARE;

-- in_line
-- How many runs of the key hold a slot, and whether one waits for it.
SELECT (SELECT count(*) FROM runs INDEXED BY runs_in_line
        WHERE workflow = :workflow AND concurrency_key = :key AND slot = 'holds'),
       EXISTS (SELECT 1 FROM runs INDEXED BY runs_in_line
               WHERE workflow = :workflow AND concurrency_key = :key AND slot = 'waits');

-- cancel_waiting_in_line
UPDATE runs SET status = 'cancelled', due_at = NULL, waiting_for = NULL, reason = :reason,
                replaced_by = :by, ended_at = :now
WHERE workflow = :workflow AND concurrency_key = :key AND slot = 'waits';

-- holders
-- Those that go, those that are asked to end first, then the oldest.
SELECT id, status, cancel_requested FROM runs INDEXED BY runs_in_line
WHERE workflow = :workflow AND concurrency_key = :key AND slot = 'holds'
ORDER BY cancel_requested DESC, place;

-- holders (postgresql)
-- Those that go, those that are asked to end first, then the oldest.
SELECT id, status, cancel_requested FROM runs
WHERE workflow = :workflow AND concurrency_key = :key AND slot = 'holds'
ORDER BY cancel_requested DESC, place FOR UPDATE;

-- cancel_holder
-- At once when nobody runs it.
UPDATE runs SET status = 'cancelled', due_at = NULL, waiting_for = NULL, reason = :reason,
                replaced_by = :by, ended_at = :now
WHERE id = :run_id AND status IN ('queued', 'waiting');

-- ask_holder
UPDATE runs SET cancel_requested = 1, replaced_by = :by WHERE id = :run_id AND status = 'running';

-- stand_in_line
UPDATE runs SET concurrency_key = :key, concurrency_limit = :limit, slot = 'waits', reason = :reason,
    place = 1 + coalesce(
        (SELECT max(place) FROM runs INDEXED BY runs_in_line
         WHERE workflow = :workflow AND concurrency_key = :key AND slot = 'waits'),
        (SELECT max(place) FROM runs INDEXED BY runs_in_line
         WHERE workflow = :workflow AND concurrency_key = :key AND slot = 'holds'),
        0)
WHERE id = :run_id;

-- take_slot
-- As the trigger runs_slot_freed does; again and again, since a changed file may have raised the limit.
UPDATE runs SET slot = 'holds', reason = NULL
WHERE number = (SELECT number FROM runs INDEXED BY runs_in_line
                WHERE workflow = :workflow AND concurrency_key = :key AND slot = 'waits'
                ORDER BY place LIMIT 1)
  AND (SELECT count(*) FROM runs INDEXED BY runs_in_line
       WHERE workflow = :workflow AND concurrency_key = :key AND slot = 'holds') < :limit;

-- admit_again
-- The fence: of two that judge it at once, one finds it as it was.
UPDATE events SET disposition = :disposition, gates = :gates, type = :type, delivery_id = :delivery_id,
                  content_type = :content_type
WHERE id = :event_id AND disposition = :was;

-- stop_again
UPDATE events SET disposition = :disposition, gates = :gates, body = iif(:drops_body, x'', body)
WHERE id = :event_id;

-- stop_again (postgresql)
UPDATE events SET disposition = :disposition, gates = :gates, body = CASE WHEN :drops_body THEN '' ELSE body END
WHERE id = :event_id;

-- drop_event
UPDATE events SET disposition = 'dropped', gates = :gates WHERE id = :event_id;

-- line_of_run
SELECT workflow, concurrency_key, concurrency_limit FROM runs WHERE id = :run_id;
