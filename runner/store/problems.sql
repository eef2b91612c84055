-- problem_of_run
SELECT runs.problem_id, problems.workflow, problems.step, problems.cause, problems.dismissed_by
FROM runs JOIN problems ON problems.id = runs.problem_id WHERE runs.id = :run_id;

-- open_problem
SELECT id FROM problems
WHERE workflow = :workflow AND step = :step AND cause = :cause AND status = 'open';

-- open_problem_of_step
-- The run's own one before all, then the latest.
SELECT id FROM problems
WHERE workflow = :workflow AND step = :step AND kind = 'runs' AND status = 'open'
  AND (id = :old OR opened_at >= :since)
ORDER BY CASE WHEN id = :old THEN 0 ELSE 1 END, number DESC LIMIT 1;

-- reopen
-- The latest of that cause, if it closed by itself and not long ago.
UPDATE problems SET status = 'open', opened_at = :at, closed_at = NULL, seen_at = NULL, seen_by = NULL,
                    sentence = :sentence, destination = :destination
WHERE number = (SELECT max(number) FROM problems
                WHERE workflow = :workflow AND step = :step AND cause = :cause)
  AND status = 'closed' AND dismissed_by IS NULL AND closed_at >= :reopened_since
RETURNING id;

-- insert_problem
INSERT INTO problems (id, workflow, step, cause, sentence, destination, status, opened_at)
VALUES (:id, :workflow, :step, :cause, :sentence, :destination, 'open', :at);

-- place_run
UPDATE runs SET problem_id = :problem_id WHERE id = :run_id;

-- take_place
-- A replay from the start stands where its origin stood.
UPDATE runs SET problem_id = (SELECT problem_id FROM runs WHERE id = :origin) WHERE id = :run_id;

-- leave_place
UPDATE runs SET problem_id = NULL WHERE id = :run_id AND problem_id IS NOT NULL;

-- close_if_settled
UPDATE problems SET status = 'closed', closed_at = :now
WHERE id = :problem_id AND status = 'open' AND kind = 'runs' AND NOT EXISTS (
    SELECT 1 FROM runs INDEXED BY runs_by_problem
    WHERE problem_id = :problem_id AND status IN ('failed', 'waiting', 'queued', 'running'));

-- settled
SELECT id FROM problems WHERE status = 'open' AND kind = 'runs' AND NOT EXISTS (
    SELECT 1 FROM runs INDEXED BY runs_by_problem
    WHERE problem_id = problems.id AND runs.status IN ('failed', 'waiting', 'queued', 'running'));

-- problems
SELECT number, id, workflow, step, cause, sentence, destination, status, opened_at, seen_at, seen_by,
       closed_at, dismissed_by, note, kind
FROM problems
WHERE number < :before AND (CAST(:status AS TEXT) IS NULL OR status = :status)
  AND (CAST(:workflow AS TEXT) IS NULL OR workflow = :workflow)
ORDER BY number DESC LIMIT :limit;

-- open_count
SELECT count(*) FROM problems WHERE status = 'open';

-- problem
SELECT number, id, workflow, step, cause, sentence, destination, status, opened_at, seen_at, seen_by,
       closed_at, dismissed_by, note, kind
FROM problems WHERE id = :id;

-- counts
SELECT problem_id, status, count(*), max(number) FROM runs INDEXED BY runs_by_problem
WHERE problem_id IN (SELECT value FROM json_each(:ids)) GROUP BY problem_id, status;

-- in_doubt
-- As runner.engine.replays judges the records that a replay goes on from.
SELECT count(*) FROM runs INDEXED BY runs_by_problem
WHERE problem_id = :id AND status = 'failed' AND (
    json_extract(reason, '$.code') = 'crashed' OR EXISTS (
        SELECT 1 FROM records
        WHERE run_id = runs.id AND records.status <> 'succeeded'
          AND (records.status = 'started' OR json_extract(error, '$.in_doubt') IS NOT NULL
               OR (records.status = 'failed' AND kind <> 'wait_for'
                   AND json_extract(error, '$.type') IN (SELECT value FROM json_each(:types))))));

-- ends
SELECT min(accepted_at), max(accepted_at) FROM runs INDEXED BY runs_by_problem WHERE problem_id = :id;

-- spans
SELECT min(CAST((accepted_at - :since) / :width AS INTEGER), :count - 1) AS bar, count(*),
       count(*) FILTER (WHERE status = 'failed')
FROM runs INDEXED BY runs_by_problem WHERE problem_id = :id GROUP BY bar;

-- spans (postgresql)
SELECT min(CAST(floor((accepted_at - :since) / :width) AS BIGINT), :count::bigint - 1) AS bar, count(*),
       count(*) FILTER (WHERE status = 'failed')
FROM runs WHERE problem_id = :id GROUP BY bar;

-- hasten_records
UPDATE records SET due_at = :now
WHERE status = 'waiting' AND error IS NOT NULL AND parked_at IS NULL AND due_at > :now
  AND run_id IN (SELECT id FROM runs INDEXED BY runs_by_problem
                 WHERE problem_id = :id AND status = 'waiting' AND parked_at IS NULL
                 ORDER BY number LIMIT :most);

-- hasten_runs
UPDATE runs SET due_at = :now
WHERE due_at > :now AND number IN (SELECT number FROM runs INDEXED BY runs_by_problem
                                   WHERE problem_id = :id AND status = 'waiting' AND parked_at IS NULL
                                   ORDER BY number LIMIT :most);

-- accepted_at
SELECT number, accepted_at FROM runs WHERE number IN (SELECT CAST(value AS BIGINT) FROM json_each(:numbers));

-- replays_of
SELECT problem_id, id FROM replays INDEXED BY replays_by_problem
WHERE problem_id IN (SELECT value FROM json_each(:ids)) AND status IN ('running', 'paused')
ORDER BY number;

-- see
UPDATE problems SET seen_at = coalesce(seen_at, :now), seen_by = coalesce(seen_by, :by)
WHERE id = :id AND status = 'open';

-- dismiss
UPDATE problems SET status = 'closed', closed_at = :now, dismissed_by = :by, note = :note
WHERE id = :id AND status = 'open';
