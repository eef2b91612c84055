"""
SIGKILL under load: what was answered with 200 must reach the destination, whatever happens.

Senders post numbered events while the server is killed at random moments and started again; of a
server of several processes it is all of them, one worker, or the supervisor alone. Afterwards the
ids answered with 200, the runs in the store and the ids at the sink are compared.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from tests.bench.servers import Process, end_all, hook_path, server, sink

WORKFLOW = """
name: Kill test
trigger: {{webhook: {{}}}}
steps:
  - id: first
    action: http.request
    with:
      method: POST
      url: http://127.0.0.1:{port}/first
      headers: {{X-Event-Id: "first-{{{{ payload.id }}}}"}}
      json: "{{{{ payload }}}}"
  - id: twice
    transform: "payload.id"
  - action: http.request
    with:
      method: POST
      url: http://127.0.0.1:{port}/second
      headers: {{X-Event-Id: "second-{{{{ steps.twice }}}}"}}
      json: {{id: "{{{{ steps.twice }}}}"}}
"""
SENDERS = 16
LONGEST_SECONDS = 3600  # of sending: a server that takes nothing any more is a finding
ORPHAN_SECONDS = 60  # more than workers without a supervisor may drain
SETTLE_SECONDS = 120  # runs whose server died are taken over at once; this is for a slow machine


@dataclass
class Account:
    """What became of every event. `repeated` are deliveries of an effect beyond its first."""

    sent: int = 0
    accepted: set[int] = field(default_factory=set)
    delivered: Counter[str] = field(default_factory=Counter)
    keys: dict[str, set[str]] = field(default_factory=dict)
    ends: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)

    @property
    def missing(self) -> list[str]:
        """Effects of accepted events that never reached the sink."""
        wanted = (f"{step}-{number}" for number in sorted(self.accepted) for step in ("first", "second"))
        return [effect for effect in wanted if effect not in self.delivered]

    @property
    def repeated(self) -> int:
        return sum(count - 1 for count in self.delivered.values())

    @property
    def under_another_key(self) -> list[str]:
        """
        Effects that came with more than one Idempotency-Key for one event.

        A number that its sender sent again, having heard no answer, is another event.
        """
        return [
            effect
            for effect, keys in self.keys.items()
            if len(keys) > len({key.partition(".")[0] for key in keys})
        ]

    def __str__(self) -> str:
        return (
            f"sent {self.sent}, accepted {len(self.accepted)}, delivered {len(self.delivered)} effects, "
            f"repeated {self.repeated} (with another key: {len(self.under_another_key)}), "
            f"missing {len(self.missing)}, kills {dict(self.kills)}, runs {dict(self.ends)}"
        )


async def hammer(
    folder: Path, *, events: int, kills: int, chance: random.Random, workers: int = 1
) -> Account:
    """Send *events* events, kill the server *kills* times meanwhile, wait for all runs, and compare."""
    (folder / "workflows").mkdir()
    log = folder / "sink.log"
    destination, port = sink(log)
    (folder / "workflows" / "kill.yaml").write_text(WORKFLOW.format(port=port))
    account = Account()
    arguments = ["--workers", str(workers)] if workers > 1 else []
    current = await asyncio.to_thread(server, folder, *arguments)
    address = _Address(current[1], await asyncio.to_thread(hook_path, folder, "kill"))
    numbers = iter(range(events))
    moments = sorted(chance.sample(range(events // 10, events), kills))
    orphans: list[int] = []
    try:
        async with asyncio.timeout(LONGEST_SECONDS), aiohttp.ClientSession() as session:
            senders = [asyncio.create_task(_send(session, address, numbers, account)) for _ in range(SENDERS)]
            for moment in moments:
                while len(account.accepted) < moment and not all(task.done() for task in senders):
                    await asyncio.sleep(0.002)
                whom, left = kill(current[0], chance, workers)
                account.kills[whom] += 1
                orphans += left
                if not current[0].is_running:
                    current = await asyncio.to_thread(server, folder, *arguments)
                    address.base = current[1]
            await asyncio.gather(*senders)
        await _settled(folder)
    finally:
        current[0].stop()
        account.kills["never ended"] += len(end_all(orphans, seconds=ORPHAN_SECONDS))
        destination.kill()
    _read_sink(log, account)
    account.ends = ends_of(folder)
    return account


def kill(process: Process, chance: random.Random, workers: int) -> tuple[str, list[int]]:
    """
    Kill all of a server, or a part where it has parts.

    Returns whom, and the ids of processes that are left and have to end by themselves.
    """
    whom = chance.choice(["all", "worker", "supervisor"]) if workers > 1 else "all"
    if whom == "worker" and (children := process.children()):
        os.kill(chance.choice(children), signal.SIGKILL)  # the supervisor replaces it
        return whom, []
    if whom == "supervisor":
        return whom, process.kill_alone()
    process.kill()
    return "all", []


@dataclass
class _Address:
    base: str
    path: str

    @property
    def url(self) -> str:
        return self.base + self.path


async def _send(
    session: aiohttp.ClientSession, address: _Address, numbers: Iterator[int], account: Account
) -> None:
    """Each number until it is accepted: as a provider does that gets no answer or a 503."""
    for number in numbers:
        account.sent += 1
        while number not in account.accepted:
            try:
                async with session.post(address.url, json={"id": number, "filler": "x" * 500}) as answer:
                    if answer.status == 200:
                        account.accepted.add(number)
                        continue
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.02)


async def _settled(folder: Path) -> None:
    """Wait until no run is left that has not ended."""
    async with asyncio.timeout(SETTLE_SECONDS):
        while any(status in ("queued", "running", "waiting") for status in ends_of(folder)):
            await asyncio.sleep(0.2)


def ends_of(folder: Path) -> Counter[str]:
    with closing(sqlite3.connect(f"file:{folder}/data/hookline.db?mode=ro", uri=True)) as connection:
        return Counter(dict(connection.execute("SELECT status, count(*) FROM runs GROUP BY status")))


def _read_sink(log: Path, account: Account) -> None:
    for line in log.read_text().splitlines():
        key, effect = line.split()
        account.delivered[effect] += 1
        account.keys.setdefault(effect, set()).add(key)
