-- exchanges
SELECT runs.event_id, runs.workflow, runs.version, records.exchanges
FROM runs LEFT JOIN records ON records.run_id = runs.id AND records.path = :path WHERE runs.id = :id;

-- body
SELECT workflow, body, size, content_type FROM events WHERE id = :id;

-- versions_of_event
SELECT DISTINCT version FROM runs WHERE event_id = :id;

-- event_counts
-- Each from an index alone, and no further than asked for.
SELECT 'all', count(*) FROM (SELECT 1 FROM events LIMIT :most) AS those
UNION ALL SELECT 'held', count(*) FROM (SELECT 1 FROM events INDEXED BY events_held
                                        WHERE disposition = 'held' LIMIT :most) AS those
UNION ALL SELECT 'rejected', count(*) FROM (SELECT 1 FROM events INDEXED BY events_rejected
                                            WHERE disposition = 'rejected' LIMIT :most) AS those
UNION ALL SELECT 'ignored', count(*) FROM (SELECT 1 FROM events INDEXED BY events_unusual
    WHERE disposition IN ('ignored', 'duplicate', 'dropped') AND disposition = 'ignored' LIMIT :most) AS those
UNION ALL SELECT 'duplicate', count(*) FROM (SELECT 1 FROM events INDEXED BY events_unusual
    WHERE disposition IN ('ignored', 'duplicate', 'dropped') AND disposition = 'duplicate' LIMIT :most) AS those
UNION ALL SELECT 'dropped', count(*) FROM (SELECT 1 FROM events INDEXED BY events_unusual
    WHERE disposition IN ('ignored', 'duplicate', 'dropped') AND disposition = 'dropped' LIMIT :most) AS those;

-- event_counts_of
SELECT 'all', count(*) FROM (SELECT 1 FROM events INDEXED BY events_by_workflow
                             WHERE workflow = :workflow LIMIT :most) AS those
UNION ALL SELECT 'held', count(*) FROM (SELECT 1 FROM events INDEXED BY events_held
    WHERE disposition = 'held' AND workflow = :workflow LIMIT :most) AS those
UNION ALL SELECT 'rejected', count(*) FROM (SELECT 1 FROM events INDEXED BY events_rejected
    WHERE disposition = 'rejected' AND workflow = :workflow LIMIT :most) AS those
UNION ALL SELECT 'ignored', count(*) FROM (SELECT 1 FROM events INDEXED BY events_unusual
    WHERE disposition IN ('ignored', 'duplicate', 'dropped') AND disposition = 'ignored'
      AND workflow = :workflow LIMIT :most) AS those
UNION ALL SELECT 'duplicate', count(*) FROM (SELECT 1 FROM events INDEXED BY events_unusual
    WHERE disposition IN ('ignored', 'duplicate', 'dropped') AND disposition = 'duplicate'
      AND workflow = :workflow LIMIT :most) AS those
UNION ALL SELECT 'dropped', count(*) FROM (SELECT 1 FROM events INDEXED BY events_unusual
    WHERE disposition IN ('ignored', 'duplicate', 'dropped') AND disposition = 'dropped'
      AND workflow = :workflow LIMIT :most) AS those;

-- run_counts
SELECT value, (SELECT count(*) FROM (SELECT 1 FROM runs INDEXED BY runs_by_status
                                     WHERE status = value LIMIT :most) AS those)
FROM json_each(:statuses);

-- run_counts_of
-- Of one workflow what an index has.
SELECT 'all', count(*) FROM (SELECT 1 FROM runs INDEXED BY runs_by_workflow
                             WHERE workflow = :workflow LIMIT :most) AS those
UNION ALL SELECT 'failed', count(*) FROM (SELECT 1 FROM runs INDEXED BY runs_failed
                                          WHERE workflow = :workflow AND status = 'failed' LIMIT :most) AS those;
