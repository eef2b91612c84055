"""Functions on HTML and Markdown, for both expression languages."""

from __future__ import annotations

from html import escape
from typing import Any

from markdown_it import MarkdownIt

from runner.language.functions_registry import bounded, library
from runner.language.html_text import readable, stripped

MARKDOWN: Any = MarkdownIt("commonmark", {"html": False, "maxNesting": 20}).enable(["table", "strikethrough"])
"""CommonMark with GitHub's tables; markup in it is shown as text, addresses are those that run nothing."""


@library(is_plain=False, effort=12)
def markdown(text: str) -> str:
    r"""
    Make HTML of Markdown (CommonMark, tables, ~~struck~~). HTML in it shows as text. In an input that
    is HTML write `| markdown | safe_html`.

    Example: markdown('Hello **Ada**') == "<p>Hello <strong>Ada</strong></p>\n"
    """
    return str(MARKDOWN.render(text))


@library(is_plain=False, effort=2)
def html_to_text(html: str) -> str:
    r"""
    Make readable text of HTML: paragraphs, lists, and links with their addresses; scripts, styles and
    comments are left out.

    Example: html_to_text('<h1>Hi</h1><p>See <a href="https://example.com">us</a> &amp; more')
    == "Hi\n\nSee us (https://example.com) & more"
    """
    return readable(html)


@library(is_plain=False, effort=2)
def strip_tags(html: str) -> str:
    """
    Take the tags out of HTML, with scripts, styles and comments. What is left is HTML without markup:
    `&amp;` stays (html_to_text gives text).

    Example: strip_tags('<p>Fish <b>&amp;</b> chips</p>') == "Fish &amp; chips"
    """
    return stripped(html)


@library()
def escape_html(text: str) -> str:
    """
    Write a text so that HTML shows it as it is.

    Example: escape_html('<b>"Fish"</b>') == "&lt;b&gt;&quot;Fish&quot;&lt;/b&gt;"
    """
    bounded(len(text) * 6)
    return escape(text)
