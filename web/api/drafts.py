"""Drafts: kept as people type, compared, merged and published."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from runner.engine.drafts import Elsewhere
from runner.language.differences import sentences
from runner.language.lines import unified
from runner.language.merging import merge
from runner.values import Json, iso
from web.api.routes import Answered, Asked, Parameter, Route
from web.api.schemas import NUMBER, TEXT, TIME, many, named, thing
from web.api.texts import (
    FILE_TEXT,
    OF_BASE,
    OF_MESSAGE,
    OF_TEXT,
    VERSION_OR_NULL,
    WHOLE_OR_NULL,
    file_text,
    find,
    refusals,
    shown,
    version_number,
)
from web.api.workflow_texts import published
from web.house import House
from web.problems import Problem
from web.workflows import editing

NUMBER_OR_NULL = {"type": ["integer", "null"]}


async def put_draft(house: House, asked: Asked) -> Json:
    """Keep what was typed, faults and all."""
    slug, person = asked.id, asked.person
    await find(house, slug)
    text = asked.given["text"]
    base, revision = asked.given.get("base"), asked.given.get("revision")
    saved = await house.drafts.put(slug, person.key, by=person.name, text=text, base=base, revision=revision)
    if isinstance(saved, Elsewhere):
        stored = saved.stored.as_json() if saved.stored else None
        raise Problem(
            409,
            "This draft was changed in another tab or window; nothing was overwritten."
            if stored
            else "This draft was published or thrown away in another tab or window.",
            draft=stored,
        )
    at = iso(saved.saved_at)
    house.changes.tell("draft", {"workflow": slug, "by": person.name, "saved_at": at})
    live = house.library.get(slug)
    return {
        "revision": saved.revision,
        "saved_at": at,
        "others": await editing(house, slug, person.key),
        "live": live.version if live else None,
    }


async def drop_draft(house: House, asked: Asked) -> Json:
    """Throw one's own away."""
    await find(house, asked.id)
    if await house.drafts.drop(asked.id, asked.person.key):
        await house.library.reload()  # of a workflow that was nothing but this draft there is nothing left
        await house.library.note_state()
        house.changes.tell("draft", {"workflow": asked.id, "by": asked.person.name, "saved_at": None})
    return {}


async def publish(house: House, asked: Asked) -> Answered:
    """Make a text live, if what it was made from still is."""
    slug, text = asked.id, asked.given["text"]
    await find(house, slug)
    with refusals(house, slug):
        answer = await published(house, asked, slug, text, asked.given["base"])
    draft = await house.drafts.get(slug, asked.person.key)
    if draft and draft.text == text:  # not what another tab has typed since
        await house.drafts.drop(slug, asked.person.key)
    return answer


async def merge_texts(house: House, asked: Asked) -> Json:
    """Put what two people made of one version together."""
    await find(house, asked.id)
    base, mine = asked.given["base"], asked.given["mine"]
    live = house.library.get(asked.id)
    if live is None:
        raise Problem(409, "Nothing of this workflow is live, so there is nothing to merge with.")
    before = await house.store.version_source(asked.id, base) if base is not None else ""
    names = {"mine_name": "yours", "theirs_name": f"version {live.version}, which is live"}
    merged = await asyncio.to_thread(merge, before, mine, live.source, **names)
    return {"text": merged.text, "conflicts": merged.conflicts, "live": live.version}


async def review(house: House, asked: Asked) -> Json:
    """What publishing a text would change, and what stands in the way."""
    slug, text = asked.id, asked.given["text"]
    await find(house, slug)
    live = house.library.get(slug)
    old, name = (live.source, f"version {live.version}") if live else ("", "nothing")
    if (since := asked.given.get("since")) is not None:
        old, name = await house.store.version_source(slug, since), f"version {since}"
    diff = await asyncio.to_thread(unified, old, text, old_name=name, new_name="draft")
    said = await asyncio.to_thread(sentences, old, text) if old else []
    faults = await house.check(text, slug)
    version = live.version if live else None
    return {"live": version, "diff": diff, "sentences": said, "faults": shown(list(faults))}


ROUTES = (
    Route(
        "PUT", "/workflows/{id}/draft", "put_draft",
        "Keep a draft of whoever asks, faults and all. 409 with the `draft` that is stored (null: none is) "
        "when `revision` is not its own: the same person typed elsewhere.",
        put_draft,
        thing(
            {"revision": NUMBER, "saved_at": TIME, "others": many(named("Editing")), "live": NUMBER_OR_NULL}
        ),
        role="editor", errors=(404, 409, 410, 413),
        body=(
            OF_TEXT,
            replace(OF_BASE, is_required=False),
            Parameter(
                "revision", "The revision that the editor holds; null: there is no draft yet.",
                VERSION_OR_NULL, version_number, WHOLE_OR_NULL,
            ),
        ),
    ),
    Route(
        "DELETE", "/workflows/{id}/draft", "drop_draft", "Throw away the draft of whoever asks.",
        drop_draft, thing({}), role="editor", errors=(404, 410),
    ),
    Route(
        "POST", "/workflows/{id}/publish", "publish",
        "Make a text live. 409 with `live` ({version, text, by, at}) when another version than `base` is; "
        "422 with `faults` when it has errors. The draft is gone then.",
        publish, named("Published"), role="editor", errors=(404, 409, 410, 413, 422),
        body=(OF_TEXT, OF_BASE, OF_MESSAGE), gives={"ETag": "The version that is live now."},
    ),
    Route(
        "POST", "/workflows/{id}/merge", "merge",
        "Merge a text with what is live by lines. Of lines that both changed both stand in the result, mine "
        "first, between comments that begin with # <<<<<<<, # ======= and # >>>>>>>.",
        merge_texts,
        thing(
            {
                "text": TEXT,
                "conflicts": NUMBER,
                "live": {**NUMBER, "description": "What it was merged with: the base from now on."},
            }
        ),
        role="editor", errors=(404, 409, 410, 413),
        body=(OF_BASE, Parameter("mine", "The text.", FILE_TEXT, file_text, is_required=True)),
    ),
    Route(
        "POST", "/workflows/{id}/review", "review",
        "What publishing a text would change of what is live, or what it changed `since` a version: as a "
        "unified diff, in words, and its faults.",
        review,
        thing(
            {
                "live": NUMBER_OR_NULL,
                "diff": TEXT,
                "sentences": many(TEXT),
                "faults": many(named("Fault")),
            }
        ),
        role="editor", errors=(404, 410, 413),
        body=(
            OF_TEXT,
            Parameter(
                "since", "Compare with this version; left out or null: with what is live.",
                VERSION_OR_NULL, version_number, WHOLE_OR_NULL,
            ),
        ),
    ),
)  # fmt: skip
