"""Workflows as texts: read with all that an editor needs, written, begun, renamed, deleted, restored."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from runner.engine.versions import Signed
from runner.language.copies import as_copy, name_of
from runner.values import Json
from web.api.routes import Answered, Asked, Header, Parameter, Route
from web.api.schemas import TEXT, TEXT_OR_NULL, many, named, thing
from web.api.texts import (
    ETAG,
    LONGEST_NAME,
    OF_MESSAGE,
    OF_TEXT,
    etag,
    find,
    name,
    proper,
    refusals,
    same,
)
from web.house import House
from web.problems import Problem
from web.workflows import edited_workflow

IF_MATCH = Header(
    "The ETag of the version that the text was made from, or `*` for whichever is live.",
    {"anyOf": [{"const": "*"}, {"type": "string", "pattern": f"^{ETAG.pattern}$"}]},
)
IF_NONE_MATCH = Header("`*`: only if nothing of that slug is live.", {"const": "*"})
BLANK = 'name: ""\n\ntrigger:\n  webhook: {}\n\nsteps: []\n'


async def show_workflow(house: House, asked: Asked) -> Answered:
    """By its slug."""
    await find(house, asked.id)
    found = await edited_workflow(house, asked.id, asked.person.key)
    return Answered(found, etag(found["version"]))


async def put_workflow(house: House, asked: Asked) -> Answered:
    """Publish at once; for programs that keep the text elsewhere."""
    slug, text = proper(asked.id), asked.given["text"]
    await house.library.refresh(slug)
    with refusals(house, slug, outrun=412):
        return await published(house, asked, slug, text, _base(house, asked))


async def published(house: House, asked: Asked, slug: str, text: str, base: int | None) -> Answered:
    """Publish as whoever asks, write it down and tell it. Raises what `Publisher.publish` does."""
    message = asked.given.get("message")
    before = house.library.get(slug)
    live = await house.publisher.publish(slug, text, base=base, signed=Signed(asked.person.name, message))
    if before is None or before.version != live.version:
        said = {"message": message} if message else {}
        await house.audit(asked.person, "published", "workflow", slug, version=live.version, **said)
        tell(house, asked, slug, "published", live.version)
    held = await house.pauses.count_held(slug)
    return Answered({"version": live.version, "held": held}, etag(live.version))


async def begin_workflow(house: House, asked: Asked) -> Json:
    """A new draft of whoever asks: blank, from a starter, as a copy, or with a text."""
    given = asked.given
    if sum(one in given for one in ("text", "starter", "copy_of")) > 1:
        raise Problem(422, "Give one of text, starter and copy_of, or none for a blank workflow.")
    text, called = await _beginning(house, asked)
    slug = await house.filing.begin(
        slug=given.get("slug"), name=called, text=text, person=asked.person.key, by=asked.person.name
    )
    await house.audit(asked.person, "began", "workflow", slug)
    tell(house, asked, slug, "began", None)
    return {"slug": slug}


async def delete_workflow(house: House, asked: Asked) -> Json:
    """Its file is put away; its address answers 410."""
    await find(house, asked.id)
    await house.filing.delete(asked.id)
    await house.audit(asked.person, "deleted", "workflow", asked.id)
    tell(house, asked, asked.id, "deleted", None)
    return {}


async def restore_workflow(house: House, asked: Asked) -> Json:
    """Undo deleting."""
    await house.filing.restore(proper(asked.id))
    await house.audit(asked.person, "restored", "workflow", asked.id)
    live = house.library.get(asked.id)
    tell(house, asked, asked.id, "restored", live.version if live else None)
    return {"slug": asked.id, "version": live.version if live else None}


async def rename_workflow(house: House, asked: Asked) -> Json:
    """Address and history stay."""
    await find(house, asked.id)
    new = asked.given["to"]
    files = await house.filing.rename(asked.id, new, by=asked.person.name)
    await house.audit(asked.person, "renamed", "workflow", new, before=asked.id)
    live = house.library.get(new)
    tell(house, asked, new, "renamed", live.version if live else None, before=asked.id)
    return {"slug": new, "files": files}


async def list_starters(house: House, _asked: Asked) -> Json:
    """All in one page: they come along."""
    return {"items": await asyncio.to_thread(house.starters), "next": None}


def tell(house: House, asked: Asked, slug: str, change: str, version: int | None, **more: Json) -> None:
    """Let pages that are open know."""
    house.changes.tell(
        "workflow", {"slug": slug, "change": change, "version": version, "by": asked.person.name, **more}
    )


async def _beginning(house: House, asked: Asked) -> tuple[str, str]:
    """The first text, and what it is called."""
    given = asked.given
    text: str | None = given.get("text")
    called: str | None = given.get("name")
    if text is not None:
        called = called or await asyncio.to_thread(name_of, text)
        return text, called or "Workflow"
    if "starter" in given:
        starters = await asyncio.to_thread(house.starters)
        starter = next((one for one in starters if one["slug"] == given["starter"]), None)
        if starter is None:
            raise Problem(404, f"There is no starter {given['starter']}.", parameter="starter")
        text, called = starter["text"], called or starter["name"]
    elif "copy_of" in given:
        text, other = await _copied(house, asked, given["copy_of"])
        called = called or f"{other} (copy)"
    text, called = text or BLANK, called or "New workflow"
    return await asyncio.to_thread(as_copy, text, called), called


async def _copied(house: House, asked: Asked, slug: str) -> tuple[str, str]:
    """The text and the name of another: what is live, else its file, else the asker's own draft."""
    await find(house, slug)
    found = await edited_workflow(house, slug, asked.person.key)
    draft = found["draft"]
    text = found["source"] or found["file"] or (draft and draft["text"])
    if not text:
        raise Problem(409, f"{slug} is another person's draft, and nothing of it is published yet.")
    return text, found["name"]


