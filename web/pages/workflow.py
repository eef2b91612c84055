"""One workflow: what it does, where it listens, what it did lately, and its versions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from quart import Response, g, redirect, render_template, request
from quart.typing import ResponseReturnValue

from runner.engine.history import Wanted
from runner.errors import NotFound
from runner.values import Json
from web.activity import Activity, hours_of, todays
from web.api.routes import Asked
from web.api.texts import find
from web.api.versions import list_versions, show_version
from web.frame import problem_sentence
from web.house import House
from web.listening import listening
from web.overview import sentence, state_of
from web.problems import Problem
from web.workflows import edited_workflow

LATEST = 8  # runs and events
VERSIONS = 10


async def workflow(house: House, slug: str) -> ResponseReturnValue:
    """The page; of a workflow that was renamed the way to it, of a deleted one the way back."""
    try:
        await find(house, slug)
    except Problem as problem:
        if "slug" in problem.more:
            return redirect(f"/workflows/{problem.more['slug']}", 303)
        if house.filing.is_deleted(slug):
            return await render_template("workflow_deleted.html", slug=slug), 410
        raise
    live = house.library.get(slug)
    item = await edited_workflow(house, slug, g.person.key)
    activity = (await todays(house)).get(slug, Activity())
    since, hours = await hours_of(house, [slug])
    versions = (
        await list_versions(house, _asked(slug, limit=VERSIONS)) if live else {"items": [], "next": None}
    )
    return await render_template(
        "workflow.html",
        item=item,
        state=state_of(item),
        sentence=sentence(live) if live else "",
        activity=replace(activity, since=since, hours=tuple(hours[slug])),
        listens=listening(house, live) if live else None,
        vars=live.workflow.vars if live else {},
        timed=[one for one in await house.timed() if one["workflow"] == slug],
        runs=(await house.history.runs(Wanted(workflow=slug, limit=LATEST))).items,
        events=(await house.history.events(Wanted(workflow=slug, limit=LATEST))).items,
        versions=versions["items"],
        has_older=versions["next"] is not None,
        problems=[
            {**one, "told": problem_sentence(one)}
            for one in (await house.problems.page(status="open", workflow=slug, limit=VERSIONS)).items
        ],
    )


async def versions(house: House, slug: str) -> str:
    """All its versions."""
    await find(house, slug)
    given = {"limit": 50, **({"cursor": request.args["cursor"]} if request.args.get("cursor") else {})}
    try:
        page = await list_versions(house, _asked(slug, **given))
    except ValueError as error:
        raise Problem(400, f"{error}.", parameter="cursor") from None
    return await render_template(
        "versions.html", item=_named(house, slug), versions=page["items"], next=page["next"]
    )


async def version(house: House, slug: str, number: str) -> str:
    """One version: what it changed, how it differs from what is live, and its text."""
    await find(house, slug)
    found: Any = await show_version(house, Asked(slug, {}, g.person, {"id": slug, "n": number}))
    return await render_template("version.html", item=_named(house, slug), version=found)


async def export(house: House, slug: str) -> Response:
    """Its text as a file: what is live, else the file, else one's own draft."""
    await find(house, slug)
    item = await edited_workflow(house, slug, g.person.key)
    text = item["source"] or item["file"] or (item["draft"] and item["draft"]["text"])
    if not text:
        raise NotFound(f"{slug} is another person's draft, and nothing of it is published yet")
    headers = {"Content-Disposition": f'attachment; filename="{slug}.yaml"'}
    return Response(text, content_type="application/yaml; charset=utf-8", headers=headers)


def _named(house: House, slug: str) -> Json:
    live = house.library.get(slug)
    return {
        "slug": slug,
        "name": live.workflow.name if live else slug,
        "version": live.version if live else None,
    }


def _asked(slug: str, **given: Json) -> Asked:
    return Asked(slug, given, g.person)
