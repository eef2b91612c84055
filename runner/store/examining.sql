-- kept_longest
-- Of each workflow the run that ended and was accepted first.
SELECT known.workflow, (SELECT ended_at FROM runs WHERE runs.workflow = known.workflow AND ended_at IS NOT NULL
                        ORDER BY number LIMIT 1)
FROM (SELECT DISTINCT workflow FROM versions) AS known;

-- owners
SELECT owner, count(*) FROM runs WHERE status = 'running' GROUP BY owner;

-- newest
SELECT accepted_at FROM runs ORDER BY number DESC LIMIT 1;

-- unsent
SELECT made_at, error FROM notices WHERE sent_at IS NULL AND error IS NOT NULL ORDER BY number DESC LIMIT 1;
