-- Events that came to nothing, and those that are held, newest first: there may be very many of either.
CREATE INDEX events_unusual_newest ON events (disposition, number)
    WHERE disposition IN ('ignored', 'duplicate', 'dropped');
CREATE INDEX events_held_newest ON events (number) WHERE disposition = 'held';
