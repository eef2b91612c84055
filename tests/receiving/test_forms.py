"""Public forms, over ASGI, with the whole engine behind them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from runner.engine.history import Wanted
from runner.engine.pauses import Pause
from runner.store.queries import Statement
from tests.engine.world import Outside, World, opened
from web.bodies import Room
from web.forms import Forms
from web.senders import Senders

FEEDBACK = """
description: Tell us.
trigger:
  manual:
    public: true
    inputs:
      type: object
      required: [email, kind]
      properties:
        email: {type: string, format: email}
        kind: {enum: [praise, complaint]}
        order: {type: integer, minimum: 1}
        photo: {type: object, format: file}
"""
NOTE = FEEDBACK + "steps: [{action: probe.note, with: {text: '{{ payload }}'}}]\n"
GOOD = {"input.email": "ada@example.com", "input.kind": "praise", "input.order": "7"}
FORM = "application/x-www-form-urlencoded"


@dataclass
class Said:
    """What came back."""

    status: int
    headers: dict[str, str]
    text: str


class Browser:
    """Speaks ASGI to the forms."""

    def __init__(self, world: World) -> None:
        self.app = Forms(
            world.library,
            world.door,
            Senders(),
            _pages,
            form_token_of=lambda token: f"form-of-{token}",
            room=Room(1 << 20),
        )

    async def __call__(
        self, path: str, form: dict[str, str] | bytes | None = None, *, kind: str = FORM, query: str = "",
        method: str | None = None, client: str = "192.0.2.7", length: int | None = None,
    ) -> Said:  # fmt: skip
        body = form if isinstance(form, bytes) else urlencode(form or {}).encode()
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": method or ("GET" if form is None else "POST"),
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [
                (b"content-type", kind.encode()),
                (b"content-length", str(len(body) if length is None else length).encode()),
            ],
            "client": (client, 4711),
        }
        await self.app(scope, receive, send)
        headers = {name.decode(): text.decode() for name, text in sent[0]["headers"]}
        return Said(sent[0]["status"], headers, b"".join(one["body"] for one in sent[1:]).decode())


async def _pages(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": b"pages"})


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, Outside()) as world:
        yield world


AT = "/forms/form-of-feedback-0"


async def count(world: World) -> int:
    return len((await world.history.runs(Wanted())).items)


def number_in(page: str) -> str:
    found = re.search(r'name="form" value="([0-9a-f]{32})"', page)
    assert found
    return found[1]


async def test_a_form_is_shown_filled_in_and_starts_a_run(world: World) -> None:
    await world.workflow("feedback", NOTE)
    browser = Browser(world)
    shown = await browser(AT)
    assert shown.status == 200
    assert "default-src 'none'" in shown.headers["content-security-policy"]
    for part in (
        'type="email"',
        'name="input.order"',
        "<option",
        'enctype="multipart/form-data"',
        "Tell us.",
    ):
        assert part in shown.text
    assert "<script" not in shown.text
    sent = await browser(AT, {**GOOD, "form": number_in(shown.text)})
    assert (sent.status, sent.headers["location"]) == (303, f"{AT}?sent")
    assert "Thank you" in (await browser(AT, query="sent")).text
    await world.quiet()
    assert world.outside.notes == [{"email": "ada@example.com", "kind": "praise", "order": 7}]
    (event,) = (await world.history.events(Wanted())).items
    assert (event["trigger"], event["source_ip"]) == ("manual", "192.0.2.7")


async def test_what_is_sent_twice_runs_once(world: World) -> None:
    await world.workflow("feedback", NOTE)
    browser = Browser(world)
    form = {**GOOD, "form": number_in((await browser(AT)).text)}
    assert [(await browser(AT, form)).status for _ in range(3)] == [303, 303, 303]
    assert [(await browser(AT, GOOD)).status for _ in range(2)] == [303, 303]  # two without a number are two
    await world.quiet()
    assert await count(world) == 3


async def test_all_faults_stand_beside_their_fields_and_what_was_written_stays(world: World) -> None:
    await world.workflow("feedback", NOTE)
    said = await Browser(world)(
        AT, {"input.email": '"><script>alert(1)</script>', "input.kind": "else", "input.order": "0"}
    )
    assert said.status == 422
    assert "nothing was sent" in said.text
    assert said.text.count('aria-invalid="true"') == 3
    assert "&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;" in said.text
    assert "<script" not in said.text
    assert "must be one of the list" in said.text
    assert await count(world) == 0


async def test_files_come_along(world: World) -> None:
    await world.workflow(
        "feedback", FEEDBACK + "steps: [{action: probe.note, with: {text: '{{ payload.photo.filename }}'}}]\n"
    )
    parts = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'
        for name, text in GOOD.items()
    )
    upload = (
        'Content-Disposition: form-data; name="{}"; filename="{}"\r\nContent-Type: image/png\r\n\r\n{}\r\n'
    )
    body = parts + "--b\r\n" + upload.format("input.photo", "cat.png", "PNG") + "--b\r\n"
    body += upload.format("other", "dog.png", "GNP") + "--b--\r\n"
    said = await Browser(world)(AT, body.encode(), kind="multipart/form-data; boundary=b")
    assert said.status == 303
    await world.quiet()
    assert world.outside.notes == ["cat.png"]
    rows = list(await world.store.read(Statement.of("SELECT content FROM files")))
    assert [bytes(row[0]) for row in rows] == [b"PNG"]  # what no field asked for is not kept


async def test_respond_is_the_closing_page_in_a_sandbox(world: World) -> None:
    await world.workflow(
        "feedback",
        FEEDBACK
        + "steps:\n  - if: payload.kind == 'praise'\n    steps:\n"
        + "      - respond: {headers: {content-type: text/html}, body: '<p>{{ payload.email }}</p>'}\n",
    )
    browser = Browser(world)
    said = await browser(AT, GOOD)
    assert (said.status, said.text) == (200, "<p>ada@example.com</p>")
    assert said.headers["content-security-policy"].startswith("sandbox;")
    said = await browser(AT, {**GOOD, "input.kind": "complaint"})
    assert (said.status, said.headers["location"]) == (303, f"{AT}?sent")


async def test_a_closing_page_that_has_no_body_has_no_length(world: World) -> None:
    await world.workflow(
        "feedback", FEEDBACK + "steps:\n  - respond: {status: 204, body: 'nobody reads this'}\n"
    )
    said = await Browser(world)(AT, GOOD)
    assert (said.status, said.text) == (204, "")
    assert "content-length" not in said.headers


async def test_an_address_that_is_none_or_changed_says_so(world: World) -> None:
    await world.workflow("feedback", NOTE)
    await world.workflow("private", "trigger: {manual: {}}\nsteps: [{stop: 'x'}]\n")
    browser = Browser(world)
    for path in ("/forms/", "/forms/feedback-0", "/forms/form-of-private-0", "/forms/form-of-feedback-1"):
        assert (await browser(path)).status == 404
    assert (await browser("/elsewhere")).status == 299
    assert world.library._addresses is not None
    await world.library._addresses.rotate("feedback", keep_until=world.clock() + 60)
    await world.library.reload()
    assert (await browser("/forms/form-of-feedback-1")).status == 200
    assert (await browser(AT)).status == 200  # kept for a while
    world.now = world.clock() + 61
    assert (await browser(AT)).status == 404


async def test_what_is_no_form_too_large_or_too_often_is_refused(world: World) -> None:
    await world.workflow("feedback", NOTE)
    browser = Browser(world)
    assert (await browser(AT, b"{}", kind="application/json")).status == 415
    assert (await browser(AT, b"x", length=1 << 30)).status == 413
    assert (await browser(AT, b"x" * (2 << 20))).status == 413
    assert (await browser(AT, method="DELETE")).status == 405
    assert (await browser(AT, b"", kind="multipart/form-data")).status in (400, 422)
    statuses = [(await browser(AT, {})).status for _ in range(30)]
    assert statuses[0] == 422
    assert statuses[-1] == 429
    assert (await browser(AT, {}, client="192.0.2.8")).status == 422
    assert await count(world) == 0


async def test_while_paused_it_is_held(world: World) -> None:
    await world.workflow("feedback", NOTE)
    await world.pauses.pause(Pause("workflow", "feedback", "ada", world.clock(), "", None))
    await world.holding.refresh()
    assert (await Browser(world)(AT, GOOD)).status == 303
    (event,) = (await world.history.events(Wanted())).items
    assert event["disposition"] == "held"
