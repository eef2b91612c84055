-- has_anything
SELECT EXISTS (SELECT 1 FROM versions WHERE workflow = :old)
    OR EXISTS (SELECT 1 FROM events INDEXED BY events_by_workflow WHERE workflow = :old)
    OR EXISTS (SELECT 1 FROM pauses WHERE kind = 'workflow' AND name = :old)
    OR EXISTS (SELECT 1 FROM drafts WHERE workflow = :old)
    OR EXISTS (SELECT 1 FROM state WHERE workflow = :old);

-- versions
SELECT version, digest FROM versions WHERE workflow = :workflow ORDER BY version;

-- runs_to_version
-- Negative until all are moved, so that no two versions are taken for one on the way.
UPDATE runs SET version = 0 - :to WHERE workflow = :new AND version = :from;

-- runs_moved
UPDATE runs SET version = -version WHERE workflow = :new AND version < 0;

-- drop_version
DELETE FROM versions WHERE workflow = :new AND version = :from;

-- renumber_version
UPDATE versions SET version = 0 - :to WHERE workflow = :new AND version = :from;

-- versions_moved
UPDATE versions SET version = -version WHERE workflow = :new AND version < 0;

-- move_versions
UPDATE versions SET workflow = :new WHERE workflow = :old;

-- drop_tried
-- Those that the new one has of its own give way.
DELETE FROM tried WHERE workflow = :new AND number IN (SELECT number FROM tried WHERE workflow = :old);

-- move_tried
UPDATE tried SET workflow = :new WHERE workflow = :old;

-- move_events
-- What their effects are known by outside does not change.
UPDATE events SET workflow = :new, keyed_as = coalesce(keyed_as, workflow) WHERE workflow = :old;

-- move_runs
UPDATE runs SET workflow = :new WHERE workflow = :old;

-- move_deliveries
UPDATE deliveries SET workflow = :new WHERE workflow = :old AND NOT EXISTS (
    SELECT 1 FROM deliveries AS own WHERE own.workflow = :new AND own.key = deliveries.key);

-- drop_deliveries
DELETE FROM deliveries WHERE workflow = :old;

-- move_pauses
UPDATE pauses SET name = :new WHERE kind = 'workflow' AND name = :old AND NOT EXISTS (
    SELECT 1 FROM pauses AS own WHERE own.kind = 'workflow' AND own.name = :new);

-- drop_pauses
DELETE FROM pauses WHERE kind = 'workflow' AND name = :old;

-- move_drafts
UPDATE drafts SET workflow = :new WHERE workflow = :old AND NOT EXISTS (
    SELECT 1 FROM drafts AS own WHERE own.workflow = :new AND own.person = drafts.person);

-- drop_drafts
DELETE FROM drafts WHERE workflow = :old;

-- same_problems
-- Of both, open, and of the same step and cause.
SELECT ours.id, theirs.id FROM problems AS ours JOIN problems AS theirs
    ON theirs.workflow = :new AND theirs.step = ours.step AND theirs.cause = ours.cause AND theirs.status = 'open'
WHERE ours.workflow = :old AND ours.status = 'open';

-- runs_to_problem
UPDATE runs SET problem_id = :to WHERE problem_id = :from;

-- drop_problem
DELETE FROM problems WHERE id = :from;

-- move_problems
UPDATE problems SET workflow = :new WHERE workflow = :old;

-- move_expectation
UPDATE expectations SET workflow = :new WHERE workflow = :old AND NOT EXISTS (
    SELECT 1 FROM expectations AS own WHERE own.workflow = :new);

-- drop_expectation
DELETE FROM expectations WHERE workflow = :old;

-- move_let_go
INSERT INTO rejected_let_go (workflow, count) SELECT :new, count FROM rejected_let_go WHERE workflow = :old
ON CONFLICT (workflow) DO UPDATE SET count = rejected_let_go.count + excluded.count;

-- drop_let_go
DELETE FROM rejected_let_go WHERE workflow = :old;

-- move_state
UPDATE state SET workflow = :new WHERE workflow = :old AND NOT EXISTS (
    SELECT 1 FROM state AS own WHERE own.workflow = :new AND own.key = state.key);

-- drop_state
DELETE FROM state WHERE workflow = :old;

-- move_schedule
UPDATE schedules SET workflow = :new WHERE workflow = :old AND NOT EXISTS (
    SELECT 1 FROM schedules AS own WHERE own.workflow = :new);

-- drop_schedule
DELETE FROM schedules WHERE workflow = :old;

-- move_poll
UPDATE polls SET workflow = :new WHERE workflow = :old AND NOT EXISTS (
    SELECT 1 FROM polls AS own WHERE own.workflow = :new);

-- drop_poll
DELETE FROM polls WHERE workflow = :old;

-- move_polled
UPDATE polled SET workflow = :new WHERE workflow = :old AND NOT EXISTS (
    SELECT 1 FROM polled AS own WHERE own.workflow = :new AND own.id = polled.id);

-- drop_polled
DELETE FROM polled WHERE workflow = :old;
