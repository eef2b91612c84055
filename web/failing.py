"""Problems and replays as people read them: what stands in their rows, in sentences."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from runner.engine.paths import does, steps_by_path
from runner.language.outline import outline
from runner.language.workflow import Action
from runner.values import Json, iso
from web.activity import Picture, picture_of
from web.pages.actions import titled
from web.timeline import Row, timeline

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from runner.engine.library import Live
    from runner.engine.places import DestinationState
    from web.house import House

PARTS = 24  # bars of the picture of when a problem's runs came
OUTLINES = 64  # texts whose steps are remembered
SLOWER = 5  # times slower than before is what we offer to who goes on after failures

State = Literal["open", "seen", "recovering", "closed"]


@dataclass(frozen=True, slots=True)
class Destination:
    """
    What a problem's runs call, at this moment: `sentence` has its points in time in ISO 8601; `waits`
    names it where it is down and can be tried now.
    """

    state: Literal["down", "back", "well", "unknown"]
    sentence: str
    waits: str | None = None


def state_of(problem: Json) -> State:
    """The word for it."""
    if problem["status"] == "closed":
        return "closed"
    if problem["replay"]:
        return "recovering"
    return "seen" if problem["seen"] else "open"


def told_of(problem: Json) -> str:
    """
    What is wrong, without its full stop. The step stands beside it wherever it is shown: its path is not said
    again.
    """
    said = without_path(str(problem["sentence"]), problem["step"])
    return said.removesuffix("; goes on by itself").rstrip(". ")


def title_of(problem: Json, in_doubt: int = 0) -> str:
    """
    What is wrong, as a title: without the advice that follows it, and the service's code. *in_doubt*: so many
    of its failed runs may have arrived.
    """
    if problem["status"] == "open" and in_doubt and in_doubt == problem["runs"]["failed"]:
        return f"{_runs(in_doubt)} may have arrived: no answer came after sending"
    said = told_of(problem).partition("; ")[0]
    return said[:1].upper() + said[1:]


def without_path(sentence: str, step: str) -> str:
    """*sentence* of a failure without the words that say its *step* by path."""
    return sentence.replace(f"{step} failed: ", "", 1) if step else sentence


def step_of(live: Live | None, path: str) -> Row | None:
    """The step at *path* as the live text has it, with its number, name and line; None: it has none."""
    if live is None or not path:
        return None
    called = {
        path: does(step)
        for path, step in steps_by_path(live.workflow).items()
        if isinstance(step.body, Action)
    }
    rows = timeline({"steps": [], "ended_at": None}, _outlined(live.source), called)
    return next((row for row in rows if row.path == path), None)


_outlined = lru_cache(OUTLINES)(outline)


def what_to_do(problem: Json, in_doubt: int = 0) -> str:
    """What its runs need of a person, if they need anything; *in_doubt* of the failed may have arrived."""
    runs = problem["runs"]
    if problem["status"] == "closed":
        if problem["dismissed_by"]:
            return f"Dismissed by {problem['dismissed_by']}: {problem['note']}"
        return "It closed by itself: nothing of it is left." if not problem["note"] else problem["note"]
    if problem["kind"] == "silent":
        return "It closes by itself when an event comes. Look whether the sender still knows the address."
    if problem["kind"] == "poll":
        return "It closes by itself when what is asked gives an answer again."
    if problem["kind"] == "backlog":
        return "It closes by itself when few wait. Pause the workflow to hold its events, or add a worker."
    if runs["failed"]:
        waits = f" {_counted(runs['waiting'])} besides and {_go(runs['waiting'])}." if runs["waiting"] else ""
        return _mending(runs["failed"], in_doubt) + waits
    if runs["waiting"]:
        return f"{_counted(runs['waiting'])} and {_go(runs['waiting'])}. You need not do anything."
    return "Its last runs are under way; it closes when they end well."


def destination_of(house: House, problem: Json) -> Destination | None:
    """How what its runs call stands, as far as this process knows; None where it calls nothing."""
    name = problem["destination"]
    if name is None or problem["kind"] != "runs" or house.vitals is None:
        return None
    found = next((one for one in house.vitals.destinations.standing() if _is(one, name)), None)
    if found is None:
        return Destination("unknown", f"{name} was not called since this server started.")
    since = f" since {iso(found.since)}" if found.since is not None else ""
    if found.state == "down":
        says = "asks to be left alone" if found.is_held else "has not answered"
        following = f"; next try at {iso(found.next_at)}" if found.next_at is not None else ""
        return Destination("down", f"{name} {says}{since}{following}.", found.name)
    if found.state == "back":
        return Destination("back", f"{name} answers again{since}.")
    return Destination("well", f"{name} answers.")


async def picture_of_runs(house: House, problem_id: str) -> tuple[Picture | None, str]:
    """
    When its runs came, as bars, and that in words for a person; both empty where it has none. Raises
    StoreUnavailable.
    """
    since, until, spans = await house.problems.spans(problem_id, count=PARTS)
    if not spans:
        return None, ""
    words = f"Runs from {iso(since)} to {iso(until)}"
    return picture_of(spans), words


def sends_of(plan: Json, classes: Collection[str]) -> list[str]:
    """What the runs of *classes* would send again, as `1,964 × Slack: post message`."""
    counts: dict[str, int] = {}
    for one in plan["effects"]:
        if one["class"] in classes:
            counts[one["action"]] = counts.get(one["action"], 0) + one["runs"]
    return [f"{count:,} × {_action(name)}" for name, count in sorted(counts.items(), key=lambda one: -one[1])]


def time_left(replay: Json) -> float:
    """Seconds that the rest needs at its rate, if nothing holds it up."""
    return float(replay["progress"]["left"] / replay["rate"])


def slower(rate: float) -> float:
    """The rate that is offered after failures: a round number, never nothing."""
    return max(0.1, round(rate / SLOWER, 1)) if rate < SLOWER else float(max(1, round(rate / SLOWER)))


def newest_closed(problems: Sequence[Json]) -> Json | None:
    """The one that closed last."""
    return max(problems, key=lambda one: one["closed_at"], default=None)


def bars(replay: Json) -> Iterator[tuple[str, int, str]]:
    """The parts of its runs that have a number: the class of colour, how many, the word."""
    progress = replay["progress"]
    failed = progress["failed"] + progress["refused"] + progress["waiting"]
    yield "ok", progress["succeeded"], "succeeded"
    yield "bad", failed, "failed"
    yield "quiet", progress["cancelled"], "cancelled"
    yield "accent", progress["under_way"], "under way"
    yield "left", progress["left"], "left"


def _is(one: DestinationState, name: str) -> bool:
    return name in one.connections or one.name == name or one.name.rpartition(":")[0] == name


def _mending(failed: int, in_doubt: int) -> str:
    if in_doubt == failed:
        it, they = ("it", "it") if failed == 1 else ("them", "they")
        return (
            f"{_runs(failed)} failed without an answer: look whether {they} arrived. Then plan a replay, or "
            f"dismiss {it} with a note."
        )
    stay, them = ("stays", "it") if in_doubt == 1 else ("stay", "them")
    doubt = f" {in_doubt:,} may have arrived and {stay} out of it unless you tick {them}." if in_doubt else ""
    return (
        f"{_runs(failed)} failed. Mend the cause, then plan a replay: what already happened is not repeated."
        f"{doubt}"
    )


def _runs(count: int) -> str:
    return f"{count:,} run{'' if count == 1 else 's'}"


def _counted(runs: int) -> str:
    return f"{runs:,} run{' waits' if runs == 1 else 's wait'}"


def _go(runs: int) -> str:
    return "goes on by itself" if runs == 1 else "go on by themselves"


def _action(name: str) -> str:
    connector, _dot, verb = name.partition(".")
    return f"{titled(connector)}: {verb.replace('_', ' ')}" if verb else name
