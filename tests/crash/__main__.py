"""The kill test by hand: `python -m tests.crash --events 2000 --kills 1`. Exit 1 if anything is missing."""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from pathlib import Path

from tests.crash.kills import hammer


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=1)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        chance = random.Random(options.seed)
        account = asyncio.run(hammer(Path(folder), events=options.events, kills=options.kills, chance=chance))
    print(account)
    return 1 if account.missing or account.under_another_key else 0


if __name__ == "__main__":
    sys.exit(main())
