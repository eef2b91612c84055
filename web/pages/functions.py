"""The reference of the functions of expressions and templates."""

from __future__ import annotations

from itertools import groupby

from quart import render_template

from runner.language.functions_reference import function_rows
from runner.values import dumps


async def functions() -> str:
    """How is a function written, and what does it give."""
    rows = [
        {**row, "examples": [{**one, "shown": dumps(one["result"])} for one in row["examples"]]}
        for row in function_rows()
    ]
    groups = [(title, list(members)) for title, members in groupby(rows, key=lambda one: one["group"])]
    return await render_template("functions.html", groups=groups)
