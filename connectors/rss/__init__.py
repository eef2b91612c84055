"""
Feeds: `rss.fetch`, for `poll`.

Each item has an `id` that stays the same from one fetch to the next, so a poll says `items: items` and
`id: id`, whatever the kind of the feed.
"""

from __future__ import annotations

import asyncio
import json
import re
from html import unescape
from urllib.parse import urljoin

from pydantic import BaseModel, Field

from connectors.rss.feeds import Unreadable, read
from connectors.rss.items import Feed, Item
from runner.connector import (
    Basic,
    Bearer,
    Call,
    Connector,
    Header,
    HttpCredentials,
    Input,
    OAuth2,
    Output,
    Query,
    Rejected,
    Reply,
    in_brief,
)

rss = Connector("rss", title="RSS", summary="What is new in a feed: RSS, Atom or JSON Feed.")

for _kind, _model in (
    ("basic", Basic), ("bearer", Bearer), ("header", Header), ("query", Query), ("oauth2", OAuth2),
):  # fmt: skip
    rss.connection(_kind)(_model)

ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, "
    "text/xml;q=0.9, application/json;q=0.8, */*;q=0.5"
)
MOST_BYTES = 5 * 1024 * 1024  # of a feed: more is an archive, and reading it holds a processor
MOST_OUTPUT_BYTES = 800_000  # of the result, which an action's output bounds at 1 MiB
PAGE_CHARACTERS = 65_536  # of a page that may name its feed
LINK = re.compile(r"<link\b[^>]{0,1000}>", re.IGNORECASE)
FEED_TYPE = re.compile(r"""type\s*=\s*["']?application/(?:rss\+xml|atom\+xml|feed\+json)""", re.IGNORECASE)
HREF = re.compile(r"""href\s*=\s*["']?([^"'\s>]+)""", re.IGNORECASE)


class Fetch(Input):
    """The inputs of `rss.fetch`."""

    url: str | None = Field(
        None,
        description="The address of the feed; left out: the connection's `api_url`.",
        examples=["https://example.com/feed.xml"],
    )
    limit: int = Field(50, ge=1, le=200, description="At most so many items, in the order of the feed.")


class Fetched(Output):
    """The feed and its items."""

    title: str = Field(description="The feed's title.")
    url: str | None = Field(description="The page that the feed is of.")
    description: str = Field(description="What the feed says of itself.")
    format: str = Field(description="rss, atom or json.")
    items: list[Item] = Field(description="The items, in the order of the feed.")
    more: bool = Field(description="Whether the feed holds items that are not given here.")


@rss.action(
    after_crash="repeat",  # it only reads
    example="""\
action: rss.fetch
with:
  url: https://example.com/feed.xml
  limit: 20
""",
)
async def fetch(call: Call, connection: HttpCredentials | None, input: Fetch) -> Fetched:  # noqa: A002 - the contract of an action
    """
    Read a feed: RSS 0.9x, 1.0 and 2.0, Atom 1.0, JSON Feed 1.

    As a trigger: `poll: {action: rss.fetch, with: {url: …}, every: 15m, items: items, id: id}` starts a
    run for each item that is new. Long texts are cut, and entities that a feed declares are refused.
    """
    url = input.url or (connection.api_url if connection else None)
    if not url:
        raise Rejected("give a url here, or the connection an api_url")
    reply = (await call.http.get(url, headers={"Accept": ACCEPT})).accept()
    if len(reply.content) > MOST_BYTES:
        raise Rejected(f"the feed has {len(reply.content):,} bytes; at most {MOST_BYTES:,} are read")
    kind = reply.headers.get("content-type", "")
    try:
        feed = await asyncio.to_thread(read, reply.content, content_type=kind, url=reply.url)
    except Unreadable as error:
        raise Rejected(f"{error}{_hint(reply)}") from None
    items = _fitting(feed, input.limit)
    return Fetched(
        title=feed.title,
        url=feed.url,
        description=feed.description,
        format=feed.format,
        items=items,
        more=len(items) < len(feed.items),
    )


def _fitting(feed: Feed, limit: int) -> list[Item]:
    """As many items as an output may hold, and then the `content` of as many: an item counts for more."""
    items: list[Item] = []
    size = 0
    for one in feed.items[:limit]:
        bare = one.model_copy(update={"content": None})
        size += _length(bare)
        if size > MOST_OUTPUT_BYTES:
            break
        items.append(bare)
    for number, one in enumerate(feed.items[: len(items)]):
        size += len((one.content or "").encode())
        if size > MOST_OUTPUT_BYTES:
            break
        items[number] = one
    return items


def _length(model: BaseModel) -> int:
    return len(json.dumps(model.model_dump(mode="json"), ensure_ascii=False).encode(errors="replace"))


def _hint(reply: Reply) -> str:
    """Where a web page says that its feed is."""
    page = reply.text()[:PAGE_CHARACTERS]
    for link in LINK.findall(page):
        if FEED_TYPE.search(link) and (href := HREF.search(link)):
            return f"; this page's feed is {in_brief(urljoin(reply.url, unescape(href[1])), 500)}"
    return ""
