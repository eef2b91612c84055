-- Which version of a workflow takes events, for processes that have no folder with its file.
ALTER TABLE addresses ADD COLUMN live INTEGER;
