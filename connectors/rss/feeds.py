"""
The kinds of feeds, read.

Sources: rssboard.org "RSS 2.0 Specification" (and its older forms, and RSS 1.0 with the modules
`content` and `dc`, web.resource.org), RFC 4287 (Atom), jsonfeed.org "JSON Feed Version 1.1".
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from connectors.rss.items import (
    LONGEST_CONTENT,
    LONGEST_SUMMARY,
    LONGEST_TITLE,
    MOST_OF_EACH,
    Enclosure,
    Feed,
    Item,
    address,
    cut,
    digest,
    identity,
    line,
    moment,
    whole,
)
from connectors.rss.xml import Unreadable, read_xml
from runner.connector import in_brief

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["Unreadable", "read"]

ATOM = "{http://www.w3.org/2005/Atom}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}"
DC = "{http://purl.org/dc/elements/1.1/}"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
XHTML = "{http://www.w3.org/1999/xhtml}"
BASE = "{http://www.w3.org/XML/1998/namespace}base"
RSS_NAMESPACES = ("", "{http://purl.org/rss/1.0/}", "{http://my.netscape.com/rdf/simple/0.9/}",
                  "{http://backend.userland.com/rss2}")  # fmt: skip
JSON_FEED = "https://jsonfeed.org/version/"
TAG = re.compile(r"<[^<>]{0,2000}>")


def read(content: bytes, *, content_type: str, url: str) -> Feed:
    """
    The feed that *content* is; *url* is where it was got.

    Raises:
        Unreadable: it is none.
    """
    start = content[:256].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"{"):
        return _json_feed(content, url)
    root = read_xml(content, content_type)
    if root.tag == f"{ATOM}feed":
        return _atom(root, url)
    local = root.tag.rpartition("}")[2]
    if local == "rss" or root.tag == f"{RDF}RDF":
        return _rss(root, url)
    raise Unreadable(f"this is XML, but no feed: its first element is {in_brief(root.tag, 100)}")


def _rss(root: Element, url: str) -> Feed:
    channel = _child(root, "channel")
    if channel is None:
        raise Unreadable("the feed has no channel")
    base = root.get(BASE) or channel.get(BASE) or url
    # RSS 1.0 has its items beside the channel
    items = [*_children(channel, "item"), *(_children(root, "item"))]
    return Feed(
        format="rss",
        title=line(_text(channel, "title"), LONGEST_TITLE) or "",
        url=address(_text(channel, "link"), base),
        description=cut(_text(channel, "description"), LONGEST_SUMMARY) or "",
        items=[_rss_item(one, base) for one in items],
    )


def _rss_item(item: Element, base: str) -> Item:
    base = item.get(BASE) or base
    guid, title = _child(item, "guid"), _text(item, "title")
    link = _text(item, "link")
    known = None if guid is None else "".join(guid.itertext())
    is_address = guid is not None and guid.get("isPermaLink", "true").strip().lower() == "true"
    summary, content = _text(item, "description"), _of(item, f"{CONTENT}encoded")
    when = _text(item, "pubDate") or _of(item, f"{DC}date")
    return Item(
        id=identity(known, item.get(f"{RDF}about"), link) or digest(title, when, summary),
        title=line(title, LONGEST_TITLE),
        url=address(link, base) or (address(known, base) if is_address else None),
        summary=cut(summary, LONGEST_SUMMARY),
        # some have the whole article in `description`
        content=cut(content or (summary if len(summary or "") > LONGEST_SUMMARY else None), LONGEST_CONTENT),
        author=line(_of(item, f"{DC}creator") or _text(item, "author"), LONGEST_TITLE),
        published=moment(when),
        updated=None,
        categories=_listed("".join(one.itertext()) for one in _children(item, "category")),
        enclosures=_files(
            ((one.get("url"), one.get("type"), one.get("length")) for one in _children(item, "enclosure")),
            base,
        ),
    )


def _atom(root: Element, url: str) -> Feed:
    base = root.get(BASE) or url
    authors = _authors(root)
    return Feed(
        format="atom",
        title=line(_plain(root.find(f"{ATOM}title")), LONGEST_TITLE) or "",
        url=address(_link(root, "alternate"), base),
        description=cut(_plain(root.find(f"{ATOM}subtitle")), LONGEST_SUMMARY) or "",
        items=[_atom_item(one, base, authors) for one in root.findall(f"{ATOM}entry")],
    )


def _atom_item(entry: Element, base: str, authors: str | None) -> Item:
    base = entry.get(BASE) or base
    title, link = _plain(entry.find(f"{ATOM}title")), _link(entry, "alternate")
    content = entry.find(f"{ATOM}content")
    summary, updated = _construct(entry.find(f"{ATOM}summary")), _of(entry, f"{ATOM}updated")
    files = [one for one in entry.findall(f"{ATOM}link") if one.get("rel") == "enclosure"]
    return Item(
        id=identity(_of(entry, f"{ATOM}id"), link) or digest(title, updated, summary),
        title=line(title, LONGEST_TITLE),
        url=address(link, base) or address(None if content is None else content.get("src"), base),
        summary=cut(summary, LONGEST_SUMMARY),
        content=cut(_construct(content), LONGEST_CONTENT),
        author=line(_authors(entry) or authors, LONGEST_TITLE),
        published=moment(_of(entry, f"{ATOM}published")),
        updated=moment(updated),
        categories=_listed(one.get("label") or one.get("term") for one in entry.findall(f"{ATOM}category")),
        enclosures=_files(((one.get("href"), one.get("type"), one.get("length")) for one in files), base),
    )


def _json_feed(content: bytes, url: str) -> Feed:
    try:
        feed = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise Unreadable("this is neither XML nor JSON that can be read") from None
    if not isinstance(feed, dict) or not str(feed.get("version", "")).startswith(JSON_FEED):
        raise Unreadable("this is JSON, but no JSON Feed: `version` does not name one")
    items = feed.get("items")
    if not isinstance(items, list):
        raise Unreadable("the JSON Feed has no list of items")
    authors = _json_authors(feed)
    return Feed(
        format="json",
        title=line(_string(feed.get("title")), LONGEST_TITLE) or "",
        url=address(_string(feed.get("home_page_url")), url),
        description=cut(_string(feed.get("description")), LONGEST_SUMMARY) or "",
        items=[_json_item(one, url, authors) for one in items if isinstance(one, dict)],
    )


def _json_item(item: dict[str, Any], base: str, authors: str | None) -> Item:
    link = _string(item.get("url")) or _string(item.get("external_url"))
    title, published = _string(item.get("title")), _string(item.get("date_published"))
    content = _string(item.get("content_html")) or _string(item.get("content_text"))
    files = [one for one in _list(item.get("attachments")) if isinstance(one, dict)]
    return Item(
        # "If an id is presented as a number or other type, a JSON Feed reader must coerce it to a string."
        id=identity(_string(item.get("id")), link) or digest(title, published, content),
        title=line(title, LONGEST_TITLE),
        url=address(link, base),
        summary=cut(_string(item.get("summary")), LONGEST_SUMMARY),
        content=cut(content, LONGEST_CONTENT),
        author=line(_json_authors(item) or authors, LONGEST_TITLE),
        published=moment(published),
        updated=moment(_string(item.get("date_modified"))),
        categories=_listed(_string(one) for one in _list(item.get("tags"))),
        enclosures=_files(
            (
                (_string(one.get("url")), _string(one.get("mime_type")), one.get("size_in_bytes"))
                for one in files
            ),
            base,
        ),
    )


def _child(parent: Element, name: str) -> Element | None:
    return next(_children(parent, name), None)


def _children(parent: Element, name: str) -> Iterator[Element]:
    """Children of that name in any of RSS's own namespaces; RSS 2.0 has none."""
    wanted = {f"{namespace}{name}" for namespace in RSS_NAMESPACES}
    return (one for one in parent if one.tag in wanted)


