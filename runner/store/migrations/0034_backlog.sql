-- Too many runs that wait are a problem, too. The kinds stand in a check of their column, so the column is made
-- anew, and what looks at it.
-- contracts since 0034
DROP TRIGGER own_problem_opened;
DROP TRIGGER own_problem_opened_again;
ALTER TABLE problems ADD COLUMN kind_of TEXT NOT NULL DEFAULT 'runs'
    CHECK (kind_of IN ('runs', 'silent', 'poll', 'backlog'));
UPDATE problems SET kind_of = kind;
ALTER TABLE problems DROP COLUMN kind;
ALTER TABLE problems RENAME COLUMN kind_of TO kind;

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
