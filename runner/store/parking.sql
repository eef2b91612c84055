-- unpark
-- Those accepted first, as many as were asked for. No longer parked, so that none is woken twice.
UPDATE runs SET due_at = :now, parked_at = NULL
WHERE number IN (SELECT number FROM runs INDEXED BY runs_parked
                 WHERE status = 'waiting' AND parked_at = :place ORDER BY number LIMIT :count);

-- parked_places
-- From one place to the next in the index: a thousand runs at one of them cost one step.
WITH RECURSIVE found (at) AS (
    SELECT min(parked_at) FROM runs INDEXED BY runs_parked WHERE status = 'waiting' AND parked_at > ''
    UNION ALL
    SELECT (SELECT min(parked_at) FROM runs INDEXED BY runs_parked
            WHERE status = 'waiting' AND parked_at > found.at)
    FROM found WHERE found.at IS NOT NULL)
SELECT at FROM found WHERE at IS NOT NULL LIMIT :limit;

-- parked_count
SELECT count(*) FROM runs INDEXED BY runs_parked WHERE status = 'waiting' AND parked_at = :place;
