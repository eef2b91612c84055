"""`hookline connector from-openapi`, and what other commands and a running server make of its file."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from click.testing import Result

from tests.bench.servers import hook_path
from tests.cli.home import Home
from tests.event_way.test_main_way import command, runs_ended, serving, workflow
from tests.openapi.services import DOCUMENTS, KEY, Shop
from tests.servers.http_sink import HttpSink

LOOPBACK = {"HOOKLINE_NETWORK_ALLOW": "127.0.0.0/8"}
WORKFLOW = """\
name: Notes
trigger: {webhook: {}}
steps:
  - id: note
    action: shop_api.orders_put_note
    connection: shop
    with: {orderId: "{{ payload.order }}", note.id: "{{ payload.id }}", text: hello}
  - template: "{{ steps.note.id }} says {{ steps.note.text }}"
"""
CASES = """\
cases:
  - name: a note is set
    event: {payload: {order: 5, id: n1}}
    given: {shop_api.orders_put_note: {id: n1, text: given}}
    expect:
      actions:
        - shop_api.orders_put_note: {orderId: 5, text: hello}
      output: n1 says given
"""
LATER = "name: Later\ntrigger: {webhook: {}}\nsteps: [{template: x}]\n"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    one = Home(tmp_path)
    one.workflow("notes", WORKFLOW)
    return one


def make(home: Home, *words: str) -> Result:
    source = words[0] if words else str(DOCUMENTS / "shop.yaml")
    return home("connector", "from-openapi", source, "--name", "shop_api", *words[1:])


def test_a_connector_is_made_and_can_be_used_at_once(home: Home) -> None:
    before = home("check")
    assert 'no action "shop_api.orders_put_note"' in before.stdout + before.stderr
    result = make(home)

    assert result.exit_code == 0
    assert result.stdout.startswith(
        "workflows/connectors/shop_api.yaml: the connector shop_api with 6 actions\n"
    )
    assert "shop_api.create_order" in result.stdout
    assert "6 operations could not be converted:" in result.stdout
    assert "GET /elsewhere (elsewhere): other.yaml#/X stands in another document" in result.stdout
    assert "Next: hookline connections set shop-api --kind shop_api_key" in result.stderr
    assert home("check").exit_code == 0
    assert "1 workflow and 1 connector checked: no faults" in home("check").stderr
    shown = home("actions", "shop_api")
    assert "shop_api.orders_put_note\n  Set a note.\n" in shown.stdout
    assert "connection: of kind shop_api_key or shop_api_app or shop_api_app_token" in shown.stdout
    listed = json.loads(home("actions", "--json").stdout)["items"]
    (put,) = [one for one in listed if one["name"] == "shop_api.orders_put_note"]
    assert put["output"]["properties"].keys() == {"id", "text", "pinned"}
    assert "shop_api.create_order" in home("schema").stdout
    assert "shop_api_key" in home("connections", "kinds").stdout


def test_tests_of_workflows_know_it(home: Home) -> None:
    make(home)
    (home.folder / "workflows" / "notes.test.yaml").write_text(CASES, encoding="utf-8")

    result = home("test")
    assert result.exit_code == 0, result.output
    rehearsed = home("run", "notes", "--payload", "-", stdin='{"order": 1, "id": "a"}')
    assert "would call shop_api.orders_put_note" in rehearsed.output
    wrong = home("run", "notes", "--payload", "-", stdin='{"order": "x", "id": "a"}')
    assert "orderId: must be a whole number" in wrong.output


def test_the_checker_knows_its_inputs_and_what_it_gives(home: Home) -> None:
    make(home)
    home.workflow(
        "notes", WORKFLOW.replace("steps.note.text", "steps.note.txet").replace("text: hello", "txt: 1")
    )

    said = home("check").output
    assert "shop_api.orders_put_note needs `text`" in said or "has no input `txt`; did you mean" in said
    assert "shop_api.orders_put_note gives no field `txet`; did you mean `text`?" in said


def test_a_faulty_file_is_a_fault_with_its_line(home: Home) -> None:
    make(home)
    path = home.folder / "workflows" / "connectors" / "shop_api.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("after_crash: repeat", "after_crash: always", 1), encoding="utf-8")
    line = next(index for index, one in enumerate(text.splitlines(), 1) if "after_crash" in one)

    for words in ((), ("workflows",), ("workflows/connectors/shop_api.yaml",)):
        result = home("check", *words, "--json")
        faults = json.loads(result.stdout)
        assert result.exit_code == 1
        assert (faults[-1]["line"], faults[-1]["code"]) == (line, "connector-file") or any(
            (one["line"], one["code"]) == (line, "connector-file") for one in faults
        )
    assert home("check", "workflows/notes.yaml").exit_code == 1  # its action cannot be used
    assert "connector-file: A connector's file" in home("check", "--explain", "connector-file").stdout


def test_what_is_there_is_kept_unless_it_is_to_be_replaced(home: Home) -> None:
    make(home)
    again = make(home)
    assert again.exit_code == 2
    assert "shop_api.yaml is there already; --replace writes it anew" in again.stderr
    assert make(home, str(DOCUMENTS / "shop.yaml"), "--replace", "--only", "createOrder").exit_code == 0
    assert json.loads(make(home, str(DOCUMENTS / "pay.yaml"), "--replace", "--json").stdout)["actions"] == [
        "shop_api.post_customers", "shop_api.get_customers_customer", "shop_api.post_files",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("nowhere.yaml",), "nowhere.yaml cannot be read"),
        ((str(DOCUMENTS / "shop.yaml"), "--name", "slack"), '"slack" is a connector of Hookline itself'),
        ((str(DOCUMENTS / "shop.yaml"), "--only", "creatOrder"), "did you mean"),
        (("http://127.0.0.1:1/openapi.json",), "cannot be fetched"),
        (("https://user:pw@shop.example/openapi.json",), "cannot be fetched"),
    ],
)
def test_what_is_wrong_is_wrong_usage(home: Home, words: tuple[str, ...], says: str) -> None:
    result = make(home, *words)
    assert result.exit_code == 2
    assert says in result.stderr
    assert "pw@" not in result.output
    assert not (home.folder / "workflows" / "connectors").exists()


def test_a_file_of_the_name_of_one_of_ours_is_a_fault(home: Home) -> None:
    make(home)
    folder = home.folder / "workflows" / "connectors"
    (folder / "shop_api.yaml").rename(folder / "slack.yaml")
    assert '"slack" is a connector of Hookline itself' in home("check").output


@pytest.fixture
async def site() -> AsyncIterator[HttpSink]:
    """Where the document is served."""
    async with HttpSink() as one:
        yield one


async def test_a_document_is_fetched_by_the_guarded_client(home: Home, site: HttpSink) -> None:
    words = ("connector", "from-openapi", f"{site.url}/openapi.yaml", "--name", "shop_api", "--json")
    refused = await home.process(*words)
    assert refused[0] == 2
    assert "cannot be fetched" in refused[2]
    assert site.requests == []
    site.reply(302, headers={"Location": "/docs/openapi.yaml"})
    site.reply(200, body=(DOCUMENTS / "shop.yaml").read_bytes())
    code, out, err = await home.process(*words, **LOOPBACK)

    assert code == 0, err
    assert len(json.loads(out)["actions"]) == 6
    assert [one.path for one in site.requests] == ["/openapi.yaml", "/docs/openapi.yaml"]


async def test_a_server_takes_it_up_while_it_runs(tmp_path: Path, shop: Shop, site: HttpSink) -> None:
    """Made through the API, used by the next event; a faulty edit leaves it as it was."""
    workflow(tmp_path, "notes", WORKFLOW)
    site.reply(200, body=(DOCUMENTS / "shop.yaml").read_bytes(), times=2)
    fields = {"key": KEY, "api_url": shop.api_url}
    async with (
        serving(tmp_path, environment=LOOPBACK) as (_process, address),
        aiohttp.ClientSession() as http,
    ):
        headers = {"Authorization": f"Bearer {(await command(tmp_path, 'user', 'token')).strip()}"}
        wanted = {"address": f"{site.url}/openapi.yaml", "name": "shop_api", "tags": ["Orders"]}
        for status in (200, 422):
            path = f"{address}/api/v1/connectors/from-openapi"
            async with http.post(path, json=wanted, headers=headers) as answer:
                made = await answer.json()
                assert answer.status == status, made
        assert "is there already" in made["detail"]
        async with http.get(f"{address}/api/v1/audit", headers=headers) as answer:
            deeds = (await answer.json())["items"]
        assert ("made", "connector", "shop_api") in [(one["verb"], one["kind"], one["name"]) for one in deeds]
        kind = ("--kind", "shop_api_key")
        await command(tmp_path, "connections", "set", "shop", *kind, said=json.dumps(fields))
        url = address + await asyncio.to_thread(hook_path, tmp_path, "notes")
        await accepted(http, url, {"order": 2, "id": "n2"})
        file = tmp_path / "workflows" / "connectors" / "shop_api.yaml"
        file.write_text(file.read_text(encoding="utf-8") + "\nwrong: [", encoding="utf-8")
        workflow(tmp_path, "later", LATER)  # once that is live, the file was looked at
        await accepted(http, address + await asyncio.to_thread(hook_path, tmp_path, "later"), {})
        await accepted(http, url, {"order": 3, "id": "n3"})
        runs = await runs_ended(tmp_path, 3)
        assert {one["status"] for one in runs} == {"succeeded"}, runs
    assert [one.path for one in shop.requests] == ["/v1/orders/2/notes/n2", "/v1/orders/3/notes/n3"]


async def accepted(http: aiohttp.ClientSession, url: str, payload: Any) -> None:
    """Send an event until it is taken: within a second the server has read what changed."""
    async with asyncio.timeout(20):
        while True:
            async with http.post(url, json=payload) as answer:
                if answer.status == 200 and (await answer.json())["status"] == "accepted":
                    return
            await asyncio.sleep(0.2)
