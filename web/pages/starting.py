"""The form by which a person who is signed in starts a run."""

from __future__ import annotations

from quart import g, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue

from runner.engine.library import Live
from runner.errors import InputsRefused, MoveRefused, NotFound
from runner.values import Json
from web.fields import fields_of, has_files
from web.forms import read_form, schema_of
from web.house import House


async def start_form_page(house: House, slug: str) -> ResponseReturnValue:
    """What the workflow wants to be started with."""
    live, schema = _startable(house, slug)
    return await _page(house, live, schema, None, {}, [])


async def start_run(house: House, slug: str) -> ResponseReturnValue:
    """Start it, then show the run; or show the form again with what is wrong in it."""
    live, schema = _startable(house, slug)
    form = await request.form
    posted = {name: form.getlist(name) for name in form}
    inputs, faults, others = read_form(live, posted)
    if not faults and not others:
        try:
            started = await house.start_run(slug, inputs, by=g.person.name)
        except InputsRefused as refused:  # the file was changed this very moment
            others = [said for _path, said in refused.faults]
        else:
            await house.audit(g.person, "ran", "workflow", slug, run=started["id"])
            if started["id"]:
                return redirect(url_for("run", run_id=started["id"]), 303)
            return redirect(url_for("event", event_id=started["event"]), 303)
    return await _page(house, live, schema, posted, faults, others), 422


def _startable(house: House, slug: str) -> tuple[Live, Json]:
    live = house.library.get(slug)
    if live is None:
        raise NotFound(f"there is no workflow {slug} that is live")
    if live.workflow.manual is None:
        raise MoveRefused(f"{live.workflow.name} is not started by hand: it has no `manual` trigger")
    return live, schema_of(live)


async def _page(
    house: House,
    live: Live,
    schema: Json,
    posted: dict[str, Json] | None,
    faults: dict[str, str],
    others: list[str],
) -> str:
    return await render_template(
        "start_run.html",
        flow=live.workflow,
        fields=fields_of(schema, posted, faults),
        others=others,
        has_files=has_files(schema),
        form_url=house.form_url_of(live),
    )
