"""The way back in: what a link shows, what acts, who is told what, over ASGI and over real HTTP."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from runner.engine.people import Holder
from runner.store.queries import Statement
from tests.engine.world import Outside, World, opened
from web.bodies import Room
from web.resume import Resume

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC).timestamp()
HERE = "http://hookline.test"
HTML = {"accept": "text/html,application/xhtml+xml"}
FORM = "application/x-www-form-urlencoded"
APPROVAL = """
output: steps.ok
steps:
  - id: ok
    wait_for:
      approval: {message: "Refund <b>{{ payload }}</b>?", choices: [refund, decline], assignees: [ada, grace]}
    timeout: 2d
"""
CALLBACK = "output: steps.ok\nsteps:\n  - id: ok\n    wait_for: {callback: {}}\n    timeout: 2d\n"


@dataclass
class Said:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Speaks ASGI to the way back in."""

    def __init__(self, world: World, outside: Outside) -> None:
        self.world, self.outside = world, outside
        self.sessions: dict[str, Holder] = {}
        self.passed_on: list[str] = []
        self.app = Resume(
            self._rest, world.resuming, who=self._who, room=Room(1 << 20), public_url=HERE,
            timezone="Europe/Athens",
        )  # fmt: skip

    async def _who(self, session: str) -> Holder | None:
        return self.sessions.get(session)

    async def _rest(self, scope: Any, receive: Any, send: Any) -> None:
        self.passed_on.append(scope["path"])
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def waiting(self, text: str, payload: Any = None, path: str = "ok") -> str:
        """The address of a step of a run that waits there."""
        await self.world.workflow("one", text)
        self.run_id = (await self.world.send("one", payload)).run_id
        await self.world.turned(self.run_id)
        return f"/resume/{self.world.tools.resume_token(self.run_id, path)}"

    async def output(self) -> Any:
        """What the run came to."""
        await self.world.quiet()
        shown = await self.world.history.run(self.run_id)
        assert shown["status"] == "succeeded", shown["reason"]
        return shown["output"]

    async def __call__(
        self,
        path: str,
        body: bytes = b"",
        *,
        method: str = "POST",
        content_type: str = "application/json",
        headers: dict[str, str] | None = None,
        query: str = "",
    ) -> Said:
        messages: list[dict[str, Any]] = [
            {"type": "http.request", "body": body, "more_body": False},
            {"type": "http.disconnect"},
        ]
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return messages.pop(0)

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        given = {"host": "hookline.test", "content-type": content_type, **(headers or {})}
        scope = {
            "type": "http", "method": method, "path": path, "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        }  # fmt: skip
        await self.app(scope, receive, send)
        found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Said(sent[0]["status"], found, sent[1]["body"])


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    outside = Outside()
    async with opened(tmp_path, outside) as world:
        world.now = START
        yield Client(world, outside)


async def test_a_call_continues_the_run_with_its_payload(client: Client) -> None:
    url = await client.waiting(CALLBACK)
    said = await client(url, b'{"state": "done"}')
    assert (said.status, said.json()) == (200, {"status": "accepted"})
    assert await client.output() == {"state": "done"}


async def test_to_look_at_a_link_never_acts(client: Client) -> None:
    url = await client.waiting(CALLBACK)
    for method in ("GET", "HEAD", "GET"):
        for headers in (HTML, {}):
            said = await client(url, method=method, headers=headers)
            assert said.status == 200
            assert (not said.body) == (method == "HEAD")
    page = (await client(url, method="GET", headers=HTML)).text
    assert '<form method="post"><button class="first">Continue</button></form>' in page
    assert (await client.world.history.run(client.run_id))["status"] == "waiting"


async def test_the_button_continues_the_run(client: Client) -> None:
    url = await client.waiting(CALLBACK)
    said = await client(url, content_type=FORM, headers=HTML)
    assert said.status == 200
    assert "Thank you" in said.text
    assert await client.output() is None


async def test_a_step_may_say_that_opening_the_link_is_enough(client: Client) -> None:
    url = await client.waiting(CALLBACK.replace("callback: {}", "callback: {methods: [GET]}"))
    assert (await client(url, method="HEAD")).status == 200  # it only asks what is there
    assert (await client(url, b"{}")).status == 405
    said = await client(url, method="GET", query="state=done", headers=HTML)
    assert "Thank you" in said.text
    assert await client.output() == {"state": "done"}


async def test_other_methods_are_named(client: Client) -> None:
    url = await client.waiting(CALLBACK.replace("callback: {}", "callback: {methods: [PUT, PATCH]}"))
    said = await client(url, b"{}")
    assert said.status == 405
    assert said.headers["allow"] == "GET, HEAD, PATCH, PUT"
    page = (await client(url, method="GET", headers=HTML)).text
    assert "waits for a call of this address by PUT or PATCH" in page
    assert "<form" not in page
    assert (await client(url, b"1", method="PUT")).status == 200


async def test_an_approval_shows_its_question_as_text_and_takes_a_choice(client: Client) -> None:
    url = await client.waiting(APPROVAL, "12\u202e")
    page = (await client(url, method="GET", headers=HTML)).text
    assert "Refund &lt;b&gt;12\\u202e&lt;/b&gt;?" in page
    assert re.findall(r'<button name="choice" value="(\w+)"', page) == ["refund", "decline"]
    assert "Asked of <bdi>ada, grace</bdi>" in page
    assert "Until 2026-03-04 11:00:00 EET" in page
    said = await client(url, b"choice=refund&comment=+be+kind+&by=root", content_type=FORM, headers=HTML)
    assert said.status == 200
    assert "refund" in said.text
    assert await client.output() == {"choice": "refund", "by": "link", "comment": "be kind"}


async def test_who_is_signed_in_answers_by_name_from_our_own_page_alone(client: Client) -> None:
    client.sessions["s"] = Holder("u1", "Ada", "viewer")
    cases = [
        ({"cookie": "hookline=s", "origin": HERE}, "Ada"),
        ({"cookie": "hookline=s", "sec-fetch-site": "same-origin"}, "Ada"),
        ({"cookie": "hookline=s", "sec-fetch-site": "cross-site"}, "link"),
        ({"cookie": "hookline=s", "origin": "https://elsewhere.example"}, "link"),
        ({"cookie": "hookline=s"}, "link"),
        ({"cookie": "hookline=other", "origin": HERE}, "link"),
        ({"origin": HERE}, "link"),
    ]
    for headers, name in cases:
        url = await client.waiting(APPROVAL)
        said = await client(url, b'{"choice": "refund"}', headers=headers)
        assert (said.status, said.json()) == (200, {"status": "accepted", "choice": "refund"})
        assert (await client.output())["by"] == name, headers


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b'{"choice": "maybe"}', "application/json"),
        (b'{"choice": 1}', "application/json"),
        (b'["refund"]', "application/json"),
        (b"", FORM),
        (b"choice=refund&choice=decline", FORM),
        (b'{"choice": "refund", "comment": "' + b"x" * 2001 + b'"}', "application/json"),
    ],
)
async def test_what_is_no_choice_is_refused_and_can_be_mended(
    client: Client, body: bytes, content_type: str
) -> None:
    url = await client.waiting(APPROVAL)
    said = await client(url, body, content_type=content_type)
    assert said.status == 422
    assert said.json()["choices"] == ["refund", "decline"]
    page = await client(url, body, content_type=content_type, headers=HTML)
    assert page.status == 422
    assert 'role="alert"' in page.text
    assert '<button name="choice"' in page.text
    assert (await client(url, b'{"choice": "decline"}')).status == 200


