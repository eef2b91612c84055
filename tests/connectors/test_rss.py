"""`rss.fetch`: feeds of each kind, as a server gives them; and what is no feed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

import connectors
from runner.connector import Bearer, Call, HttpConnection
from runner.errors import ConnectionRejected, OutcomeUnknown, Rejected, TimedOut, Unavailable
from tests.servers.http_sink import HttpSink
from tests.servers.raw_peer import RawPeer, hang, unused_port

MakeCall = Callable[..., Call]

RSS = """\
<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
     xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:atom="http://www.w3.org/2005/Atom">
 <channel>
  <atom:link rel="self" href="https://example.com/feed"/>
  <title> News &amp; more </title><link>https://example.com/</link><description>All of it</description>
  <item>
   <guid isPermaLink="false">tag:1</guid><title>First
     item</title><link>/posts/1?a=1&amp;b=2</link>
   <description>&lt;p&gt;Short&lt;/p&gt;</description>
   <content:encoded><![CDATA[<p>Long &amp; whole</p>]]></content:encoded>
   <dc:creator>Ada</dc:creator><pubDate>Tue, 02 Jan 2024 05:04:05 +0200</pubDate>
   <category>a</category><category> b </category><category/>
   <enclosure url="https://cdn.example.com/1.mp3" type="audio/mpeg" length="123"/>
   <enclosure url="javascript:alert(1)" type="x" length="many"/>
  </item>
  <item><guid>https://example.com/posts/2</guid><pubDate>yesterday</pubDate></item>
  <item><link>javascript:alert(1)</link><title>third</title></item>
  <item><title>no id at all</title></item>
 </channel>
</rss>"""

ATOM = """\
<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://example.org/blog/">
 <title type="html">Ada&amp;#39;s &lt;b&gt;blog&lt;/b&gt;</title><subtitle>Notes</subtitle>
 <link rel="self" href="feed.atom"/><link href="."/><author><name>Ada</name></author>
 <entry>
  <id>urn:uuid:1</id><title>Markup</title><link rel="alternate" href="1.html"/>
  <link rel="enclosure" href="1.pdf" type="application/pdf" length="9"/>
  <published>2024-01-02T03:04:05.5Z</published><updated>2024-01-03T00:00:00+01:00</updated>
  <summary>a &lt; b</summary><category term="x" label="X"/>
  <content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"
   ><p class="q">A &lt; <em>b</em><br/>c</p></div></content>
 </entry>
 <entry>
  <id>urn:uuid:2</id><title>Elsewhere</title><content src="https://example.net/2"/>
  <author><name>Grace</name></author><author><name>Joan</name></author>
 </entry>
</feed>"""

RDF = """\
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
         xmlns:dc="http://purl.org/dc/elements/1.1/">
 <channel rdf:about="https://example.com/"><title>Old</title><link>https://example.com/</link></channel>
 <item rdf:about="https://example.com/1"><title>One</title><link>https://example.com/1</link>
  <dc:date>2024-01-02</dc:date></item>
