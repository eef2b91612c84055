"""The lists of a server elsewhere: a page of events or runs, and what is new of them as it happens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from runner.cli.follow import PAGE
from runner.cli.options import wanted_of
from runner.cli.showing import note
from runner.errors import SettingsError
from runner.values import Json, iso, loads

if TYPE_CHECKING:
    from runner.cli.api import Api

Kind = Literal["event", "run"]
AGAIN_SECONDS = 3.0  # after which a line that broke off is tried again
MOST_REMEMBERED = 10_000


async def page_of(api: Api, name: str, narrowed: Mapping[str, Any]) -> Json:
    """
    A page of the list *name* ("events", "runs"), narrowed as by `list_options` and `where_option`.

    Raises:
        SettingsError: the cursor is none, or the server cannot be asked for that condition.
        HooklineError: as `Api.send`.
    """
    wanted = wanted_of(narrowed)
    if wanted.id is not None:
        raise SettingsError(f"--where: a server is not asked for an id in a list; see: hookline {name} show")
    conditions = [text for text in narrowed.get("where", ()) if text.lstrip().startswith("payload")]
    if wanted.delivery_id is not None:
        conditions.append(f"delivery_id={wanted.delivery_id}")
    if len(conditions) > 1:
        raise SettingsError("--where: a server is asked for one payload field or delivery id at a time")
    return await api.page(
        name,
        limit=wanted.limit,
        cursor=wanted.cursor,
        workflow=wanted.workflow,
        status=wanted.status,
        problem=wanted.problem,
        since=iso(wanted.since),
        type=wanted.type,
        where=conditions[0] if conditions else None,
    )


async def follow_live(
    api: Api, kind: Kind, workflow: str | None, since: float | None, *, state: Callable[[Json], str]
) -> AsyncIterator[Json]:
    """
    As `runner.cli.follow.follow`, by the server's live channel: what was missed, because the line broke
    off or there was too much to tell, is asked for. *since* None: from now on.
    """
    seen: dict[str, str] = {}
    known_since = time.time() if since is None else since
    while True:
        async with api.streamed("live", kinds=kind, workflow=workflow) as lines:
            async for name, item in told(lines):
                news = [item] if name == kind else []
                if name in ("ready", "resync"):
                    news = await _missed(api, kind, workflow, known_since)
                for one in news:
                    if seen.get(one["id"]) != state(one):
                        seen[one["id"]] = state(one)
                        yield one
                for forgotten in sorted(seen)[: max(0, len(seen) - MOST_REMEMBERED)]:  # ids sort by time
                    del seen[forgotten]
        note(f"The line to {api.server} broke off; trying again.")
        await asyncio.sleep(AGAIN_SECONDS)


async def _missed(api: Api, kind: Kind, workflow: str | None, since: float) -> list[Json]:
    """The newest of the list, the oldest first."""
    found = await api.page(f"{kind}s", limit=PAGE, workflow=workflow, since=iso(since))
    return list(reversed(found["items"]))


async def told(lines: AsyncIterator[bytes]) -> AsyncIterator[tuple[str, Json]]:
    """
    Server-sent events: name and data of each.

    Source: the HTML standard, section 9.2; of ours each has one line of data.
    """
    name = ""
    async for line in lines:
        field, _, value = line.decode(errors="replace").rstrip("\r\n").partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, loads(value.encode())