async def test_a_second_answer_hears_who_was_first(client: Client) -> None:
    url = await client.waiting(APPROVAL + "  - wait: 1d\n")
    client.sessions["s"] = Holder("u1", "Ada", "admin")
    await client(url, b'{"choice": "refund"}', headers={"cookie": "hookline=s", "origin": HERE})
    await client.world.quiet()
    said = await client(url, b'{"choice": "decline"}')
    assert said.status == 409
    assert said.headers["content-type"] == "application/problem+json"
    assert said.json() == {
        "type": "about:blank", "status": 409, "by": "Ada", "at": "2026-03-02T09:00:00.000Z",
        "choice": "refund",
        "detail": "This was answered already, by Ada at 2026-03-02 09:00 UTC: refund.",
    }  # fmt: skip
    page = await client(url, method="GET", headers=HTML)
    assert page.status == 409
    assert "by Ada at 2026-03-02 09:00 UTC: refund" in page.text
    assert "<form" not in page.text


async def test_an_ended_run_and_a_time_that_is_over_are_gone(client: Client) -> None:
    url = await client.waiting(CALLBACK)
    await client.world.store.cancel(client.run_id, now=START)
    said = await client(url, b"{}")
    assert (said.status, said.json()["detail"]) == (
        410,
        "The run has ended, so this can be answered no more.",
    )
    url = await client.waiting(CALLBACK)
    client.world.now = START + 2 * 86400
    await client.world.quiet()
    said = await client(url, b"{}")
    assert (said.status, said.json()["detail"]) == (
        410, "Nobody answered in time, so this can be answered no more.",
    )  # fmt: skip
    assert (await client(url, method="GET", headers=HTML)).status == 410


