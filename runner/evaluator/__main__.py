"""`python -m runner.evaluator`: the child; started by pool.py only."""

from __future__ import annotations

from runner.evaluator.child import main

if __name__ == "__main__":
    main()
