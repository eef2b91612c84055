"""
`make soak`: a mixed load for minutes, while the server is killed at random moments, destinations
are slow, away or talk nonsense, and the disk is full now and then. Then the account of every event.

Exit 1 if anything that was accepted is missing, or an effect came under two keys for one event.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.servers import Process, end_all, hook_path, server
from tests.crash import disk
from tests.crash.account import ENDED, Account, balance
from tests.crash.destinations import Arrivals, Destination, Flapping, Garbage, at_once, slow
from tests.crash.kills import ends_of, kill
from tests.crash.workload import KINDS, Address, Sent, send_all, write_workflows

INSIDE = "_HOOKLINE_SOAK_INSIDE"  # set for the process inside its mount namespace
KEY = {"HOOKLINE_KEY": "the soak's key, which guards nothing at all"}
START_SECONDS = 60.0  # to start again, over a full disk too
LAST_ANSWERS_SECONDS = 120.0  # for senders to be heard once everything is well again
SETTLE_SECONDS = 300.0  # for all runs to end once everything is well again
ORPHAN_SECONDS = 60.0
TOLD_SECONDS = 30.0


@dataclass(slots=True)
class Soak:
    """The server as it is now, and what was done to it."""

    folder: Path
    chance: random.Random
    workers: int
    address: Address
    process: Process | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)  # no more troubles
    orphans: list[int] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)

    async def start(self) -> None:
        """Start the server, again and again where the disk is too full for it."""
        arguments = ["--workers", str(self.workers)] if self.workers > 1 else []
        ends = time.monotonic() + START_SECONDS
        while True:
            try:
                process, self.address.base = await asyncio.to_thread(
                    server, self.folder, *arguments, environment=KEY
                )
            except RuntimeError:
                self.done["starts refused"] += 1
                if time.monotonic() > ends:
                    raise
                await asyncio.sleep(0.5)
            else:
                self.process = process
                return

    async def kill_now_and_then(self, seconds: float) -> None:
        """About every *seconds*, until it is over; the server runs at the end."""
        while not await self._over_after(min(seconds * 4, 1 + self.chance.expovariate(1 / seconds))):
            assert self.process
            whom, left = kill(self.process, self.chance, self.workers)
            self.done[f"killed: {whom}"] += 1
            self.orphans += left
            if not self.process.is_running:
                await self.start()

    async def fill_now_and_then(self, room: disk.Disk, seconds: float) -> None:
        """Fill the disk for a while about every *seconds*, until it is over; it has room at the end."""
        while not await self._over_after(seconds * self.chance.uniform(0.5, 1.5)):
            await asyncio.to_thread(room.fill)
            self.done["disk full"] += 1
            await self._over_after(seconds * self.chance.uniform(0.1, 0.3))
            await asyncio.to_thread(room.free)

    async def _over_after(self, seconds: float) -> bool:
        """Whether it is over, *seconds* from now or as soon as it is."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.over.wait(), seconds)
        return self.over.is_set()


