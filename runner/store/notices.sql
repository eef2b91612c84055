-- any_untold
SELECT 1 FROM problems INDEXED BY problems_untold
WHERE status <> told AND (status = 'open' OR told = 'open') LIMIT 1;

-- untold
SELECT id, workflow, step, sentence, destination, status, opened_at, closed_at, dismissed_by, note, told_at,
       kind
FROM problems INDEXED BY problems_untold
WHERE status <> told AND (status = 'open' OR told = 'open') ORDER BY number LIMIT :limit;

-- counts
SELECT problem_id, count(*), count(*) FILTER (WHERE status = 'failed') FROM runs INDEXED BY runs_by_problem
WHERE problem_id IN (SELECT value FROM json_each(:ids)) GROUP BY problem_id;

-- made_since
SELECT count(*) FROM notices WHERE made_at > :since;

-- unsent
SELECT count(*) FROM notices INDEXED BY notices_unsent WHERE sent_at IS NULL;

-- insert_notice
INSERT INTO notices (kind, subject, text, avoid, made_at, due_at)
VALUES (:kind, :subject, :text, :avoid, :now, :now);

-- told
UPDATE problems SET told = status, told_at = :now WHERE id = :id;

-- any_due
SELECT 1 FROM notices INDEXED BY notices_unsent WHERE sent_at IS NULL AND due_at <= :now LIMIT 1;

-- take
UPDATE notices SET due_at = :until, attempts = attempts + 1
WHERE number IN (SELECT number FROM notices INDEXED BY notices_unsent
                 WHERE sent_at IS NULL AND due_at <= :now ORDER BY due_at, number LIMIT :limit)
RETURNING number, attempts, made_at, kind, subject, text, avoid;

-- sent
UPDATE notices SET sent_at = :now, way = :way, error = NULL WHERE number = :number;

-- failed
UPDATE notices SET due_at = :due_at, error = :error WHERE number = :number AND sent_at IS NULL;

-- forget
DELETE FROM notices WHERE sent_at < :before;