def _base(house: House, asked: Asked) -> int | None:
    """The version that the caller's condition names. Raises Problem."""
    match, none = asked.headers.get("if-match"), asked.headers.get("if-none-match")
    if (match is None) == (none is None):
        raise Problem(
            428, 'Say what this is made from: If-Match: "v15" (the ETag), or If-None-Match: * for a new one.'
        )
    if none is not None:
        if none.strip() != "*":
            raise Problem(400, "If-None-Match takes * alone.")
        return None
    assert match is not None
    if match.strip() == "*":
        live = house.library.get(asked.id)
        if live is None:
            raise Problem(412, "Nothing of that slug is live.", live=None)
        return live.version
    found = ETAG.fullmatch(match.strip())
    if found is None:
        raise Problem(400, 'If-Match takes the ETag of a workflow, such as "v15" with its quotes.')
    return int(found[1])


ROUTES = (
    Route(
        "GET", "/workflows/{id}", "show_workflow",
        "One workflow by its slug: what is live, its file, and the draft of whoever asks.",
        show_workflow, named("EditedWorkflow"), errors=(404, 410),
        gives={"ETag": 'The live version, such as `"v15"`.'},
    ),
    Route(
        "PUT", "/workflows/{id}", "put_workflow",
        "Publish a text as the workflow's file, at once. Needs If-Match or If-None-Match (428); 412 with "
        "`live` when another version is live; 422 with `faults` when it has errors, and nothing changes.",
        put_workflow, named("Published"), role="editor", errors=(404, 409, 412, 413, 422, 428),
        body=(OF_TEXT, OF_MESSAGE), headers={"If-Match": IF_MATCH, "If-None-Match": IF_NONE_MATCH},
        gives={"ETag": "The version that is live now."},
    ),
    Route(
        "DELETE", "/workflows/{id}", "delete_workflow",
        "Delete a workflow: its file is put away, its address answers 410; it can be restored for 30 days.",
        delete_workflow, thing({}), role="editor", errors=(404, 409, 410),
    ),
    Route(
        "POST", "/workflows/{id}/restore", "restore_workflow", "Undo deleting.",
        restore_workflow, thing({"slug": TEXT, "version": {"type": ["integer", "null"]}}),
        role="editor", errors=(404, 409),
    ),
    Route(
        "POST", "/workflows/{id}/rename", "rename_workflow",
        "Give a workflow another slug; its address, history, state and drafts come along.",
        rename_workflow, thing({"slug": TEXT, "files": many(TEXT)}), role="editor", errors=(404, 409, 410),
        body=(Parameter("to", "The new slug.", TEXT, same, is_required=True),),
    ),
    Route(
        "POST", "/workflows", "begin_workflow",
        "Begin a workflow with a draft of whoever asks. It has an address at once; what comes there is held "
        "until it is published.",
        begin_workflow, thing({"slug": TEXT}), role="editor", errors=(404, 409, 410, 413),
        body=(
            Parameter("slug", "Its id; made of the name unless given.", TEXT, same),
            Parameter(
                "name", "What it is called.", {**TEXT, "pattern": r"\S", "maxLength": LONGEST_NAME}, name
            ),
            replace(OF_TEXT, is_required=False),
            Parameter("starter", "The slug of a starter to begin with.", TEXT, same),
            Parameter("copy_of", "The slug of a workflow to begin with.", TEXT, same),
        ),
    ),
    Route(
        "GET", "/starters", "list_starters", "Workflows to begin one's own from.",
        list_starters, thing({"items": many(named("Starter")), "next": TEXT_OR_NULL}),
    ),
)  # fmt: skip
