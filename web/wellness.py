"""
How the server is: the word that stands on every page, and what is behind it, in numbers and checks.

The word comes from what is in memory, so that every page can have it; the checks are made for who asks.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from runner.engine.reach import out_of_reach
from runner.errors import StoreUnavailable
from runner.values import Json, iso
from web.texts import visible

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runner.engine.vitals import Meter
    from web.house import House

BUSY = 0.5  # of the most runs that may wait: from here on the server is behind
BEHIND_SECONDS = 60.0  # that a run could have begun before: nobody waits so long for an answer
LAGGING_SECONDS = 1.0  # by which the event loop is late: senders notice
LITTLE_BYTES = 512 << 20  # free on the disk: what an hour of many events may take
SCARCE_BYTES = 2 << 30
JUMPED_SECONDS = 3600.0  # after which a clock that was set is of no more interest
PARTS = 60  # of the hour that the pictures show
PING_SECONDS = 2.0

Word = Literal["Well", "Busy", "Trouble"]
State = Literal["well", "warn", "bad"]


@dataclass(frozen=True, slots=True)
class Wellness:
    """The word, and why in a sentence."""

    word: Word
    why: str


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at; `verb` and `href` are its mend, empty where it needs none."""

    name: str
    state: State
    sentence: str
    verb: str = ""
    href: str = ""

    def as_json(self) -> Json:
        """`{name, state, sentence, mend: {verb, href} or null}`."""
        mend = {"verb": self.verb, "href": self.href} if self.href else None
        return {"name": self.name, "state": self.state, "sentence": self.sentence, "mend": mend}


def wellness(house: House) -> Wellness:
    """The word for it; the store is taken to answer."""
    backlog, limit = house.store.backlog, house.backlog_limit
    if backlog >= limit:
        sentence = f"{backlog:,} runs wait, as many as this server takes. New events are refused with 503."
        return Wellness("Trouble", sentence)
    meter = house.vitals.meter if house.vitals else None
    reading = meter.reading if meter else None
    if reading and reading.free_bytes is not None and reading.free_bytes < LITTLE_BYTES:
        sentence = f"Only {_bytes(reading.free_bytes)} are free where the database lies."
        return Wellness("Trouble", sentence)
    if backlog >= limit * BUSY:
        return Wellness("Busy", f"{backlog:,} runs wait; at {limit:,} new events are refused.")
    if reading and reading.due_since is not None and reading.at - reading.due_since > BEHIND_SECONDS:
        return Wellness("Busy", f"The oldest run that could begin waits since {iso(reading.due_since)}.")
    if meter and meter.lag_seconds > LAGGING_SECONDS:
        return Wellness("Busy", f"This process is held up: it answers up to {meter.lag_seconds:.1f} s late.")
    return Wellness("Well", "Events are accepted, and runs begin as they come.")


async def health(house: House) -> Json:
    """All numbers and checks, as the API gives them (`web/api/health.py`)."""
    store = await _store(house)
    found = wellness(house) if store.state == "well" else Wellness("Trouble", store.sentence)
    meter = house.vitals.meter if house.vitals else None
    checks = [store]
    if store.state == "well":
        if meter:
            await meter.sample()
        checks += [one async for one in _checks(house)]
        worst = next((one for one in checks if one.state == "bad"), None)
        if found.word == "Well" and worst:
            found = Wellness("Trouble", worst.sentence)
    return {
        "state": found.word.lower(),
        "why": found.why,
        **(_numbers(house, meter) if meter else NO_NUMBERS),
        "backlog": house.store.backlog,
        "backlog_limit": house.backlog_limit,
        "checks": [one.as_json() for one in checks],
        "destinations": _destinations(house),
    }


NO_NUMBERS: dict[str, Json] = {
    "queued": None, "running": None, "waiting": None, "held": None, "oldest_waiting_seconds": None,
    "accepted_per_second": None, "finished_per_second": None, "rates": [], "store": None, "nodes": [],
    "up_since": None, "loop_lag_seconds": None,
}  # fmt: skip


def _numbers(house: House, meter: Meter) -> dict[str, Json]:
    reading, rate, vitals = meter.reading, meter.rate(), house.vitals
    if reading is None or vitals is None:
        return NO_NUMBERS
    due = reading.due_since
    return {
        "queued": reading.queued,
        "running": reading.running,
        "waiting": reading.waiting,
        "held": reading.held,
        "oldest_waiting_seconds": 0.0 if due is None else round(max(0.0, reading.at - due), 3),
        "accepted_per_second": None if rate is None else round(rate.accepted, 3),
        "finished_per_second": None if rate is None else round(rate.finished, 3),
        "rates": [
            {"since": iso(one.since), "accepted": round(one.accepted, 3), "finished": round(one.finished, 3)}
            for one in meter.rates(PARTS)
        ],
        "store": {
            "used_bytes": reading.used_bytes,
            "file_bytes": reading.file_bytes,
            "free_bytes": reading.free_bytes,
            "max_bytes": vitals.max_bytes,
            "kept": dict(vitals.kept),
        },
        "nodes": list(reading.nodes),
        "up_since": iso(meter.began_at),
        "loop_lag_seconds": round(meter.lag_seconds, 4),
    }


