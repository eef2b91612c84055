"""What happens to an accepted event. Knows ports, no database and no web framework."""

from __future__ import annotations
