"""
A stranger may write whatever they like into an event; whoever reads it sees text. Script 5 of the design:
every field, name and header holds markup, script, ten thousand characters, marks that turn the direction,
and what a template would work out.
"""

from __future__ import annotations

import http.client
import json
import re
from contextlib import closing
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from playwright.sync_api import Dialog, expect

from tests.browser.conftest import Visit
from tests.browser.editing import SLUG, Editing
from tests.cli.home import Home
from tests.servers.hookline_process import serving

SHOWN, WORKED_OUT = "left{{ 7*7 }}right", "left49right"
MARKUP = "<img src=x onerror=alert(1)><script>alert(2)</script>\"'></textarea></title></script>"
TURNED = "\u202egnp.exe\u2066\u200f"
EVIL = f"{SHOWN}{MARKUP}left${{7*7}}right{{% include '/etc/passwd' %}}{TURNED}"
LONG = "A" * 10_000
PAYLOAD = {
    "name": EVIL,
    EVIL: EVIL,
    "long": EVIL + LONG,
    LONG: EVIL,
    "nested": [{EVIL: [EVIL, {LONG: LONG}]}],
}
HEADERS = {"Content-Type": "application/json", "X-Evil": MARKUP + SHOWN, "X-'`$&": SHOWN, "X-Long": LONG}
WORKFLOW = """name: Guests
title: "{{ payload.name }}"
trigger: {webhook: {}}
steps:
  - id: text
    template: "Hello {{ payload.name }}"
  - id: all
    transform: payload
  - fail: "{{ payload.long }}"
"""
FAILED = "fetch('/api/v1/problems').then(a => a.json()).then(a => a.items.length === 1)"
FOREIGN = "img, script:not([src]):not([type='application/json']), [onerror], [onload], iframe"
TALLEST = 160  # px of a row, whatever is in it


def _send(url: str) -> Any:
    """The answer to the event, which holds it in its query too."""
    parts = urlsplit(url)
    with closing(http.client.HTTPConnection(parts.hostname or "", parts.port)) as line:
        line.request("POST", f"{parts.path}?q={quote(EVIL)}", json.dumps(PAYLOAD), HEADERS)
        answer = line.getresponse()
        told = answer.read()
    assert answer.status == 200, told
    return json.loads(told)


@pytest.mark.timeout(300)
def test_a_hostile_guest_writes_text(home: Home, visit: Visit) -> None:
    with serving(home) as server, visit(f"http://127.0.0.1:{server.port}") as person:
        opened = []

        def put_away(dialog: Dialog) -> None:
            opened.append(dialog.message)
            dialog.dismiss()

        person.page.on("dialog", put_away)
        one = Editing(person, server)
        one.begin(WORKFLOW)
        sent = _send(one.call("GET", f"/workflows/{SLUG}")["url"])
        one.page.wait_for_function(FAILED)
        (run,) = one.call("GET", "/runs")["items"]
        (problem,) = one.call("GET", "/problems")["items"]
        at_run, at_event = f"/runs/{run['id']}", f"/events/{sent['event']}"
        paths = (
            "/", "/runs", "/events", f"/workflows/{SLUG}", at_run, f"{at_run}?step=text&tab=output",
            f"{at_run}?step=all&tab=output", f"{at_run}/replay", f"{at_run}/test", f"{at_run}/compare",
            at_event, f"{at_event}?tab=raw", f"{at_event}?tab=headers", f"{at_event}?tab=query", "/failures",
            f"/failures/{problem['id']}", "/find?q=left",
        )  # fmt: skip
        for number, path in enumerate(paths):
            person.go(path)
            _is_text(one, is_shown=path not in {"/", at_event + "?tab=query"})
            person.look(f"hostile-{number}")
        one.page.keyboard.press("Control+k")
        one.page.keyboard.type("left{{ 7")
        expect(one.page.get_by_role("option", name=re.compile("left"))).to_be_visible()
        _is_text(one)
        person.look("hostile-palette")
        _in_the_editor(one)
        one.page.set_viewport_size({"width": 320, "height": 640})
        for path in paths:
            person.go(path)
            person.check_width()
        assert not opened


def _is_text(one: Editing, *, is_shown: bool = True) -> None:
    """What the page holds of it is text, and nothing is pushed out of its place."""
    page = one.page
    one.person.check_width()
    assert page.locator(FOREIGN).count() == 0
    content = page.content()
    assert WORKED_OUT not in content
    assert "root:" not in content
    if is_shown:
        # a title begins with a capital
        assert SHOWN in page.locator("body").inner_text().replace("Left", "left")
    heights = page.locator("tr, .rows > li, [role=option], [role=treeitem]").evaluate_all(
        "rows => rows.filter(row => !row.closest('.headers')).map(row => row.offsetHeight)"
    )
    assert max(heights, default=0) <= TALLEST


def _in_the_editor(one: Editing) -> None:
    """The data tree, the values under expressions, what each step would do, and the graph."""
    page = one.page
    one.open()
    tree = page.get_by_role("tree").first
    expect(tree.get_by_role("treeitem", name=re.compile("left")).first).to_be_visible()
    _is_text(one)
    one.row("Write text").click()
    expect(page.get_by_text(re.compile("^Hello left")).first).to_be_visible()
    _is_text(one)
    one.person.look("hostile-editor")
    one.see("Graph")
    _is_text(one, is_shown=False)
    one.person.look("hostile-graph")
