"""
The editor's page: a frame with the steps as a list to read, and what the script (web/editor, built into
web/static/editor) begins with as a block of data.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from quart import Response, g, render_template, url_for

from runner.language.outline import outline
from web.csp import policy
from web.house import House
from web.timeline import KIND_WORDS
from web.workflows import edited_workflow

if TYPE_CHECKING:
    from collections.abc import Sequence

BUNDLE = Path(__file__).parent.parent / "static" / "editor"
ENTRY = "src/main.ts"


@dataclass(frozen=True, slots=True)
class Row:
    """A step as it can be read before the script arrives: what it is called, and how deep it stands."""

    label: str
    line: int
    depth: int


@dataclass(frozen=True, slots=True)
class Assets:
    """The addresses of the built script, of what it loads at once, and of its styles."""

    script: str
    preloads: Sequence[str]
    styles: Sequence[str]


async def edit(house: House, slug: str) -> Response:
    """What shall happen. Raises NotFound."""
    person = g.person
    found = await edited_workflow(house, slug, person.key)
    draft = found["draft"]
    text = (draft["text"] if draft else None) or found["source"] or found["file"] or ""
    nonce = secrets.token_urlsafe(18)
    page = await render_template(
        "editor.html",
        flow=found,
        text=text,
        rows=await asyncio.to_thread(_rows, text),
        assets=await asyncio.to_thread(_assets),
        data={
            "workflow": found,
            "me": {
                "name": person.name,
                "email": person.email,
                "role": person.role,
                "rights": person.rights,
                "timezone": house.timezone,
            },
            "nonce": nonce,
        },
    )
    headers = {"Content-Security-Policy": policy(style_nonce=nonce)}
    return Response(page, headers=headers, content_type="text/html; charset=utf-8")


def _rows(text: str) -> list[Row]:
    return [
        Row(
            one.name or one.id or KIND_WORDS.get(one.kind or "", "A step"), one.line, one.where.count("[") - 1
        )
        for one in outline(text)
    ]


def _assets() -> Assets:
    """From the bundle's manifest, which names the files by what is in them."""
    manifest = json.loads((BUNDLE / "manifest.json").read_text("utf-8"))
    entry = manifest[ENTRY]
    needed = [ENTRY]
    for name in needed:
        needed += [one for one in manifest[name].get("imports", ()) if one not in needed]
    styles = [css for name in needed for css in manifest[name].get("css", ())]
    return Assets(
        _url(entry["file"]),
        [_url(manifest[name]["file"]) for name in needed[1:]],
        [_url(one) for one in styles],
    )


def _url(file: str) -> str:
    return url_for("static", filename=f"editor/{file}")
