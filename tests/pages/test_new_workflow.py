"""The ways to begin a workflow; each ends in the editor with a draft of whoever began."""

from __future__ import annotations

import io
import re

import pytest
from werkzeug.datastructures import FileStorage

from tests.api.house import WORKFLOW, World
from tests.pages.posting import posted
from web.api.routes import PREFIX

CURL = "$ curl -X POST https://api.example.com/v1/things -H 'Authorization: Bearer abcdef' -d '{\"a\": 1}'"


async def _draft(world: World, location: str) -> str:
    browser = await world.signed_in("editor")
    found = re.fullmatch("(/workflows/[a-z0-9-]+)/edit", location)
    assert found
    return await (await browser.get(f"{found[1]}/export")).get_data(as_text=True)


async def test_starters_are_found_by_service(world: World) -> None:
    page = await world.page("/workflows/new", role="editor")
    every = re.findall(r'name="starter" value="([^"]+)"', page)
    services = re.findall(r'class="pill" href="\?service=([^"]+)"', page)
    assert services
    narrowed = await world.page(f"/workflows/new?service={services[0]}", role="editor")
    few = re.findall(r'name="starter" value="([^"]+)"', narrowed)
    assert 0 < len(few) < len(every)
    assert "No starter is with" in await world.page("/workflows/new?service=none", role="editor")


async def test_a_text_becomes_a_draft_as_it_stands(world: World) -> None:
    text = f"# mine\n{WORKFLOW}"
    answer = await posted(await world.signed_in("editor"), "/workflows/new", text=text)
    assert answer.headers["Location"] == "/workflows/orders-2/edit"
    assert (await _draft(world, answer.headers["Location"])).replace("\r\n", "\n") == text


async def test_a_curl_line_becomes_a_step_without_its_credential(world: World) -> None:
    answer = await posted(await world.signed_in("editor"), "/workflows/new", text=CURL)
    text = await _draft(world, answer.headers["Location"])
    assert "action: http.request" in text
    assert "https://api.example.com/v1/things" in text
    assert "abcdef" not in text
    assert "# Needs the connection" in text
    (item,) = [one for one in (await world.get(f"{PREFIX}/workflows"))["items"] if one["version"] is None]
    assert item["name"] == "Call api.example.com"


async def test_a_file_is_named_after_itself(world: World) -> None:
    file = FileStorage(io.BytesIO(b"\xef\xbb\xbfsteps: []\n"), filename="weekly_report.yml")
    answer = await posted(await world.signed_in("editor"), "/workflows/new", file=file)
    assert answer.headers["Location"] == "/workflows/weekly-report/edit"
    assert await _draft(world, answer.headers["Location"]) == "steps: []\n"


async def test_blank_is_a_text_to_go_on_with(world: World) -> None:
    answer = await posted(await world.signed_in("editor"), "/workflows/new", blank="yes")
    assert "trigger:" in await _draft(world, answer.headers["Location"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("  ", "Paste something, choose a file, or start blank."),
        ("curl", "curl"),
        ("curl 'https://x.example", "The quotation mark"),
    ],
)
async def test_what_cannot_be_taken_is_said_at_its_field(world: World, text: str, said: str) -> None:
    answer = await posted(await world.signed_in("editor"), "/workflows/new", text=text)
    assert answer.status_code == 422
    page = await answer.get_data(as_text=True)
    fault = re.search(r'id="text-fault" role="alert">([^<]+)<', page)
    assert fault
    assert said in fault[1]
    assert 'aria-invalid="true"' in page


async def test_a_file_that_is_no_text_is_refused(world: World) -> None:
    file = FileStorage(io.BytesIO(b"\xff\xfe\x00"), filename="x.yaml")
    answer = await posted(await world.signed_in("editor"), "/workflows/new", file=file)
    assert answer.status_code == 422
    assert "This file is no text in UTF-8." in await answer.get_data(as_text=True)


async def test_a_viewer_cannot_begin(world: World) -> None:
    browser = await world.signed_in("viewer")
    assert (await browser.get("/workflows/new")).status_code == 403
    assert (await posted(browser, "/workflows/new", blank="yes")).status_code == 403
