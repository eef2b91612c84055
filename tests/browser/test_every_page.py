"""
Every page that a GET opens, by the table of pages, so that a new one cannot be forgotten: no complaint,
nothing for axe, no sideways scrolling on a narrow screen, and small.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import pytest
from playwright.sync_api import Browser, Cookie, Page, ViewportSize
from quart import Quart

from runner import operating
from tests.browser.editing import Editing
from tests.browser.visitor import Visitor, visitor
from tests.cli.home import Home
from tests.servers.hookline_process import serving
from tests.servers.slack_api import TOKEN
from web.house import House
from web.pages.table import add_pages

ORDERS = """name: Orders
description: What the shop sells.
title: "Order {{ payload.id }}"
tags: [shop]
trigger: {webhook: {}}
steps:
  - id: big
    filter: payload.total >= 100
  - id: text
    template: "Order {{ payload.id }} of {{ payload.customer }}"
  - if: payload.customer == 'nobody'
    fail: "there is no customer called {{ payload.customer }}"
"""
SIGNED = """name: Shop
trigger: {webhook: {verify: {provider: shopify, secret: SHOPIFY_SECRET}}}
steps:
  - action: slack.post_message
    connection: team-slack
    with: {channel: "#sales", text: "{{ payload.id }}"}
"""
PAUSED = "name: Newsletter\ntrigger: {webhook: {}}\nsteps: [{stop: done}]\n"
ASKING = """name: Refunds
title: "Refund of {{ payload.id }}"
trigger: {webhook: {}}
steps:
  - id: agreed
    wait_for: {approval: {message: "Refund {{ payload.id }}?", choices: [refund, decline]}}
