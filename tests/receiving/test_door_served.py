"""
What a webhook's keys say, at a real server over HTTP: addresses, who may send and how often, what is
wanted and of what form, and what was refused judged again.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from runner.inbound.request import Request
from tests.cli.home import Home
from tests.receiving.provider_senders import sender
from tests.servers.hookline_process import Running, serving

PUBLIC = "https://hooks.example.com"
JSON = {"content-type": "application/json"}
STEPS = "steps:\n  - transform: payload\noutput: payload\n"
SECRET = "It's a Secret to Everybody"
SHOP = "https://shop.example.com"
GITHUB = "verify: {provider: github, secret: GITHUB_SECRET}"
WORKFLOWS = {
    "open": "{}",
    "twin": "{}",
    "leaving": "{}",
    "here": "{allow_ips: [127.0.0.0/8]}",
    "elsewhere": "{allow_ips: [203.0.113.0/24]}",
    "seldom": f"{{rate_limit: 2/1h, {GITHUB}}}",
    "browsers": f"{{cors: ['{SHOP}'], {GITHUB}, methods: [POST, PUT]}}",
    "formed": (
        "{schema: {type: object, required: [order], properties: {order: {type: object, "
        "properties: {id: {type: integer}}}}}}"
    ),
    "choosy": f"{{{GITHUB}, events: [issues.opened, push]}}",
    "parts": "{split: payload.orders}",
    "late": "{verify: {provider: github, secret: LATE_SECRET}}",
    "phone": "{verify: {provider: twilio, secret: [TWILIO_OLD, TWILIO_NEW]}}",
    "shop": "{verify: {provider: square, secret: [SQUARE_OLD, SQUARE_NEW]}}",
    "empty": "{answer: {status: 204, body: 'no body'}}",
    "unchanged": "{answer: {status: 304, body: 'no body'}}",
    "page": "{methods: [GET, HEAD], answer: {headers: {Content-Type: text/html}, body: '<p>ä</p>'}}",
}

ALSO = {
    "open": "/webhook/3f8a2c41-9d0e-4b7a-8c15-2f6e9b1d7a30",
    "phone": "/callbacks/phone",
    "shop": "/callbacks/shop",
}


@dataclass(frozen=True)
class Said:
    """What came back; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class House:
    """A home and the server on it; `changed` is the new path of `twin`."""

    home: Home
    running: Running
    changed: str = ""

    def ask(
        self, path: str, body: bytes = b"", *, method: str = "POST", headers: Mapping[str, str] | None = None
    ) -> Said:
        """Send one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.running.port, timeout=10)
        try:
            connection.request(method, path, body or None, {**JSON, **(headers or {})})
            answer = connection.getresponse()
            named = {name.lower(): value for name, value in answer.getheaders()}
            said = Said(answer.status, named, answer.read())
            # the connection is as good as before: nothing came that was not announced
            connection.request("GET", "/healthz")
            assert connection.getresponse().status == 200
        finally:
            connection.close()
        return said

    def to(self, slug: str, body: bytes = b"{}", **more: Any) -> Said:
        """Send to a workflow's own address."""
        return self.ask(self.running.paths[slug], body, **more)

    def told(self, *words: str) -> Any:
        """What a command says with --json."""
        result = self.home(*words, "--json", HOOKLINE_PUBLIC_URL=PUBLIC)
        assert result.output
        return json.loads(result.stdout)

    def events(self, slug: str) -> list[Any]:
        """What is kept of a workflow, newest first."""
        items = self.told("events", "list", "--workflow", slug)["items"]
        assert isinstance(items, list)
        return items

    def gates(self, event_id: str) -> list[Any]:
        """Why an event is what it is."""
        gates = self.told("events", "show", event_id)["gates"]
        assert isinstance(gates, list)
        return gates


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    home = Home(tmp_path_factory.mktemp("home"))
    for slug, webhook in WORKFLOWS.items():
        home.workflow(slug, f"name: A\ntrigger: {{webhook: {webhook}}}\n{STEPS}")
    secrets = {"GITHUB_SECRET": SECRET, **sender("square").secrets}
    environment = {f"HOOKLINE_SECRET_{name}": value for name, value in secrets.items()}
    with serving(home, HOOKLINE_PUBLIC_URL=PUBLIC, **environment) as running:
        one = House(home, running)
        for slug, path in ALSO.items():
            one.told("url", slug, "--also", path)
        changed = urlsplit(one.told("url", "twin", "--rotate", "--keep", "7d")["url"]).path
        (home.folder / "workflows" / "leaving.yaml").unlink()
        until(
            lambda: (
                one.ask(changed, b"{}").status == 200
                and one.ask(ALSO["phone"], b"{}").status == 401
                and one.to("leaving").status == 410
            )
        )
        yield replace(one, changed=changed)


def until(found: Callable[[], bool], *, seconds: float = 10) -> None:
    """Ask again until it is so: a server takes notice of files and addresses within a second or two."""
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end


