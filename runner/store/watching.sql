-- commits
-- On the connection that only reads.
PRAGMA data_version;

-- commits (postgresql)
-- All of the snapshot: who began early and commits late does not raise its upper end.
SELECT hashtextextended(CAST(pg_current_snapshot() AS TEXT), 0);

-- newest
SELECT (SELECT coalesce(max(number), 0) FROM events), (SELECT coalesce(max(number), 0) FROM runs);

-- newest (postgresql)
-- Whoever took a lower number may commit later: only up to rows that were written before every transaction
-- that goes on now, or some seconds ago: another database's long transaction is none of ours.
SELECT coalesce((SELECT number FROM (SELECT number, xmin AS by, received_at AS at FROM events
                                     ORDER BY number DESC LIMIT 2000) AS last
                 WHERE age(by) > age(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS XID))
                    OR at < extract(epoch FROM clock_timestamp()) - 3
                 ORDER BY number DESC LIMIT 1), 0),
       coalesce((SELECT number FROM (SELECT number, xmin AS by, accepted_at AS at FROM runs
                                     ORDER BY number DESC LIMIT 2000) AS last
                 WHERE age(by) > age(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS XID))
                    OR at < extract(epoch FROM clock_timestamp()) - 3
                 ORDER BY number DESC LIMIT 1), 0);

-- new_events
SELECT id FROM events WHERE number > :after AND number <= :to ORDER BY number DESC LIMIT :limit;

-- new_runs
SELECT id FROM runs WHERE number > :after AND number <= :to ORDER BY number DESC LIMIT :limit;

-- under_way
-- Of each status the newest, so that a long queue is not walked; then those that somebody looks at.
SELECT id, status || ' ' || attempt || ' ' || turns FROM (
    SELECT * FROM (SELECT id, status, attempt, turns FROM runs INDEXED BY runs_by_status
                   WHERE status = 'running' ORDER BY number DESC LIMIT :limit) AS r
    UNION ALL
    SELECT * FROM (SELECT id, status, attempt, turns FROM runs INDEXED BY runs_by_status
                   WHERE status = 'waiting' ORDER BY number DESC LIMIT :limit) AS r
    UNION ALL
    SELECT * FROM (SELECT id, status, attempt, turns FROM runs INDEXED BY runs_by_status
                   WHERE status = 'queued' ORDER BY number DESC LIMIT :limit) AS q) AS moving
UNION ALL
SELECT runs.id, runs.status || ' ' || runs.attempt || ' ' || runs.turns || ' ' || count(records.path) || ' '
       || coalesce(max(coalesce(records.ended_at, records.started_at)), 0)
       || ' ' || coalesce(sum(records.attempts), 0)
FROM runs LEFT JOIN records ON records.run_id = runs.id
WHERE runs.id IN (SELECT value FROM json_each(:watched)) GROUP BY runs.number, runs.id, runs.status, runs.attempt, runs.turns;
