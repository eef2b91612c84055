-- size
SELECT used_bytes, measured_at, pg_database_size(current_database()) FROM live_size;

-- lock_size
-- Whoever lets go by bytes holds it until the transaction ends: one process after the other.
SELECT used_bytes, measured_at FROM live_size FOR UPDATE;

-- measure
UPDATE live_size SET used_bytes = live_bytes(:most_pages), measured_at = extract(epoch FROM clock_timestamp())
RETURNING used_bytes;

-- lighten
UPDATE live_size SET used_bytes = greatest(0, used_bytes - :weight);

-- weight
SELECT live_bytes_of('events', 'id', :event_ids) + live_bytes_of('runs', 'event_id', :event_ids)
       + live_bytes_of('records', 'run_id', (SELECT coalesce(json_agg(id), '[]')::text FROM runs
                                             WHERE event_id IN (SELECT value FROM json_each(:event_ids))));

-- here
-- The number of this transaction: what it deleted, and what was deleted before it, is below it or it.
SELECT CAST(pg_current_xact_id() AS TEXT);

-- readers
-- Who may still see what was deleted by then: their vacuum would leave it.
SELECT count(*) FROM pg_stat_activity
WHERE pid <> pg_backend_pid() AND backend_xmin IS NOT NULL AND datname = current_database()
  AND age(backend_xmin) >= age(CAST(CAST(CAST(:here AS TEXT) AS XID8) AS XID));
