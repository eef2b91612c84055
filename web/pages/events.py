"""Events: what arrived, one of it with the gates that it passed, and what can be done about it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from quart import Response, g, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue

from runner.engine.details import MOST_COUNTED
from runner.engine.history import Wanted
from runner.errors import NotFound
from runner.language.secrets import MASK
from web.api.events import released, replayed
from web.api.parameters import OF_EVENTS, wanted
from web.api.rechecking import recheck
from web.api.routes import Asked, read_query
from web.gates import told, word_of
from web.house import House
from web.listening import listening
from web.pages.lists import asked_field, listed
from web.workflows import workflow_items

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.values import Json

TABS = {
    "": "All", "accepted": "Accepted", "held": "Held", "rejected": "Rejected", "ignored": "Ignored",
    "duplicate": "Duplicate", "dropped": "Dropped",
}  # fmt: skip
NOT_ACCEPTED = ("held", "rejected", "ignored", "duplicate", "dropped")
EVENT_TABS = ("payload", "raw", "headers", "query")
SHOWN_BYTES = 64 * 1024  # of a raw body
HEX_BYTES = 4096  # of one that is no text
RESULTS = ("accepted", "held", "duplicate", "ignored", "rejected")
SENT_BY_ITSELF = frozenset(
    {"host", "content-length", "connection", "accept-encoding", "user-agent", "accept"}
)


async def events(house: House) -> ResponseReturnValue:
    """Did it arrive."""
    if (way := asked_field()) is not None:
        return way
    query = request.args.copy()
    checked = query.pop("checked", "")
    given = read_query(OF_EVENTS, query, house.clock())
    page = await house.history.events(wanted(given))
    counts = _with_accepted(await house.details.event_counts(given.get("workflow")))
    names = {item["slug"]: item["name"] for item in workflow_items(house)}
    return await render_template(
        "events.html",
        items=page.items,
        list=listed(page, TABS, counts, names, words={"type": "Type is"}),
        refused=counts.get("rejected", 0),
        checked=_result(checked),
    )


async def event(house: House, event_id: str) -> str:
    """One event: where it stopped and what to do, then what was in it."""
    found = await house.history.event(event_id)
    secrets, missing = _secrets_of(house, found)
    tab = request.args.get("tab", "payload")
    body = await house.details.body(event_id) if tab == "raw" else None
    return await render_template(
        "event.html",
        event=found,
        told=told(found, g.person, secrets=secrets, missing=missing, first=await _first(house, found)),
        word_of=word_of,
        tab=tab if tab in EVENT_TABS else "payload",
        raw=_raw(body) if body is not None else None,
        curl=_curl(house, found) if found["method"] else None,
        checked=_result(request.args.get("checked", "")),
    )


async def event_body(house: House, event_id: str) -> Response:
    """The body as it came, as a file. Raises NotFound: also where something in it is hidden."""
    body = await house.details.body(event_id)
    if body is None:
        raise NotFound("parts of this body are hidden, so it is not given away as it came")
    headers = {"Content-Disposition": f'attachment; filename="{event_id}.bin"'}
    return Response(body, content_type="application/octet-stream", headers=headers)


async def replay_event(house: House, event_id: str) -> ResponseReturnValue:
    """Do its work again, then show the event that has the runs."""
    return redirect(url_for("event", event_id=await replayed(house, event_id, g.person)), 303)


async def release_event(house: House, event_id: str) -> ResponseReturnValue:
    """Let it go, then show it."""
    await released(house, event_id, g.person)
    return redirect(url_for("event", event_id=event_id), 303)


async def recheck_event(house: House, event_id: str) -> ResponseReturnValue:
    """Judge it again, and with it what else was refused of its workflow since, then show it."""
    found = await house.history.event(event_id)
    done = await recheck(house, Asked("", {"workflow": found["workflow"]}, g.person))
    return redirect(url_for("event", event_id=event_id, checked=_written(done["items"])), 303)


async def recheck_events(house: House) -> ResponseReturnValue:
    """Judge all refused ones again, or those of one workflow."""
    workflow = (await request.form).get("workflow", "")
    done = await recheck(house, Asked("", {"workflow": workflow} if workflow else {}, g.person))
    return redirect(
        url_for("events", workflow=workflow or None, status="rejected", checked=_written(done["items"])), 303
    )


def _with_accepted(counts: Mapping[str, int]) -> Mapping[str, int]:
    """*counts* with those that were accepted: what is left of all, where all of them were counted."""
    if counts["all"] >= MOST_COUNTED:
        return counts
    return {**counts, "accepted": counts["all"] - sum(counts.get(one, 0) for one in NOT_ACCEPTED)}


def _secrets_of(house: House, event: Json) -> tuple[Sequence[str], Sequence[str]]:
    """The secrets that the event's workflow verifies with, and those of them that the last gate misses."""
    live = house.library.get(event["workflow"])
    listens = listening(house, live) if live else None
    names = listens["secrets"] if listens else ()
    is_missing = any(one["facts"].get("code") == "no_secret" for one in event["gates"])
    return names, names if is_missing else ()


