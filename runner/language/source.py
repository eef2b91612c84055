"""
YAML text to nodes: plain JSON values, each with its place in the file.

Drives the parser's events itself, so nothing recurses, and whatever JSON has no word for (tags,
merge keys, other keys than text, a second document, …) is a fault with its place. Plain scalars
mean what the core schema of YAML 1.2 says: `on` and `yes` are texts, `012` is twelve (`nodes.py`).
Source: yaml.org/spec/1.2.2, chapter 10.3.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml

from runner.language import quoting
from runner.language.faults import Fault, Fix, Severity
from runner.language.fixes import replaced
from runner.language.nodes import LINE_BREAK, Node, Value, scalar
from runner.language.workflow import Place

MAX_BYTES = 1024 * 1024  # of a file, and of what its aliases expand to
MAX_DEPTH = 64  # eight levels of steps take four each; the rest is room for data
MAX_MENDS = 50  # times that lines are quoted for the author, so that the faults behind them are found too
MAX_WORK = 4 * MAX_BYTES  # characters that are read for that

# U+0085, U+2028 and U+2029 are printable in YAML, but editors and parsers disagree on whether they end a line
UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
COMMENT = re.compile(r"[ \t]+#(.*)")
LOADER: Any = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


@dataclass(frozen=True, slots=True)
class Source:
    """A file's root node (None if it could not be composed) and the faults found on the way."""

    root: Node | None
    faults: tuple[Fault, ...]


