-- The failed runs of one workflow, newest first, and how many of today's: without it both read every run.
CREATE INDEX runs_failed ON runs (workflow, status, number) WHERE status = 'failed';
