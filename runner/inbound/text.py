"""
Bytes to text, JSON lines and tables. Charsets come from a list: Python's codecs know some that
run away (punycode), make lone surrogates (unicode_escape) or are no text at all (zlib).
Sources: RFC 4180 (CSV), github.com/ndjson/ndjson-spec.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from runner.errors import BodyTooLarge, BodyUnreadable, MediaUnsupported

if TYPE_CHECKING:
    from runner.inbound.bounds import Bounds
    from runner.inbound.media import Media
    from runner.values import Json

CHARSETS = frozenset(
    {
        *("utf-8", "utf8", "us-ascii", "ascii", "utf-16", "utf-16le", "utf-16be", "utf-32"),
        *(f"iso-8859-{part}" for part in range(1, 17) if part != 12),  # there is no part 12
        *(f"{prefix}{page}" for page in range(1250, 1259) for prefix in ("windows-", "cp")),
        *("latin1", "latin-1", "koi8-r", "koi8-u", "macintosh"),
        *("shift_jis", "euc-jp", "iso-2022-jp", "gb2312", "gbk", "gb18030", "big5", "euc-kr"),
    }
)
UTF_8 = frozenset({"", "utf-8", "utf8", "us-ascii", "ascii"})  # ASCII is a part of it
DELIMITERS = (",", ";", "\t")


def codec(charset: str) -> str:
    """
    Name the Python codec of a charset label; UTF-8 where it is empty. A byte order mark goes.

    Raises:
        MediaUnsupported: the charset is not on our list.
    """
    if charset in UTF_8:
        return "utf-8-sig"
    if charset not in CHARSETS:
        raise MediaUnsupported(
            f'the charset "{charset[:40]}" is not read here; send UTF-8, or bytes without a charset'
        )
    return charset


def read_text(body: bytes, charset: str, notes: list[str]) -> str:
    """
    Decode text by its declared charset. Without one it is UTF-8, or UTF-16 if it begins with that
    byte order mark; what is neither is read as windows-1252, and a note says so.

    Raises:
        BodyUnreadable: a byte is not of the declared charset.
        MediaUnsupported: as `codec`.
    """
    name = codec(charset)
    if not charset and body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        name = "utf-16"
    try:
        return body.decode(name)
    except UnicodeDecodeError as error:
        if charset or name == "utf-16":
            found = f"byte {error.start} is 0x{body[error.start]:02x}"
            raise BodyUnreadable(f"the body is not {charset or name}: {found}") from None
        notes.append(f"the body names no charset and is not UTF-8 (byte {error.start}): read as windows-1252")
        return body.decode("windows-1252", "replace")


def read_table(text: str, media: Media, bounds: Bounds) -> list[Json]:
    """
    Read CSV or tab-separated text: one object a row, named by the header row; with `header=absent`
    one list a row. The delimiter is the one of comma, semicolon and tab that the first line holds
    most often. A short row is filled up with null; blank lines are left out.

    Raises:
        BodyUnreadable: a row has more cells than the header, or a cell is too long.
        BodyTooLarge: the table has more cells than `bounds.max_cells`.
    """
    first_line = text[: text.find("\n") + 1] or text
    delimiter = max(DELIMITERS, key=first_line.count)  # the first of equals: the comma
    if media.name == "text/tab-separated-values":
        delimiter = "\t"
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    names: list[str] | None = None
    rows: list[Json] = []
    cells = 0
    try:
        for row in lines:
            if not row:
                continue
            if names is None and media.has_header_row:
                names = _column_names(row)
                continue
            cells += max(len(row), len(names or ()))
            if cells > bounds.max_cells:
                raise BodyTooLarge(
                    f"the table has more than the {bounds.max_cells:,} cells that are accepted here"
                )
            rows.append(row if names is None else _named(row, names, lines.line_num))
    except csv.Error as error:
        raise BodyUnreadable(f"the table, line {lines.line_num}: {error}") from None
    return rows


def _named(row: list[str], names: list[str], line: int) -> dict[str, str | None]:
    if len(row) > len(names) and any(row[len(names) :]):  # a delimiter at the end is no cell
        raise BodyUnreadable(
            f"the table, line {line}: {len(row)} cells, but the header names {len(names)} columns"
        )
    named: dict[str, str | None] = dict.fromkeys(names)
    named.update(zip(names, row, strict=False))
    return named


def _column_names(header: list[str]) -> list[str]:
    """Make the names unique and not empty: `a,a,` is a, a_2, column_3."""
    names: dict[str, None] = {}
    for position, cell in enumerate(header, 1):
        name = cell.strip() or f"column_{position}"
        unique, count = name, 1
        while unique in names:
            count += 1
            unique = f"{name}_{count}"
        names[unique] = None
    return list(names)