async def _first(house: House, event: Json) -> Json:
    """The event that a duplicate repeats; None where it is not known."""
    if event["disposition"] != "duplicate" or not event["delivery_id"]:
        return None
    asked = Wanted(delivery_id=event["delivery_id"], workflow=event["workflow"], limit=20)
    others = (await house.history.events(asked)).items
    return next((one for one in reversed(others) if one["id"] != event["id"]), None)


def _raw(body: bytes) -> dict[str, Json]:
    """A body as text, or as a table of bytes."""
    try:
        text = body[:SHOWN_BYTES].decode("utf-8", "strict" if len(body) <= SHOWN_BYTES else "ignore")
    except UnicodeDecodeError:
        return {"text": hexadecimal(body[:HEX_BYTES]), "is_hex": True, "is_cut": len(body) > HEX_BYTES}
    if "\0" in text:
        return {"text": hexadecimal(body[:HEX_BYTES]), "is_hex": True, "is_cut": len(body) > HEX_BYTES}
    return {"text": text, "is_hex": False, "is_cut": len(body) > SHOWN_BYTES}


def hexadecimal(body: bytes) -> str:
    """Sixteen bytes a line: the offset, the bytes, and what of them is ASCII."""
    lines = []
    for at in range(0, len(body), 16):
        part = body[at : at + 16]
        shown = "".join(chr(one) if 32 <= one < 127 else "." for one in part)
        lines.append(f"{at:08x}  {part.hex(' '):<47}  {shown}")
    return "\n".join(lines)


def _curl(house: House, event: Json) -> str:
    """The request as a line for a shell, to the workflow's address; what is hidden stays hidden."""
    live = house.library.get(event["workflow"])
    url = house.url_of(live) if live else f"{house.public_url}/hooks/…"
    if event["path"]:
        url += f"/{event['path']}"
    words = ["curl", "-X", event["method"], f"{url}?{event['query']}" if event["query"] else url]
    for name, value in event["headers"].items():
        if name not in SENT_BY_ITSELF:
            words += ["-H", f"{name}: {value}"]
    if event["size"]:
        words += ["--data-binary", "@body"]
    line = " ".join(map(shlex.quote, words))
    return f"{line}  # {MASK} stands for what is hidden" if MASK in line else line


def _written(items: Sequence[Json]) -> str:
    return ".".join(str(sum(one[word] for one in items)) for word in RESULTS)


def _result(text: str) -> str | None:
    """What a recheck came to, in words; None: there was none."""
    parts = text.split(".")
    if len(parts) != len(RESULTS) or not all(one.isdigit() and len(one) < 9 for one in parts):
        return None
    counts = {word: int(one) for word, one in zip(RESULTS, parts, strict=True) if int(one)}
    if not counts:
        return "There was nothing to check again."
    words = [f"{count:,} {'still refused' if word == 'rejected' else word}" for word, count in counts.items()]
    return f"Checked again: {', '.join(words)}."
