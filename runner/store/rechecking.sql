-- refused
-- In the order of their coming. Each index holds only the few of its kind.
SELECT number, id, length(body) FROM (
    SELECT number, id, received_at, body FROM events INDEXED BY events_rejected
    WHERE workflow = :workflow AND disposition = 'rejected' AND number > :after
    UNION ALL
    SELECT number, id, received_at, body FROM events INDEXED BY events_held
    WHERE :held_too AND workflow = :workflow AND disposition = 'held' AND number > :after) AS refused
WHERE CAST(:since AS DOUBLE PRECISION) IS NULL OR received_at >= :since
ORDER BY number LIMIT :most;
