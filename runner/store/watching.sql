-- newest
SELECT (SELECT ifnull(max(number), 0) FROM events), (SELECT ifnull(max(number), 0) FROM runs);

-- new_events
SELECT id FROM events WHERE number > :after ORDER BY number DESC LIMIT :limit;

-- new_runs
SELECT id FROM runs WHERE number > :after ORDER BY number DESC LIMIT :limit;

-- under_way
-- Of each status the newest, so that a long queue is not walked; then those that somebody looks at.
SELECT id, status || ' ' || attempt || ' ' || turns FROM (
    SELECT * FROM (SELECT id, status, attempt, turns FROM runs INDEXED BY runs_by_status
                   WHERE status = 'running' ORDER BY number DESC LIMIT :limit)
    UNION ALL
    SELECT * FROM (SELECT id, status, attempt, turns FROM runs INDEXED BY runs_by_status
                   WHERE status = 'waiting' ORDER BY number DESC LIMIT :limit)
    UNION ALL
    SELECT * FROM (SELECT id, status, attempt, turns FROM runs INDEXED BY runs_by_status
                   WHERE status = 'queued' ORDER BY number DESC LIMIT :limit))
UNION ALL
SELECT runs.id, runs.status || ' ' || runs.attempt || ' ' || runs.turns || ' ' || count(records.path) || ' '
       || ifnull(max(ifnull(records.ended_at, records.started_at)), 0)
       || ' ' || ifnull(sum(records.attempts), 0)
FROM runs LEFT JOIN records ON records.run_id = runs.id
WHERE runs.id IN (SELECT value FROM json_each(:watched)) GROUP BY runs.id;
