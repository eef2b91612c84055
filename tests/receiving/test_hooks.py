"""The way in, from an ASGI request to the event on disk and the answer."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from runner.engine.examining import Examiner
from runner.engine.history import Wanted
from tests.engine.world import NothingToFetch, Outside, World, opened
from web.bodies import Room
from web.hooks import Hooks
from web.senders import Senders


@dataclass
class Said:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Speaks ASGI to the way in."""

    def __init__(self, world: World, *, reading_bytes: int = 1 << 20) -> None:
        self.secrets: dict[str, str] = {}
        self.app = Hooks(
            world.library,
            world.door,
            Examiner(lambda: self.secrets, NothingToFetch()),
            Senders(),
            _no_pages,
            public_url="https://hooks.example.com",
            room=Room(reading_bytes),
        )

    async def __call__(
        self,
        path: str,
        body: bytes | Sequence[bytes] = b"",
        *,
        method: str = "POST",
        content_type: str = "application/json",
        headers: dict[str, str] | None = None,
        query: str = "",
        leaves: bool = False,
    ) -> Said | None:
        chunks = [body] if isinstance(body, bytes) else list(body)
        messages: list[dict[str, Any]] = [
            {"type": "http.request", "body": chunk, "more_body": leaves or number < len(chunks)}
            for number, chunk in enumerate(chunks, start=1)
        ]
        messages.append({"type": "http.disconnect"})
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return messages.pop(0)

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        all_headers = {"content-type": content_type, **(headers or {})}
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [
                (name.lower().encode(), value.encode()) for name, value in all_headers.items() if value
            ],
            "client": ("192.0.2.7", 4711),
        }
        await self.app(scope, receive, send)
        if not sent:
            return None
        start, *rest = sent
        return Said(
            start["status"],
            {name.decode(): value.decode() for name, value in start["headers"]},
            b"".join(message["body"] for message in rest),
        )


async def _no_pages(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": b"pages"})


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, Outside()) as world:
        yield world


async def hook(world: World, text: str, *, slug: str = "one") -> str:
    await world.workflow(slug, text)
    return f"/hooks/{slug}-0"


NOTE = "steps:\n  - action: probe.note\n    with: {text: '{{ payload }}'}\n"


async def test_an_accepted_event_is_on_disk_before_its_answer_and_its_run_ends(world: World) -> None:
    path = await hook(world, NOTE)
    said = await Client(world)(path, b'{"n": 1}', headers={"X-Thing": "a"})
    assert said
    assert said.status == 200
    assert said.json()["status"] == "accepted"
    event = await world.history.event(said.json()["event"])
    assert (event["disposition"], event["source_ip"]) == ("accepted", "192.0.2.7")
    assert event["headers"]["x-thing"] == "a"
    assert [gate["name"] for gate in event["gates"]] == ["received", "signature"]
    await world.turned(event["runs"][0]["id"])
    assert world.outside.notes == [{"n": 1}]


async def test_answers_under_hooks_cannot_act_in_a_browser(world: World) -> None:
    path = await hook(world, NOTE)
    said = await Client(world)(path, b"{}")
    assert said
    assert said.headers["content-security-policy"] == "sandbox"
    assert said.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path", ["/hooks/", "/hooks/nobody", "/hooks/one-0x", "/hooks/ONE-0", "/hooks/%6Fne-0", "/hooks//one-0"]
)
async def test_an_unknown_address_is_404_whatever_it_resembles(world: World, path: str) -> None:
    await hook(world, NOTE)
    said = await Client(world)(path, b"{}")
    assert said
    assert (said.status, said.headers["content-type"]) == (404, "application/problem+json")


async def test_everything_else_is_for_the_pages(world: World) -> None:
    said = await Client(world)("/runs")
    assert said
    assert said.body == b"pages"


async def test_a_method_that_is_not_named_is_405_with_those_that_are(world: World) -> None:
    path = await hook(world, "trigger: {webhook: {methods: [POST, PUT]}}\n" + NOTE)
    said = await Client(world)(path, method="GET")
    assert said
    assert (said.status, said.headers["allow"]) == (405, "POST, PUT")


async def test_what_follows_the_token_is_the_event_s_path(world: World) -> None:
    path = await hook(
        world, "steps:\n  - action: probe.note\n    with: {text: ['{{ event.path }}', '{{ event.rest }}']}\n"
    )
    said = await Client(world)(path + "/eu/orders%20new", b"{}")
    assert said
    await world.turned((await world.history.event(said.json()["event"]))["runs"][0]["id"])
    assert world.outside.notes == [["eu/orders new", ["eu", "orders new"]]]


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("application/x-www-form-urlencoded", b"a=1&b=2&b=3", {"a": "1", "b": ["2", "3"]}),
        ("application/xml", b'<o id="7"><l>x</l><l>y</l></o>', {"o": {"@id": "7", "l": ["x", "y"]}}),
        ("text/plain; charset=latin-1", "caf\xe9".encode("latin-1"), "café"),
        ("application/json", b"12345678901234567890123", 12345678901234567890123),
    ],
)
async def test_a_body_is_what_its_type_says(
    world: World, content_type: str, body: bytes, expected: Any
) -> None:
    path = await hook(world, NOTE)
    said = await Client(world)(path, body, content_type=content_type)
    assert said
    await world.turned((await world.history.event(said.json()["event"]))["runs"][0]["id"])
    assert world.outside.notes == [expected]


