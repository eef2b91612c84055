"""The reference of the faults: what each means, with an example, what is said of it, and the mend."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Iterator
from functools import cache
from itertools import groupby

from quart import render_template

from runner.inbound.providers import provider_infos
from runner.language.catalogue import Catalogue
from runner.language.fault_reference import Explained, explained, readable, whole
from runner.language.load import load
from web.problems import Problem


async def fault(code: str) -> str:
    """What does this fault mean, and how is it mended."""
    rows = await asyncio.to_thread(_rows)
    row = next((one for one in rows if one["code"] == code), None)
    if row is None:
        raise Problem(404, "There is no fault of that code.")
    others = [one for one in rows if one["group"] == row["group"] and one is not row]
    return await render_template("fault.html", row=row, others=others)


async def faults() -> str:
    """Which faults are there."""
    rows = await asyncio.to_thread(_rows)  # the first time each example is checked
    groups = [(title, list(members)) for title, members in groupby(rows, key=lambda one: one["group"])]
    return await render_template("faults.html", groups=groups, count=len(rows))


@cache
def _rows() -> list[dict[str, object]]:
    return [
        {
            **one.as_json(),
            "said": said(one),
            "wrong_lines": list(_lines(one, "wrong")),
            "mended_lines": list(_lines(one, "mended")),
        }
        for one in explained().values()
    ]


def said(one: Explained) -> str:
    """What the checker says of the wrong example; nothing where that needs more than one file."""
    if not one.wrong or "#!" in one.wrong:
        return ""
    import connectors  # noqa: PLC0415 - all of them, and only for this page

    catalogue = Catalogue(
        connectors.catalogue_actions(), {"team-slack": "slack", "mail": "smtp"}, {"TOKEN"}, provider_infos()
    )
    loaded = load(whole(one.wrong), path="example.yaml", slug="example", catalogue=catalogue)
    found = next((fault for fault in loaded.faults if fault.code == one.code), None)
    if found is None:
        return ""
    sentence = f"{found.message}; {found.hint}" if found.hint else found.message
    return f"{found.where}: {sentence}" if found.where else sentence


def _lines(one: Explained, which: str) -> Iterator[tuple[str, bool]]:
    """The lines of an example, each with whether it differs from the other."""
    wrong, mended = (readable(text).splitlines() for text in (one.wrong, one.mended))
    matcher = difflib.SequenceMatcher(None, wrong, mended, autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        lines = wrong[a:b] if which == "wrong" else mended[c:d]
        yield from ((line, kind != "equal") for line in lines)
