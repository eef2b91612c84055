-- entry
SELECT value, changed_at, expires_at, holder FROM state WHERE workflow = :workflow AND key = :key;

-- entries
SELECT key, value, changed_at, expires_at FROM state
WHERE workflow = :workflow AND key > :after AND (expires_at IS NULL OR expires_at > :now)
ORDER BY key LIMIT :limit;

-- put
INSERT INTO state (workflow, key, value, holder, changed_at, expires_at)
VALUES (:workflow, :key, :value, :holder, :now, :expires_at)
ON CONFLICT (workflow, key) DO UPDATE SET value = excluded.value, holder = excluded.holder,
    changed_at = excluded.changed_at, expires_at = excluded.expires_at;

-- delete
DELETE FROM state WHERE workflow = :workflow AND key = :key;

-- count
SELECT count(*) FROM (SELECT 1 FROM state WHERE workflow = :workflow LIMIT :most) AS those;

-- delete_over
DELETE FROM state WHERE workflow = :workflow AND expires_at <= :now;

-- result
SELECT result FROM state_effects WHERE event_id = :event_id AND key = :effect;

-- remember
INSERT INTO state_effects (event_id, key, result, expires_at)
VALUES (:event_id, :effect, :result,
        iif(EXISTS (SELECT 1 FROM events WHERE id = :event_id), NULL, CAST(:later AS DOUBLE PRECISION)));

-- tidy
DELETE FROM state WHERE (workflow, key) IN
    (SELECT workflow, key FROM state INDEXED BY state_by_end WHERE expires_at <= :now LIMIT :most);

-- tidy_effects
DELETE FROM state_effects WHERE (event_id, key) IN
    (SELECT event_id, key FROM state_effects INDEXED BY state_effects_by_end WHERE expires_at <= :now LIMIT :most);