async def test_a_get_without_body_has_its_query_as_payload(world: World) -> None:
    path = await hook(world, "trigger: {webhook: {methods: [GET]}}\n" + NOTE)
    said = await Client(world)(path, method="GET", content_type="", query="rating=5&tag=a&tag=b")
    assert said
    await world.turned((await world.history.event(said.json()["event"]))["runs"][0]["id"])
    assert world.outside.notes == [{"rating": "5", "tag": ["a", "b"]}]


async def test_an_upload_is_a_reference_to_bytes_that_an_action_can_read(world: World) -> None:
    path = await hook(world, NOTE)
    body = (
        b'--x\r\nContent-Disposition: form-data; name="doc"; filename="a.bin"\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n\x00\x01\x02\r\n--x--\r\n"
    )
    said = await Client(world)(path, body, content_type="multipart/form-data; boundary=x")
    assert said
    await world.turned((await world.history.event(said.json()["event"]))["runs"][0]["id"])
    doc = world.outside.notes[0]["doc"]
    assert (doc["filename"], doc["size"]) == ("a.bin", 3)
    assert await world.store.read_file(doc["file"]) == b"\x00\x01\x02"


async def test_a_body_that_cannot_be_read_is_400_and_kept_with_the_reason(world: World) -> None:
    path = await hook(world, NOTE)
    said = await Client(world)(path, b'{"a": ')
    assert said
    assert said.status == 400
    (kept,) = (await world.history.events(Wanted(status="rejected"))).items
    event = await world.history.event(kept["id"])
    assert event["gates"][-1]["verdict"] == "stopped"
    assert event["gates"][-1]["reason"] == said.json()["detail"]
    assert event["runs"] == []


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "not-announced"])
async def test_a_body_past_its_bound_is_413_and_never_kept_whole(world: World, announced: bool) -> None:
    path = await hook(world, "trigger: {webhook: {max_body: 1000}}\n" + NOTE)
    headers = {"content-length": "2000"} if announced else {}
    said = await Client(world)(path, [b"x" * 600] * 3, headers=headers)
    assert said
    assert said.status == 413
    (kept,) = (await world.history.events(Wanted(status="rejected"))).items
    assert kept["size"] == 0


async def test_a_sender_that_leaves_in_the_middle_leaves_nothing(world: World) -> None:
    path = await hook(world, NOTE)
    assert await Client(world)(path, [b'{"a":', b" 1"], leaves=True) is None
    assert (await world.history.events(Wanted())).items == []


async def test_a_full_backlog_is_503_with_retry_after_before_the_body_is_read(world: World) -> None:
    path = await hook(world, NOTE)
    client = Client(world)
    client.app._door = replace(world.door, backlog_limit=0)
    said = await client(path, b"{}")
    assert said
    assert (said.status, said.headers["retry-after"]) == (503, "5")
    assert (await world.history.events(Wanted())).items == []


async def test_more_bodies_at_once_than_allowed_are_503_and_the_room_comes_back(world: World) -> None:
    path = await hook(world, NOTE)
    client = Client(world, reading_bytes=1000)
    said = await client(path, b"x" * 1001, content_type="text/plain")
    assert said
    assert said.status == 503
    said = await client(path, b"x" * 999, content_type="text/plain")
    assert said
    assert said.status == 200


async def test_a_store_that_cannot_write_is_503_and_never_a_false_200(world: World) -> None:
    path = await hook(world, NOTE)
    await world.sqlite._writing.execute("PRAGMA max_page_count=1")
    said = await Client(world)(path, b'"' + os.urandom(250_000).hex().encode() + b'"')
    assert said
    assert (said.status, said.headers["retry-after"]) == (503, "5")
    await world.sqlite._writing.execute("PRAGMA max_page_count=1000000")
    said = await Client(world)(path, b'"x"')
    assert said
    assert said.status == 200
    assert len((await world.history.events(Wanted())).items) == 1


HELD = "steps:\n  - action: probe.note\n    with: {text: x, after: open}\n"
ANSWERS = "trigger: {webhook: {answer: result}}\n"


