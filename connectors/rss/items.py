"""What a feed is made into, whatever its kind: the same fields, bounded."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

from pydantic import BaseModel, Field

LONGEST_ID, LONGEST_TITLE, LONGEST_SUMMARY, LONGEST_CONTENT = 1000, 500, 2000, 20_000  # characters
MOST_OF_EACH = 20  # categories and files of an item


class Enclosure(BaseModel):
    """A file that belongs to an item: an episode, a picture."""

    url: str = Field(description="Its address.")
    type: str | None = Field(description="Its media type, as the feed says.")
    size: int | None = Field(description="Its bytes, as the feed says.")


class Item(BaseModel):
    """One item; what a feed does not say is null."""

    id: str = Field(description="What it is known by: the feed's own id, else its address, else a digest.")
    title: str | None = Field(description="Its title.")
    url: str | None = Field(description="Its page.")
    summary: str | None = Field(description="What it is about, text or HTML as the feed has it.")
    content: str | None = Field(description="The whole of it, text or HTML, if the feed has it.")
    author: str | None = Field(description="Who wrote it.")
    published: str | None = Field(description="When it came out, in UTC.")
    updated: str | None = Field(description="When it was changed last, in UTC.")
    categories: list[str] = Field(description="What it is filed under.")
    enclosures: list[Enclosure] = Field(description="Its files.")


class Feed(BaseModel):
    """A feed, all of it."""

    format: str
    title: str
    url: str | None
    description: str
    items: list[Item]


def cut(text: str | None, longest: int) -> str | None:
    """*text* without white space around it and at most so long; None where there is none."""
    if text is None or not (text := text.strip()):
        return None
    return text if len(text) <= longest else text[: longest - 1] + "…"


def line(text: str | None, longest: int) -> str | None:
    """As `cut`, on one line."""
    return None if text is None else cut(re.sub(r"\s+", " ", text), longest)


def address(text: str | None, base: str) -> str | None:
    """An absolute http or https address; None where *text* is none: no page gets a `javascript:` from us."""
    if text is None or not text.strip():
        return None
    try:
        url = urljoin(base, text.strip())
        parts = urlsplit(url)
    except ValueError:
        return None
    return url[:4000] if parts.scheme in {"http", "https"} and parts.netloc else None


def moment(text: str | None) -> str | None:
    """A date of RFC 822 or RFC 3339 as ISO 8601 in UTC; None where it is neither."""
    if text is None or not (text := text.strip()):
        return None
    try:
        if re.match(r"\d{4}-\d\d", text):
            found = datetime.fromisoformat(text[:64])
        else:
            found = parsedate_to_datetime(text[:64])
        if found.tzinfo is None:
            found = found.replace(tzinfo=UTC)
        return found.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, TypeError, OverflowError):
        return None


def identity(*texts: str | None) -> str:
    """The first of *texts* that says something, "" where none does; a long one as its digest, not cut."""
    for text in texts:
        if text is not None and text.strip():
            found = text.strip()
            return found if len(found) <= LONGEST_ID else digest(found)
    return ""


def digest(*texts: str | None) -> str:
    """An id of what an item says, for one that has none."""
    joined = "\0".join(text or "" for text in texts)
    return f"sha256:{hashlib.sha256(joined.encode(errors='surrogatepass')).hexdigest()}"


def whole(text: object) -> int | None:
    """A number of bytes, of those that feeds write."""
    written = str(text).strip() if isinstance(text, int | str) and not isinstance(text, bool) else ""
    return int(written) if written.isascii() and written.isdigit() and len(written) < 16 else None
