-- all
SELECT workflow, spec, next_at, is_begun, polled_at, found, failures, failing_since, error, owner, owned_until
FROM polls;

-- insert
INSERT INTO polls (workflow, spec, next_at) VALUES (:workflow, :spec, :next_at)
ON CONFLICT (workflow) DO NOTHING;

-- plan
UPDATE polls SET spec = :spec, next_at = :next_at, is_begun = :is_begun
WHERE workflow = :workflow AND spec = :was_spec AND next_at = :was_next_at AND (owner = :was_owner OR (owner IS NULL AND :was_owner IS NULL));

-- take
UPDATE polls SET owner = :node, owned_until = :until
WHERE workflow = :workflow AND spec = :spec AND next_at = :next_at AND (owner = :was_owner OR (owner IS NULL AND :was_owner IS NULL));

-- is_ours
SELECT 1 FROM polls WHERE workflow = :workflow AND owner = :owner AND owned_until = :owned_until;

-- end
UPDATE polls SET next_at = :next_at, is_begun = :is_begun, polled_at = :polled_at, found = :found,
                 failures = :failures, failing_since = :failing_since, error = :error,
                 owner = NULL, owned_until = NULL
WHERE workflow = :workflow AND owner = :was_owner AND owned_until = :was_until;

-- delete
DELETE FROM polls WHERE workflow = :workflow;

-- delete_known
DELETE FROM polled WHERE workflow = :workflow;

-- known
SELECT id FROM polled WHERE workflow = :workflow AND id IN (SELECT value FROM json_each(:ids));

-- learn
-- A row comes back when the id was unknown.
INSERT INTO polled (workflow, id, seen_at) VALUES (:workflow, :id, :now)
ON CONFLICT (workflow, id) DO NOTHING RETURNING id;

-- remember
-- To the day: a list that stands still costs no writing.
INSERT INTO polled (workflow, id, seen_at) SELECT :workflow, value, :now FROM json_each(:ids) WHERE true
ON CONFLICT (workflow, id) DO UPDATE SET seen_at = excluded.seen_at
WHERE polled.seen_at < excluded.seen_at - 86400 OR polled.seen_at > excluded.seen_at + 86400;

-- forget_old
DELETE FROM polled WHERE workflow = :workflow AND seen_at < :before;

-- forget_most
DELETE FROM polled WHERE (workflow, id) IN (
    SELECT workflow, id FROM polled INDEXED BY polled_by_age WHERE workflow = :workflow
    ORDER BY seen_at DESC LIMIT -1 OFFSET :most);

-- forget_most (postgresql)
DELETE FROM polled WHERE (workflow, id) IN (
    SELECT workflow, id FROM polled WHERE workflow = :workflow ORDER BY seen_at DESC OFFSET :most);

-- told_already
-- One of this series of failures stands already, be it that a person put it away.
SELECT 1 FROM problems WHERE workflow = :workflow AND step = '' AND cause = :cause
                         AND (status = 'open' OR opened_at >= :since);

-- reopen
-- The latest, if it closed by itself and not long ago.
UPDATE problems SET status = 'open', opened_at = :now, closed_at = NULL, seen_at = NULL, seen_by = NULL,
                    sentence = :sentence, destination = :destination, note = NULL
WHERE number = (SELECT max(number) FROM problems WHERE workflow = :workflow AND step = '' AND cause = :cause)
  AND status = 'closed' AND dismissed_by IS NULL AND closed_at >= :reopened_since;

-- open
INSERT INTO problems (id, workflow, step, cause, sentence, destination, status, opened_at, kind)
VALUES (:id, :workflow, '', :cause, :sentence, :destination, 'open', :now, 'poll');

-- close
UPDATE problems SET status = 'closed', closed_at = :now, note = :note
WHERE workflow = :workflow AND step = '' AND cause = :cause AND status = 'open';
