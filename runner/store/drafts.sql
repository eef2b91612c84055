-- draft
SELECT workflow, person, by, text, revision, base, saved_at FROM drafts
WHERE workflow = :workflow AND person = :person;

-- put
INSERT INTO drafts (workflow, person, by, name, text, revision, base, saved_at)
VALUES (:workflow, :person, :by, :name, :text, :revision, :base, :now)
ON CONFLICT (workflow, person) DO UPDATE SET
    by = excluded.by, name = excluded.name, text = excluded.text, revision = excluded.revision,
    base = excluded.base, saved_at = excluded.saved_at;

-- drop
DELETE FROM drafts WHERE workflow = :workflow AND (person = :person OR :person IS NULL);

-- others
SELECT by, saved_at FROM drafts
WHERE workflow = :workflow AND person <> :person AND saved_at >= :since
ORDER BY saved_at DESC, by;

-- texts
SELECT text FROM drafts WHERE workflow = :workflow;

-- unpublished
-- Of several drafts the last one read names it.
SELECT workflow, name FROM drafts
WHERE NOT EXISTS (SELECT 1 FROM versions WHERE versions.workflow = drafts.workflow)
  AND NOT EXISTS (SELECT 1 FROM addresses
                  WHERE addresses.workflow = drafts.workflow AND (gone_at IS NOT NULL OR became IS NOT NULL))
ORDER BY saved_at;
