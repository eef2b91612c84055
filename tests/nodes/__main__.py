"""Chaos by hand, and in `make soak`: `python -m tests.nodes --seconds 300`."""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from pathlib import Path

from tests.nodes.chaos import chaos
from tests.servers.postgres import postgres_server


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--every", type=float, default=3)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="hookline-nodes-") as folder, postgres_server() as server:
        account = asyncio.run(
            chaos(Path(folder), server, seconds=options.seconds, every=options.every, chance=chance)
        )
    print(f"seed {options.seed}: {account}")
    return 1 if account.faults else 0


if __name__ == "__main__":
    sys.exit(main())
