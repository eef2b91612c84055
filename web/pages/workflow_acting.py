"""The buttons of a workflow: pause, resume, copy, rename, delete, restore, return to a version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import g, redirect, request
from quart.typing import ResponseReturnValue

from runner.language.copies import renamed
from web.api import pauses, versions, workflow_texts
from web.api.routes import Asked
from web.api.texts import LONGEST_MESSAGE, find, name, refusals
from web.house import House
from web.problems import Problem
from web.workflows import edited_workflow

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.values import Json


async def pause_workflow(house: House, slug: str) -> ResponseReturnValue:
    """Hold its events, and say why."""
    why = (await request.form).get("why", "").strip()
    await pauses.pause(house, _asked(slug, why=_short(why, pauses.LONGEST_WHY, "why")))
    return _to(slug)


async def resume_workflow(house: House, slug: str) -> ResponseReturnValue:
    """Let what was held go on; back to the list where the button stood there."""
    await pauses.resume(house, _asked(slug))
    return _back(slug)


async def release_workflow(house: House, slug: str) -> ResponseReturnValue:
    """Let go of what is held, paused or not."""
    await pauses.release(house, _asked(slug))
    return _to(slug)


async def duplicate_workflow(house: House, slug: str) -> ResponseReturnValue:
    """Begin another with the same text, in the editor."""
    begun = await workflow_texts.begin_workflow(house, _asked("", copy_of=slug))
    return redirect(f"/workflows/{begun['slug']}/edit", 303)


async def rename_workflow(house: House, slug: str) -> ResponseReturnValue:
    """Another name, another id, or both; address and history stay."""
    form = await request.form
    await find(house, slug)
    called = _read(name, form.get("name", ""), "name")
    item = await edited_workflow(house, slug, g.person.key)
    if called != item["name"]:
        await _call(house, slug, item, called)
    new = form.get("slug", "").strip()
    if new and new != slug:
        await workflow_texts.rename_workflow(house, _asked(slug, to=new))
        slug = new
    return _to(slug)


async def delete_workflow(house: House, slug: str) -> ResponseReturnValue:
    """Put it away, once its name was typed."""
    await find(house, slug)
    item = await edited_workflow(house, slug, g.person.key)
    typed = (await request.form).get("name", "")
    if " ".join(typed.split()) != " ".join(item["name"].split()):
        sentence = f'You typed "{typed}", and it is called "{item["name"]}". Nothing was deleted.'
        raise Problem(400, sentence, parameter="name")
    await workflow_texts.delete_workflow(house, _asked(slug))
    return redirect("/", 303)


async def restore_workflow(house: House, slug: str) -> ResponseReturnValue:
    """Undo deleting."""
    await workflow_texts.restore_workflow(house, _asked(slug))
    return _to(slug)


async def return_workflow(house: House, slug: str) -> ResponseReturnValue:
    """Publish the text of an earlier version again."""
    form = await request.form
    written = form.get("version", "")
    if not (written.isascii() and written.isdigit() and 0 < len(written) < len(str(1 << 53))):
        raise Problem(400, "Say which version: they count from 1.", parameter="version")
    given: dict[str, Json] = {"version": int(written)}
    if message := form.get("message", "").strip():
        given["message"] = _short(message, LONGEST_MESSAGE, "message")
    await versions.return_to(house, _asked(slug, **given))
    return _to(slug)


async def _call(house: House, slug: str, item: Json, called: str) -> None:
    """Publish what is live under another name; of what was never published rename one's own draft."""
    live, draft = house.library.get(slug), item["draft"]
    if live is not None:
        text = renamed(live.source, called)
        asked = _asked(slug, message=f"Renamed to {called}")
        with refusals(house, slug):
            await workflow_texts.published(house, asked, slug, text, live.version)
    elif draft is not None:
        text = renamed(draft["text"], called)
        await house.drafts.put(
            slug, g.person.key, by=g.person.name, text=text, base=draft["base"], revision=draft["revision"]
        )
        await house.library.reload()
    else:
        raise Problem(
            409, "Mend the faults of its file first, or let the person whose draft it is rename it."
        )


def _asked(slug: str, **given: Json) -> Asked:
    return Asked(slug, given, g.person)


def _read(read: Callable[[str, float], str], text: str, parameter: str) -> str:
    try:
        return read(text, 0.0)
    except ValueError as error:
        raise Problem(400, f"{parameter}: {error}.", parameter=parameter) from None


def _short(text: str, most: int, parameter: str) -> str:
    if len(text) > most:
        raise Problem(400, f"{parameter}: at most {most} characters.", parameter=parameter)
    return text


def _to(slug: str) -> ResponseReturnValue:
    return redirect(f"/workflows/{slug}", 303)


def _back(slug: str) -> ResponseReturnValue:
    is_home = request.headers.get("Referer", "").partition("?")[0] == request.host_url
    return redirect("/" if is_home else f"/workflows/{slug}", 303)
