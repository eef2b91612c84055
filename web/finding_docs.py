"""What the reference has on some words: actions, providers, functions, keys, kinds of faults."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from runner.inbound.providers.table import provider_table
from runner.language.fault_reference import explained
from runner.language.functions_reference import function_rows
from runner.language.keys import BLOCKS, MODIFIERS, STEP_KINDS
from web.pages.actions import connector_of, titled, told
from web.pages.operating import pages

if TYPE_CHECKING:
    from runner.values import Json

MOST = 60


def found_in_docs(actions: Json, asked: str) -> list[Json]:
    """
    `{title, kind, about, url}` of what has all words of *asked*, those first whose title has them. *actions*
    are those of the catalogue.
    """
    words = asked.casefold().split()
    rows = [one for one in _all(actions) if all(word in _text(one) for word in words)]
    rows.sort(key=lambda one: _rank(one, words))
    return rows[:MOST]


def _rank(one: Any, words: list[str]) -> int:
    title = str(one["title"]).casefold().replace("`", "")
    return 0 if title == " ".join(words) else 1 if all(word in title for word in words) else 2


def _text(one: Any) -> str:
    return f"{one['title']} {one['also']} {one['about']} {one['kind']}".casefold().replace("_", " ") + str(
        one["title"]
    )


def _all(actions: Any) -> Iterator[Json]:
    for one in actions:
        connector = connector_of(one)
        yield _row(
            f"`{one['name']}`", "action", told(one["summary"])[0], f"/docs/actions/{connector}#{one['name']}",
            titled(connector),
        )  # fmt: skip
    for row in provider_table():
        yield _row(
            row["title"], "provider of webhooks", row["scheme"], f"/docs/providers/{row['name']}", row["name"]
        )
    for row in function_rows():
        yield _row(f"`{row['signature']}`", "function", row["about"], f"/docs/functions#{row['name']}")
    for key in MODIFIERS:
        yield _row(f"`{key.name}`", "key of every step", key.about, "/docs/language#modifiers")
    for kind, keys in STEP_KINDS.items():
        yield _row(f"`{kind}`", "kind of step", next(iter(keys)).about, f"/docs/language#step-{kind}")
    for name, block in BLOCKS.items():
        for key in block.keys.values():
            yield _row(
                f"`{key.name}`", f"key of {name.replace('_', ' ')}", key.about, f"/docs/language#{name}"
            )
    for page in pages():
        yield _row(page.title, "page about operating", page.about, page.url, page.text)
    for code, fault in explained().items():
        yield _row(f"`{code}`", "fault", fault.title, f"/docs/faults/{code}")


def _row(title: str, kind: str, about: str, url: str, also: str = "") -> Json:
    return {"title": title, "kind": kind, "about": about, "url": url, "also": also}
