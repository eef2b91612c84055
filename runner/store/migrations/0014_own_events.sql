-- What happened here and starts runs of those who listen, until it has. Only what somebody listens for
-- is noted: `interests` has it, as of the last look at the workflows.
CREATE TABLE interests (kind TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE own_events (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given twice: a delivery key is made of it
    kind     TEXT NOT NULL,
    subject  TEXT NOT NULL,                      -- the id of the problem or the run
    at       REAL NOT NULL
) STRICT;

CREATE TRIGGER own_run_failed AFTER UPDATE OF status ON runs
WHEN NEW.status = 'failed' AND NEW.mode = 'live'
 AND EXISTS (SELECT 1 FROM interests WHERE kind = 'run_failed')
BEGIN
    INSERT INTO own_events (kind, subject, at) VALUES ('run_failed', NEW.id, NEW.ended_at);
END;

CREATE TRIGGER own_problem_opened AFTER INSERT ON problems
WHEN NEW.status = 'open' AND EXISTS (
    SELECT 1 FROM interests WHERE kind = iif(NEW.kind = 'silent', 'workflow_silent', 'problem_opened'))
BEGIN
    INSERT INTO own_events (kind, subject, at)
    VALUES (iif(NEW.kind = 'silent', 'workflow_silent', 'problem_opened'), NEW.id, NEW.opened_at);
END;

CREATE TRIGGER own_problem_opened_again AFTER UPDATE OF status ON problems
WHEN NEW.status = 'open' AND OLD.status = 'closed' AND EXISTS (
    SELECT 1 FROM interests WHERE kind = iif(NEW.kind = 'silent', 'workflow_silent', 'problem_opened'))
BEGIN
    INSERT INTO own_events (kind, subject, at)
    VALUES (iif(NEW.kind = 'silent', 'workflow_silent', 'problem_opened'), NEW.id, NEW.opened_at);
END;

CREATE TRIGGER own_problem_closed AFTER UPDATE OF status ON problems
WHEN NEW.status = 'closed' AND OLD.status = 'open'
 AND EXISTS (SELECT 1 FROM interests WHERE kind = 'problem_closed')
BEGIN
    INSERT INTO own_events (kind, subject, at) VALUES ('problem_closed', NEW.id, NEW.closed_at);
END;