def compose(text: str, *, path: str) -> Source:
    """
    Read YAML. Never raises for bad text; *path* is only for the faults.

    Where an unquoted value breaks the syntax (`text: {{ x }} now`), the fault says how to quote
    it, and reading goes on as if it were quoted.
    """
    text = text.removeprefix("\ufeff")

    def refuse(place: Place, code: str, message: str, hint: str) -> Source:
        fault = Fault(path, place.line, place.column, "", code, "error", message, hint)
        return Source(None, (fault,))

    if len(text.encode(errors="surrogatepass")) > MAX_BYTES:
        return refuse(Place(1, 1), "too-large", "the file is larger than 1 MiB", "split the workflow")
    if found := UNPRINTABLE.search(text):
        place = _place_of_index(text, found.start())
        return refuse(
            place,
            "character",
            f"the character U+{ord(found[0]):04X} cannot stand in YAML",
            'remove it, or write it as an escape in double quotes, such as "\\u0007"',
        )
    mended = quoting.Mended(LINE_BREAK.split(text))
    turns = min(MAX_MENDS, MAX_WORK // max(1, len(text)))
    while True:
        composer = _Composer(path, mended)
        try:
            root = composer.run()
            break
        except _Broken as broken:
            turns -= 1
            if turns < 0 or not mended.mend(broken.lines):
                mended.forget_guesses()
                return Source(None, (*composer.faults, broken.fault, *composer.mends()))
    if root is None and not composer.faults:
        hint = "a workflow needs at least name, trigger and steps"
        return refuse(Place(1, 1), "empty", "the file is empty", hint)
    return Source(root, (*composer.faults, *composer.mends()))


class _Broken(Exception):
    """The text cannot be composed further; *lines* (from 0) may be the culprits."""

    def __init__(self, fault: Fault, lines: tuple[int, ...] = ()) -> None:
        super().__init__(fault.message)
        self.fault = fault
        self.lines = lines


@dataclass(slots=True)
class _Open:
    """A collection whose end has not come; `key` waits for its value."""

    node: Node
    anchor: str | None
    key: str | None = None
    skip: bool = False  # the coming value belongs to a refused key


class _Composer:
    """One pass over the events of one text."""

    def __init__(self, path: str, mended: quoting.Mended) -> None:
        self.path = path
        self.lines = mended.lines
        self.text = "\n".join(self.lines)
        self.mended = mended
        self.found: dict[int, str] = {}  # the path of what stands on a mended line
        self.faults: list[Fault] = []
        self.stack: list[_Open] = []
        self.anchors: dict[str, Node | None] = {}  # None while its collection is open
        self.aliased = 0  # what the aliases so far expand to
        self.root: Node | None = None

    def run(self) -> Node | None:
        loader = LOADER(self.text)
        documents = 0
        try:
            while loader.check_event():
                event = loader.get_event()
                if isinstance(event, yaml.DocumentStartEvent):
                    documents += 1
                    if documents > 1:
                        self.fault(
                            _place(event),
                            "second-document",
                            "a second document begins here",
                            "one file holds one workflow",
                        )
                        break
                else:
                    self.take(event)
        except yaml.MarkedYAMLError as error:
            raise self.broken(error) from None
        finally:
            loader.dispose()
        return self.root

    def take(self, event: Any) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self.put(self.scalar(event), event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self.open(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self.close(event)
        elif isinstance(event, yaml.AliasEvent):
            self.put(self.alias(event), event)

    def fault(
        self,
        place: Place,
        code: str,
        message: str,
        hint: str = "",
        *,
        severity: Severity = "error",
        fix: Fix | None = None,
    ) -> None:
        self.faults.append(
            Fault(self.path, place.line, place.column, self.where(), code, severity, message, hint, fix)
        )

    def where(self) -> str:
        path = ""
        for each in self.stack:
            if isinstance(each.node.value, list):
                path += f"[{len(each.node.value)}]"
            elif each.key is not None:
                path += f".{each.key}" if path else each.key
        return path

    def mends(self) -> list[Fault]:
        """The faults of the lines that were quoted for the author."""
        return [
            Fault(
                self.path,
                line + 1,
                column,
                self.found.get(line, ""),
                "unquoted",
                "error",
                message,
                hint,
                self.mended.fixes.get(line),
            )  # fmt: skip
            for line, (column, message, hint) in self.mended.hints.items()
        ]

    def open(self, event: Any) -> None:
        place = _place(event)
        if len(self.stack) >= MAX_DEPTH:
            self.stack.clear()  # a path of so many parts says nothing
            raise _Broken(self.at(place, "too-deep", f"nested deeper than {MAX_DEPTH} levels"))
        if self.awaits_key():
            lines = (event.start_mark.line,)
            raise _Broken(
                self.at(
                    place,
                    "key",
                    "a key must be a text, not a collection",
                    "quote the value if { or [ belongs to a text",
                ),
                lines,
            )
        if event.tag is not None:
            self.fault(place, "tag", f"tags such as {_tag(event.tag)} are not allowed", "leave it out")
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        value: Value = {} if isinstance(event, yaml.MappingStartEvent) else []
        self.stack.append(_Open(Node(value, place), event.anchor))

    def close(self, event: Any) -> None:
        closed = self.stack.pop()
        if closed.anchor is not None:
            self.anchors[closed.anchor] = closed.node
        self.put(closed.node, event)

    def awaits_key(self) -> bool:
        return bool(self.stack) and isinstance(self.stack[-1].node.value, dict) and self.stack[-1].key is None

    def put(self, node: Node, event: Any) -> None:
        """Place a finished node into the collection that is open."""
        if not self.stack:
            self.root = node
            return
        top = self.stack[-1]
        if self.awaits_key():
            self.key(top, node, event)
            return
        if isinstance(top.node.value, list):
            top.node.value.append(node)
        elif isinstance(top.node.value, dict) and top.key is not None:
            if not top.skip:
                top.node.value[top.key] = node
            top.key, top.skip = None, False
        top.node.weight += node.weight
        top.node.height = max(top.node.height, node.height + 1)

    def key(self, top: _Open, node: Node, event: Any) -> None:
        place = _place(event)
        name = node.value if isinstance(node.value, str) else node.raw
        top.key = name
        if name == "<<" and not node.style:
            top.skip = True
            self.fault(
                place,
                "merge-key",
                "merge keys (<<) are not allowed",
                "write the keys out, or alias a whole value",
            )
        elif not isinstance(node.value, str) or isinstance(event, yaml.AliasEvent):
            self.fault(
                place,
                "key",
                f"a key must be a text; {name or 'an empty key'} is none",
                f'quote it: "{name}"',
            )
        if name in top.node.keys and not top.skip:
            first = top.node.keys[name]
            self.fault(
                place,
                "duplicate-key",
                f'"{name}" is given twice, first in line {first.line}',
                "keep one of them",
            )
            top.skip = True
        top.node.keys.setdefault(name, place)
        top.node.widths.setdefault(name, len(node.raw))
        top.node.weight += node.weight

    def scalar(self, event: Any) -> Node:
        start, end = event.start_mark, event.end_mark
        place = _place(event)
        style = event.style or ""
        node = Node(event.value, place, style, self.text[start.index : end.index])
        if event.tag is not None:
            self.tagged(node, event)
        elif not style:
            try:
                node.value = scalar(event.value)
            except ValueError as error:
                self.fault(place, "number", str(error), "quote it if it is a text")
            if not self.awaits_key():
                self.comment(node, end)
        if start.line in self.mended.hints and not self.awaits_key():
            self.found.setdefault(start.line, self.where())
            if self.mended.hints[start.line][0] == place.column and "''" not in node.raw:
                node.style, node.raw = "", event.value  # the quotes are ours, not the file's
        node.weight += len(event.value)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def tagged(self, node: Node, event: Any) -> None:
        """A tag at a scalar: most often `!` was meant as "not"."""
        raw = node.raw.strip()
        if _tag(event.tag).startswith("!!"):
            self.fault(
                node.place,
                "tag",
                f"tags such as {_tag(event.tag)} are not allowed",
                "leave it out; quote the value for a text",
            )
            return
        if raw.startswith("!secret"):
            self.fault(
                node.place,
                "tag",
                "!secret is not known here",
                'a secret is written "{{ secrets.NAME }}", under `with`',
            )
        else:
            self.fault(
                node.place,
                "tag",
                f"unquoted, {_tag(event.tag)} is a YAML tag",
                f"quote it: {quoting.quoted(raw)}",
                fix=replaced(node, quoting.quoted(raw)) if node.raw == raw and raw[-1:].isalnum() else None,
            )
        node.value, node.raw = raw, raw

    def comment(self, node: Node, end: Any) -> None:
        """` #` cuts a plain text: sure where a template was cut in two, likely where no space follows."""
        line = self.lines[end.line] if end.line < len(self.lines) else ""
        found = COMMENT.match(line, end.column)
        if found is None:
            return
        whole = line[end.column - len(node.raw) :].strip() if "\n" not in node.raw else node.raw + found[0]
        hint = f"quote it: {quoting.quoted(whole.rstrip())}"
        message = 'unquoted, " #" begins a comment and cuts the value here'
        at = Place(end.line + 1, found.start(1))
        if "{{" in found[1] or "}}" in found[1]:
            fix = None
            if "\n" not in node.raw:
                start = node.place.column
                line_number = node.place.line
                end_column = start + len(whole.rstrip())
                fix = Fix(line_number, start, line_number, end_column, quoting.quoted(whole.rstrip()))
            self.fault(at, "comment", message, hint, fix=fix)
            node.value = node.raw = whole
        elif found[1][:1].strip(" \t#!-=") and (node.value is None or isinstance(node.value, str)):
            self.fault(
                at, "comment", message, f"{hint}; or put a space behind # for a comment", severity="warning"
            )

    def alias(self, event: Any) -> Node:
        place = _place(event)
        name = event.anchor
        if name not in self.anchors:
            self.fault(
                place,
                "alias",
                f"no anchor &{name} stands before this alias",
                f'quote it if it is a text: "*{name}"',
            )
            return Node(None, place, raw=f"*{name}")
        node = self.anchors[name]
        if node is None:
            raise _Broken(
                self.at(
                    place, "alias", f"the alias *{name} stands inside its own anchor", "write the value out"
                )
            )
        self.aliased += node.weight
        if self.aliased > MAX_BYTES:
            raise _Broken(
                self.at(place, "alias", "the aliases expand to more than 1 MiB", "use fewer of them")
            )
        if len(self.stack) + node.height > MAX_DEPTH:
            raise _Broken(
                self.at(place, "too-deep", f"nested deeper than {MAX_DEPTH} levels through the alias *{name}")
            )
        return node

    def at(self, place: Place, code: str, message: str, hint: str = "") -> Fault:
        return Fault(self.path, place.line, place.column, self.where(), code, "error", message, hint)

    def broken(self, error: yaml.MarkedYAMLError) -> _Broken:
        mark = error.problem_mark or error.context_mark
        if error.context_mark and str(error.problem).startswith("found unexpected end of stream"):
            mark = error.context_mark  # where the quote was opened
        line, column = (mark.line, mark.column) if mark else (0, 0)
        message, hint = quoting.explained(error, self.lines, line, column)
        lines = tuple(one.line for one in (error.context_mark, error.problem_mark) if one)
        return _Broken(self.at(Place(line + 1, column + 1), "syntax", message, hint), lines)


def _place(event: Any) -> Place:
    return Place(event.start_mark.line + 1, event.start_mark.column + 1)


def _place_of_index(text: str, index: int) -> Place:
    before = LINE_BREAK.split(text[:index])
    return Place(len(before), len(before[-1]) + 1)


def _tag(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!", 1)
