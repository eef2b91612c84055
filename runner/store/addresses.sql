-- addresses
SELECT workflow, coalesce(origin, workflow), rotation, gone_at, became, live FROM addresses;

-- kept
SELECT workflow, origin, rotation, until FROM kept_addresses ORDER BY until IS NULL, until, origin, rotation;

-- paths
SELECT workflow, path FROM paths ORDER BY path;

-- open
INSERT INTO addresses (workflow, rotation) VALUES (:workflow, 0) ON CONFLICT DO NOTHING;

-- address
SELECT coalesce(origin, workflow), rotation, became FROM addresses WHERE workflow = :workflow;

-- next_rotation
-- Beyond all that ever derived from that slug.
SELECT max(rotation) + 1 FROM (
    SELECT rotation FROM addresses WHERE coalesce(origin, workflow) = :origin
    UNION ALL SELECT rotation FROM kept_addresses WHERE origin = :origin) AS used;

-- put_address
INSERT INTO addresses (workflow, origin, rotation) VALUES (:workflow, :origin, :rotation)
ON CONFLICT (workflow) DO UPDATE SET origin = excluded.origin, rotation = excluded.rotation, became = NULL;

-- became
UPDATE addresses SET became = :new, gone_at = NULL WHERE workflow = :old;

-- keep
INSERT INTO kept_addresses (origin, rotation, workflow, until) VALUES (:origin, :rotation, :workflow, :until)
ON CONFLICT (origin, rotation) DO UPDATE SET workflow = excluded.workflow, until = excluded.until;

-- end_kept
-- Without a time all of them end now.
DELETE FROM kept_addresses WHERE workflow = :workflow AND CAST(:until AS DOUBLE PRECISION) IS NULL;

-- bound_kept
UPDATE kept_addresses SET until = :until WHERE workflow = :workflow AND until IS NULL;

-- take_path
INSERT INTO paths (path, workflow) VALUES (:path, :workflow)
ON CONFLICT (path) DO UPDATE SET workflow = excluded.workflow
WHERE paths.workflow = excluded.workflow
   OR EXISTS (SELECT 1 FROM addresses WHERE addresses.workflow = paths.workflow AND gone_at IS NOT NULL);

-- path_of
SELECT workflow FROM paths WHERE path = :path;

-- drop_path
DELETE FROM paths WHERE path = :path AND workflow = :workflow;

-- gone
UPDATE addresses SET gone_at = :now
WHERE gone_at IS NULL AND became IS NULL AND workflow IN (SELECT value FROM json_each(:workflows));

-- back
UPDATE addresses SET gone_at = NULL, became = NULL WHERE workflow IN (SELECT value FROM json_each(:workflows));

-- move_kept
UPDATE kept_addresses SET workflow = :new WHERE workflow = :old;

-- move_paths
UPDATE paths SET workflow = :new WHERE workflow = :old;

-- go_live
UPDATE addresses SET live = :version WHERE workflow = :workflow;
