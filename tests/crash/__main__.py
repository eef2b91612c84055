"""
The kill test by hand: kills at random moments under full load, then the account of every event.

Exit 1 if an effect of an accepted event is missing, or came under two keys for one event.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from pathlib import Path

from tests.crash.kills import hammer


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.crash",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
        epilog="example: python -m tests.crash --events 20000 --kills 20 --workers 2",
    )
    parser.add_argument("--events", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=1)
    parser.add_argument(
        "--workers", type=int, default=1, help="processes of the server; some are killed alone"
    )
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        chance = random.Random(options.seed)
        account = asyncio.run(
            hammer(
                Path(folder),
                events=options.events,
                kills=options.kills,
                chance=chance,
                workers=options.workers,
            )
        )
    print(account)
    return 1 if account.missing or account.under_another_key else 0


if __name__ == "__main__":
    sys.exit(main())
