"""Where templates run that cannot be bounded inside the process: a pool of processes to kill."""

from __future__ import annotations
