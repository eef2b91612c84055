-- Texts that were tried for real before they were published. A run of one has its number below 0 in place
-- of a version's, so that what people count as versions stays theirs.

CREATE TABLE tried (
    workflow    TEXT    NOT NULL,
    number      INTEGER NOT NULL,   -- 1, 2, 3 … for each workflow; of a run it is the version -1, -2, -3 …
    digest      TEXT    NOT NULL,   -- of the source and of what it was read with
    source      TEXT    NOT NULL,
    created_at  REAL    NOT NULL,
    defaults    TEXT,
    vars        TEXT,
    PRIMARY KEY (workflow, number)
) STRICT, WITHOUT ROWID;
