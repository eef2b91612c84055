"""`hookline serve` as a process."""

from __future__ import annotations

import asyncio
import json
import logging
import signal

import aiohttp
import pytest

from runner.cli.log import Lines
from runner.cli.serve import is_private
from tests.cli.home import Home


async def ready(server: asyncio.subprocess.Process) -> tuple[str, list[str]]:
    """The address that a server says it is ready at, and what it said before."""
    assert server.stdout is not None
    assert server.stderr is not None
    line = (await server.stdout.readline()).decode().split()
    assert line[:1] == ["ready"], (await server.stderr.read()).decode()
    said: list[str] = []
    while not said or not said[-1].startswith("Try "):
        said.append((await server.stderr.readline()).decode().strip())
    return line[1], said


async def end(server: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
    """Send SIGTERM; exit status, and what stood on stdout and stderr after what `ready` read."""
    server.send_signal(signal.SIGTERM)
    out, err = await server.communicate()
    return server.returncode, out.decode(), err.decode()


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_server_says_ready_once_answers_and_ends_well(home: Home, workers: str) -> None:
    home.workflow("broken", "name: Broken\n")
    server = await home.start("serve", "--port", "0", "--workers", workers)
    address, said = await ready(server)
    assert "1 workflow live: hello" in said
    assert len([line for line in said if "broken.yaml" in line]) == 1
    assert any("workflows/broken.yaml:1:1" in line for line in said)
    assert any(f"{address}/start/hl_" in line for line in said)
    assert any("public_url" in line for line in said)

    # the address is the running server's, whatever port it was given
    _status, url, _err = await home.process("url", "hello")
    assert url.startswith(f"{address}/hooks/")
    assert said[-1].endswith(url.strip())
    async with aiohttp.ClientSession() as session, session.post(url.strip(), json={"name": "Ada"}) as answer:
        assert (answer.status, await answer.json()) == (200, {"hello": "Ada"})
    _status, listed, _err = await home.process("runs", "list", "--json")
    assert [one["status"] for one in json.loads(listed)["items"]] == ["succeeded"]

    status, out, err = await end(server)
    assert (status, out) == (0, "")
    assert "broken.yaml" not in err  # nor do the workers say it again


async def test_a_start_shows_the_link_for_the_first_admin_until_there_is_one(home: Home) -> None:
    for is_empty in (True, True, False):
        server = await home.start("serve", "--port", "0")
        _address, said = await ready(server)
        assert any("/start/" in line for line in said) == is_empty
        assert (await end(server))[:2] == (0, "")
        if is_empty and (home.folder / "seen").exists():
            assert (await home.process("user", "add", "ada@example.com", "--role", "admin"))[0] == 0
        (home.folder / "seen").touch()


async def test_a_changed_address_takes_effect_in_a_running_server(home: Home) -> None:
    server = await home.start("serve", "--port", "0")
    await ready(server)
    _status, old, _err = await home.process("url", "hello")
    _status, new, _err = await home.process("url", "hello", "--rotate")
    async with aiohttp.ClientSession() as session:
        for _ in range(200):  # within a second it is known there
            async with session.post(new.strip(), json={"name": "Ada"}) as answer:
                if answer.status == 200:
                    break
            await asyncio.sleep(0.05)
        assert answer.status == 200
        async with session.post(old.strip(), json={"name": "Ada"}) as answer:
            assert answer.status == 404
    assert (await end(server))[0] == 0


async def test_a_server_that_only_receives_leaves_runs_to_another(home: Home) -> None:
    receiver = await home.start("serve", "--port", "0", "--no-execute")
    await ready(receiver)
    _status, url, _err = await home.process("url", "hello")
    async with aiohttp.ClientSession() as session:
        asked = asyncio.create_task(_posted(session, url.strip()))
        executor = await home.start("serve", "--port", "0")
        await ready(executor)
        assert await asked == {"hello": "Ada"}
    assert (await end(receiver))[0] == 0
    assert (await end(executor))[0] == 0


async def _posted(session: aiohttp.ClientSession, url: str) -> object:
    async with session.post(url, json={"name": "Ada"}) as answer:
        return await answer.json()


@pytest.mark.parametrize(
    "words",
    [("--workflows", "nowhere"), ("--port", "99999"), ("--database", "mysql://localhost/x")],
    ids=lambda words: words[0],
)
async def test_what_cannot_be_served_is_wrong_usage(home: Home, words: tuple[str, ...]) -> None:
    status, out, err = await home.process("serve", "--port", "0", *words)
    assert (status, out) == (2, "")
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("address", "verdict"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://[::1]:8000", True),
        ("https://10.1.2.3", True),
        ("http://localhost", True),
        ("http://0.0.0.0:8000", True),
        ("https://hooks.example.com", False),
        ("https://93.184.216.34", False),
    ],
)
def test_an_address_that_services_cannot_reach_is_known(address: str, verdict: bool) -> None:
    assert is_private(address) is verdict


def test_a_record_of_the_log_is_one_line_with_its_fields() -> None:
    error = ValueError("two\nlines")
    found = type(error), error, None
    record = logging.LogRecord("web", logging.ERROR, __file__, 1, "it\nbroke", None, found)
    record.run, record.action = "01k", "broke"
    line = Lines().format(record)
    assert "\n" not in line
    assert "Z ERROR web: it\\nbroke action=broke run=01k" in line
    assert "ValueError: two" in line
