-- page
SELECT version, created_at, author, message,
       (SELECT count(*) FROM (SELECT 1 FROM runs INDEXED BY runs_by_version
                              WHERE runs.workflow = versions.workflow AND runs.version = versions.version
                              LIMIT :most) AS those)
FROM versions WHERE workflow = :workflow AND version < :before
ORDER BY version DESC LIMIT :limit;

-- previous
SELECT max(version) FROM versions WHERE workflow = :workflow AND version < :version;