def github(
    body: bytes, *, event: str = "push", delivery: str = "d-1", secret: str = SECRET
) -> dict[str, str]:
    """The headers of a delivery of GitHub's."""
    digest = hmac.digest(secret.encode(), body, hashlib.sha256).hex()
    return {"X-Hub-Signature-256": f"sha256={digest}", "X-GitHub-Event": event, "X-GitHub-Delivery": delivery}


# --- addresses ------------------------------------------------------------------------------


def test_a_workflow_answers_at_exactly_another_path_too(house: House) -> None:
    assert house.ask(ALSO["open"], b"{}").json()["status"] == "accepted"
    assert house.ask(ALSO["open"], method="GET").status == 405
    # the pages', which nobody may write to unasked
    assert house.ask(f"{ALSO['open']}/more", b"{}").status == 403


def test_a_changed_address_answers_beside_the_new_one(house: House) -> None:
    assert house.changed != house.running.paths["twin"]
    assert {house.ask(path, b"{}").status for path in (house.changed, house.running.paths["twin"])} == {200}


def test_what_is_taken_away_answers_no_more(house: House) -> None:
    newest = urlsplit(house.told("url", "twin", "--rotate")["url"]).path
    house.told("url", "open", "--not-at", ALSO["open"])
    until(lambda: house.ask(newest, b"{}").status == 200 and house.ask(ALSO["open"], b"{}").status == 403)
    assert {house.ask(path, b"{}").status for path in (house.changed, house.running.paths["twin"])} == {404}


def test_a_deleted_workflow_s_address_is_410_and_an_unknown_one_404(house: House) -> None:
    for rest in ("", "/rest"):
        assert house.ask(house.running.paths["leaving"] + rest, b"{}").status == 410
    unknown = house.ask("/hooks/" + "a" * 32, b"{}")
    assert (unknown.status, unknown.headers["content-type"]) == (404, "application/problem+json")


