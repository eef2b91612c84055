"""Functions that read and write CSV, YAML and XML, for both expression languages."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, NoReturn
from xml.parsers import expat

import xmltodict

from runner.language.functions_registry import bounded, library, text_of
from runner.language.shapes import shown
from runner.language.source import compose
from runner.language.weight import MAX_WEIGHT, NODE, weigh

if TYPE_CHECKING:
    from runner.values import Json

DELIMITERS = (",", ";", "\t")
MAX_CELLS = 250_000  # of a table that is read, those filled up with null counted
MAX_XML_DEPTH = 100  # elements in one another


@library(effort=0.2)
def from_csv(text: str, delimiter: str | None = None, header: bool | None = True) -> list[Json]:
    """
    Read CSV: a list of objects named by the header row, or of lists with header=false. The delimiter,
    if it is not given, is the one of comma, semicolon and tab that the first line holds most often. A
    short row is filled up with null, blank lines are left out. Source: RFC 4180.

    Example: from_csv(to_csv([{"sku": 'a', "n": 1}])) == [{"sku": "a", "n": "1"}]
    Example: from_csv('a;b', ';', false) == [["a", "b"]]
    """
    first_line = text[: text.find("\n") + 1] or text
    mark = _delimiter(delimiter or max(DELIMITERS, key=first_line.count))
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=mark)
    names: list[str] | None = None
    rows: list[Json] = []
    cells = 0
    try:
        for row in reader:
            if not row:
                continue
            if names is None and header is not False:
                names = [name.strip() for name in row]
                continue
            cells += max(len(row), len(names or ()))
            if cells > MAX_CELLS:
                raise ValueError(f"the table has more than {MAX_CELLS:,} cells")
            rows.append(list(row) if names is None else _named(row, names, reader.line_num))
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: {error}") from None
    return rows


@library(effort=0.02)
def to_csv(rows: list[Json], delimiter: str | None = ",", header: bool | None = True) -> str:
    r"""
    Write CSV of a list of objects (the columns are all their fields, in the order in which they first
    come) or of a list of lists. Source: RFC 4180.

    Example: to_csv([{"sku": 'a', "n": 1}, {"sku": 'b, c', "n": 2}]) == "sku,n\r\na,1\r\n\"b, c\",2\r\n"
    """
    names: dict[str, None] = {}
    for one in rows:
        if isinstance(one, dict):
            names.update(dict.fromkeys(one))
        elif not isinstance(one, (list, tuple)):
            raise ValueError(f"each row must be an object or a list, not {shown(one)}")  # noqa: TRY004  # data, and no mistake in our code
    bounded(len(rows) * len(names))
    out = io.StringIO()
    writer = csv.writer(out, delimiter=_delimiter(delimiter or ","))
    if names and header is not False:
        writer.writerow(names)
    for one in rows:
        cells = [one.get(name) for name in names] if isinstance(one, dict) else one
        writer.writerow([text_of(cell) for cell in cells])
    return out.getvalue()


@library(is_plain=False, effort=4)
def from_yaml(text: str) -> Json:
    """
    Read YAML as a workflow's file is read: YAML 1.2, plain data, no tags, one document.

    Example: from_yaml('{name: Ada, tags: [a, b]}') == {"name": "Ada", "tags": ["a", "b"]}
    """
    if not text.strip():
        return None
    source = compose(text, path="")
    for fault in source.faults:
        if fault.severity == "error":
            way_out = f"; {fault.hint}" if fault.hint else ""
            raise ValueError(f"line {fault.line}, column {fault.column}: {fault.message}{way_out}")
    value = source.root.plain() if source.root else None
    weigh(value, MAX_WEIGHT)
    return value


@library(is_plain=False, effort=1)
def from_xml(text: str) -> Json:
    """
    Read XML to an object: `@name` for an attribute, `#text` beside attributes, repeated elements as a
    list, all values as text. A document type declaration, and with it every entity, is refused.

    Example: from_xml('<order id="7"><sku>a</sku><sku>b</sku></order>')
    == {"order": {"@id": "7", "sku": ["a", "b"]}}
    """
    body = text.strip().encode()
    bounded(len(body) * NODE // 4)  # `<a/>` becomes an entry
    try:
        _look(body)
        value = xmltodict.parse(body, encoding="utf-8")
    except expat.ExpatError as error:
        reason = expat.ErrorString(error.code)
        raise ValueError(f"line {error.lineno}, column {error.offset + 1}: {reason}") from None
    weigh(value, MAX_WEIGHT)
    return value


@library(is_plain=False, effort=0.1)
def to_xml(value: dict[str, Json], root: str | None = None) -> str:
    r"""
    Write XML of an object, in the form that from_xml reads: one field is the root, or *root* names it.

    Example: to_xml({"order": {"@id": 7, "sku": ['a', 'b']}})
    == "<order id=\"7\"><sku>a</sku><sku>b</sku></order>"
    Example: to_xml({"total": 5, "note": null}, 'order') == "<order><total>5</total><note></note></order>"
    """
    document = {root: value} if root else value
    if len(document) != 1:
        raise ValueError(
            "XML has one root: give an object with one field, or the root's name as second argument"
        )
    written = {name: _texts(one, 0) for name, one in document.items()}
    if isinstance(next(iter(written.values())), list):
        raise ValueError("XML has one root, not a list; put the list into a field of an object")  # noqa: TRY004  # likewise
    try:
        return str(xmltodict.unparse(written, full_document=False))
    except (ValueError, TypeError) as error:
        raise ValueError(f"this cannot be XML: {error}") from None


def _delimiter(mark: str) -> str:
    if len(mark) != 1 or mark in '"\r\n':
        raise ValueError(f"the delimiter is one character, not {shown(mark)}")
    return mark


def _named(row: list[str], names: list[str], line: int) -> dict[str, Json]:
    if len(row) > len(names) and any(row[len(names) :]):  # a delimiter at the end is no cell
        raise ValueError(f"line {line}: {len(row)} cells, but the header names {len(names)} columns")
    missing: list[Json] = [None] * (len(names) - len(row))
    return dict(zip(names, [*row, *missing], strict=False))


def _look(body: bytes) -> None:
    """Go through the document once, keeping nothing, before anything is built from it."""
    parser = expat.ParserCreate("utf-8")
    depth = 0

    def opened(_name: str, _attributes: object) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_XML_DEPTH:
            raise ValueError(f"line {parser.CurrentLineNumber}: nested deeper than {MAX_XML_DEPTH} levels")

    def closed(_name: str) -> None:
        nonlocal depth
        depth -= 1

    def declared(*_: object) -> NoReturn:
        raise ValueError(
            f"line {parser.CurrentLineNumber}: a document type declaration (<!DOCTYPE) is refused, "
            "because entities could be declared in it; take it out"
        )

    parser.StartElementHandler = opened
    parser.EndElementHandler = closed
    parser.StartDoctypeDeclHandler = declared
    parser.Parse(body, True)


def _texts(value: Json, depth: int) -> Json:
    """*value* with texts for its leaves, as they stand in a text."""
    if depth > MAX_XML_DEPTH:
        raise ValueError(f"nested deeper than {MAX_XML_DEPTH} levels")
    if isinstance(value, dict):
        return {name: _texts(one, depth + 1) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_texts(one, depth + 1) for one in value]
    return None if value is None else text_of(value)
