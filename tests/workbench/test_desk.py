"""The process that looks on: it sends nothing, and is bounded."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest

from runner.cli.trying import DeskPool
from runner.errors import LimitExceeded
from runner.values import Json
from tests.workbench.looker import Looker
from tests.workbench.steps import PAYLOAD, TEN


@pytest.fixture
async def desk() -> AsyncIterator[DeskPool]:
    pool = DeskPool()
    yield pool
    await pool.close()


def asked(text: str, payload: Json, **more: Json) -> Json:
    return Looker(text, payload).asked(**more)


async def test_a_preview_has_all_ten_steps_and_what_four_would_send(desk: DeskPool) -> None:
    request = asked(TEN, PAYLOAD, do="preview", upto=None, seconds=4.0)
    found = await desk.ask(request, seconds=4.0, key="flow")
    assert [one["status"] for one in found["steps"]].count("would_send") == 4


async def test_a_value_is_there_also_after_another_letter(desk: DeskPool) -> None:
    for number in range(3):
        text = TEN.replace("Order {{", f"Order {'x' * number}{{{{")
        more = {"do": "evaluate", "at": "text3", "kind": "template", "source": "{{ steps.order.number }}"}
        found = await desk.ask(asked(text, PAYLOAD, **more, seconds=2.0), seconds=2.0, key="flow")
        assert found["value"] == "#1"


async def test_nothing_reaches_a_server_that_listens(desk: DeskPool) -> None:
    met: list[bytes] = []

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        met.append(await reader.read(100))
        writer.close()

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    text = f"steps:\n  - {{action: http.request, with: {{method: POST, url: 'http://127.0.0.1:{port}/x'}}}}\n"
    async with server:
        found = await desk.ask(asked(text, {}, do="preview", upto=None, seconds=4.0), seconds=4.0, key="a")
    assert found["steps"][0]["request"]["url"] == f"http://127.0.0.1:{port}/x"
    assert met == []


@pytest.mark.parametrize(
    "attempt",
    [
        "import socket; socket.create_connection(('127.0.0.1', 1))",
        "import socket; socket.getaddrinfo('localhost', 80)",
        "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))",
        "import subprocess; subprocess.run(['true'])",
        "import os; os.system('true')",
    ],
)
def test_the_interpreter_itself_refuses_a_way_out(attempt: str) -> None:
    code = f"import sys, runner.cli.desk as desk; sys.addaudithook(desk._refuse); {attempt}"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "NotSent" in ended.stderr


async def test_what_takes_too_long_is_ended_and_the_next_one_has_its_time(desk: DeskPool) -> None:
    inner = "{% for b in range(9999) %}{% endfor %}"
    text = f'steps:\n  - {{template: "{{% for a in range(9999) %}}{inner}{{% endfor %}}"}}\n'
    long = asked(text, {}, do="preview", upto=None, seconds=0.5)
    with pytest.raises(LimitExceeded, match=r"takes more than 0\.5 s of CPU"):
        await desk.ask(long, seconds=0.5, key="a")
    more = {"do": "evaluate", "at": None, "kind": "expression", "source": "payload.name"}
    assert (await desk.ask(asked(TEN, PAYLOAD, **more, seconds=4.0), seconds=4.0, key="a"))["value"] == "#1"


async def test_what_takes_too_much_memory_is_said(desk: DeskPool) -> None:
    grown = "{% set a = payload.x %}" + "{% set a = a + a %}" * 30 + "{{ a }}"
    more = {"do": "evaluate", "at": None, "kind": "template", "source": grown}
    found = await desk.ask(asked(TEN, {"x": ["y" * 1000]}, **more, seconds=4.0), seconds=4.0, key="a")
    assert found["fault"]["severity"] == "error"


async def test_it_is_told_no_secret() -> None:
    request = json.dumps(asked(TEN, PAYLOAD, do="preview", upto=None, seconds=4.0))
    for secret in ("xoxb-0123456789-secret", "client-s3cret", "p4ssw0rd-of-ada", "k3y-of-the-api-0123"):
        assert secret not in request
