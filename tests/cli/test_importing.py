"""`hookline import curl` at the command line, and what comes of it in a run."""

from __future__ import annotations

import json
import textwrap

import pytest

from tests.cli.home import Home
from tests.servers.http_sink import HttpSink

LINE = "curl -u ann:hush-hush https://api.example.com/orders -d id=1"


def test_a_step_is_printed_with_what_is_still_to_be_set(home: Home) -> None:
    result = home("import", "curl", LINE)

    assert result.stdout == (
        "- action: http.request\n  connection: example\n  with:\n    method: POST\n"
        "    url: https://api.example.com/orders\n    form:\n      id: '1'\n"
    )
    assert result.stderr == (
        'hookline connections set example --kind basic   # {"user":"ann","password":"",'
        '"hosts":["api.example.com"]}\n'
    )


@pytest.mark.parametrize("words", [("-",), ()])
def test_the_command_may_come_on_stdin(home: Home, words: tuple[str, ...]) -> None:
    found = json.loads(home("import", "curl", "--json", *words, stdin=LINE).stdout)

    assert found["connection"]["fields"] == {"user": "ann", "password": "", "hosts": ["api.example.com"]}
    assert "hush" not in json.dumps(found)


def test_the_command_needs_no_quotes_of_its_own(home: Home) -> None:
    words = ("curl", "-X", "DELETE", "https://api.example.com/orders/1", "-H", "X-A: b c")

    assert "X-A: b c" in home("import", "curl", *words).stdout


def test_what_is_wrong_is_wrong_usage_and_not_quoted_whole(home: Home) -> None:
    result = home("import", "curl", "curl -u ann:hush-hush")

    assert result.exit_code == 2
    assert "no address" in result.stderr
    assert "hush" not in result.output


async def test_a_saved_import_works_in_a_run(home: Home) -> None:
    async with HttpSink() as sink:
        line = (
            f"curl -u ann:hush-hush '{sink.url}/orders?a=1' -H 'X-Trace: t' -d client_secret=hush-too -d id=7"
        )
        status, out, err = await home.process("import", "curl", "--save", line)
        assert (status, err) == (0, "Kept: local, LOCAL_CLIENT_SECRET\n")
        home.workflow("one", "name: One\ntrigger: {webhook: {}}\nsteps:\n" + textwrap.indent(out, "  "))

        status, out, _err = await home.process("run", "one", "--live", HOOKLINE_NETWORK_ALLOW="127.0.0.1/32")

        assert status == 0, out
        (request,) = sink.requests
        assert (request.method, request.path, request.query) == ("POST", "/orders", {"a": "1"})
        assert request.body == b"client_secret=hush-too&id=7"
        assert request.headers["authorization"] == "Basic YW5uOmh1c2gtaHVzaA=="
        assert request.headers["x-trace"] == "t"
        assert "hush" not in out


def test_what_is_there_already_is_not_replaced(home: Home) -> None:
    fields = '{"token": "mine", "hosts": ["x.example"]}'
    home("connections", "set", "example", "--kind", "bearer", stdin=fields)

    result = home("import", "curl", "--save", LINE)

    assert "connections set example" in result.stderr
    (one,) = json.loads(home("connections", "list", "--json").stdout)["items"]
    assert one["kind"] == "bearer"
