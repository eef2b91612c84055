"""
HTML to text, in one walk. It is read as a browser would in rough: comments, scripts and styles are
left out, an unclosed one takes the rest with it. Source: html.spec.whatwg.org, section 13.2.5.
"""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

TAG_BEGINS = re.compile(r"</?[a-zA-Z]")
TAG = re.compile(r"""</?([a-zA-Z][^\s/>]*+)((?:[^"'>]|"[^"]*"|'[^']*')*+)>""")
ATTRIBUTE = re.compile(r"""\b(href|alt)\s*+=\s*+(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
SPACE = re.compile(r"[ \t\r\n\f]+")
SILENT = frozenset({"script", "style", "template", "noscript", "iframe", "svg", "math", "title", "head"})
RAW = frozenset({"script", "style", "textarea", "title", "iframe", "noscript"})  # no tag in them is one
PARAGRAPHS = frozenset(
    {"p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "dl", "table", "pre", "hr"}
)
LINES = frozenset({
    "div", "br", "li", "tr", "dt", "dd", "section", "article", "header", "footer", "address", "aside",
    "figure", "figcaption", "form", "main", "nav", "option", "caption",
})  # fmt: skip
CELLS = frozenset({"td", "th"})
SCHEMES = frozenset({"http", "https", "mailto", "tel"})
MAX_INDENT = 8  # levels of lists in lists that are shown
MAX_BROKEN = 8  # tags with an unclosed quote; from then on quotes count for nothing


def texts_of(html: str) -> Iterator[tuple[str, str]]:
    """
    The pieces of *html* in order: ("", text as it stands), ("p", attributes) where a tag opens,
    ("/p", "") where one closes. Every character is looked at a bounded number of times.
    """
    lowered = html.lower() if len(html.lower()) == len(html) else html  # İ has two small letters
    position = broken = 0
    while position < len(html):
        start = html.find("<", position)
        if start < 0:
            yield "", html[position:]
            return
        if start > position:
            yield "", html[position:start]
        following = html[start + 1 : start + 2]
        if following in {"!", "?"}:
            is_comment = html.startswith("<!--", start)
            end = html.find("-->" if is_comment else ">", start + (4 if is_comment else 2))
            if end < 0:
                return
            position = end + (3 if is_comment else 1)
        elif TAG_BEGINS.match(html, start):
            match = TAG.match(html, start) if broken < MAX_BROKEN else None
            if match is None:
                broken += 1
                end = html.find(">", start)
                if end < 0:
                    return
                name, attributes, position = _name(html[start + 1 : min(end, start + 40)]), "", end + 1
            else:
                name, attributes, position = match[1].lower(), match[2], match.end()
            is_closing = following == "/"
            yield (f"/{name}", "") if is_closing else (name, attributes)
            if name in RAW and not is_closing:
                end = lowered.find(f"</{name}", position)
                if end < 0:
                    return
                if end > position:
                    yield "", html[position:end]
                position = end
        else:
            yield "", "<"
            position = start + 1


def stripped(html: str) -> str:
    """*html* without its tags; character references stay, so it is still HTML, and safe as such."""
    parts: list[str] = []
    silent = ""
    for tag, content in texts_of(html):
        if silent:
            silent = "" if tag == f"/{silent}" else silent
        elif tag in SILENT and tag != "head":
            silent = tag
        elif not tag:
            parts.append(content)
        elif tag.lstrip("/") in PARAGRAPHS or tag.lstrip("/") in LINES or tag.lstrip("/") in CELLS:
            parts.append(" ")
    return SPACE.sub(" ", "".join(parts).replace("<", "&lt;").replace(">", "&gt;")).strip()


def readable(html: str) -> str:
    """*html* as a person would type it: paragraphs, lists, links with their addresses."""
    writer = _Writer()
    for tag, content in texts_of(html):
        writer.take(tag, content)
    return writer.result()


def _name(text: str) -> str:
    return re.split(r"[\s/>]", text.removeprefix("/"), maxsplit=1)[0].lower()


class _Writer:
    """
    Collects texts and line ends. `_breaks` line ends, or else `_space`, are due before the next text;
    `_is_marked`: the last thing written is the mark of a list's item, and nothing may part them.
    """

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._breaks = 0
        self._space = ""
        self._is_marked = False
        self._silent = ""
        self._pre = 0
        self._link: tuple[str, int] | None = None  # its address, and where its text begins
        self._lists: list[int] = []  # of the open lists the number of the next item, 0 for bullets

    def take(self, tag: str, content: str) -> None:
        name, is_closing = tag.lstrip("/"), tag.startswith("/")
        if self._silent:
            self._silent = "" if is_closing and name == self._silent else self._silent
        elif not tag:
            self._text(unescape(content))
        elif name in SILENT:
            self._silent = "" if is_closing else name
        elif name == "a":
            self._anchor(content, is_closing=is_closing)
        elif name == "img" and not is_closing:
            self._text(_attribute(content, "alt"))
        elif name in CELLS:
            self._space = "\t" if is_closing else self._space
        elif name in PARAGRAPHS or name in LINES:
            self._block(name, is_closing=is_closing)

    def result(self) -> str:
        lines = (line.rstrip() for line in "".join(self._parts).split("\n"))
        return "\n".join(lines).strip("\n")

    def _block(self, name: str, *, is_closing: bool) -> None:
        if name == "br":
            self._breaks = min(self._breaks + 1, 2)
            return
        if name == "pre":
            self._pre = max(self._pre + (-1 if is_closing else 1), 0)
        if name in {"ul", "ol"} and not is_closing:
            self._lists.append(1 if name == "ol" else 0)
        elif name in {"ul", "ol"} and self._lists:
            self._lists.pop()
        is_inner = name in {"ul", "ol"} and len(self._lists) > (0 if is_closing else 1)
        if not self._is_marked:
            self._breaks = max(self._breaks, 2 if name in PARAGRAPHS and not is_inner else 1)
        if name == "li" and not is_closing:
            self._item()

    def _item(self) -> None:
        number = self._lists[-1] if self._lists else 0
        if number:
            self._lists[-1] += 1
        indent = "  " * min(len(self._lists) - 1, MAX_INDENT)
        self._write(f"{indent}{number}. " if number else f"{indent}- ")
        self._is_marked = True

    def _text(self, text: str) -> None:
        if self._pre:
            self._write(text)
            return
        text = SPACE.sub(" ", text)
        if text.startswith(" ") and not self._space:
            self._space = " "
        if text.strip(" "):
            self._write(text.strip(" "))
            self._space = " " if text.endswith(" ") else ""

    def _write(self, text: str) -> None:
        if self._breaks and self._parts:
            self._parts.append("\n" * self._breaks)
        elif self._parts and not self._is_marked:
            self._parts.append(self._space)
        self._parts.append(text)
        self._breaks, self._space, self._is_marked = 0, "", False

    def _anchor(self, attributes: str, *, is_closing: bool) -> None:
        if not is_closing:
            self._link = (_attribute(attributes, "href"), len(self._parts))
        elif self._link:
            address, begin = self._link
            self._link = None
            text = "".join(self._parts[begin:]).strip()
            plain = address.removeprefix("mailto:").removeprefix("tel:")
            if text and plain != text and _is_shown(address):
                space, self._space = self._space, " "
                self._write(f"({plain})")
                self._space = space


def _attribute(attributes: str, name: str) -> str:
    for found in ATTRIBUTE.finditer(attributes):
        if found[1].lower() == name:
            return unescape(found[2] or found[3] or found[4] or "").strip()
    return ""


def _is_shown(address: str) -> bool:
    try:
        return urlsplit(address).scheme.lower() in SCHEMES
    except ValueError:
        return False
