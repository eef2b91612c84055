"""
Texts as Jira Cloud takes them: the Atlassian Document Format, made of Markdown or of plain text.

Source: developer.atlassian.com, "Atlassian Document Format": which node may stand in which, and which
marks go together.
"""

from __future__ import annotations

import re
from typing import Any, TypeAlias

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

Node: TypeAlias = dict[str, Any]

MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
MARKS = {"strong": "strong", "em": "em", "s": "strike"}
IN_LISTS = {"paragraph", "bulletList", "orderedList", "codeBlock"}  # also what a quotation may hold


def from_markdown(text: str) -> Node:
    """The document of a text in Markdown (CommonMark, tables, ~~strike~~)."""
    return _document(_blocks(SyntaxTreeNode(MARKDOWN.parse(text))))


def from_text(text: str) -> Node:
    """The document of a plain text: an empty line parts paragraphs."""
    paragraphs = [one for one in re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip("\n")) if one.strip()]
    return _document([_node("paragraph", _lines(one)) for one in paragraphs])


def _document(blocks: list[Node]) -> Node:
    return {"type": "doc", "version": 1, "content": blocks}


def _blocks(parent: SyntaxTreeNode) -> list[Node]:
    return [node for child in parent.children for node in _block(child)]


def _block(node: SyntaxTreeNode) -> list[Node]:
    match node.type:
        case "paragraph":
            return [_node("paragraph", _inline(node))]
        case "heading":
            return [_node("heading", _inline(node), level=int(node.tag[1]))]
        case "bullet_list":
            return [_node("bulletList", _items(node))]
        case "ordered_list":
            return [_node("orderedList", _items(node), order=int(node.attrs.get("start", 1)))]
        case "blockquote":
            return [_node("blockquote", _narrow(_blocks(node)))]
        case "fence" | "code_block":
            language = node.info.split()[0] if node.info.strip() else None
            text = node.content.removesuffix("\n")
            return [_node("codeBlock", [_text(text)] if text else [], language=language)]
        case "hr":
            return [{"type": "rule"}]
        case "table":
            rows = [row for part in node.children for row in part.children]
            return [_node("table", [_node("tableRow", _cells(row)) for row in rows])]
    return _blocks(node)


def _items(parent: SyntaxTreeNode) -> list[Node]:
    return [_node("listItem", _narrow(_blocks(item))) for item in parent.children]


def _cells(row: SyntaxTreeNode) -> list[Node]:
    kinds = {"th": "tableHeader", "td": "tableCell"}
    return [_node(kinds[one.type], [_node("paragraph", _inline(one))]) for one in row.children]


def _narrow(blocks: list[Node]) -> list[Node]:
    """*blocks* as they may stand in a list or a quotation: what may not is opened, or made a paragraph."""
    found: list[Node] = []
    for one in blocks:
        if one["type"] in IN_LISTS:
            found.append(one)
        elif one["type"] == "heading":
            found.append(_node("paragraph", [_bold(text) for text in one["content"]]))
        elif one["type"] == "blockquote":
            found += one["content"]
        elif one["type"] == "table":
            found += [cell["content"][0] for row in one["content"] for cell in row["content"]]
    return found or [_node("paragraph", [])]


def _bold(text: Node) -> Node:
    kinds = {mark["type"] for mark in text.get("marks", [])}
    if text["type"] != "text" or kinds & {"strong", "code"}:
        return text
    return {**text, "marks": [*text.get("marks", []), {"type": "strong"}]}


def _inline(parent: SyntaxTreeNode, marks: tuple[Node, ...] = ()) -> list[Node]:
    found: list[Node] = []
    for one in parent.children:
        match one.type:
            case "text":
                found += [_text(one.content, *marks)] if one.content else []
            case "softbreak":
                found.append(_text(" "))
            case "hardbreak":
                found.append({"type": "hardBreak"})
            case "code_inline":
                links = [mark for mark in marks if mark["type"] == "link"]  # code goes with no other
                found.append(_text(one.content, *links, {"type": "code"}))
            case "strong" | "em" | "s":
                found += _inline(one, (*marks, {"type": MARKS[one.type]}))
            case "link":
                found += _inline(one, (*marks, _link(str(one.attrs["href"]))))
            case "image":
                address = str(one.attrs["src"])
                found.append(_text(one.content or address, *marks, _link(address)))
            case _:
                found += _inline(one, marks)
    return found


def _link(address: str) -> Node:
    return {"type": "link", "attrs": {"href": address}}


def _lines(text: str) -> list[Node]:
    found: list[Node] = []
    for line in text.split("\n"):
        found += [{"type": "hardBreak"}] if found else []
        found += [_text(line)] if line else []
    return found


def _text(text: str, *marks: Node) -> Node:
    unique = {mark["type"]: mark for mark in marks}  # no mark stands twice
    return {"type": "text", "text": text, **({"marks": list(unique.values())} if unique else {})}


def _node(kind: str, content: list[Node], **attributes: Any) -> Node:
    given = {name: value for name, value in attributes.items() if value is not None}
    return {"type": kind, **({"attrs": given} if given else {}), "content": content}
