-- given
SELECT value, made_by, at, files FROM answers WHERE run_id = :run_id AND path = :path;

-- status
SELECT status, event_id FROM runs WHERE id = :run_id;

-- is_closed
SELECT 1 FROM records WHERE run_id = :run_id AND path = :path AND status IN ('succeeded', 'failed');

-- insert_answer
INSERT INTO answers (run_id, path, value, made_by, at, files)
VALUES (:run_id, :path, :value, :made_by, :at, :files);

-- wake
-- A run that waits at a step which has its answer is due: whoever of the two came last sees to it, he
-- who answers or the turn that ends waiting.
UPDATE runs SET due_at = min(due_at, :now)
WHERE id = :run_id AND status = 'waiting'
  AND EXISTS (SELECT 1 FROM answers JOIN records ON records.run_id = answers.run_id AND records.path = answers.path
              WHERE answers.run_id = :run_id AND records.status = 'waiting');

-- forget_closed
-- A replay asks again where nobody answered in time, and where it does a step again that was answered.
DELETE FROM answers WHERE run_id = :run_id
  AND (made_by IS NULL OR path IN (SELECT value FROM json_each(:again))
       OR path IN (SELECT value FROM json_each(:anew)));

-- asked
SELECT runs.number, runs.id, :path, runs.workflow, runs.version, runs.title, runs.event_id, runs.status,
       records.status, records.input, records.started_at, records.due_at,
       answers.run_id IS NOT NULL, answers.value, answers.made_by, answers.at
FROM runs LEFT JOIN records ON records.run_id = runs.id AND records.path = :path
          LEFT JOIN answers ON answers.run_id = runs.id AND answers.path = :path
WHERE runs.id = :run_id;

-- open
SELECT runs.number, runs.id, records.path, runs.workflow, runs.version, runs.title, runs.event_id, runs.status,
       records.status, records.input, records.started_at, records.due_at, 0, NULL, NULL, NULL
FROM records INDEXED BY records_asked JOIN runs ON runs.id = records.run_id
WHERE records.kind = 'wait_for' AND records.status = 'waiting'
  AND runs.status IN ('queued', 'running', 'waiting') AND runs.number > :after
  AND json_extract(records.input, '$.message') IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM answers WHERE answers.run_id = records.run_id AND answers.path = records.path)
ORDER BY runs.number, records.path LIMIT :limit;