</rdf:RDF>"""

JSON_FEED: dict[str, Any] = {
    "version": "https://jsonfeed.org/version/1.1",
    "title": "JSON", "home_page_url": "https://example.com/", "authors": [{"name": "Ada"}],
    "items": [
        {"id": 7, "url": "/7", "title": "Seven", "content_html": "<p>7</p>", "summary": "s",
         "date_published": "2024-01-02T03:04:05-01:00", "tags": ["a", 1, None],
         "attachments": [{"url": "https://cdn.example.com/7", "mime_type": "audio/mp4", "size_in_bytes": 5}]},
        {"id": "8", "content_text": "eight", "author": {"name": "Grace"}},
        "no item",
    ],
}  # fmt: skip


async def fetch(
    make_call: MakeCall, connection: HttpConnection | None = None, *, seconds: float = 10, **inputs: Any
) -> Any:
    action = connectors.action("rss.fetch")
    assert action is not None
    call = make_call(connection, seconds)
    return (await action.function(call, connection, action.read_input(inputs))).model_dump()


async def given(
    sink: HttpSink, make_call: MakeCall, body: str | bytes, kind: str = "application/xml", **inputs: Any
) -> Any:
    content = body.encode() if isinstance(body, str) else body
    sink.reply(200, body=content, headers={"Content-Type": kind})
    return await fetch(make_call, url=f"{sink.url}/feed.xml", **inputs)


async def test_rss_is_read_whole(sink: HttpSink, make_call: MakeCall) -> None:
    feed = await given(sink, make_call, RSS, "application/rss+xml")

    assert {name: feed[name] for name in ("title", "url", "description", "format", "more")} == {
        "title": "News & more",
        "url": "https://example.com/",
        "description": "All of it",
        "format": "rss",
        "more": False,
    }
    assert feed["items"][0] == {
        "id": "tag:1",
        "title": "First item",
        "url": f"{sink.url}/posts/1?a=1&b=2",
        "summary": "<p>Short</p>",
        "content": "<p>Long &amp; whole</p>",
        "author": "Ada",
        "published": "2024-01-02T03:04:05Z",
        "updated": None,
        "categories": ["a", "b"],
        "enclosures": [{"url": "https://cdn.example.com/1.mp3", "type": "audio/mpeg", "size": 123}],
    }


async def test_every_item_has_an_id_that_stays(sink: HttpSink, make_call: MakeCall) -> None:
    first = await given(sink, make_call, RSS)
    again = await given(sink, make_call, RSS.replace("<title>First", "<title>Changed"))

    ids = [one["id"] for one in first["items"]]
    assert ids[:3] == ["tag:1", "https://example.com/posts/2", "javascript:alert(1)"]
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", ids[3])
    assert ids == [one["id"] for one in again["items"]]
    assert [one["url"] for one in first["items"]][1:] == ["https://example.com/posts/2", None, None]
    assert first["items"][1]["published"] is None


async def test_a_long_id_becomes_a_digest_so_that_two_stay_two(sink: HttpSink, make_call: MakeCall) -> None:
    items = "".join(f"<item><guid>{'x' * 2000}{number}</guid></item>" for number in range(2))

    feed = await given(sink, make_call, f"<rss><channel>{items}</channel></rss>")

    first, second = (one["id"] for one in feed["items"])
    assert first != second
    assert len(first) == len("sha256:") + 64


async def test_atom_is_read_whole(sink: HttpSink, make_call: MakeCall) -> None:
    feed = await given(sink, make_call, ATOM, "application/atom+xml")

    assert (feed["format"], feed["title"], feed["description"]) == ("atom", "Ada's blog", "Notes")
    assert feed["url"] == "https://example.org/blog/"
    assert feed["items"][0] == {
        "id": "urn:uuid:1",
        "title": "Markup",
        "url": "https://example.org/blog/1.html",
        "summary": "a < b",
        "content": '<p class="q">A &lt; <em>b</em><br>c</p>',
        "author": "Ada",
        "published": "2024-01-02T03:04:05Z",
        "updated": "2024-01-02T23:00:00Z",
        "categories": ["X"],
        "enclosures": [{"url": "https://example.org/blog/1.pdf", "type": "application/pdf", "size": 9}],
    }
    assert (feed["items"][1]["url"], feed["items"][1]["author"]) == ("https://example.net/2", "Grace, Joan")


async def test_rss_1_has_its_items_beside_the_channel(sink: HttpSink, make_call: MakeCall) -> None:
    feed = await given(sink, make_call, RDF)

    item = feed["items"][0]
    assert (feed["title"], item["id"], item["title"]) == ("Old", "https://example.com/1", "One")
    assert item["published"] == "2024-01-02T00:00:00Z"


async def test_a_json_feed_is_read_whole(sink: HttpSink, make_call: MakeCall) -> None:
    feed = await given(sink, make_call, "\ufeff" + json.dumps(JSON_FEED), "application/feed+json")

    assert (feed["format"], feed["title"], feed["url"]) == ("json", "JSON", "https://example.com/")
    first, second = feed["items"]
    assert (first["id"], first["url"], first["content"]) == ("7", f"{sink.url}/7", "<p>7</p>")
    assert (first["published"], first["categories"]) == ("2024-01-02T04:04:05Z", ["a", "1"])
    assert first["enclosures"] == [{"url": "https://cdn.example.com/7", "type": "audio/mp4", "size": 5}]
    assert (first["author"], second["author"], second["content"]) == ("Ada", "Grace", "eight")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ("<?xml version='1.0' encoding='windows-1251'?><rss><channel><title>Жук</title></channel></rss>"
         .encode("cp1251"), "text/xml"),
        ("<?xml version='1.0' encoding='utf-8'?><rss><channel><title>Жук</title></channel></rss>"
         .encode("koi8-r"), "text/xml; charset=koi8-r"),
        ("<rss><channel><title>Жук</title></channel></rss>".encode("utf-16"), "text/xml"),
        ("\ufeff\n<rss><channel><title>Жук</title></channel></rss>".encode()[3:], "text/xml"),
        ("<?xml version='1.0' encoding='Shift_JIS'?><rss><channel><title>Жук</title></channel></rss>"
         .encode("shift_jis"), ""),
        # the server names another charset than the document is in
        ("<?xml version='1.0' encoding='iso-8859-5'?><rss><channel><title>Жук</title></channel></rss>"
         .encode("iso-8859-5"), "text/xml; charset=utf-8"),
    ],
)  # fmt: skip
async def test_a_feed_may_be_in_any_common_charset(
    sink: HttpSink, make_call: MakeCall, content: bytes, kind: str
) -> None:
    assert (await given(sink, make_call, content, kind))["title"] == "Жук"


BOMB = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (f'<!DOCTYPE r [<!ENTITY e0 "ha">{BOMB}]><rss><channel>&e9;</channel></rss>', "declares entities"),
        ('<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss>&x;</rss>', "declares entities"),
        ('<!DOCTYPE r [<!ENTITY % x SYSTEM "http://a.example/"> %x;]><rss/>', "declares entities"),
        ("<rss>" + "<a>" * 100 + "</a>" * 100 + "</rss>", "deeper than 64"),
        ("<rss><channel>" + "<a/>" * 200_001 + "</channel></rss>", "more than 200,000 elements"),
        ("<rss><channel></rss>", "not XML: line 1, column 17: mismatched tag"),
        ("<rss/>", "has no channel"),
        ("<opml/>", "no feed: its first element is opml"),
        ("", "not XML"),
        ("hello", "not XML"),
        ('{"version": "1"}', "no JSON Feed"),
        ('{"version": "https://jsonfeed.org/version/1"}', "no list of items"),
        ('{"a": ', "neither XML nor JSON"),
        ('{"a": ' + "[" * 100_000, "neither XML nor JSON"),
    ],
)
async def test_what_is_no_feed_is_refused_with_its_reason(
    sink: HttpSink, make_call: MakeCall, body: str, says: str
) -> None:
    with pytest.raises(Rejected, match=says):
        await given(sink, make_call, body)

    assert len(sink.requests) == 1  # nothing that the document names is fetched


async def test_a_document_type_that_is_only_named_is_harmless(sink: HttpSink, make_call: MakeCall) -> None:
    """RSS 0.91 names one; it is not fetched."""
    name = '<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "http://a.example/rss.dtd">'

    feed = await given(sink, make_call, f"{name}<rss><channel><title>Old</title></channel></rss>")

    assert feed["title"] == "Old"


async def test_a_page_is_no_feed_and_may_say_where_its_feed_is(sink: HttpSink, make_call: MakeCall) -> None:
    page = (
        '<!doctype html><link rel=stylesheet href="/a.css"><link rel="alternate" '
        'type="application/rss+xml" href="/feed?a=1&amp;b=2"><p>Hello'
    )

    with pytest.raises(Rejected, match=re.escape(f"this page's feed is {sink.url}/feed?a=1&b=2")):
        await given(sink, make_call, page, "text/html")


async def test_a_feed_is_given_in_bounds(sink: HttpSink, make_call: MakeCall) -> None:
    long = "ä" * 30_000
    items = "".join(f"<item><guid>{n}</guid><description>{long}</description></item>" for n in range(60))
    body = f"<rss><channel>{items}</channel></rss>"

    few = await given(sink, make_call, body, limit=2)
    many = await given(sink, make_call, body, limit=60)

    assert (len(few["items"]), few["more"]) == (2, True)
    assert (len(few["items"][0]["summary"]), len(few["items"][0]["content"])) == (2000, 20_000)
    assert len(json.dumps(many, ensure_ascii=False).encode()) < 1_000_000
    assert (len(many["items"]), many["items"][0]["content"] is None) == (60, False)
    assert many["items"][-1]["content"] is None


async def test_a_feed_that_is_too_large_is_not_read(sink: HttpSink, make_call: MakeCall) -> None:
    with pytest.raises(Rejected, match="at most 5,242,880 are read"):
        await given(sink, make_call, b" " * (5 * 1024 * 1024 + 1))


@pytest.mark.parametrize(
    ("status", "headers", "meaning"),
    [
        (404, {}, Rejected),
        (410, {}, Rejected),
        (401, {}, ConnectionRejected),
        (403, {}, ConnectionRejected),
        (429, {"Retry-After": "60"}, Unavailable),
        (503, {}, Unavailable),
        (500, {}, OutcomeUnknown),
    ],
)
async def test_each_status_has_its_meaning(
    sink: HttpSink, make_call: MakeCall, status: int, headers: dict[str, str], meaning: type[Exception]
) -> None:
    sink.reply(status, headers=headers)
    way = Bearer.model_validate({"token": "s3cr3t-feed-token", "api_url": f"{sink.url}/feed"})

    with pytest.raises(meaning) as caught:
        await fetch(make_call, way)

    assert type(caught.value) is meaning
    assert "s3cr3t-feed-token" not in str(caught.value)
    assert sink.requests[0].headers["authorization"] == "Bearer s3cr3t-feed-token"


async def test_a_server_that_is_silent_or_away_is_told_apart(make_call: MakeCall) -> None:
    async with RawPeer(hang) as silent:
        with pytest.raises(TimedOut):
            await fetch(make_call, url=silent.url, seconds=0.2)
    with pytest.raises(Unavailable):
        await fetch(make_call, url=f"http://127.0.0.1:{unused_port()}/")


async def test_what_cannot_be_is_refused_before_it_is_sent(sink: HttpSink, make_call: MakeCall) -> None:
    with pytest.raises(Rejected, match="give a url here"):
        await fetch(make_call)
    with pytest.raises(Rejected, match="limit"):
        await fetch(make_call, url=sink.url, limit=0)
    with pytest.raises(Rejected):
        await fetch(make_call, url="file:///etc/passwd")

    assert sink.requests == []
