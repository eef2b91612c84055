-- all
SELECT workflow, spec, since, next_at, last_at, fired_at, event_id, skipped, skipped_why FROM schedules;

-- insert
INSERT INTO schedules (workflow, spec, since, next_at, last_at, fired_at, event_id, skipped, skipped_why)
VALUES (:workflow, :spec, :since, :next_at, :last_at, :fired_at, :event_id, :skipped, :skipped_why)
ON CONFLICT (workflow) DO NOTHING;

-- update
-- The fence: of two that saw the same row, one finds it as it was.
UPDATE schedules SET spec = :spec, since = :since, next_at = :next_at, last_at = :last_at,
                     fired_at = :fired_at, event_id = :event_id, skipped = :skipped, skipped_why = :skipped_why
WHERE workflow = :workflow AND spec = :was_spec AND next_at = :was_next_at;

-- delete
DELETE FROM schedules WHERE workflow = :workflow;

-- unfinished
SELECT id FROM runs INDEXED BY runs_by_event
WHERE event_id = :event_id AND status IN ('queued', 'running', 'waiting') LIMIT 1;
