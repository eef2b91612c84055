-- candidate
SELECT number, id, workflow, version, title, mode, status, accepted_at, json_extract(reason, '$.code'),
       json_extract(reason, '$.facts.step')
FROM runs WHERE id = :run_id;

-- of_problem
SELECT number, id, workflow, version, title, mode, status, accepted_at, json_extract(reason, '$.code'),
       json_extract(reason, '$.facts.step')
FROM runs INDEXED BY runs_by_problem
WHERE problem_id = :problem AND status = :status AND number > :after ORDER BY number LIMIT :limit;

-- failed_of_workflow
SELECT number, id, workflow, version, title, mode, status, accepted_at, json_extract(reason, '$.code'),
       json_extract(reason, '$.facts.step')
FROM runs INDEXED BY runs_failed
WHERE workflow = :workflow AND status = 'failed' AND number > :after ORDER BY number LIMIT :limit;

-- of_workflow
SELECT number, id, workflow, version, title, mode, status, accepted_at, json_extract(reason, '$.code'),
       json_extract(reason, '$.facts.step')
FROM runs INDEXED BY runs_by_workflow
WHERE workflow = :workflow AND number > :after ORDER BY number LIMIT :limit;

-- in_status
SELECT number, id, workflow, version, title, mode, status, accepted_at, json_extract(reason, '$.code'),
       json_extract(reason, '$.facts.step')
FROM runs INDEXED BY runs_by_status
WHERE status = :status AND number > :after ORDER BY number LIMIT :limit;

-- first_number
-- The least of the first thousand from then on: a few were long in coming and got their number late.
SELECT min(number) FROM (SELECT number FROM runs WHERE id >= :id ORDER BY id LIMIT 1000) AS those;

-- pasts
SELECT run_id, path, kind, status, json_extract(error, '$.type'),
       json_extract(error, '$.in_doubt') IS NOT NULL
FROM records WHERE run_id IN (SELECT value FROM json_each(:ids)) ORDER BY run_id, started_at, path;

-- insert_item
INSERT INTO replay_items (replay_id, place, run_id, class, is_included, why)
VALUES (:replay_id, :place, :run_id, :class, :is_included, :why);

-- insert_replay
INSERT INTO replays (id, status, terms, problem_id, effects, created_at, created_by)
VALUES (:id, 'planned', :terms, :problem_id, :effects, :now, :by);

-- replays
SELECT number, id, status, terms, problem_id, effects, created_at, created_by, started_at, ended_at, why
FROM replays WHERE number < :before AND (CAST(:status AS TEXT) IS NULL OR status = :status)
ORDER BY number DESC LIMIT :limit;

-- replay
SELECT number, id, status, terms, problem_id, effects, created_at, created_by, started_at, ended_at, why
FROM replays WHERE id = :id;

-- plan
SELECT class, is_included, count(*) FROM replay_items WHERE replay_id = :id GROUP BY class, is_included;

-- left_out
SELECT run_id, class, why FROM replay_items
WHERE replay_id = :id AND is_included = 0 ORDER BY place LIMIT :limit;

-- progress
SELECT CASE WHEN failure IS NOT NULL THEN 'refused'
            WHEN runs.status IN ('queued', 'running') THEN 'under_way'
            WHEN runs.status IN ('waiting', 'failed', 'cancelled') THEN runs.status
            ELSE 'succeeded' END AS state, count(*)
FROM replay_items LEFT JOIN runs ON runs.id = started_run
WHERE replay_id = :id AND replay_items.started_at IS NOT NULL GROUP BY state;

-- move
UPDATE replays SET status = :to, why = :why, owner = NULL, owned_until = NULL,
    terms = iif(:rate IS NULL, terms, json_set(terms, '$.rate', :rate)),
    started_at = iif(:to = 'running', :now, started_at),
    next_at = iif(:to = 'running', :now, next_at),
    ended_at = iif(:to IN ('stopped', 'done'), :now, NULL)
WHERE id = :id AND status IN (SELECT value FROM json_each(:of));

-- move (postgresql)
UPDATE replays SET status = :to::text, why = :why, owner = NULL, owned_until = NULL,
    terms = CASE WHEN :rate::double precision IS NULL THEN terms
                 ELSE jsonb_set(terms::jsonb, '{rate}', to_jsonb(:rate::double precision))::text END,
    started_at = CASE WHEN :to = 'running' THEN :now ELSE started_at END,
    next_at = CASE WHEN :to = 'running' THEN :now ELSE next_at END,
    ended_at = CASE WHEN :to IN ('stopped', 'done') THEN :now END
