-- insert_event
INSERT INTO events (id, workflow, trigger, disposition, received_at, method, path, query, headers,
                    content_type, size, source_ip, type, delivery_id, gates, body)
VALUES (:id, :workflow, :trigger, :disposition, :received_at, :method, :path, :query, :headers,
        :content_type, :size, :source_ip, :type, :delivery_id, :gates, :body);

-- insert_run
-- With an owner the first turn begins in the transaction that accepts the event.
INSERT INTO runs (id, event_id, workflow, version, title, seed, accepted_at, mode, replay_of,
                  generations, item, status, owner, fence, turns, stalled, due_at, base_at, started_at)
VALUES (:id, :event_id, :workflow, :version, :title, :seed, :accepted_at, :mode, :replay_of, :generations,
        :item,
        iif(:owner IS NULL, 'queued', 'running'), :owner,
        :owner IS NOT NULL, :owner IS NOT NULL, :owner IS NOT NULL,
        iif(:owner IS NULL, :accepted_at, NULL), iif(:owner IS NULL, NULL, :accepted_at),
        iif(:owner IS NULL, NULL, :accepted_at));

-- insert_run (postgresql)
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
-- The fence makes every later write of an earlier turn void. One writer at a time: no row locks.
UPDATE runs SET status = 'running', owner = :node, fence = fence + 1, turns = turns + 1,
                stalled = stalled + 1, due_at = NULL, waiting_for = NULL,
                base_at = coalesce(base_at, :now), started_at = coalesce(started_at, :now)
WHERE id = :run_id AND turns = :turn - 1 AND status IN ('queued', 'waiting') AND due_at <= :now
  AND slot IS NOT 'waits'
  -- of several that may go, those that came first begin first
  AND (slot IS NULL OR started_at IS NOT NULL OR NOT EXISTS (
       SELECT 1 FROM runs AS earlier
       WHERE earlier.workflow = runs.workflow AND earlier.concurrency_key = runs.concurrency_key
         AND earlier.slot = 'holds' AND earlier.place < runs.place AND earlier.started_at IS NULL))
RETURNING id, event_id, workflow, version, title, seed, attempt, fence, turns, stalled, accepted_at,
          base_at, mode, cancel_requested, generations, replaced_by, item;

-- claim (postgresql)
UPDATE runs SET status = 'running', owner = :node, fence = fence + 1, turns = turns + 1,
                stalled = stalled + 1, due_at = NULL, waiting_for = NULL,
                base_at = coalesce(base_at, :now), started_at = coalesce(started_at, :now)
WHERE id = :run_id AND turns = :turn - 1 AND status IN ('queued', 'waiting') AND due_at <= :now
  AND slot IS DISTINCT FROM 'waits'
  AND (slot IS NULL OR started_at IS NOT NULL OR NOT EXISTS (
       SELECT 1 FROM runs AS earlier
       WHERE earlier.workflow = runs.workflow AND earlier.concurrency_key = runs.concurrency_key
         AND earlier.slot = 'holds' AND earlier.place < runs.place AND earlier.started_at IS NULL))
RETURNING id;

-- event_of_run
SELECT id, workflow, trigger, received_at, disposition, method, path, query, headers, content_type,
       size, source_ip, body, gates, type, delivery_id, keyed_as
FROM events WHERE id = :event_id;

-- records_of_run
SELECT path, kind, status, attempts, started_at, generation, due_at, input, input_digest, item_digest,
       output, error, ended_at, parked_at, parked_since, parked_seconds
FROM records WHERE run_id = :run_id;

-- fence
SELECT 1 FROM runs WHERE id = :run_id AND fence = :fence AND status = 'running';

-- fence (postgresql)
SELECT 1 FROM runs WHERE id = :run_id AND fence = :fence AND status = 'running' FOR UPDATE;

-- files_of_event
SELECT digest FROM file_uses WHERE event_id = :event_id;

-- upsert_record
INSERT INTO records (run_id, path, kind, status, attempts, generation, due_at, input, input_digest,
                     item_digest, output, error, started_at, ended_at, parked_at, parked_since,
                     parked_seconds, exchanges)
