-- Who published which version, and what was said of it. A text that is published again is a version again.
ALTER TABLE versions ADD COLUMN author TEXT;
ALTER TABLE versions ADD COLUMN message TEXT;
ALTER TABLE versions DROP CONSTRAINT versions_workflow_digest_key;
CREATE INDEX versions_by_digest ON versions (workflow, digest, version);
