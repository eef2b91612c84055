-- workflows
SELECT DISTINCT workflow FROM versions ORDER BY workflow;

-- runs_window
-- In the order of accepting; when one ended stands behind its trace and is read of the old ones alone.
SELECT number, accepted_at < :before, accepted_at < :before AND coalesce(ended_at, :before) < :before
FROM runs INDEXED BY runs_by_workflow
WHERE workflow = :workflow AND number > :after ORDER BY number LIMIT :limit;

-- delete_ended_runs
DELETE FROM runs
WHERE number IN (SELECT CAST(value AS BIGINT) FROM json_each(:numbers)) AND ended_at < :before;

-- events_window
SELECT number, received_at < :before,
       disposition <> 'held' AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.event_id = events.id)
FROM events INDEXED BY events_by_workflow
WHERE workflow = :workflow AND number > :after ORDER BY number LIMIT :limit;

-- oldest_window
SELECT number, 1 = 1,
       disposition <> 'held' AND NOT EXISTS (
           SELECT 1 FROM runs
           WHERE runs.event_id = events.id
             AND (status IN ('queued', 'running', 'waiting') OR (NOT :failed_too AND status = 'failed')))
FROM events WHERE number > :after ORDER BY number LIMIT :limit;

-- lock_events
-- From here on nobody starts a run of them; the sizes are of their bodies.
SELECT number, id, size FROM events
WHERE number IN (SELECT CAST(value AS BIGINT) FROM json_each(:numbers)) ORDER BY number;

-- lock_events (postgresql)
SELECT number, id, pg_column_size(body) FROM events
WHERE number IN (SELECT CAST(value AS BIGINT) FROM json_each(:numbers)) ORDER BY number FOR UPDATE;

-- lock_events_named
SELECT number, id, size FROM events
WHERE id IN (SELECT value FROM json_each(:event_ids)) ORDER BY number;

-- lock_events_named (postgresql)
SELECT number, id, pg_column_size(body) FROM events
WHERE id IN (SELECT value FROM json_each(:event_ids)) ORDER BY number FOR UPDATE;

-- lock_runs_of_events
SELECT event_id, status FROM runs WHERE event_id IN (SELECT value FROM json_each(:event_ids)) ORDER BY number;

-- lock_runs_of_events (postgresql)
SELECT event_id, status FROM runs WHERE event_id IN (SELECT value FROM json_each(:event_ids))
ORDER BY number FOR UPDATE;

-- delete_runs_of_events
DELETE FROM runs WHERE event_id IN (SELECT value FROM json_each(:event_ids));

-- files_of_events
SELECT DISTINCT digest FROM file_uses
WHERE event_id IN (SELECT value FROM json_each(:event_ids)) ORDER BY digest;

-- delete_events
DELETE FROM events
WHERE id IN (SELECT value FROM json_each(:event_ids))
  AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.event_id = events.id)
RETURNING workflow, disposition;

-- delete_files_unused
DELETE FROM files
WHERE digest IN (SELECT value FROM json_each(:digests))
  AND NOT EXISTS (SELECT 1 FROM file_uses WHERE file_uses.digest = files.digest)
RETURNING size;

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
-- Read outside of the transaction: nothing else looks for them, so that no index is kept for it.
SELECT event_id, workflow, key FROM deliveries WHERE event_id IN (SELECT value FROM json_each(:event_ids));

-- delete_delivery
DELETE FROM deliveries WHERE workflow = :workflow AND key = :key;

-- problems_of_events
SELECT DISTINCT problems.id, problems.workflow, problems.step, problems.cause
FROM runs JOIN problems ON problems.id = runs.problem_id
WHERE runs.event_id IN (SELECT value FROM json_each(:event_ids))
ORDER BY problems.workflow, problems.step, problems.cause;

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
WHERE instr(subject, :text) > 0 OR instr(text, :text) > 0;

-- mask_problems
UPDATE problems SET sentence = replace(sentence, :text, :mask) WHERE instr(sentence, :text) > 0;
