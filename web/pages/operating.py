"""How a server is set up and kept: the pages of `runner.operating`, each with the files that it hands out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup
from quart import render_template

from runner import operating
from web.problems import Problem

ADDRESS = "/docs/operating"
NOT_OF_A_NAME = re.compile(r"[^a-z0-9]+")
LABELS = {"sh": "At the terminal", "toml": "hookline.toml", "ini": "systemctl edit hookline"}
MARKDOWN: Any = MarkdownIt("commonmark", {"html": False}).enable("table")


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it is told of elsewhere; in `about`, its first paragraph, code stands between backticks."""

    name: str
    title: str
    about: str

    @property
    def url(self) -> str:
        """Where it stands."""
        return f"{ADDRESS}/{self.name}"

    @property
    def text(self) -> str:
        """All that it says, as it is written."""
        return operating.text(self.name)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a page: markup, or a text to copy with what it is; `file` names the file that it is."""

    markup: Markup = field(default_factory=Markup)
    code: str = ""
    label: str = ""
    file: str = ""


async def operating_pages() -> str:
    """How do I run this server."""
    return await render_template("operating.html", pages=pages())


async def operating_page(name: str) -> str:
    """How do I do this one thing to this server."""
    page = next((one for one in pages() if one.name == name), None)
    if page is None:
        raise Problem(404, "There is no page of that name.")
    return await render_template("operating_page.html", page=page, pages=pages(), parts=_parts(name))


@cache
def pages() -> tuple[Page, ...]:
    """All of them, in the order in which a server is set up."""
    return tuple(_described(name) for name in operating.PAGES)


def _described(name: str) -> Page:
    title, about = [one.content for one in _parsed(name) if one.type == "inline"][:2]
    return Page(name, title, about.replace("\n", " "))


@cache
def _parts(name: str) -> tuple[Part, ...]:
    seen: Counter[str] = Counter()
    found = []
    for part in _cut(_parsed(name)[3:]):  # its title stands above the page
        seen[part.label] += 1
        count = seen[part.label]  # regions of one page are told apart by what they are called
        found.append(replace(part, label=f"{part.label}, {count}") if part.code and count > 1 else part)
    return tuple(found)


def _parsed(name: str) -> list[Token]:
    tokens: list[Token] = MARKDOWN.parse(operating.text(name))
    return tokens


def _cut(tokens: Sequence[Token]) -> Iterator[Part]:
    """The parts of a page in their order; what lies between texts to copy is one part."""
    waiting: list[Token] = []
    for token in tokens:
        waiting.append(token)
        if token.type == "fence":
            yield _rendered(waiting[:-1])
            yield Part(code=token.content.rstrip("\n"), label=LABELS.get(token.info, token.info))
        elif token.type == "paragraph_close" and (file := _file_of(waiting[-2])):
            yield _rendered(waiting[:-3])
            yield Part(code=operating.text(file).rstrip("\n"), label=file, file=file)
        else:
            continue
        waiting = []
    yield _rendered(waiting)


def _rendered(tokens: Sequence[Token]) -> Part:
    for before, token in pairwise(tokens):
        if before.type == "heading_open":
            before.attrSet("id", NOT_OF_A_NAME.sub("-", token.content.casefold()).strip("-"))
    for one in (child for token in tokens for child in token.children or ()):
        if one.type == "link_open" and str(one.attrGet("href")).endswith(".md"):
            one.attrSet("href", f"{ADDRESS}/{PurePosixPath(str(one.attrGet('href'))).stem}")
    markup = MARKDOWN.renderer.render(tokens, MARKDOWN.options, {})
    return Part(Markup(markup))  # noqa: S704 - made of our own files alone, in which markup is text


def _file_of(paragraph: Token) -> str:
    """The shipped file to which the paragraph is a link, and nothing else; or an empty text."""
    children = paragraph.children or []
    if [one.type for one in children] != ["link_open", "text", "link_close"]:
        return ""
    name = PurePosixPath(str(children[0].attrGet("href"))).name
    return name if name in operating.shipped() else ""