WHERE id = :id AND status IN (SELECT value FROM json_each(:of));

-- try_again
-- Runs that went on and failed for sure stand at the end of the line once more, where nothing is in doubt.
UPDATE replay_items
SET place = place + (SELECT max(place) + 1 FROM replay_items WHERE replay_id = :id),
    started_at = NULL, started_run = NULL
WHERE replay_id = :id AND started_at IS NOT NULL AND failure IS NULL
  AND EXISTS (SELECT 1 FROM replays WHERE id = :id AND json_extract(terms, '$.origin') = 'failed')
  AND EXISTS (SELECT 1 FROM runs WHERE runs.id = replay_items.run_id AND runs.status = 'failed'
                                   AND json_extract(runs.reason, '$.code') <> 'crashed')
  AND NOT EXISTS (
    SELECT 1 FROM records
    WHERE records.run_id = replay_items.run_id AND records.status <> 'succeeded'
      AND (records.status = 'started' OR json_extract(error, '$.in_doubt') IS NOT NULL
           OR (records.status = 'failed' AND kind <> 'wait_for'
               AND json_extract(error, '$.type') IN (SELECT value FROM json_each(:types)))));

-- running
SELECT 1 FROM replays WHERE status = 'running' LIMIT 1;

-- own
UPDATE replays SET owner = :node, owned_until = :until
WHERE status = 'running' AND (owner IS NULL OR owner = :node OR owned_until <= :now)
RETURNING id, terms, next_at;

-- gone_first
SELECT replay_items.started_at, failure, runs.status, runs.problem_id, runs.ended_at,
       json_extract(runs.reason, '$.sentence')
FROM replay_items INDEXED BY replay_items_started LEFT JOIN runs ON runs.id = started_run
WHERE replay_id = :id AND replay_items.started_at >= (SELECT started_at FROM replays WHERE id = :id)
ORDER BY replay_items.started_at, replay_items.place LIMIT :limit;

-- gone_last
SELECT replay_items.started_at, failure, runs.status, runs.problem_id, runs.ended_at,
       json_extract(runs.reason, '$.sentence')
FROM replay_items INDEXED BY replay_items_started LEFT JOIN runs ON runs.id = started_run
WHERE replay_id = :id AND replay_items.started_at >= (SELECT started_at FROM replays WHERE id = :id)
ORDER BY replay_items.started_at DESC, replay_items.place DESC LIMIT :limit;

-- left
SELECT place, run_id FROM replay_items INDEXED BY replay_items_left
WHERE replay_id = :id AND is_included = 1 AND started_at IS NULL ORDER BY place LIMIT :limit;

-- under_way
SELECT (SELECT count(*) FROM runs INDEXED BY runs_due_behind
        WHERE status IN ('queued', 'waiting') AND is_behind = 1 AND +status = 'queued')
     + (SELECT count(*) FROM runs INDEXED BY runs_owned WHERE status = 'running' AND is_behind = 1);

-- under_way (postgresql)
SELECT (SELECT count(*) FROM runs INDEXED BY runs_due_behind
        WHERE status IN ('queued', 'waiting') AND is_behind = 1 AND status = 'queued')
     + (SELECT count(*) FROM runs INDEXED BY runs_owned WHERE status = 'running' AND is_behind = 1);


-- paced
UPDATE replays SET next_at = :next_at WHERE id = :id AND status = 'running' AND owner = :node;

-- start_item
UPDATE replay_items SET started_at = :now, started_run = :run, failure = :failure
WHERE replay_id = :id AND place = :place AND is_included = 1 AND started_at IS NULL;

-- old_replays
SELECT id FROM replays WHERE status IN ('planned', 'stopped', 'done') AND coalesce(ended_at, created_at) < :before
LIMIT 10;

-- delete_replay
DELETE FROM replays WHERE id = :id;

-- delete_items
DELETE FROM replay_items WHERE replay_id = :id;

-- delete_unfinished_plans
-- Items whose plan never came to be; ids sort by time.
DELETE FROM replay_items WHERE replay_id < :id AND replay_id NOT IN (SELECT id FROM replays);
