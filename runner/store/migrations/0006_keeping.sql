-- Keeping, letting go, and finding again.
CREATE INDEX file_uses_by_digest ON file_uses (digest);         -- a file that nothing uses goes
CREATE INDEX runs_by_version ON runs (workflow, version);       -- a version that no run has goes
CREATE INDEX events_by_delivery ON events (delivery_id) WHERE delivery_id IS NOT NULL;
