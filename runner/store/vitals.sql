-- newest
SELECT coalesce((SELECT max(number) FROM events), 0), coalesce((SELECT max(number) FROM runs), 0);

-- under_way
-- By indexes alone, and partial ones: what has ended, however many, is not looked at.
SELECT (SELECT count(*) FROM runs INDEXED BY runs_queued WHERE status = 'queued'),
       (SELECT count(*) FROM runs INDEXED BY runs_owned WHERE status = 'running'),
       (SELECT count(*) FROM runs INDEXED BY runs_by_status WHERE status = 'waiting'),
       (SELECT count(*) FROM events INDEXED BY events_held WHERE disposition = 'held');

-- due_since
SELECT min(due_at) FROM runs INDEXED BY runs_due
WHERE status IN ('queued', 'waiting') AND due_at <= :now AND slot IS NOT 'waits';

-- due_since (postgresql)
SELECT min(due_at) FROM runs INDEXED BY runs_due
WHERE status IN ('queued', 'waiting') AND due_at <= :now AND slot IS DISTINCT FROM 'waits';


-- problems
SELECT kind, count(*) FROM problems INDEXED BY problems_by_status WHERE status = 'open' GROUP BY kind;

-- silent
SELECT workflow FROM problems INDEXED BY problems_by_status WHERE status = 'open' AND kind = 'silent'
ORDER BY workflow LIMIT :most;