def _text(parent: Element, name: str) -> str | None:
    found = _child(parent, name)
    return None if found is None else "".join(found.itertext())


def _of(parent: Element, tag: str) -> str | None:
    found = parent.find(tag)
    return None if found is None else "".join(found.itertext())


def _link(parent: Element, rel: str) -> str | None:
    """The address of the link of that relation, which `alternate` is where none is named."""
    links = (one for one in parent.findall(f"{ATOM}link") if one.get("rel", "alternate") == rel)
    return next((one.get("href") for one in links), None)


def _authors(parent: Element) -> str | None:
    names = (_of(one, f"{ATOM}name") for one in parent.findall(f"{ATOM}author"))
    return ", ".join(_listed(names)) or None


def _json_authors(holder: dict[str, Any]) -> str | None:
    """Version 1.1 has `authors`, version 1 `author`."""
    people = [*_list(holder.get("authors")), holder.get("author")]
    return ", ".join(_listed(_string(one.get("name")) for one in people if isinstance(one, dict))) or None


def _construct(element: Element | None) -> str | None:
    """A text construct of Atom: text and HTML as they are, XHTML as HTML (RFC 4287, 3.1)."""
    if element is None:
        return None
    if element.get("type") == "xhtml":
        div = element.find(f"{XHTML}div")
        return "" if div is None else _inside(div)
    return "".join(element.itertext())


def _plain(element: Element | None) -> str | None:
    """A text construct without markup."""
    if element is None:
        return None
    text = "".join(element.itertext())
    return html.unescape(TAG.sub("", text)) if element.get("type") == "html" else text


def _inside(element: Element) -> str:
    parts = [html.escape(element.text or "", quote=False)]
    for one in element:
        name = one.tag.rpartition("}")[2]
        attributes = "".join(
            f' {key.rpartition("}")[2]}="{html.escape(value)}"' for key, value in one.items()
        )
        inner = _inside(one)
        closed = f"{inner}</{name}>" if inner or name not in {"br", "hr", "img"} else ""
        parts += [f"<{name}{attributes}>{closed}", html.escape(one.tail or "", quote=False)]
    return "".join(parts)


def _files(given: Iterator[tuple[str | None, str | None, object]], base: str) -> list[Enclosure]:
    files: list[Enclosure] = []
    for where, kind, size in given:
        if (url := address(where, base)) is not None and len(files) < MOST_OF_EACH:
            files.append(Enclosure(url=url, type=line(kind, 100), size=whole(size)))
    return files


def _listed(texts: Iterator[str | None]) -> list[str]:
    found = (line(one, 200) for one in texts)
    return [one for one in found if one][:MOST_OF_EACH]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _string(value: object) -> str | None:
    if isinstance(value, str):
        return value.encode(errors="replace").decode()  # without half characters
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
