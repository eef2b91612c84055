"""
An unauthenticated POST writes what the owner reads: every place where its text shows is tried.

Sources: the classes of n8n CVE-2026-27578 and CVE-2026-33749, Home Assistant CVE-2025-62172.
"""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from runner.engine.runs import Disposition, Gate, Record, RecordStatus, Status
from tests.api.house import WORKFLOW, World
from web.api.routes import PREFIX

HOSTILE = [
    pytest.param("<script>alert(1)</script>", id="script"),
    pytest.param("<img src=x onerror=alert(1)>", id="image"),
    pytest.param("\"><svg onload='alert(1)'>", id="out of an attribute"),
    pytest.param("javascript:alert(1)", id="javascript address"),
    pytest.param("</script></pre></textarea></title><script>alert(1)</script>", id="ends of elements"),
    pytest.param("a\u2028b\u2029c", id="line separators"),
    pytest.param("\u202egnp.exe\u2066", id="directions"),
    pytest.param("\x1b[2J\x1b[31mred\x07", id="terminal"),
    pytest.param("{{ 7*7 }}{% include '/etc/passwd' %}${7*7}", id="template"),
    pytest.param("&lt;script&gt;&#0;", id="entities"),
    pytest.param("A" * 10_000, id="long"),
]
ALLOWED = frozenset(
    """html head meta title link body svg symbol circle path rect use a header nav form input span bdi
    small button main p h1 h2 h3 h4 section dl div dt dd ol ul li table thead tbody tr th td time
    strong code details summary pre select option label pattern kbd i dialog textarea""".split()  # noqa: SIM905 - names one after the other read better
)


class Elements(HTMLParser):
    """Which elements a page has, and which attributes they carry."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self._is_own = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_own = tag == "script" and (dict(attrs).get("src") or "").startswith("/static/")
        if not self._is_own:
            self.names.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        if self._is_own and data:  # a script of ours is a file, and holds nothing on the page
            self.names.add("script")

    def handle_endtag(self, _tag: str) -> None:
        self._is_own = False


async def _written(world: World, text: str) -> tuple[str, str]:
    """A failed run and a refused event with *text* wherever a sender or another side can put it."""
    path = "send"
    record = Record(
        path=path, kind="action", status=RecordStatus.FAILED, attempts=1, started_at=world.made.now,
        input={text: text}, output=[text], error={"type": "rejected", "message": text},
        ended_at=world.made.now,
    )  # fmt: skip
    trace = [{"path": path, "kind": "action", "name": text, "status": "failed", "at": 0, "ms": 1,
              "error": {"type": "rejected", "message": text}}]  # fmt: skip
    run_id = await world.made.run(
        Status.FAILED, title=text[:200], sentence=text, records=[record], trace=trace, output=text,
        notes=[text], body={text: [text]}, headers={text: text}, query=text, path=text, type=text,
        delivery_id=text, source_ip=text,
    )  # fmt: skip
    gate = Gate("body", "stopped", text, {text: text})
    event_id, _ = await world.made.event(
        title=None, disposition=Disposition.REJECTED, gates=[gate], body=b"{" + text.encode(),
        content_type=f"application/json; {text.encode('ascii', 'ignore').decode()}", headers={text: text},
    )  # fmt: skip
    return run_id, event_id


@pytest.mark.parametrize("text", HOSTILE)
async def test_what_a_sender_wrote_is_shown_as_text_on_every_page(world: World, text: str) -> None:
    run_id, refused_id = await _written(world, text)
    event_id = (await world.get(f"{PREFIX}/runs/{run_id}"))["event"]
    browser = await world.signed_in("editor")
    for path in (
        "/", "/runs", "/events", f"/runs/{run_id}", f"/events/{event_id}", f"/events/{refused_id}",
        "/workflows/orders", "/find?q=or",
    ):  # fmt: skip
        answer = await browser.get(path)
        assert answer.status_code == 200
        page = await answer.get_data(as_text=True)
        elements = Elements()
        elements.feed(page)
        assert elements.names <= ALLOWED, path
        for name, value in elements.attributes:
            assert not name.startswith("on")
            assert name != "style"
            if name in {"href", "src", "action"}:
                assert value.startswith(("/", "#", "?")), value
        assert not any(one in page for one in "\u2028\u2029\u202e\u2066\x1b\x07\x00")
        if "7*7" in text and not path.startswith("/find"):
            assert "{{ 7*7 }}" in page
        assert "root:" not in page


@pytest.mark.parametrize("text", HOSTILE)
async def test_the_api_gives_it_back_as_json_that_no_browser_runs(world: World, text: str) -> None:
    run_id, refused_id = await _written(world, text)
    browser = await world.signed_in("viewer")
    for path in ("/runs", f"/runs/{run_id}", "/events", f"/events/{refused_id}"):
        answer = await browser.get(PREFIX + path)
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert text[:200] in str(await answer.get_json()) or repr(text[:200])[1:-1] in str(
            await answer.get_json()
        )
    run = await world.get(f"{PREFIX}/runs/{run_id}")
    assert run["reason"]["sentence"] == text
    assert run["steps"][0]["error"]["message"] == text


@pytest.mark.parametrize("text", HOSTILE)
async def test_what_an_address_asks_for_is_shown_as_text(world: World, text: str) -> None:
    browser = await world.signed_in("viewer")
    client = world.app.test_client()
    for path, query in (
        ("/find", {"q": text}), ("/", {"q": text, "tag": text, "state": text, "page": text}),
        ("/runs", {"q": text[:200]}), ("/runs", {"workflow": text}), ("/events", {text: text}),
        ("/runs/" + text.replace("/", ""), {}), ("/nothing", {"a": text}),
    ):  # fmt: skip
        page = await (await browser.get(path, query_string=query)).get_data(as_text=True)
        elements = Elements()
        elements.feed(page)
        assert elements.names <= ALLOWED
        assert not any(name.startswith("on") for name, _value in elements.attributes)
    page = await (await client.get("/signin", query_string={"next": f"/{text}"})).get_data(as_text=True)
    elements = Elements()
    elements.feed(page)
    assert elements.names <= ALLOWED


async def test_names_and_texts_of_a_file_are_text_too(world: World) -> None:
    evil = "<script>alert(1)</script>"
    await world.write("evil", WORKFLOW.replace("Orders", evil).replace("Note every order.", evil))
    await world.write("faulty", WORKFLOW.replace("probe.note", evil))
    for path in ("/", "/workflows/evil", "/workflows/faulty", "/workflows/evil/versions/1", "/find?q=alert"):
        page = await world.page(path, role="editor")
        assert "&lt;script&gt;" in page, path
        assert "<script>" not in page, path