def test_an_early_answer_arrives_although_its_sender_is_not_done_yet(house: House) -> None:
    """Otherwise a sender meets a reset in place of the 410 that ends its tries."""
    rest = b"x" * 1_000_000
    for framing in (b"content-length: 1000000", b"transfer-encoding: chunked"):
        with socket.create_connection(("127.0.0.1", house.running.port), timeout=10) as connection:
            connection.sendall(b"POST /hooks/nobody HTTP/1.1\r\nhost: a\r\n" + framing + b"\r\n\r\n")
            assert connection.recv(12) == b"HTTP/1.1 404"
            connection.sendall(rest if b"length" in framing else b"f4240\r\n" + rest + b"\r\n0\r\n\r\n")
            connection.sendall(b"GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
            said = b"".join(iter(lambda: connection.recv(1 << 16), b""))
            assert b"HTTP/1.1 200" in said


# --- who may send ---------------------------------------------------------------------------


def test_an_address_that_is_not_listed_is_403_and_one_that_is_may_send(house: House) -> None:
    assert house.to("here").status == 200
    # no proxy is trusted here, so what a header says counts for nothing
    said = house.to("elsewhere", headers={"X-Forwarded-For": "203.0.113.7"})
    assert said.status == 403
    (kept,) = house.events("elsewhere")
    assert kept["disposition"] == "rejected"
    assert "127.0.0.1" in kept["reason"]
    assert kept["id"] in said.json()["detail"]


def test_more_often_than_allowed_is_429_and_forgeries_do_not_count(house: House) -> None:
    for number in range(5):
        assert house.to("seldom", headers=github(b"{}", secret="guessed")).status == 401, number
    for number in range(2):
        assert house.to("seldom", headers=github(b"{}", delivery=f"d-{number}")).status == 200
    said = house.to("seldom", headers=github(b"{}", delivery="d-3"))
    assert said.status == 429
    assert 1 <= int(said.headers["retry-after"]) <= 3600
    assert "more than 2 requests" in house.events("seldom")[0]["reason"]


def test_a_page_of_another_origin_may_send_and_read_refusals(house: House) -> None:
    asks = {
        "Origin": SHOP,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type, x-hub-signature-256",
    }
    allowed = house.to("browsers", b"", method="OPTIONS", headers=asks)
    assert (allowed.status, allowed.body) == (204, b"")
    assert "content-length" not in allowed.headers
    assert allowed.headers["access-control-allow-origin"] == SHOP
    assert allowed.headers["access-control-allow-methods"] == "POST, PUT"
    assert allowed.headers["access-control-allow-headers"] == "content-type, x-hub-signature-256"
    for said, status in (
        (house.to("browsers", headers={"Origin": SHOP}), 401),
        (house.to("browsers", b"", method="GET", headers={"Origin": SHOP}), 405),
        (house.to("browsers", b"{", headers={"Origin": SHOP, **github(b"{")}), 400),
        (house.to("browsers", headers={"Origin": SHOP, **github(b"{}")}), 200),
    ):
        assert (said.status, said.headers["access-control-allow-origin"]) == (status, SHOP)
        assert said.headers["vary"] == "origin"
    other = house.to(
        "browsers", b"", method="OPTIONS", headers={**asks, "Origin": "https://evil.example.com"}
    )
    assert (other.status, other.headers.get("access-control-allow-origin")) == (204, None)


# --- what is wanted -------------------------------------------------------------------------


def test_a_payload_of_another_form_is_422_with_the_path_of_the_fault(house: House) -> None:
    said = house.to("formed", b'{"order": {"id": "seven"}}')
    assert said.status == 422
    (kept,) = house.events("formed")
    assert "order.id" in kept["reason"]
    assert "order.id" in said.json()["detail"]
    assert house.gates(kept["id"])[-1]["name"] == "schema"
    assert house.to("formed", b'{"order": {"id": 7}}').json()["status"] == "accepted"


def test_events_of_another_type_are_acknowledged_and_ignored(house: House) -> None:
    body = b'{"action": "opened"}'
    for event, status in (("push", "accepted"), ("issues", "accepted"), ("star", "ignored")):
        said = house.to("choosy", body, headers=github(body, event=event, delivery=event))
        assert (said.status, said.json()["status"]) == (200, status)
    newest = house.events("choosy")[0]
    assert (newest["disposition"], newest["type"], newest["runs"]) == ("ignored", "star.opened", [])
    assert "star.opened" in newest["reason"]


def test_an_event_of_many_things_has_a_run_for_each(house: House) -> None:
    said = house.to("parts", b'{"orders": [{"id": 1}, {"id": 2}, {"id": 3}]}')
    assert said.json()["status"] == "accepted"
    (event,) = house.events("parts")
    assert len(event["runs"]) == 3
    until(lambda: {one["status"] for one in house.events("parts")[0]["runs"]} == {"succeeded"})
    outputs = [house.told("runs", "show", one["id"])["output"] for one in event["runs"]]
    assert sorted(outputs, key=lambda one: int(one["id"])) == [{"id": 1}, {"id": 2}, {"id": 3}]


def test_an_answer_that_has_no_body_has_none_whatever_its_author_wrote(house: House) -> None:
    for slug, status in (("empty", 204), ("unchanged", 304)):
        said = house.to(slug)
        assert (said.status, said.body) == (status, b"")
        assert "transfer-encoding" not in said.headers


def test_an_answer_to_head_is_that_to_get_without_its_body(house: House) -> None:
    full = house.to("page", b"", method="GET")
    assert (full.status, full.body) == (200, "<p>ä</p>".encode())
    head = house.to("page", b"", method="HEAD")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == full.headers["content-length"] == "9"
    refused = house.to("open", b"", method="HEAD")
    assert (refused.status, refused.body) == (405, b"")


# --- judged again ---------------------------------------------------------------------------


def test_what_came_before_its_secret_is_accepted_once(house: House) -> None:
    body, late = b'{"n": 1}', "known after the first delivery"
    for _ in range(2):
        assert house.to("late", body, headers=github(body, secret=late)).status == 401
    assert house.told("events", "recheck", "late")["items"][0]["accepted"] == 0
    assert house.home("secrets", "set", "LATE_SECRET", stdin=late).exit_code == 0
    (done,) = house.told("events", "recheck", "late")["items"]
    assert (done["accepted"], done["duplicate"], done["rejected"]) == (1, 1, 0)
    # GitHub sends it again by hand; the running server has taken notice of the secret
    until(lambda: house.to("late", body, headers=github(body, secret=late)).status == 200)
    assert house.events("late")[0]["disposition"] == "duplicate"
    (accepted,) = house.told("events", "list", "--workflow", "late", "--status", "accepted")["items"]
    until(lambda: house.told("runs", "show", accepted["runs"][0]["id"])["status"] == "succeeded")


@pytest.mark.parametrize(("slug", "provider"), [("phone", "twilio"), ("shop", "square")])
def test_a_signature_over_another_path_is_right_there_and_can_be_judged_again(
    house: House, slug: str, provider: str
) -> None:
    path = f"{ALSO[slug]}?shop=1"
    form = {"content-type": "application/x-www-form-urlencoded" if slug == "phone" else "application/json"}
    body = b"MessageSid=SM1&SmsStatus=received" if slug == "phone" else b'{"type":"a","event_id":"e-1"}'
    request = sender(provider).sign(Request("POST", f"{PUBLIC}{path}", form, body), 0, time.time())
    said = house.ask(path, request.body, headers=request.headers)
    if slug == "shop":  # its secret is set from the start
        assert (said.status, said.json()["status"]) == (200, "accepted")
        return
    assert said.status == 401
    for name, value in sender(provider).secrets.items():
        assert house.home("secrets", "set", name, stdin=value).exit_code == 0
    (done,) = house.told("events", "recheck", slug)["items"]
    assert done["accepted"] == 1
    assert house.events(slug)[0]["type"] == "message.received"