def _destinations(house: House) -> list[Json]:
    if house.vitals is None:
        return []
    return [
        {
            "name": one.name,
            "state": one.state,
            "since": iso(one.since),
            "next_at": iso(one.next_at),
            "under_way": one.under_way,
            "has_parked": one.has_parked,
            "connections": list(one.connections),
        }
        for one in house.vitals.destinations.standing()
    ]


async def _store(house: House) -> Check:
    try:
        async with asyncio.timeout(PING_SECONDS):
            await house.ping()
    except (StoreUnavailable, TimeoutError):
        sentence = "The store cannot be written. New events are refused with 503, so that senders try again."
        return Check("Store", "bad", sentence)
    return Check("Store", "well", "It takes what is written.")


async def _checks(house: House) -> AsyncIterator[Check]:
    vitals = house.vitals
    if vitals:
        if reading := vitals.meter.reading:
            yield _disk(reading.free_bytes)
        yield _clock(vitals.meter)
        why = await vitals.evaluates()
        yield (
            Check("Evaluator", "bad", f"Expressions are not evaluated, so runs wait. {why}")
            if why
            else Check("Evaluator", "well", "Expressions are evaluated.")
        )
    yield _reach(house)
    yield _folder(house)
    for check in _connections(house):
        yield check
    yield await _senders(house)
    yield await _problems(house)


def _disk(free: int | None) -> Check:
    if free is None:
        return Check("Disk", "well", "The database is elsewhere: watch the disk of its machine there.")
    if free >= SCARCE_BYTES:
        return Check("Disk", "well", f"{_bytes(free)} are free.")
    sentence = (
        f"Only {_bytes(free)} are free where the database lies. Make room there, or lower what is kept: "
        "[retention] in hookline.toml."
    )
    return Check(
        "Disk", "bad" if free < LITTLE_BYTES else "warn", sentence, "See settings", "/settings/server"
    )


def _clock(meter: Meter) -> Check:
    at = meter.jumped_at
    if at is None or meter.reading is None or meter.reading.at - at > JUMPED_SECONDS:
        return Check("Clock", "well", "It runs evenly.")
    way = "forward" if meter.jumped_seconds > 0 else "back"
    sentence = (
        f"It was set {way} by {abs(meter.jumped_seconds):,.0f} s at {iso(at)}. Schedules and signatures go "
        "by it: let a time service keep it right."
    )
    return Check("Clock", "warn", sentence)


def _reach(house: House) -> Check:
    why = out_of_reach(house.public_url)
    if why is None:
        return Check("Outside", "well", f"Services are told {house.public_url}.")
    sentence = (
        f"Services cannot reach this server's address yet. {why} Set public_url in hookline.toml, or "
        "HOOKLINE_PUBLIC_URL, to the address at which they can."
    )
    return Check("Outside", "warn", sentence, "See settings", "/settings/server")


def _folder(house: House) -> Check:
    library = house.library
    broken = sorted(
        slug for slug, faults in library.faults.items() if any(one.severity == "error" for one in faults)
    )
    count = len({live.workflow.slug for live in library.all()} | library.faults.keys())
    files = f"{count:,} workflow file{'' if count == 1 else 's'}"
    if not broken:
        return Check("Folder", "well", f"{files}, none with faults.")
    href = f"/workflows/{broken[0]}" if len(broken) == 1 else "/?state=faults"
    return Check("Folder", "warn", f"{files}, {len(broken):,} with faults.", "See faults", href)


def _connections(house: House) -> list[Check]:
    if house.connections is None:
        return []
    found = house.connections.items()
    refused = [one["name"] for one in found if one["state"] in ("refused", "expired")]
    ending = [one for one in found if one["state"] == "expiring"]
    if refused:
        sentence = f"{_names(refused)} {'is' if len(refused) == 1 else 'are'} not taken any more."
        return [Check("Connections", "bad", sentence, "Connect again", _connection_page(refused))]
    if ending:
        names = [one["name"] for one in ending]
        sentence = f"{_names(names)}: {ending[0]['sentence']}."
        return [Check("Connections", "warn", sentence, "Connect again", _connection_page(names))]
    count = len(found)
    sentence = (
        f"{count:,} connection{'' if count == 1 else 's'}, none refused." if count else "There are none yet."
    )
    return [Check("Connections", "well", sentence)]


async def _senders(house: House) -> Check:
    items = (await house.problems.page(status="open", limit=200)).items
    silent = [one for one in items if one["kind"] == "silent"]
    if not silent:
        return Check("Senders", "well", "None is silent that is expected to send.")
    names = _names([one["workflow"] for one in silent])
    href = f"/failures/{silent[0]['id']}" if len(silent) == 1 else "/failures"
    return Check("Senders", "warn", f"Nothing comes for {names}.", "See", href)


async def _problems(house: House) -> Check:
    count = await house.problems.open_count()
    if not count:
        return Check("Problems", "well", "None is open.")
    return Check(
        "Problems", "warn", f"{count:,} {'is' if count == 1 else 'are'} open.", "See failures", "/failures"
    )


def _names(names: list[str]) -> str:
    shown = [str(visible(one)) for one in names[:3]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _connection_page(names: list[str]) -> str:
    return f"/connections/{names[0]}" if len(names) == 1 else "/connections"


def _bytes(count: int) -> str:
    for unit, size in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6)):
        if count >= size:
            return f"{count / size:.{0 if count >= 10 * size else 1}f} {unit}"
    return f"{count / 1000:.0f} KB"
