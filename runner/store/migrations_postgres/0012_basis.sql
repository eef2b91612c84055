-- What a version took of the folder's `_defaults.yaml`, and the vars that the server set. NULL: nothing.
ALTER TABLE versions ADD COLUMN defaults TEXT;
ALTER TABLE versions ADD COLUMN vars TEXT;