async def test_an_approval_can_be_answered_before_it_is_asked_by_whoever_knows_the_choices(
    client: Client,
) -> None:
    url = await client.waiting(APPROVAL.replace("steps:\n", "steps:\n  - wait: 1h\n"))
    assert "Not asked yet" in (await client(url, method="GET", headers=HTML)).text
    assert (await client(url, b'{"choice": "maybe"}')).status == 422
    assert (await client(url, b'{"choice": "refund"}')).status == 200
    client.world.now = START + 3600
    assert (await client.output())["choice"] == "refund"


@pytest.mark.parametrize(
    "tail", ["", "x", "{token}x", "{token}/", "{token}/x", "{token}%20", "%2e", "../login"]
)
async def test_an_unknown_address_is_not_found(client: Client, tail: str) -> None:
    url = await client.waiting(CALLBACK)
    path = "/resume/" + tail.replace("{token}", url.rpartition("/")[2])
    for method in ("GET", "POST"):
        said = await client(path, b"{}", method=method)
        assert said.status == 404
        assert said.json()["detail"] == "There is nothing at this address."
    assert not client.passed_on


async def test_everything_else_is_somebody_elses(client: Client) -> None:
    assert (await client("/resumes")).status == 204
    assert (await client("/hooks/x")).status == 204
    assert client.passed_on == ["/resumes", "/hooks/x"]


async def test_the_page_is_shut_against_everything(client: Client) -> None:
    url = await client.waiting(APPROVAL)
    said = await client(url, method="GET", headers=HTML)
    assert said.headers["content-security-policy"] == (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    assert said.headers["x-content-type-options"] == "nosniff"
    assert said.headers["cache-control"] == "no-store"
    assert said.headers["referrer-policy"] == "same-origin"
    assert "<script" not in said.text
    assert " style=" not in said.text


async def test_bodies_are_bounded_and_what_cannot_be_read_is_said(client: Client) -> None:
    url = await client.waiting(CALLBACK)
    assert (await client(url, b'"' + b"x" * (1 << 20) + b'"')).status == 413
    assert (await client(url, b"{", headers=HTML)).status == 400
    url = await client.waiting(APPROVAL)
    assert (await client(url, b'{"choice": "refund", "x": "' + b"x" * (64 << 10) + b'"}')).status == 413


async def test_a_file_that_is_sent_back_can_be_used(client: Client) -> None:
    text = CALLBACK.replace("output: steps.ok", "output: steps.read") + (
        "  - id: read\n    template: '{{ base64(steps.ok) }}'\n"
    )
    url = await client.waiting(text)
    assert (await client(url, b"\x00\xff\x01", content_type="application/octet-stream")).status == 200
    await client.world.quiet()
    files = await client.world.store.read(Statement.of("SELECT content FROM files"))
    assert [bytes(row[0]) for row in files] == [b"\x00\xff\x01"]
