-- claim_all
-- The fence makes every later write of an earlier turn void. A run that another process is claiming
-- this moment is passed over: it is theirs. `:run_ids` and `:turns` are the jobs, side by side.
WITH taken AS (
    SELECT runs.number FROM runs
    JOIN unnest(:run_ids::text[], :turns::integer[]) AS job (run_id, turn)
      ON runs.id = job.run_id AND runs.turns = job.turn - 1
    WHERE runs.due_at <= :now AND runs.slot IS DISTINCT FROM 'waits'
      -- of several that may go, those that came first begin first
      AND (runs.slot IS NULL OR runs.started_at IS NOT NULL OR NOT EXISTS (
           SELECT 1 FROM runs AS earlier
           WHERE earlier.workflow = runs.workflow AND earlier.concurrency_key = runs.concurrency_key
             AND earlier.slot = 'holds' AND earlier.place < runs.place AND earlier.started_at IS NULL
             AND earlier.id <> ALL (:run_ids::text[])))
    FOR UPDATE OF runs SKIP LOCKED)
UPDATE runs SET status = 'running', owner = :node, fence = fence + 1, turns = turns + 1,
                stalled = stalled + 1, due_at = NULL, waiting_for = NULL,
                base_at = coalesce(base_at, :now), started_at = coalesce(started_at, :now)
FROM taken WHERE runs.number = taken.number
RETURNING id, event_id, workflow, version, title, seed, attempt, fence, turns, stalled, accepted_at,
          base_at, mode, cancel_requested, generations, replaced_by, item;

-- events_of_runs
SELECT id, workflow, trigger, received_at, disposition, method, path, query, headers, content_type,
       size, source_ip, body, gates, type, delivery_id, keyed_as
FROM events WHERE id = ANY (:event_ids);

-- records_of_runs
SELECT path, kind, status, attempts, started_at, generation, due_at, input, input_digest, item_digest,
       output, error, ended_at, parked_at, parked_since, parked_seconds, run_id
FROM records WHERE run_id = ANY (:run_ids);

-- files_of_events
SELECT event_id, digest FROM file_uses WHERE event_id = ANY (:event_ids);

-- progress
-- A row comes back when the turn still has the run; the row is ours until the transaction ends.
UPDATE runs SET stalled = 0 WHERE id = :run_id AND fence = :fence AND status = 'running' RETURNING id;

-- finish_alone
-- The end of a run that stands in no line and under no problem, and that no other run waits for: nothing
-- but its own row is touched, and so many of them can share a transaction.
UPDATE runs SET status = :status, owner = NULL, stalled = 0, reason = :reason, output = :output,
                answer = coalesce(:answer, answer), trace = :trace, notes = :notes, ended_at = :ended_at
WHERE id = :run_id AND fence = :fence AND status = 'running' AND slot IS NULL AND problem_id IS NULL
  AND NOT EXISTS (SELECT 1 FROM calls WHERE child = runs.id AND is_waited = 1)
RETURNING id;

-- is_finished
-- Whether this very end is written: the answer to a commit can be lost with the connection.
SELECT 1 FROM runs WHERE id = :run_id AND fence = :fence AND status = :status
    AND ended_at IS NOT DISTINCT FROM :ended_at AND due_at IS NOT DISTINCT FROM :due_at;

-- beat
INSERT INTO nodes (node, address, beat_at) VALUES (:node, :address, clock_timestamp())
ON CONFLICT (node) DO UPDATE SET beat_at = excluded.beat_at;

-- forget_node
DELETE FROM nodes WHERE node = :node;

-- dead_owners
-- Who renewed no sign of life for so long. After a restart of the database the living need as long
-- to come back; until then only those count as dead that have no row at all.
SELECT DISTINCT owner FROM runs LEFT JOIN nodes ON nodes.node = runs.owner
WHERE status = 'running' AND owner <> :node
  AND (nodes.node IS NULL
       OR (beat_at < clock_timestamp() - make_interval(secs => :patience::double precision)
           AND pg_postmaster_start_time()
               < clock_timestamp() - make_interval(secs => :patience::double precision)));

-- take_over_all
UPDATE runs SET status = 'queued', owner = NULL, due_at = :now
WHERE status = 'running' AND owner = ANY (:owners::text[]);

-- living
SELECT address FROM nodes WHERE beat_at >= clock_timestamp() - make_interval(secs => :patience::double precision)
ORDER BY address = '', node;

-- lives
SELECT EXISTS (SELECT 1 FROM nodes WHERE node = :node
               AND (beat_at >= clock_timestamp() - make_interval(secs => :patience::double precision)
                    OR pg_postmaster_start_time()
                       >= clock_timestamp() - make_interval(secs => :patience::double precision)));

-- forget_dead
DELETE FROM nodes WHERE beat_at < clock_timestamp() - make_interval(days => 1);

-- release_doubtful
-- Turns that began in a commit whose answer was lost: nobody has them.
UPDATE runs SET status = 'queued', owner = NULL, due_at = :now, stalled = stalled - 1
FROM unnest(:run_ids::text[], :turns::integer[]) AS lost (run_id, turn)
WHERE runs.id = lost.run_id AND runs.turns = lost.turn AND owner = :node AND status = 'running';

-- trim_rejected
WITH gone AS (
    DELETE FROM events WHERE number IN (
        SELECT number FROM (
            SELECT number, received_at,
                   row_number() OVER (PARTITION BY workflow ORDER BY number DESC) AS place
            FROM events WHERE disposition = 'rejected') AS rejected
        WHERE place > :keep OR received_at < :before)
    RETURNING workflow),
counted AS (
    INSERT INTO rejected_let_go (workflow, count) SELECT workflow, count(*) FROM gone GROUP BY workflow
    ON CONFLICT (workflow) DO UPDATE SET count = rejected_let_go.count + excluded.count)
SELECT count(*) FROM gone;

-- begin_writing
-- A transaction number is given only by a server that writes; synchronous_commit flushes it.
SELECT pg_current_xact_id();