VALUES (:run_id, :path, :kind, :status, :attempts, :generation, :due_at, :input, :input_digest,
        :item_digest, :output, :error, :started_at, :ended_at, :parked_at, :parked_since, :parked_seconds,
        :exchanges)
ON CONFLICT (run_id, path) DO UPDATE SET
    status = excluded.status, attempts = excluded.attempts, generation = excluded.generation,
    due_at = excluded.due_at, input = excluded.input, input_digest = excluded.input_digest,
    item_digest = excluded.item_digest, output = excluded.output, error = excluded.error,
    started_at = excluded.started_at, ended_at = excluded.ended_at, parked_at = excluded.parked_at,
    parked_since = excluded.parked_since, parked_seconds = excluded.parked_seconds,
    exchanges = CASE WHEN excluded.exchanges IS NULL THEN records.exchanges
                     WHEN records.exchanges IS NULL OR length(records.exchanges) > 100000
                     THEN excluded.exchanges
                     ELSE records.exchanges || '
' || excluded.exchanges END;

-- progressed
UPDATE runs SET stalled = 0 WHERE id = :run_id;

-- finish
-- Asked to cancel it does not wait: its next turn ends it.
UPDATE runs SET status = :status, owner = NULL, stalled = 0,
                due_at = iif(cancel_requested AND :due_at IS NOT NULL, 0, :due_at),
                waiting_for = :waiting_for, parked_at = :parked_at, reason = :reason, output = :output,
                answer = coalesce(:answer, answer), trace = :trace, notes = :notes, ended_at = :ended_at
WHERE id = :run_id AND fence = :fence AND status = 'running';

-- finish (postgresql)
-- Asked to cancel it does not wait: its next turn ends it. An end locks its line before its row.
WITH line AS MATERIALIZED (
    SELECT count(lock_line(workflow, concurrency_key)) AS locked FROM runs
    WHERE id = :run_id AND slot IS NOT NULL AND :ended_at::double precision IS NOT NULL)
UPDATE runs SET status = :status, owner = NULL, stalled = 0,
                due_at = CASE WHEN cancel_requested = 1 AND :due_at::double precision IS NOT NULL
                              THEN 0 ELSE :due_at END,
                waiting_for = :waiting_for, parked_at = :parked_at, reason = :reason, output = :output,
                answer = coalesce(:answer, answer), trace = :trace, notes = :notes, ended_at = :ended_at
FROM line WHERE id = :run_id AND fence = :fence AND status = 'running'
RETURNING id;

-- give_back
UPDATE runs SET status = 'queued', owner = NULL, due_at = :due_at,
                stalled = stalled - iif(:is_stalled, 0, 1)
WHERE id = :run_id AND fence = :fence AND status = 'running';

-- due
-- As `claim`: who waits for a slot, or for an earlier one of the line to begin, is not due. What is
-- replayed in bulk comes after all that is fresh.
SELECT * FROM (
    SELECT id, turns + 1 FROM runs INDEXED BY runs_due
    WHERE status IN ('queued', 'waiting') AND due_at <= :now AND slot IS NOT 'waits' AND is_behind = 0
      AND (slot IS NULL OR started_at IS NOT NULL OR NOT EXISTS (
           SELECT 1 FROM runs AS earlier
           WHERE earlier.workflow = runs.workflow AND earlier.concurrency_key = runs.concurrency_key
             AND earlier.slot = 'holds' AND earlier.place < runs.place AND earlier.started_at IS NULL))
    ORDER BY due_at, number LIMIT :limit)
UNION ALL SELECT * FROM (
    SELECT id, turns + 1 FROM runs INDEXED BY runs_due_behind
    WHERE status IN ('queued', 'waiting') AND due_at <= :now AND slot IS NOT 'waits' AND is_behind = 1
      AND (slot IS NULL OR started_at IS NOT NULL OR NOT EXISTS (
           SELECT 1 FROM runs AS earlier
           WHERE earlier.workflow = runs.workflow AND earlier.concurrency_key = runs.concurrency_key
             AND earlier.slot = 'holds' AND earlier.place < runs.place AND earlier.started_at IS NULL))
    ORDER BY due_at, number LIMIT :limit)
