-- workflows
SELECT DISTINCT workflow FROM versions ORDER BY workflow;

-- runs_window
-- In the order of accepting; when one ended stands behind its trace and is read of the old ones alone.
SELECT number, accepted_at < :before, iif(accepted_at < :before, coalesce(ended_at < :before, 0), 0)
FROM runs INDEXED BY runs_by_workflow
WHERE workflow = :workflow AND number > :after ORDER BY number LIMIT :limit;

-- delete_ended_run
DELETE FROM runs WHERE number = :number AND ended_at < :before;

-- events_window
SELECT number, received_at < :before,
       disposition <> 'held' AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.event_id = events.id)
FROM events INDEXED BY events_by_workflow
WHERE workflow = :workflow AND number > :after ORDER BY number LIMIT :limit;

-- oldest_window
SELECT number, 1,
       disposition <> 'held' AND NOT EXISTS (
           SELECT 1 FROM runs
           WHERE runs.event_id = events.id
             AND (status IN ('queued', 'running', 'waiting') OR (NOT :failed_too AND status = 'failed')))
FROM events WHERE number > :after ORDER BY number LIMIT :limit;

-- event_id
SELECT id FROM events WHERE number = :number;

-- event_number
SELECT number FROM events WHERE id = :event_id;

-- open_run
SELECT 1 FROM runs WHERE event_id = :event_id AND status IN ('queued', 'running', 'waiting')
                      OR event_id = :event_id AND NOT :failed_too AND status = 'failed';

-- delete_runs_of_event
DELETE FROM runs WHERE event_id = :event_id;

-- files_of_event
SELECT digest FROM file_uses WHERE event_id = :event_id;

-- delete_event
DELETE FROM events WHERE number = :number AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.event_id = events.id)
RETURNING workflow, disposition;

-- delete_file_unused
DELETE FROM files WHERE digest = :digest AND NOT EXISTS (SELECT 1 FROM file_uses WHERE digest = :digest);

-- unused_versions
SELECT workflow, version, version = (SELECT max(version) FROM versions WHERE workflow = old.workflow)
FROM versions AS old
WHERE created_at < :before
  AND NOT EXISTS (SELECT 1 FROM runs INDEXED BY runs_by_version
                  WHERE runs.workflow = old.workflow AND runs.version = old.version)
  AND NOT EXISTS (SELECT 1 FROM drafts WHERE drafts.workflow = old.workflow AND base = old.version)
LIMIT :limit;

-- delete_version
-- The newest says what is hidden of events without runs: it goes after the last of them.
DELETE FROM versions
WHERE workflow = :workflow AND version = :version
  AND NOT EXISTS (SELECT 1 FROM runs INDEXED BY runs_by_version
                  WHERE runs.workflow = :workflow AND runs.version = :version)
  AND NOT EXISTS (SELECT 1 FROM drafts WHERE drafts.workflow = :workflow AND base = :version)
  AND (NOT :is_newest OR NOT EXISTS (SELECT 1 FROM events WHERE events.workflow = :workflow));

-- deliveries_of_events
-- Read off the writer: nothing else looks for them, so that no index is kept for it.
SELECT event_id, workflow, key FROM deliveries WHERE event_id IN (SELECT value FROM json_each(:ids));

-- delete_delivery
DELETE FROM deliveries WHERE workflow = :workflow AND key = :key;

-- problems_of_event
SELECT DISTINCT problem_id FROM runs WHERE event_id = :event_id AND problem_id IS NOT NULL;

-- delete_problem_without_runs
DELETE FROM problems WHERE id = :problem_id AND NOT EXISTS (SELECT 1 FROM runs WHERE problem_id = :problem_id);

-- problem_said_anew
-- Its sentence may have been that of the run that is gone.
UPDATE problems SET sentence = coalesce(
    (SELECT json_extract(reason, '$.sentence') FROM runs
     WHERE problem_id = :problem_id AND status = 'failed' ORDER BY number LIMIT 1), sentence)
WHERE id = :problem_id;

-- mask_notices
UPDATE notices SET subject = replace(subject, :text, :mask), text = replace(text, :text, :mask)
WHERE instr(subject, :text) OR instr(text, :text);

-- mask_problems
UPDATE problems SET sentence = replace(sentence, :text, :mask) WHERE instr(sentence, :text);
