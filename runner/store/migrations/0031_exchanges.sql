-- What a step's attempts sent and were answered: a line of JSON for each attempt, without secrets.
ALTER TABLE records ADD COLUMN exchanges TEXT;