@pytest.mark.parametrize(
    ("steps", "payload", "status", "content_type", "body"),
    [
        pytest.param(
            "steps:\n  - respond: {status: 201, body: {got: '{{ payload.n }}'}}\n  - action: probe.note\n",
            b'{"n": 5}', 201, "application/json", b'{"got":5}', id="respond-with-an-object",
        ),
        pytest.param(
            "steps:\n  - respond: {body: 'n = {{ payload.n }}', headers: {X-N: '{{ payload.n }}'}}\n",
            b'{"n": 5}', 200, "text/plain; charset=utf-8", b"n = 5", id="respond-with-text",
        ),
        pytest.param(
            "steps:\n  - transform: {n: payload.n}\n", b'{"n": 5}', 200, "application/json", b'{"n":5}',
            id="the-last-output",
        ),
        pytest.param(
            "steps:\n  - {id: a, transform: payload.n}\n  - transform: \"'other'\"\noutput: steps.a\n",
            b'{"n": 5}', 200, "application/json", b"5", id="the-workflow-s-output",
        ),
    ],
)  # fmt: skip
async def test_a_waiting_caller_gets_the_run_s_answer(
    world: World, steps: str, payload: bytes, status: int, content_type: str, body: bytes
) -> None:
    said = await Client(world)(await hook(world, ANSWERS + steps), payload)
    assert said
    assert (said.status, said.headers["content-type"], said.body) == (status, content_type, body)


@pytest.mark.parametrize(
    ("steps", "status", "word"),
    [
        ("steps:\n  - filter: payload.n > `9`\n", 200, "filtered"),
        ("steps:\n  - stop: enough\n", 200, "succeeded"),
        ("steps:\n  - fail: the secret reason\n", 500, "failed"),
        (
            "steps:\n  - action: probe.note\n    with: {fail: unavailable}\n    retry: {delay: 1h}\n",
            202,
            "accepted",
        ),
    ],
)
async def test_a_waiting_caller_hears_the_outcome_and_never_the_reason(
    world: World, steps: str, status: int, word: str
) -> None:
    said = await Client(world)(await hook(world, ANSWERS + steps), b'{"n": 5}')
    assert said
    assert (said.status, said.json()["status"]) == (status, word)
    assert b"secret" not in said.body


async def test_a_waiting_caller_is_told_202_when_its_time_is_over_and_the_run_goes_on(world: World) -> None:
    text = "trigger: {webhook: {answer: {wait: 50ms}}}\n" + HELD
    said = await Client(world)(await hook(world, text), b"{}")
    assert said
    assert said.status == 202
    world.outside.gates["open"].set()
    await world.turned((await world.history.event(said.json()["event"]))["runs"][0]["id"])
    assert world.outside.notes == ["x"]


async def test_a_fixed_answer_goes_out_as_the_file_says(world: World) -> None:
    answer = "{status: 200, headers: {Content-Type: text/html}, body: '<p>{{ payload.n }}</p>'}"
    text = f"trigger: {{webhook: {{answer: {answer}}}}}\n"
    said = await Client(world)(await hook(world, text), b'{"n": 5}')
    assert said
    assert (said.headers["content-type"], said.body) == ("text/html", b"<p>5</p>")


async def test_a_header_written_by_a_payload_stays_on_its_line(world: World) -> None:
    text = ANSWERS + "steps:\n  - respond: {headers: {X-N: '{{ payload.n }}'}, body: ok}\n"
    said = await Client(world)(await hook(world, text), b'{"n": "a\\r\\nSet-Cookie: b"}')
    assert said
    assert said.headers["x-n"] == "a Set-Cookie: b"


async def test_many_senders_at_once_are_each_accepted_once(world: World) -> None:
    path = await hook(world, NOTE)
    client = Client(world)
    said = await asyncio.gather(*(client(path, b"%d" % number) for number in range(200)))
    ids = {one.json()["event"] for one in said if one}
    assert len(ids) == 200
    for event_id in ids:
        run_id = (await world.history.event(event_id))["runs"][0]["id"]
        await world.turned(run_id)
    assert sorted(world.outside.notes) == list(range(200))


async def test_a_caller_can_be_answered_with_the_file_it_sent(world: World) -> None:
    path = await hook(world, ANSWERS + "steps:\n  - respond: {body: '{{ payload }}'}\n")
    said = await Client(world)(path, b"\x00\xff", content_type="image/png")
    assert said
    assert (said.headers["content-type"], said.body) == ("image/png", b"\x00\xff")


async def test_a_payload_that_looks_like_another_event_s_file_does_not_open_it(world: World) -> None:
    path = await hook(world, ANSWERS + "steps:\n  - respond: {body: '{{ payload }}'}\n")
    client = Client(world)
    await client(path, b"\x00secret", content_type="application/octet-stream")
    digest = hashlib.sha256(b"\x00secret").hexdigest()
    forged = {"filename": "a", "content_type": "image/png", "size": 7, "file": digest}
    said = await client(path, json.dumps(forged).encode())
    assert said
    assert said.json() == forged
