-- waiting
SELECT count(*) FROM runs INDEXED BY runs_queued WHERE status = 'queued';

-- open
SELECT id FROM problems INDEXED BY problems_by_status WHERE status = 'open' AND kind = 'backlog';

-- told_already
-- One of this crowd stands already, be it that a person put it away.
SELECT 1 FROM problems WHERE kind = 'backlog' AND (status = 'open' OR opened_at > :since) LIMIT 1;

-- fullest
SELECT workflow, count(*) AS waiting FROM runs INDEXED BY runs_queued WHERE status = 'queued'
GROUP BY workflow ORDER BY waiting DESC, workflow LIMIT 1;

-- reopen
-- The latest, if it closed by itself and not long ago.
UPDATE problems SET status = 'open', opened_at = :now, closed_at = NULL, seen_at = NULL, seen_by = NULL,
                    sentence = :sentence, note = NULL
WHERE number = (SELECT max(number) FROM problems WHERE workflow = :workflow AND step = '' AND cause = :cause)
  AND status = 'closed' AND dismissed_by IS NULL AND closed_at >= :reopened_since;

-- insert
INSERT INTO problems (id, workflow, step, cause, sentence, destination, status, opened_at, kind)
VALUES (:id, :workflow, '', :cause, :sentence, NULL, 'open', :now, 'backlog');

-- close
UPDATE problems SET status = 'closed', closed_at = :now WHERE status = 'open' AND kind = 'backlog';
