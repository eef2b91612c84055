-- events
SELECT number, id, workflow, trigger, disposition, received_at, method, path, content_type, size,
       source_ip, type, delivery_id, gates
FROM events {where} ORDER BY number DESC LIMIT :limit;

-- events_floor
SELECT number FROM events {where} ORDER BY number DESC LIMIT 1 OFFSET :looked_at;

-- events_first
-- The least of the first thousand from then on: a few were long in coming and got their number late.
SELECT min(number) FROM (SELECT number FROM events WHERE id >= :id ORDER BY id LIMIT 1000) AS those;

-- event
SELECT number, id, workflow, trigger, disposition, received_at, method, path, content_type, size,
       source_ip, type, delivery_id, gates, query, headers, body
FROM events WHERE id = :id;

-- runs_of_events
SELECT event_id, id, status, title, version FROM runs
WHERE event_id IN (SELECT value FROM json_each(:ids)) ORDER BY number;

-- runs
SELECT number, id, title, workflow, version, status, reason, event_id, attempt, replay_of, mode,
       waiting_for, iif(parked_at IS NULL, due_at, NULL), accepted_at, started_at, ended_at
FROM runs {where} ORDER BY number DESC LIMIT :limit;

-- runs_floor
SELECT number FROM runs {where} ORDER BY number DESC LIMIT 1 OFFSET :looked_at;

-- runs_first
SELECT min(number) FROM (SELECT number FROM runs WHERE id >= :id ORDER BY id LIMIT 1000) AS those;

-- run
SELECT number, id, title, workflow, version, status, reason, event_id, attempt, replay_of, mode,
       waiting_for, iif(parked_at IS NULL, due_at, NULL), accepted_at, started_at, ended_at, trace,
       output, answer, notes,
       (SELECT vars FROM versions WHERE versions.workflow = runs.workflow AND versions.version = runs.version
        UNION ALL SELECT vars FROM tried WHERE tried.workflow = runs.workflow AND tried.number = 0 - runs.version)
FROM runs WHERE id = :id;

-- records
SELECT path, kind, status, attempts, input, output, error, started_at, ended_at, due_at
FROM records WHERE run_id = :id ORDER BY started_at, path;

-- sizes_of_events
SELECT id, size FROM events WHERE id IN (SELECT value FROM json_each(:ids));

-- whole_events
-- The columns of `event_of_run`.
SELECT id, workflow, trigger, received_at, disposition, method, path, query, headers, content_type,
       size, source_ip, body, gates, type, delivery_id
FROM events WHERE id IN (SELECT value FROM json_each(:ids));

-- outputs
SELECT run_id, path, output FROM records
WHERE run_id IN (SELECT value FROM json_each(:ids)) AND output IS NOT NULL;

-- traces
SELECT id, trace FROM runs WHERE id IN (SELECT value FROM json_each(:ids));

-- counts
-- Each part reads an index alone, or one row; no table is walked.
SELECT known.workflow,
       (SELECT count(*) FROM runs INDEXED BY runs_by_workflow
        WHERE runs.workflow = known.workflow AND number >= :first),
       (SELECT count(*) FROM runs INDEXED BY runs_failed
        WHERE status = 'failed' AND runs.workflow = known.workflow AND number >= :first),
       last.accepted_at, last.status
FROM (SELECT DISTINCT workflow FROM versions) AS known
LEFT JOIN runs AS last ON last.number =
     (SELECT max(number) FROM runs INDEXED BY runs_by_workflow WHERE runs.workflow = known.workflow);

-- runs_firsts
-- `runs_first` of several ids, in their order.
SELECT (SELECT min(number) FROM (SELECT number FROM runs WHERE id >= bound.value ORDER BY id LIMIT 1000) AS those)
FROM json_each(:ids) AS bound ORDER BY bound.key;

-- spans
-- As `counts`: each number is that of the entries of an index between two places.
SELECT known.value, span.key,
       (SELECT count(*) FROM runs INDEXED BY runs_by_workflow
        WHERE runs.workflow = known.value AND number >= CAST(json_extract(span.value, '$[0]') AS BIGINT)
          AND number < CAST(json_extract(span.value, '$[1]') AS BIGINT)),
       (SELECT count(*) FROM runs INDEXED BY runs_failed
        WHERE status = 'failed' AND runs.workflow = known.value
          AND number >= CAST(json_extract(span.value, '$[0]') AS BIGINT)
          AND number < CAST(json_extract(span.value, '$[1]') AS BIGINT))
FROM json_each(:workflows) AS known, json_each(:spans) AS span
WHERE CAST(json_extract(span.value, '$[0]') AS BIGINT) < CAST(json_extract(span.value, '$[1]') AS BIGINT);

-- stopped
SELECT 'held', workflow, count(*) FROM events INDEXED BY events_held
WHERE disposition = 'held' GROUP BY workflow
UNION ALL
SELECT 'rejected', workflow, count(*) FROM events INDEXED BY events_rejected
WHERE disposition = 'rejected' AND number >= :first GROUP BY workflow;
