-- insert_event
INSERT INTO events (id, workflow, trigger, disposition, received_at, method, path, query, headers,
                    content_type, size, source_ip, type, delivery_id, gates, body)
VALUES (:id, :workflow, :trigger, :disposition, :received_at, :method, :path, :query, :headers,
        :content_type, :size, :source_ip, :type, :delivery_id, :gates, :body);

-- insert_run
-- With an owner the first turn begins in the transaction that accepts the event.
INSERT INTO runs (id, event_id, workflow, version, title, seed, accepted_at, mode, replay_of,
                  generations, item, owner, status, fence, turns, stalled, due_at, base_at, started_at)
SELECT :id, :event_id, :workflow, :version, :title, :seed, accepted_at, :mode, :replay_of,
       :generations, :item::integer, owner, CASE WHEN owner IS NULL THEN 'queued' ELSE 'running' END,
       begun, begun, begun, CASE WHEN owner IS NULL THEN accepted_at END,
       CASE WHEN owner IS NOT NULL THEN accepted_at END, CASE WHEN owner IS NOT NULL THEN accepted_at END
FROM (SELECT :owner::text AS owner, :accepted_at::double precision AS accepted_at,
             (:owner::text IS NOT NULL)::integer AS begun) AS given;

-- insert_file
INSERT INTO files (digest, size, created_at, content) VALUES (:digest, :size, :created_at, :content)
ON CONFLICT (digest) DO NOTHING;

-- insert_file_use
INSERT INTO file_uses (event_id, digest) VALUES (:event_id, :digest) ON CONFLICT DO NOTHING;

-- claim
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
       size, source_ip, body, gates, type, delivery_id
FROM events WHERE id = ANY (:event_ids);

-- records_of_runs
SELECT path, kind, status, attempts, started_at, generation, due_at, input, input_digest, item_digest,
       output, error, ended_at, parked_at, parked_since, parked_seconds, run_id
FROM records WHERE run_id = ANY (:run_ids);

-- files_of_events
SELECT event_id, digest FROM file_uses WHERE event_id = ANY (:event_ids);

-- progressed
-- A row comes back when the turn still has the run; the row is ours until the transaction ends.
UPDATE runs SET stalled = 0 WHERE id = :run_id AND fence = :fence AND status = 'running' RETURNING id;

-- upsert_record
INSERT INTO records (run_id, path, kind, status, attempts, generation, due_at, input, input_digest,
                     item_digest, output, error, started_at, ended_at, parked_at, parked_since,
                     parked_seconds)
VALUES (:run_id, :path, :kind, :status, :attempts, :generation, :due_at, :input, :input_digest,
        :item_digest, :output, :error, :started_at, :ended_at, :parked_at, :parked_since, :parked_seconds)
ON CONFLICT (run_id, path) DO UPDATE SET
    status = excluded.status, attempts = excluded.attempts, generation = excluded.generation,
    due_at = excluded.due_at, input = excluded.input, input_digest = excluded.input_digest,
    item_digest = excluded.item_digest, output = excluded.output, error = excluded.error,
    started_at = excluded.started_at, ended_at = excluded.ended_at, parked_at = excluded.parked_at,
    parked_since = excluded.parked_since, parked_seconds = excluded.parked_seconds;

-- finish
-- Asked to cancel it does not wait: its next turn ends it. An end locks its line before its row.
WITH line AS MATERIALIZED (
    SELECT count(lock_line(workflow, concurrency_key)) AS locked FROM runs
    WHERE id = :run_id AND slot IS NOT NULL AND :ended_at::double precision IS NOT NULL)
UPDATE runs SET status = :status, owner = NULL, stalled = 0,
                due_at = CASE WHEN cancel_requested AND :due_at::double precision IS NOT NULL
                              THEN 0 ELSE :due_at END,
                waiting_for = :waiting_for, parked_at = :parked_at, reason = :reason, output = :output,
                answer = coalesce(:answer, answer), trace = :trace, notes = :notes, ended_at = :ended_at
FROM line WHERE id = :run_id AND fence = :fence AND status = 'running'
RETURNING id;

-- is_finished
-- Whether this very end is written: the answer to a commit can be lost with the connection.
SELECT 1 FROM runs WHERE id = :run_id AND fence = :fence AND status = :status
    AND ended_at IS NOT DISTINCT FROM :ended_at AND due_at IS NOT DISTINCT FROM :due_at;

-- give_back
UPDATE runs SET status = 'queued', owner = NULL, due_at = :due_at,
                stalled = stalled - CASE WHEN :is_stalled THEN 0 ELSE 1 END
WHERE id = :run_id AND fence = :fence AND status = 'running';

-- due
-- As `claim`: who waits for a slot, or for an earlier one of the line to begin, is not due.
SELECT id, turns + 1 FROM runs
WHERE status IN ('queued', 'waiting') AND due_at <= :now AND slot IS DISTINCT FROM 'waits'
  AND (slot IS NULL OR started_at IS NOT NULL OR NOT EXISTS (
       SELECT 1 FROM runs AS earlier
       WHERE earlier.workflow = runs.workflow AND earlier.concurrency_key = runs.concurrency_key
         AND earlier.slot = 'holds' AND earlier.place < runs.place AND earlier.started_at IS NULL))