LIMIT :limit;

-- due (postgresql)
-- As `claim`: who waits for a slot, or for an earlier one of the line to begin, is not due.
SELECT id, turns + 1 FROM runs
WHERE status IN ('queued', 'waiting') AND due_at <= :now AND slot IS DISTINCT FROM 'waits'
  AND (slot IS NULL OR started_at IS NOT NULL OR NOT EXISTS (
       SELECT 1 FROM runs AS earlier
       WHERE earlier.workflow = runs.workflow AND earlier.concurrency_key = runs.concurrency_key
         AND earlier.slot = 'holds' AND earlier.place < runs.place AND earlier.started_at IS NULL))
ORDER BY is_behind, due_at, number LIMIT :limit;

-- next_due
SELECT min(due_at) FROM runs INDEXED BY runs_due
WHERE status IN ('queued', 'waiting') AND due_at > :now AND slot IS NOT 'waits';

-- next_due (postgresql)
SELECT min(due_at) FROM runs
WHERE status IN ('queued', 'waiting') AND due_at > :now AND slot IS DISTINCT FROM 'waits';

-- owners
SELECT DISTINCT owner FROM runs INDEXED BY runs_owned WHERE status = 'running';

-- take_over
UPDATE runs SET status = 'queued', owner = NULL, due_at = :now WHERE status = 'running' AND owner = :owner;

-- backlog
SELECT (SELECT count(*) FROM runs INDEXED BY runs_queued WHERE status = 'queued'),
       (SELECT count(*) FROM events INDEXED BY events_held WHERE disposition = 'held');

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

-- insert_version
INSERT INTO versions (workflow, version, digest, source, created_at, defaults, vars, author, message)
SELECT :workflow, coalesce(max(version), 0) + 1, :digest, :source, :now, :defaults, :vars, :author, :message
FROM versions WHERE workflow = :workflow RETURNING version;

-- newest_version
SELECT max(version) FROM versions WHERE workflow = :workflow;

-- version_source
-- Below 0 it is a text that was tried before it was published.
SELECT source FROM versions WHERE workflow = :workflow AND version = :version
UNION ALL SELECT source FROM tried WHERE workflow = :workflow AND number = -:version;

-- version_basis
SELECT defaults, vars FROM versions WHERE workflow = :workflow AND version = :version
UNION ALL SELECT defaults, vars FROM tried WHERE workflow = :workflow AND number = -:version;

-- file_content
SELECT content FROM files WHERE digest = :digest;

-- answer_of
SELECT status, json_extract(reason, '$.code'), answer, output FROM runs WHERE id = :run_id;

-- run_status
SELECT status FROM runs WHERE id = :run_id;

-- run_status (postgresql)
-- With its line, which is locked first.
WITH line AS MATERIALIZED (
    SELECT count(lock_line(workflow, concurrency_key)) AS locked FROM runs
    WHERE id = :run_id AND slot IS NOT NULL)
SELECT status FROM line CROSS JOIN runs WHERE id = :run_id FOR UPDATE OF runs;

-- cancel_idle
UPDATE runs SET status = 'cancelled', due_at = NULL, waiting_for = NULL, reason = :reason, ended_at = :now
WHERE id = :run_id AND status IN ('queued', 'waiting');

-- cancel_running
UPDATE runs SET cancel_requested = 1 WHERE id = :run_id AND status = 'running';

-- cancels_of_node
SELECT id, replaced_by FROM runs INDEXED BY runs_owned
WHERE status = 'running' AND owner = :node AND cancel_requested = 1;

-- replay_failed_run
UPDATE runs SET status = 'queued', attempt = attempt + 1, due_at = :now, ended_at = NULL, reason = NULL,
                stalled = 0, cancel_requested = 0, replaced_by = NULL, version = coalesce(:version, version),
                is_behind = :is_behind
