-- Events that came to nothing, for their lists and their counts; what is accepted costs nothing more.
CREATE INDEX events_unusual ON events (disposition, workflow, number)
    WHERE disposition IN ('ignored', 'duplicate', 'dropped');
