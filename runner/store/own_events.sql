-- forget_interests
DELETE FROM interests;

-- interest
INSERT INTO interests (kind) VALUES (:kind);

-- note
INSERT INTO own_events (kind, subject, at)
SELECT :kind, :subject, :at WHERE EXISTS (SELECT 1 FROM interests WHERE kind = :kind);

-- waiting
SELECT number, kind, subject, at FROM own_events ORDER BY number LIMIT :limit;

-- done
DELETE FROM own_events WHERE number = :number;

-- run_is_own
SELECT trigger = 'hookline' OR (trigger = 'call' AND coalesce(json_extract(gates, '$[0].facts.root'), '') = 'hookline')
FROM events WHERE id = (SELECT event_id FROM runs WHERE id = :subject);

-- problem_is_own
-- By its latest runs: those that it is made of are alike.
SELECT count(*) > 0 AND count(*) FILTER (WHERE NOT is_own) = 0 FROM (
    SELECT trigger = 'hookline'
           OR (trigger = 'call' AND coalesce(json_extract(gates, '$[0].facts.root'), '') = 'hookline') AS is_own
    FROM runs INDEXED BY runs_in_problem JOIN events ON events.id = runs.event_id
    WHERE problem_id = :subject ORDER BY runs.number DESC LIMIT 1000) AS latest;