"""
BY_HAND = """name: Stocktaking
trigger: {manual: {inputs: {type: object, required: [shelf], properties: {shelf: {type: string}}}}}
steps: [{stop: done}]
"""
BROKEN = "name: Broken\ntrigger: {webhook: {}}\nsteps: [{action: nobody.knows}]\n"
OTHERS = {"shop": SIGNED, "newsletter": PAUSED, "refunds": ASKING, "by-hand": BY_HAND}
RUNS = {
    "succeeded": {"id": 1, "total": 120, "customer": "Ada"},
    "filtered": {"id": 2, "total": 80, "customer": "Bo"},
    "failed": {"id": 3, "total": 300, "customer": "nobody"},
}
COUNTED = """fetch('/api/v1/runs').then(a => a.json()).then(({items}) =>
    ['succeeded', 'filtered', 'failed', 'waiting'].every(is => items.some(one => one.status === is)))"""

NO_PAGES = {
    "export", "run_part", "event_body",  # files
    "oidc_begin", "oidc_callback", "oauth_callback",  # lead on, to and from another server
    "signin", "start",  # for strangers: tests/browser/test_people.py
}  # fmt: skip
LIGHT, EDITOR = 150_000, 300_000  # bytes that may come over the line
NARROW: ViewportSize = {"width": 320, "height": 640}


def _pages() -> dict[str, str]:
    """The address of each page by its endpoint. Making the table opens nothing of the house."""
    app = Quart(__name__)
    add_pages(app, cast("House", None))
    rules = [rule for rule in app.url_map.iter_rules() if rule.methods and "GET" in rule.methods]
    return {rule.endpoint: rule.rule for rule in rules if rule.endpoint not in {"static", *NO_PAGES}}


PAGES = _pages()


@dataclass(frozen=True)
class Furnished:
    """A server where much has happened: who is signed in, and the addresses of pages of one thing."""

    origin: str
    cookies: Sequence[Cookie]
    paths: Mapping[str, Sequence[str]]

    def enter(self, person: Visitor) -> None:
        """Be the admin."""
        person.page.context.add_cookies(
            [{"name": one["name"], "value": one["value"], "url": self.origin} for one in self.cookies]
        )

    def of(self, endpoint: str) -> Sequence[str]:
        """Where the page can be seen."""
        rule = PAGES[endpoint]
        return self.paths[endpoint] if "<" in rule else (rule, *self.paths.get(endpoint, ()))


@pytest.fixture(scope="module")
def furnished(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Furnished]:
    folder = tmp_path_factory.mktemp("furnished")
    home = Home(folder)
    home.workflow("broken", BROKEN)
    with serving(home) as server:
        origin = f"http://127.0.0.1:{server.port}"
        with visitor(browser, origin, folder) as person:
            one = Editing(person, server)
            one.begin(ORDERS)
            paths = _furnish(one)
            cookies = person.page.context.cookies()
        yield Furnished(origin, cookies, paths)


def _furnish(one: Editing) -> dict[str, Sequence[str]]:
    for slug, text in OTHERS.items():
        one.call("PUT", f"/workflows/{slug}", {"text": text}, {"If-None-Match": "*"})
    one.call("PUT", "/connections/team-slack", {"kind": "slack", "fields": {"token": TOKEN}})
    one.call("PUT", "/secrets/SHOPIFY_SECRET", {"value": "sh0p-s3cret"})
    one.call("POST", "/workflows/newsletter/pause", {"why": "stocktaking"})
    one.call("POST", "/users", {"email": "bo@example.com", "name": "Bo", "role": "viewer"})
    for payload in RUNS.values():
        one.order(**payload)
    page = one.page
    for slug, status in (("newsletter", 200), ("refunds", 200), ("shop", 401)):
        url = one.call("GET", f"/workflows/{slug}")["url"]
        assert page.request.post(url, data={"id": 4}).status == status
    page.wait_for_function(COUNTED)
    runs = {item["status"]: item["id"] for item in _items(one, "/runs")}
    events = {item["disposition"]: item["id"] for item in _items(one, "/events")}
    assert events.keys() >= {"accepted", "held", "rejected"}
    (problem,) = _items(one, "/problems")
    replay = one.call("POST", "/replays", {"where": f"problem={problem['id']}"})
    assert _items(one, "/approvals")
    failed = f"/runs/{runs['failed']}"
    return {
        "home": ("/?state=paused",),
        "runs": ("/runs?status=failed&workflow=orders", "/runs?q=nothing+is+like+that"),
        "events": ("/events?status=rejected",),
        "find": ("/find?q=order",),
        "docs": ("/docs?q=message",),
        "new_connection": ("/connections/new?kind=slack",),
        "run": [f"/runs/{run_id}" for run_id in runs.values()] + [f"{failed}?with={runs['succeeded']}"],
        "run_comparing": (f"{failed}/compare",),
        "run_case": (f"{failed}/test",),
        "run_replay": (f"{failed}/replay",),
        "event": [f"/events/{event_id}" for event_id in events.values()],
        "edit": ("/workflows/orders/edit", "/workflows/broken/edit"),
        "workflow": [f"/workflows/{slug}" for slug in ("orders", "shop", "newsletter", "by-hand", "broken")],
        "versions": ("/workflows/orders/versions",),
        "version": ("/workflows/orders/versions/1",),
        "start_form_page": ("/workflows/by-hand/run",),
        "failure": (f"/failures/{problem['id']}",),
        "replay": (f"/replays/{replay['id']}",),
        "connection": ("/connections/team-slack",),
        "secret": ("/secrets/SHOPIFY_SECRET",),
        "connector_actions": ("/docs/actions/slack",),
        "fault": ("/docs/faults/double-quotes",),
        "operating_page": [f"/docs/operating/{name}" for name in operating.PAGES],
        "provider": ("/docs/providers/shopify",),
        "person": [f"/settings/people/{item['id']}" for item in _items(one, "/users")],
    }


def _items(one: Editing, path: str) -> list[Any]:
    return cast("list[Any]", one.call("GET", path)["items"])


def _weighed(page: Page) -> dict[str, float]:
    """To be filled with the bytes that come over the line from now on, by address."""
    session = page.context.new_cdp_session(page)
    addresses: dict[str, str] = {}
    weights: dict[str, float] = {}

    def asked(told: dict[str, Any]) -> None:
        addresses[told["requestId"]] = told["request"]["url"]

    def came(told: dict[str, Any]) -> None:
        weights[addresses[told["requestId"]]] = told["encodedDataLength"]

    session.on("Network.requestWillBeSent", asked)
    session.on("Network.loadingFinished", came)
    session.send("Network.enable")
    return weights


@pytest.mark.parametrize("endpoint", PAGES)
def test_a_page_is_for_everyone(
    endpoint: str, furnished: Furnished, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pictures = tmp_path_factory.mktemp("pictures")
    for number, path in enumerate(furnished.of(endpoint)):
        with visitor(browser, furnished.origin, pictures) as person:
            furnished.enter(person)
            weights = _weighed(person.page)
            person.go(path)
            if endpoint == "edit":
                person.page.get_by_role("group", name="Views").wait_for()
            assert person.page.url.endswith(path)
            assert person.origin + path in weights
            assert sum(weights.values()) < (EDITOR if endpoint == "edit" else LIGHT), weights
            person.check_access()
            person.look(f"page-{endpoint}-{number}")
            person.page.set_viewport_size(NARROW)
            person.check_width()
            person.page.emulate_media(forced_colors="active", reduced_motion="reduce")
            person.check_width()
