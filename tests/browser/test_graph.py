"""The editor's graph: choosing, adding and moving steps by the pointer, and the map of a big one."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Visit
from tests.browser.editing import SAVED, Editing
from tests.cli.home import Home
from tests.servers.hookline_process import serving

GREEK = "          - {id: greek, template: 'Γεια σου'}\n"
TEXT = """\
name: Order alerts
trigger: {webhook: {}}
steps:
  # Small ones end here.
  - id: big
    filter: payload.total >= 100
  - switch:
      - when: payload.country == 'GR'
        steps:
          - {id: greek, template: 'Γεια σου'}
          - {id: more, transform: payload.name}
      - when: payload.country == 'DE'
        steps: [{stop: Not there}]
  - parallel:
      sales:
        - {id: words, template: 'Order {{ payload.name }}'}
      stock:
        - {id: lines, transform: payload.lines}
  - stop: Told
on_failure:
  - {id: sorry, template: 'Sorry'}
"""
MANY = "name: Many\ntrigger: {webhook: {}}\nsteps:\n" + "".join(
    f"  - {{id: s{number}, transform: payload.name}}\n" for number in range(200)
)


def centre(locator: Locator) -> tuple[float, float]:
    """The middle of what is seen of it."""
    box = locator.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.fixture
def ada(home: Home, visit: Visit) -> Iterator[Editing]:
    """A person on a server with nothing in it."""
    with serving(home) as server, visit(f"http://127.0.0.1:{server.port}") as person:
        yield Editing(person, server)


def node(ada: Editing, words: str) -> Locator:
    """The node of a step."""
    graph = ada.page.get_by_role("region", name="Graph of the steps")
    return graph.get_by_text(words, exact=True)


def test_a_step_is_chosen_added_and_moved(ada: Editing) -> None:
    ada.begin(TEXT)
    ada.open()
    ada.see("Graph")
    expect(node(ada, "Write greek")).to_be_visible()
    node(ada, "Write greek").click()
    expect(ada.page.get_by_role("heading", name="Make a text")).to_be_visible()
    ada.person.look("graph")
    ada.person.check_access()

    # dragged onto the first edge, before everything
    plus = ada.page.get_by_role("button", name="Add a step here")
    ada.page.mouse.move(*centre(node(ada, "Write greek")))
    ada.page.mouse.down()
    ada.page.mouse.move(*centre(plus.first), steps=8)
    ada.person.look("graph-dragging")
    ada.page.mouse.up()
    expect(ada.state).to_have_text(SAVED)
    assert ada.text() == TEXT.replace(GREEK, "").replace("  # Small", f"  {GREEK.strip()}\n  # Small")

    ada.page.get_by_role("button", name="Undo", exact=True).click()
    plus.first.click()
    ada.page.get_by_role("combobox", name=re.compile("Find a service")).fill("wait")
    ada.page.keyboard.press("Enter")
    expect(node(ada, "Wait 10m")).to_be_visible()
    ada.page.keyboard.press("Control+s")
    expect(ada.state).to_have_text(SAVED)
    assert "steps:\n  - wait: 10m\n" in ada.text()
    ada.person.look("graph-added")


def test_a_big_one_has_a_map(ada: Editing) -> None:
    ada.begin(MANY)
    ada.open()
    ada.see("Graph")
    plan = ada.page.get_by_role("img", name="Map of the graph")
    expect(node(ada, "Prepare s0")).to_be_visible()
    expect(node(ada, "Prepare s199")).to_have_count(0)
    ada.person.look("graph-map")
    ada.person.check_access()
    box = plan.bounding_box()
    assert box
    plan.click(position={"x": box["width"] / 2, "y": box["height"] - 2})
    expect(node(ada, "Prepare s199")).to_be_visible()
