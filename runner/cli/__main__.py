"""`python -m runner.cli`: what a worker process of `hookline serve` is started as."""

from __future__ import annotations

from runner.cli import main

main()