async def soak(options: argparse.Namespace, folder: Path, room: disk.Disk | None) -> Account:
    """The whole; *folder* is empty but for `data`, where *room* is mounted. SIGTERM ends it as Ctrl-C."""
    me = asyncio.current_task()
    assert me
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, me.cancel)
    chance, arrivals, sent = random.Random(options.seed), Arrivals(), Sent()
    flapping = Flapping(random.Random(options.seed + 1))
    garbage = Garbage(random.Random(options.seed + 2))
    destinations = {
        "fast": Destination(at_once, arrivals),
        "slow": Destination(slow(chance), arrivals),
        "flapping": Destination(flapping.answer, arrivals),
        "garbage": Destination(garbage.answer, arrivals),
    }
    for each in destinations.values():
        await each.open()
    write_workflows(folder / "workflows", {name: each.port for name, each in destinations.items()})
    paths = {
        kind.slug: await asyncio.to_thread(hook_path, folder, kind.slug, environment=KEY) for kind in KINDS
    }
    this = Soak(folder, chance, options.workers, Address("", paths))
    seconds = options.minutes * 60
    flaps = asyncio.create_task(flapping.flap(destinations["flapping"], options.away_for))
    troubles: list[asyncio.Task[None]] = []
    try:
        await this.start()
        troubles.append(asyncio.create_task(this.kill_now_and_then(options.kill_every)))
        if room:
            troubles.append(asyncio.create_task(this.fill_now_and_then(room, options.full_every)))
        sending = asyncio.create_task(
            send_all(this.address, sent, chance, rate=options.rate, seconds=seconds, most=options.events)
        )
        await _while_sending(sending, [flaps, *troubles], seconds, sent, arrivals)
        this.over.set()
        await asyncio.gather(*troubles)
        flaps.cancel()
        await asyncio.gather(flaps, return_exceptions=True)
        await flapping.come_back(destinations["flapping"])
        garbage.is_sane = True  # runs wait for a destination that is never well, and would never end
        with contextlib.suppress(TimeoutError):  # what is unanswered by then is in the account
            await asyncio.wait_for(sending, LAST_ANSWERS_SECONDS)
        await _settled(folder)
    finally:
        this.over.set()  # a server that is being started is ours to end, too
        flaps.cancel()
        await asyncio.gather(flaps, *troubles, return_exceptions=True)
        if this.process:
            await asyncio.to_thread(this.process.stop)
        left = await asyncio.to_thread(end_all, this.orphans, seconds=ORPHAN_SECONDS)
        for each in destinations.values():
            await each.close()
    account = balance(folder / "data" / "hookline.db", sent, arrivals)
    account.figures["troubles"] = ", ".join(f"{what} {count}" for what, count in sorted(this.done.items()))
    account.fault("a worker that outlived its supervisor", [str(pid) for pid in left])
    return account


async def _while_sending(
    sending: asyncio.Task[None],
    troubles: list[asyncio.Task[None]],
    seconds: float,
    sent: Sent,
    arrivals: Arrivals,
) -> None:
    """Until the time is over or all is sent; raises what a trouble raised."""
    began = time.monotonic()
    while not sending.done() and (passed := time.monotonic() - began) < seconds:
        wait = min(TOLD_SECONDS, seconds - passed)
        await asyncio.wait([sending, *troubles], timeout=wait, return_when=asyncio.FIRST_COMPLETED)
        for trouble in troubles:
            if trouble.done():
                trouble.result()
        passed = time.monotonic() - began
        print(
            f"{passed:.0f} s: sent {len(sent.numbers):,}, accepted {len(sent.events):,}, "
            f"delivered {len(arrivals.answered):,}",
            file=sys.stderr,
            flush=True,
        )


async def _settled(folder: Path) -> None:
    """Wait until every run has ended; what has not by then is for the account to say."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SETTLE_SECONDS):
            while not ENDED.issuperset(ends_of(folder)):
                await asyncio.sleep(0.5)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.crash.soak",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
        epilog="example: python -m tests.crash.soak --minutes 60 --workers 2 --rate 100",
    )
    parser.add_argument("--minutes", type=float, default=10.0, help="of load; settling comes after it")
    parser.add_argument("--rate", type=float, default=40.0, help="events a second")
    parser.add_argument("--events", type=int, default=100_000, help="at most so many")
    parser.add_argument("--workers", type=int, default=1, help="processes of the server")
    parser.add_argument("--kill-every", type=float, default=15.0, metavar="SECONDS", help="about")
    parser.add_argument(
        "--away-for", type=float, default=15.0, metavar="SECONDS", help="about, half of the time"
    )
    parser.add_argument(
        "--full-every", type=float, default=45.0, metavar="SECONDS", help="a full disk, about"
    )
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args()
    if INSIDE not in os.environ and (way := disk.own_namespace()):
        os.environ[INSIDE] = "1"
        disk.enter(way, "tests.crash.soak", [*sys.argv[1:], f"--seed={options.seed}"])
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="hookline-soak-") as name:
        folder = Path(name)
        room = disk.Disk(folder / "data") if INSIDE in os.environ else None
        if room is None:
            print("the disk is never full in this run: no mount namespace of our own is allowed here")
        try:
            account = asyncio.run(soak(options, folder, room))
        finally:
            if room:
                room.close()
    print(account)
    print("every accepted event came to its end" if not account.faults else "NOT WHOLE")
    return 1 if account.faults else 0


if __name__ == "__main__":
    sys.exit(main())