WHERE id = :run_id AND status = 'failed';

-- replay_failed_records
-- What is known to have failed gets a new key; what may have happened keeps its own, and the doubt.
-- What ran because of the failure (on_error, on_failure) is done anew if it fails again.
UPDATE records SET status = 'waiting', attempts = 0, due_at = :now, started_at = :now, ended_at = NULL,
    parked_at = NULL, parked_since = NULL, parked_seconds = 0,
    error = iif(json_extract(error, '$.in_doubt')
                OR json_extract(error, '$.type') IN ('outcome_unknown', 'timeout', 'interrupted'),
                json_set(error, '$.in_doubt', json('true')), NULL),
    generation = generation + iif(
        :as_new OR path IN (SELECT value FROM json_each(:anew))
        OR (status = 'succeeded' AND path LIKE 'on_failure.%')
        OR (json_extract(error, '$.type') IN ('rejected', 'connection_rejected', 'unavailable')
            AND json_extract(error, '$.in_doubt') IS NULL), 1, 0)
WHERE run_id = :run_id
  AND (status IN ('failed', 'started', 'waiting') OR path LIKE 'on_failure.%'
       OR path IN (SELECT value FROM json_each(:again)) OR path IN (SELECT value FROM json_each(:anew)));

-- replay_failed_records (postgresql)
-- What is known to have failed gets a new key; what may have happened keeps its own, and the doubt.
-- What ran because of the failure (on_error, on_failure) is done anew if it fails again.
UPDATE records SET status = 'waiting', attempts = 0, due_at = :now, started_at = :now, ended_at = NULL,
    parked_at = NULL, parked_since = NULL, parked_seconds = 0,
    error = CASE WHEN error @> '{"in_doubt": true}'
                   OR error ->> 'type' IN ('outcome_unknown', 'timeout', 'interrupted')
                 THEN error || '{"in_doubt": true}' END,
    generation = generation + CASE WHEN
        :as_new OR path IN (SELECT value FROM json_each(:anew))
        OR (status = 'succeeded' AND path LIKE 'on\_failure.%')
        OR (error ->> 'type' IN ('rejected', 'connection_rejected', 'unavailable')
            AND NOT error ? 'in_doubt') THEN 1 ELSE 0 END
WHERE run_id = :run_id
  AND (status IN ('failed', 'started', 'waiting') OR path LIKE 'on\_failure.%'
       OR path IN (SELECT value FROM json_each(:again)) OR path IN (SELECT value FROM json_each(:anew)));

-- replay_failed_bound
-- The bound of the whole run's time begins anew.
DELETE FROM records WHERE run_id = :run_id AND path = 'run!timeout';

-- put_behind
UPDATE runs SET is_behind = 1 WHERE id = :run_id;

-- run_for_replay
SELECT event_id, item FROM runs WHERE id = :run_id;

-- generations_of_run
SELECT path, generation + iif(:as_new OR (status = 'failed'
                                          AND json_extract(error, '$.type') IN
                                              ('rejected', 'connection_rejected', 'unavailable')
                                          AND json_extract(error, '$.in_doubt') IS NULL), 1, 0)
FROM records WHERE run_id = :run_id;

-- generations_inherited
SELECT generations FROM runs WHERE id = :run_id;

-- rotations
SELECT workflow, rotation FROM addresses;

-- rejected_over
SELECT number, workflow FROM (
    SELECT number, workflow, received_at,
           row_number() OVER (PARTITION BY workflow ORDER BY number DESC) AS place
    FROM events INDEXED BY events_rejected WHERE disposition = 'rejected') AS rejected
WHERE place > :keep OR received_at < :before;

-- delete_event
DELETE FROM events WHERE number = :number;

-- count_let_go
INSERT INTO rejected_let_go (workflow, count) VALUES (:workflow, 1)
ON CONFLICT (workflow) DO UPDATE SET count = rejected_let_go.count + 1;

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