ORDER BY due_at, number LIMIT :limit;

-- next_due
SELECT min(due_at) FROM runs
WHERE status IN ('queued', 'waiting') AND due_at > :now AND slot IS DISTINCT FROM 'waits';

-- beat
INSERT INTO nodes (node, beat_at) VALUES (:node, clock_timestamp())
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

-- take_over
UPDATE runs SET status = 'queued', owner = NULL, due_at = :now
WHERE status = 'running' AND owner = ANY (:owners::text[]);

-- forget_dead
DELETE FROM nodes WHERE beat_at < clock_timestamp() - make_interval(days => 1);

-- release_doubtful
-- Turns that began in a commit whose answer was lost: nobody has them.
UPDATE runs SET status = 'queued', owner = NULL, due_at = :now, stalled = stalled - 1
FROM unnest(:run_ids::text[], :turns::integer[]) AS lost (run_id, turn)
WHERE runs.id = lost.run_id AND runs.turns = lost.turn AND owner = :node AND status = 'running';

-- cancels_of_node
SELECT id, replaced_by FROM runs WHERE status = 'running' AND owner = :node AND cancel_requested;

-- backlog
SELECT (SELECT count(*) FROM runs WHERE status = 'queued'),
       (SELECT count(*) FROM events WHERE disposition = 'held');

-- find_version
SELECT version FROM versions WHERE workflow = :workflow AND digest = :digest ORDER BY version DESC LIMIT 1;

-- newest_if
-- The newest version, if it has that digest.
SELECT version FROM versions
WHERE workflow = :workflow AND digest = :digest
  AND version = (SELECT max(version) FROM versions WHERE workflow = :workflow);

-- sign_version
UPDATE versions SET author = :author, message = :message
WHERE workflow = :workflow AND version = :version AND author IS NULL;

-- lock_versions
SELECT pg_advisory_xact_lock(hashtextextended('versions ' || :workflow::text, 0));

-- insert_version
INSERT INTO versions (workflow, version, digest, source, created_at, defaults, vars, author, message)
SELECT :workflow, 1 + (SELECT coalesce(max(version), 0) FROM versions WHERE workflow = :workflow),
       :digest, :source, :now, :defaults, :vars, :author, :message
RETURNING version;

-- newest_version
SELECT max(version) FROM versions WHERE workflow = :workflow;

-- version_source
SELECT source FROM versions WHERE workflow = :workflow AND version = :version;

-- version_basis
SELECT defaults, vars FROM versions WHERE workflow = :workflow AND version = :version;

-- file_content
SELECT content FROM files WHERE digest = :digest;

-- answer_of
SELECT status, reason ->> 'code', answer, output FROM runs WHERE id = :run_id;

-- lock_run
-- With its line, which is locked first.
WITH line AS MATERIALIZED (
    SELECT count(lock_line(workflow, concurrency_key)) AS locked FROM runs
    WHERE id = :run_id AND slot IS NOT NULL)
SELECT status, event_id, generations, item FROM line CROSS JOIN runs WHERE id = :run_id FOR UPDATE OF runs;

-- cancel_idle
UPDATE runs SET status = 'cancelled', due_at = NULL, waiting_for = NULL, reason = :reason, ended_at = :now
WHERE id = :run_id;

-- cancel_running
UPDATE runs SET cancel_requested = TRUE WHERE id = :run_id;

-- replay_failed_run
UPDATE runs SET status = 'queued', attempt = attempt + 1, due_at = :now, ended_at = NULL, reason = NULL,
                stalled = 0, cancel_requested = FALSE, replaced_by = NULL,
                version = coalesce(:version::integer, version), is_behind = :is_behind
WHERE id = :run_id;

-- replay_failed_records
-- What is known to have failed gets a new key; what may have happened keeps its own, and the doubt.
-- What ran because of the failure (on_error, on_failure) is done anew if it fails again.
UPDATE records SET status = 'waiting', attempts = 0, due_at = :now, started_at = :now, ended_at = NULL,
    parked_at = NULL, parked_since = NULL, parked_seconds = 0,
    error = CASE WHEN error @> '{"in_doubt": true}'
                   OR error ->> 'type' IN ('outcome_unknown', 'timeout', 'interrupted')
                 THEN error || '{"in_doubt": true}' END,
    generation = generation + CASE WHEN
        :as_new OR path = ANY (:anew::text[])
        OR (status = 'succeeded' AND path LIKE 'on\_failure.%')
        OR (error ->> 'type' IN ('rejected', 'connection_rejected', 'unavailable')
            AND NOT error ? 'in_doubt') THEN 1 ELSE 0 END
WHERE run_id = :run_id
  AND (status IN ('failed', 'started', 'waiting') OR path LIKE 'on\_failure.%'
       OR path = ANY (:again::text[]) OR path = ANY (:anew::text[]));

