"""
Nodes that are killed, paused past their lease, cut off from the database, and a database that is ended
as by a power cut: under load, one of it every few seconds. Afterwards everything accepted is accounted for.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import asyncpg

from runner.engine.address import token_deriver
from runner.vault import root_key
from tests.nodes.cluster import KEY, PATIENCE_SECONDS, Cluster, Node
from tests.nodes.destination import Arrivals, destination
from tests.nodes.gate import gate
from tests.servers.postgres import PostgresServer

SENDERS = 6
LINES = 4
KINDS = ("plain", "ordered", "limited")
SETTLE_SECONDS = 90.0
PAUSE_SECONDS = 0.02  # before a sender that got no answer sends again


@dataclass
class Account:
    """What became of every event; `faults` are sentences, none where all is well."""

    accepted: dict[str, set[int]] = field(default_factory=lambda: {kind: set() for kind in KINDS})
    sent: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    arrivals: Arrivals = field(default_factory=Arrivals)

    def __str__(self) -> str:
        counts = {kind: len(numbers) for kind, numbers in self.accepted.items()}
        lines = [
            f"sent {self.sent} times, accepted {counts}, done to the nodes {dict(self.done)}",
            f"runs {dict(self.ends)}, effects {len(self.arrivals.keys)}, repeated {self.arrivals.repeated}",
            *self.faults,
        ]
        return "\n".join(lines)


async def chaos(
    folder: Path, server: PostgresServer, *, seconds: float, every: float, chance: random.Random
) -> Account:
    """
    Three nodes for *seconds*: two that receive and execute, one that only executes; something happens to
    one of them, or to the database, *every* so many seconds.
    """
    name = f"nodes_{chance.randrange(10**9)}"
    await server.execute(f"CREATE DATABASE {name}")
    url = server.database(name)
    account = Account()
    async with destination() as (arrivals, port), gate(urlsplit(url).port or 5432) as network:
        account.arrivals = arrivals
        cluster = Cluster(folder, url, port)
        first = cluster.serve("one")
        cluster.serve("two", database_port=network.port)
        third = cluster.worker("three")
        try:
            for node in cluster.nodes:
                await asyncio.to_thread(node.start)
            paths = _paths(folder)
            over = asyncio.Event()
            numbers = iter(range(10**9))
            senders = [
                asyncio.create_task(_send(cluster, paths, numbers, account, over, random.Random(place)))
                for place in range(SENDERS)
            ]

            async def killed() -> None:
                node = chance.choice(cluster.nodes)
                await asyncio.to_thread(node.kill)
                await asyncio.sleep(chance.uniform(0, 1))
                await asyncio.to_thread(node.start)

            async def paused() -> None:
                node = chance.choice([first, third])
                node.pause()
                await asyncio.sleep(PATIENCE_SECONDS * 1.5)
                node.go_on()

            async def cut() -> None:
                await network.cut()
                await asyncio.sleep(PATIENCE_SECONDS * 1.2)
                await network.open()

            async def restarted() -> None:
                server.kill()
                await asyncio.to_thread(server.start)

            happenings: list[tuple[str, Callable[[], Awaitable[None]]]] = [
                ("killed", killed), ("paused", paused), ("cut", cut), ("killed again", killed),
            ]  # fmt: skip
            if server.process is not None:  # one that is not ours is not ours to end
                happenings.append(("database ended", restarted))
            ends_at = asyncio.get_running_loop().time() + seconds
            while asyncio.get_running_loop().time() < ends_at:
                for what, happen in happenings:
                    await asyncio.sleep(every)
                    await happen()
                    account.done[what] += 1
                    _replace_the_dead(cluster)
            over.set()
            await asyncio.gather(*senders)
            account.ends = await _settled(url)
            await _judge(account, url)
        finally:
            for node in cluster.nodes:
                await asyncio.to_thread(node.stop)
    await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    return account


def _replace_the_dead(cluster: Cluster) -> None:
    """As systemd or compose does: a node that could not go on without its database begins anew."""
    for node in cluster.nodes:
        if node.process is not None and not node.process.is_running:
            node.start()


def _paths(folder: Path) -> dict[str, str]:
    """The path of each workflow's address: the same at every node, since it follows from the key."""
    token_of = token_deriver(root_key({"HOOKLINE_KEY": KEY}, folder))
    return {kind: f"/hooks/{token_of(kind, 0)}" for kind in KINDS}


