-- Which item of its event a run is of, from 0, where its workflow's `split` made several of it.
ALTER TABLE runs ADD COLUMN item INTEGER;
