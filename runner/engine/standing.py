"""How a connection stands: whether it works, when it ends, since when it is refused. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

from runner.connector import Connection, OAuthConnection, TokenConnection
from runner.values import Json, iso

DAY_SECONDS = 86400.0
WARNED = {"week": 7 * DAY_SECONDS, "day": DAY_SECONDS}
"""How long before its end a connection is told of, by the name of the warning; the longest first."""


@dataclass(frozen=True, slots=True)
class Standing:
    """
    What is remembered of a connection; times are UTC seconds. `ends_at` is what a person said,
    `warned` the warnings that were given of the end `warned_of`.
    """

    works_since: float | None = None
    refused_since: float | None = None
    refused_why: str = ""
    ends_at: float | None = None
    warned_of: float | None = None
    warned: tuple[str, ...] = ()

    def as_json(self) -> Json:
        """What `read_standing` reads."""
        return asdict(self)

    def now_works(self, now: float) -> Standing:
        """It was taken just now."""
        since = self.works_since if self.refused_since is None else None
        return replace(self, works_since=since or now, refused_since=None, refused_why="")

    def now_refused(self, now: float, why: str) -> Standing:
        """It was refused just now."""
        return replace(self, refused_since=self.refused_since or now, refused_why=why)


def read_standing(value: Json) -> Standing:
    """What `Standing.as_json` gave; what is not known is left out."""
    known = {name: value[name] for name in Standing.__slots__ if name in value}
    return Standing(**{**known, "warned": tuple(known.get("warned", ()))})


def end_of(connection: Connection | None, standing: Standing) -> float | None:
    """When it stops working unless a person does something, as far as is known."""
    by_itself = connection.ends_at() if isinstance(connection, TokenConnection) else None
    return min((one for one in (by_itself, standing.ends_at) if one is not None), default=None)


def warning_due(connection: Connection | None, standing: Standing, now: float) -> Standing | None:
    """
    *standing* with the warning that is to be given now; None where there is none. The day's warning
    makes the week's needless; an end that is past is no longer warned of.
    """
    end = end_of(connection, standing)
    if end is None or now >= end:
        return None
    given = standing.warned if standing.warned_of == end else ()
    due = [name for name, seconds in WARNED.items() if end - now <= seconds]
    if not due or due[-1] in given:
        return None
    return replace(standing, warned_of=end, warned=tuple(due))


def described(
    name: str, kind: str, connection: Connection | None, standing: Standing, now: float
) -> Mapping[str, Json]:
    """
    `name, kind, state, sentence, works_since, expires_at, refused_since, reason`. `state` is `works`,
    `untried`, `unconnected` (a person has to allow it), `expiring`, `expired`, `refused` or `unknown` (no
    such kind here any more).
    """
    end = end_of(connection, standing)
    state, sentence = _state(connection, standing, end, now)
    return {
        "name": name,
        "kind": kind,
        "state": state,
        "sentence": sentence,
        "works_since": None if standing.works_since is None else iso(standing.works_since),
        "expires_at": None if end is None else iso(end),
        "refused_since": None if standing.refused_since is None else iso(standing.refused_since),
        "reason": standing.refused_why or None,
    }


def _state(
    connection: Connection | None, standing: Standing, end: float | None, now: float
) -> tuple[str, str]:
    if connection is None:
        return "unknown", "its fields are not of a kind that this server knows; set it again"
    if standing.refused_since is not None:
        return "refused", f"refused since {_moment(standing.refused_since)}"
    if isinstance(connection, OAuthConnection) and connection.waits_for_a_person():
        return "unconnected", "waits for a person to allow it"
    if end is not None and now >= end:
        return "expired", f"ended {_moment(end)}"
    if end is not None and end - now <= max(WARNED.values()):
        return "expiring", f"expires in {_span(end - now)}"
    if standing.works_since is not None:
        return "works", "works" if end is None else f"works, expires in {_span(end - now)}"
    return "untried", "not tried yet"


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _span(seconds: float) -> str:
    for unit, size in (("day", DAY_SECONDS), ("hour", 3600.0), ("minute", 60.0)):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "less than a minute"
