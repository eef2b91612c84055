"""What stands around every page: how many things wait for a person, how the server is, one banner at most."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from quart import Quart, g, request

from runner.engine.reach import out_of_reach
from runner.errors import StoreUnavailable
from runner.values import Json
from web.appearance import has_keys, theme_of
from web.failing import told_of
from web.wellness import Word, wellness

if TYPE_CHECKING:
    from web.house import House

LOCAL_SEEN = "hookline_local"  # the cookie of who has read that the address is a local one


@dataclass(frozen=True, slots=True)
class Banner:
    """One sentence in its colour, and where to go; `puts_away` is a cookie that keeps it from coming back."""

    colour: Literal["bad", "warn", "wait"]
    sentence: str
    href: str
    verb: str
    puts_away: str | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """`failures` open problems, `approvals`: whether any waits."""

    standing: Word = "Well"
    failures: int = 0
    approvals: bool = False
    banner: Banner | None = None

    def with_banner(self, banner: Banner) -> Frame:
        """The same with another banner."""
        return replace(self, banner=banner)


def add_frame(app: Quart, house: House) -> None:
    """Let every page of *app* know its frame, also one that tells of an error."""

    @app.context_processor
    async def names() -> dict[str, Any]:
        frame = await look(house) if g.get("person") else Frame()
        return {"frame": frame, "theme": theme_of(request), "has_keys": has_keys(request)}


async def look(house: House) -> Frame:
    """The frame at this moment; a store that does not answer is told, never raised."""
    try:
        await house.ping()
        failures = await house.problems.open_count()
        approvals = bool((await house.resuming.open(limit=1))[0])
        if house.store.backlog >= house.backlog_limit:
            return Frame("Trouble", failures, approvals, _full(house))
        banner = _unreachable(house) or await _problem(house, failures) or _faults(house)
    except StoreUnavailable:
        return Frame("Trouble", banner=_store())
    return Frame(wellness(house).word, failures, approvals, banner)


def problem_sentence(problem: Json) -> str:
    """What is wrong and how many runs it holds up, of a problem as the port shows it."""
    runs = problem["runs"]
    sentence = f"{told_of(problem)}."
    if runs["failed"]:
        return f"{sentence} {_runs(runs['failed'])} failed."
    if runs["waiting"] == 1:
        return f"{sentence} 1 run waits and goes on by itself."
    if runs["waiting"]:
        return f"{sentence} {_runs(runs['waiting'])} wait and go on by themselves."
    return sentence


def _runs(count: int) -> str:
    return f"{count:,} run{'' if count == 1 else 's'}"


def _store() -> Banner:
    sentence = "We cannot reach the store. New events are refused with 503, so that senders try again."
    return Banner("bad", sentence, "/health", "See health")


def _full(house: House) -> Banner:
    sentence = (
        f"{house.store.backlog:,} runs wait, as many as this server takes. New events are refused with 503, "
        "so that senders try again."
    )
    return Banner("bad", sentence, "/health", "See health")


def _unreachable(house: House) -> Banner | None:
    why = out_of_reach(house.public_url)
    if why is None or request.cookies.get(LOCAL_SEEN):
        return None
    sentence = f"Services cannot reach this server's address yet. {why}"
    return Banner("warn", sentence, "/health", "How to set it", puts_away=LOCAL_SEEN)


async def _problem(house: House, count: int) -> Banner | None:
    if not count:
        return None
    items = (await house.problems.page(status="open", limit=1)).items
    if not items:  # closed this very moment
        return None
    more = f" {count - 1:,} more {'is' if count == 2 else 'are'} open." if count > 1 else ""
    href = f"/failures/{items[0]['id']}" if count == 1 else "/failures"
    colour: Literal["bad", "wait"] = "bad" if items[0]["runs"]["failed"] else "wait"
    return Banner(
        colour, problem_sentence(items[0]) + more, href, "See problem" if count == 1 else "See problems"
    )


def _faults(house: House) -> Banner | None:
    broken = [
        slug for slug, faults in house.library.faults.items() if any(f.severity == "error" for f in faults)
    ]
    if not broken:
        return None
    if len(broken) == 1:
        return Banner("warn", f"The file of {broken[0]} has faults.", f"/workflows/{broken[0]}", "See faults")
    return Banner("warn", f"{len(broken)} workflow files have faults.", "/?state=faults", "See them")