-- replay_failed_bound
-- The bound of the whole run's time begins anew.
DELETE FROM records WHERE run_id = :run_id AND path = 'run!timeout';

-- put_behind
UPDATE runs SET is_behind = TRUE WHERE id = :run_id;

-- generations_of_run
SELECT path, generation + CASE WHEN :as_new OR (status = 'failed'
    AND error ->> 'type' IN ('rejected', 'connection_rejected', 'unavailable')
    AND NOT error ? 'in_doubt') THEN 1 ELSE 0 END
FROM records WHERE run_id = :run_id;

-- rotation
SELECT rotation FROM addresses WHERE workflow = :workflow;

-- rotations
SELECT workflow, rotation FROM addresses;

-- rotate
INSERT INTO addresses (workflow, rotation) VALUES (:workflow, 1)
ON CONFLICT (workflow) DO UPDATE SET rotation = addresses.rotation + 1 RETURNING rotation;

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

-- sealed_all
SELECT kind, name, blob FROM sealed ORDER BY kind, name;

-- sealed_put
INSERT INTO sealed (kind, name, blob) VALUES (:kind, :name, :blob)
ON CONFLICT (kind, name) DO UPDATE SET blob = excluded.blob;

-- sealed_put_new
INSERT INTO sealed (kind, name, blob) VALUES (:kind, :name, :blob)
ON CONFLICT (kind, name) DO NOTHING;

-- sealed_swap
UPDATE sealed SET blob = :new WHERE kind = :kind AND name = :name AND blob = :old;

-- sealed_delete
DELETE FROM sealed WHERE kind = :kind AND name = :name;

-- take_delivery
-- Succeeds (a row comes back) when the key is absent or expired, or when all its event's runs failed.
-- Of two at the same instant the second waits here for the first one's commit.
INSERT INTO deliveries (workflow, key, event_id, expires_at) VALUES (:workflow, :key, :event_id, :expires_at)
ON CONFLICT (workflow, key) DO UPDATE SET event_id = excluded.event_id, expires_at = excluded.expires_at
WHERE deliveries.expires_at <= :now
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
    (SELECT workflow, key FROM deliveries WHERE expires_at <= :now ORDER BY expires_at LIMIT :most);

-- is_held
-- Nobody ends the pause before this transaction does: what it holds is released with the others.
SELECT 1 FROM pauses WHERE kind = 'workflow' AND name = :workflow FOR SHARE;

-- lock_line
SELECT lock_line(:workflow, :key);

-- in_line
SELECT (SELECT count(*) FROM runs
        WHERE workflow = :workflow AND concurrency_key = :key AND slot = 'holds'),
       EXISTS (SELECT 1 FROM runs WHERE workflow = :workflow AND concurrency_key = :key AND slot = 'waits');

-- cancel_waiting_in_line
UPDATE runs SET status = 'cancelled', due_at = NULL, waiting_for = NULL, reason = :reason,
                replaced_by = :by, ended_at = :now
WHERE workflow = :workflow AND concurrency_key = :key AND slot = 'waits';

-- holders
-- Those that go, those that are asked to end first, then the oldest.
SELECT id, status, cancel_requested FROM runs
WHERE workflow = :workflow AND concurrency_key = :key AND slot = 'holds'
ORDER BY cancel_requested DESC, place FOR UPDATE;

-- cancel_holder
UPDATE runs SET status = 'cancelled', due_at = NULL, waiting_for = NULL, reason = :reason,
                replaced_by = :by, ended_at = :now
WHERE id = :run_id AND status IN ('queued', 'waiting');

-- ask_holder
UPDATE runs SET cancel_requested = TRUE, replaced_by = :by WHERE id = :run_id AND status = 'running';

-- stand_in_line
UPDATE runs SET concurrency_key = :key, concurrency_limit = :limit, slot = 'waits', reason = :reason,
    place = 1 + coalesce(
        (SELECT max(place) FROM runs
         WHERE workflow = :workflow AND concurrency_key = :key AND slot = 'waits'),
        (SELECT max(place) FROM runs
         WHERE workflow = :workflow AND concurrency_key = :key AND slot = 'holds'),
        0)
WHERE id = :run_id;

-- take_slot
-- As the trigger runs_slot_freed does; again and again, since a changed file may have raised the limit.
UPDATE runs SET slot = 'holds', reason = NULL
WHERE number = (SELECT number FROM runs
                WHERE workflow = :workflow AND concurrency_key = :key AND slot = 'waits'
                ORDER BY place LIMIT 1)
  AND (SELECT count(*) FROM runs
       WHERE workflow = :workflow AND concurrency_key = :key AND slot = 'holds') < :limit
RETURNING id;

-- drop_event
UPDATE events SET disposition = 'dropped', gates = :gates WHERE id = :event_id;

-- line_of_run
SELECT workflow, concurrency_key, concurrency_limit FROM runs WHERE id = :run_id;

-- begin_writing
-- A transaction number is given only by a server that writes; synchronous_commit flushes it.
SELECT pg_current_xact_id();