async def _send(
    cluster: Cluster,
    paths: dict[str, str],
    numbers: Iterator[int],
    account: Account,
    over: asyncio.Event,
    chance: random.Random,
) -> None:
    """Numbers until it is *over*, each until a node took it: as a provider does behind a load balancer."""
    receiving = [node for node in cluster.nodes if "serve" in node.command]
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        while not over.is_set():
            number = next(numbers)
            kind = chance.choice(KINDS)
            body = {"n": number, "line": f"line{number % LINES}"}
            while number not in account.accepted[kind]:
                account.sent += 1
                node: Node = chance.choice(receiving)
                try:
                    async with session.post(f"{node.address}{paths[kind]}", json=body) as answer:
                        if answer.status == 200:
                            account.accepted[kind].add(number)
                            continue
                except (aiohttp.ClientError, TimeoutError):
                    pass
                await asyncio.sleep(PAUSE_SECONDS)


async def _settled(url: str) -> Counter[str]:
    """How the runs ended, when all of them have."""
    connection = await asyncpg.connect(url)
    try:
        async with asyncio.timeout(SETTLE_SECONDS):
            while await connection.fetchval(
                "SELECT 1 FROM runs WHERE workflow <> 'tick' AND ended_at IS NULL LIMIT 1"
            ):
                await asyncio.sleep(0.2)
        rows = await connection.fetch("SELECT workflow, status, count(*) FROM runs GROUP BY 1, 2")
        return Counter({f"{workflow} {status}": count for workflow, status, count in rows})
    finally:
        await connection.close()


async def _judge(account: Account, url: str) -> None:
    arrivals = account.arrivals
    wanted = {
        "plain": ("/first/all/{}", "/second/all/{}"),
        "limited": ("/limited/all/{}",),
        "ordered": ("/ordered/{line}/{}",),
    }
    for kind, numbers in account.accepted.items():
        for number in sorted(numbers):
            for form in wanted[kind]:
                path = form.format(number, line=f"line{number % LINES}")
                if path not in arrivals.keys:
                    account.faults.append(f"{path} was accepted and never came")
    account.faults += [f"{path} came under another key" for path in arrivals.under_another_key]
    if arrivals.most["limited/all"] > 3:
        account.faults.append(f"{arrivals.most['limited/all']} were under way where 3 may be")
    account.faults += [
        f"{line}: {most} were under way where 1 may be"
        for line, most in arrivals.most.items()
        if line.startswith("ordered/") and most > 1
    ]
    account.faults += [f"a run ended as {end}" for end in account.ends if not end.endswith(" succeeded")
                       and not end.startswith("tick ")]  # fmt: skip
    await _judge_order(account, url)


async def _judge_order(account: Account, url: str) -> None:
    """Effects of a line came in the order of accepting; each firing of the schedule made one event."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT concurrency_key, convert_from(events.body, 'UTF8')::jsonb ->> 'n' AS n FROM runs "
            "JOIN events ON events.id = runs.event_id WHERE runs.workflow = 'ordered' ORDER BY runs.number"
        )
        accepted: dict[str, list[int]] = {}
        for line, number in rows:
            accepted.setdefault(line.strip('"'), []).append(int(number))
        for line, numbers in accepted.items():
            seen = account.arrivals.first[f"ordered/{line}"]
            if seen != list(dict.fromkeys(numbers)):
                at = next(
                    (i for i, pair in enumerate(zip(seen, numbers, strict=False)) if pair[0] != pair[1]), -1
                )
                account.faults.append(f"{line} came in another order than it was accepted, from place {at}")
        doubled = await connection.fetch(
            "SELECT convert_from(body, 'UTF8')::jsonb ->> 'scheduled_at' AS at, count(*) FROM events "
            "WHERE workflow = 'tick' GROUP BY 1 HAVING count(*) > 1"
        )
        account.faults += [f"the schedule fired {count} times at {at}" for at, count in doubled]
        fired = await connection.fetchval("SELECT count(*) FROM events WHERE workflow = 'tick'")
        account.done["schedule fired"] = fired
        if not fired:
            account.faults.append("the schedule never fired")
    finally:
        await connection.close()
