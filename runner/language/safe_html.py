"""
Sanitise HTML that comes from a payload: a short list of tags, no attribute but a link's address.

Everything else is dropped or shown as text; the output is built anew, so nothing of the input's
markup survives as it was.
"""

from __future__ import annotations

from html import escape
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Sequence

TAGS = frozenset({
    "a", "b", "blockquote", "br", "code", "em", "h1", "h2", "h3", "h4", "hr", "i", "li", "ol",
    "p", "pre", "s", "strong", "table", "tbody", "td", "th", "thead", "tr", "u", "ul",
})  # fmt: skip
VOID = frozenset({"br", "hr"})
SILENT = frozenset({"script", "style", "template", "title", "textarea", "noscript", "iframe", "svg", "math"})
SCHEMES = frozenset({"http", "https", "mailto"})


def sanitised(text: str) -> str:
    """*text* as HTML that cannot run, load or frame anything."""
    parser = _Sanitiser()
    parser.feed(text)
    parser.close()
    return parser.result()


class _Sanitiser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._open: list[str] = []
        self._silent: list[str] = []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        if tag in SILENT:
            self._silent.append(tag)
        elif tag in TAGS and not self._silent:
            self._parts.append(f"<{tag}{_link(tag, attrs)}>")
            if tag not in VOID:
                self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._silent:
            if tag == self._silent[-1]:
                self._silent.pop()
        elif tag in self._open:
            while (last := self._open.pop()) != tag:
                self._parts.append(f"</{last}>")
            self._parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._parts.append(escape(data))

    def result(self) -> str:
        """What was built, with all tags closed."""
        return "".join(self._parts) + "".join(f"</{tag}>" for tag in reversed(self._open))


def _link(tag: str, attrs: Sequence[tuple[str, str | None]]) -> str:
    address = next((value for name, value in attrs if name == "href"), None) if tag == "a" else None
    if not address:
        return ""
    clean = "".join(one for one in address if one.isprintable()).strip()
    try:
        allowed = urlsplit(clean).scheme.lower() in SCHEMES
    except ValueError:
        return ""
    return f' href="{escape(clean)}"' if allowed else ""
