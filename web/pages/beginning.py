"""New workflow: from a starter, from a text or a curl line, from a file, or blank."""

from __future__ import annotations

import asyncio
import re
from textwrap import indent
from typing import TYPE_CHECKING

from quart import g, redirect, render_template, request
from quart.typing import ResponseReturnValue

from runner.errors import SettingsError, as_sentence
from runner.language.quoting import quoted
from runner.language.source import MAX_BYTES
from runner.values import Json
from runner.workbench.curl import Imported, import_curl
from web.api.routes import Asked
from web.api.texts import file_text
from web.api.workflow_texts import begin_workflow
from web.house import House

if TYPE_CHECKING:
    from collections.abc import Mapping

CURL = re.compile(r"\s*(?:[$#>%]\s+)?curl(?:\.exe)?(?:\s|$)")
FALLBACK = "New workflow"
LONGEST_CALLED = 100  # characters taken from a file's name


async def new_workflow(house: House) -> str:
    """The ways to begin."""
    return await _page(house)


async def begin_new_workflow(house: House) -> ResponseReturnValue:
    """Begin a draft and go on in the editor; or the page again with what was wrong."""
    form, file = await request.form, (await request.files).get("file")
    content = file.read(MAX_BYTES + 1) if file and file.filename else None
    try:
        given = await asyncio.to_thread(_given, form, content, str(file.filename) if file else "")
    except (ValueError, SettingsError) as error:
        field = "text" if content is None else "file"
        return await _page(house, text=form.get("text", ""), faults={field: as_sentence(error)}), 422
    begun = await begin_workflow(house, Asked("", given, g.person))
    return redirect(f"/workflows/{begun['slug']}/edit", 303)


async def _page(house: House, *, text: str = "", faults: dict[str, str] | None = None) -> str:
    starters: list[Json] = await asyncio.to_thread(house.starters)
    service = request.args.get("service", "")
    services = sorted({one for starter in starters for one in starter["services"]}, key=str.casefold)
    return await render_template(
        "workflow_new.html",
        starters=[one for one in starters if not service or service in one["services"]],
        services=services,
        service=service,
        text=text,
        faults={"text": "", "file": "", **(faults or {})},
    )


def _given(form: Mapping[str, str], content: bytes | None, filename: str) -> dict[str, Json]:
    """What the workflow begins with, as `begin_workflow` takes it. Raises ValueError, SettingsError."""
    if "starter" in form:
        return {"starter": form["starter"]}
    if content is not None:
        return {"text": _file(content), "name": _called(filename)}
    if form.get("text", "").strip():
        return _text(form["text"])
    if "blank" in form:
        return {}
    raise ValueError("paste something, choose a file, or start blank")


def _text(text: str) -> dict[str, Json]:
    """What was pasted, as what a workflow begins with. Raises ValueError, SettingsError."""
    if not CURL.match(text):
        return {"text": file_text(text, 0.0)}
    imported = import_curl(text)
    called = f"Call {imported.host}"
    return {"text": written(imported, called), "name": called}


def written(imported: Imported, called: str) -> str:
    """A workflow of one step, with comments on what has to be set up for it and what was left out."""
    notes = [f"Left out: {note}" for note in imported.notes]
    if imported.connection:
        notes.append(f"Needs the connection {imported.connection['name']} ({imported.connection['kind']}).")
    notes += [f"Needs the secret {one}, for {imported.host}." for one in imported.secrets]
    head = "".join(f"# {' '.join(note.split())}\n" for note in notes)
    steps = indent(imported.yaml(), "  ")
    return f"{head}name: {quoted(called)}\n\ntrigger:\n  webhook: {{}}\n\nsteps:\n{steps}"


def _file(content: bytes) -> str:
    try:
        return file_text(content.decode("utf-8-sig"), 0.0)
    except UnicodeDecodeError:
        raise ValueError("this file is no text in UTF-8") from None


def _called(filename: str) -> str:
    """A name made of a file's: `order-alerts.yaml` is Order alerts."""
    stem = re.sub(
        r"(\.test)?\.ya?ml$", "", filename.replace("\\", "/").rsplit("/", 1)[-1], flags=re.IGNORECASE
    )
    words = " ".join(re.sub(r"[^\w]+|_", " ", stem).split())
    return f"{words[:1].upper()}{words[1:]}"[:LONGEST_CALLED] or FALLBACK
