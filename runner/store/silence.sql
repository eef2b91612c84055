-- expectations
SELECT workflow, seconds, since FROM expectations;

-- heard_at
-- Of those of a sender: what a person ran by hand is none.
SELECT received_at FROM events INDEXED BY events_by_workflow
WHERE workflow = :workflow AND disposition <> 'rejected' AND trigger = 'webhook'
ORDER BY number DESC LIMIT 1;

-- open
SELECT workflow, id FROM problems INDEXED BY problems_by_status WHERE status = 'open' AND kind = 'silent';

-- expect
INSERT INTO expectations (workflow, seconds, since) VALUES (:workflow, :seconds, :now)
ON CONFLICT (workflow) DO UPDATE SET seconds = excluded.seconds, since = excluded.since
WHERE expectations.seconds <> excluded.seconds;

-- expect_no_more
DELETE FROM expectations WHERE workflow = :workflow;

-- told_already
-- One of this silence stands already, be it that a person put it away.
SELECT 1 FROM problems WHERE workflow = :workflow AND step = '' AND cause = :cause AND opened_at > :since;

-- reopen
-- The latest, if it closed by itself and not long ago.
UPDATE problems SET status = 'open', opened_at = :now, closed_at = NULL, seen_at = NULL, seen_by = NULL,
                    sentence = :sentence, note = NULL
WHERE number = (SELECT max(number) FROM problems WHERE workflow = :workflow AND step = '' AND cause = :cause)
  AND status = 'closed' AND dismissed_by IS NULL AND closed_at >= :reopened_since;

-- insert
INSERT INTO problems (id, workflow, step, cause, sentence, destination, status, opened_at, kind)
VALUES (:id, :workflow, '', :cause, :sentence, NULL, 'open', :now, 'silent');

-- close
UPDATE problems SET status = 'closed', closed_at = :now, note = :note WHERE id = :id AND status = 'open';
