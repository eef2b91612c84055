"""`hookline import curl`: what services document, as a step that is sound and sends the same."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

import connectors
from runner.errors import SettingsError
from runner.language.catalogue import Catalogue
from runner.language.load import load
from runner.workbench.curl import Imported, import_curl
from runner.workbench.curl_words import words_of
from tests.workbench.curl_lines import LINES

GOLDEN = Path(__file__).parent / "curl_lines.golden"
IS_UPDATING = bool(os.environ.get("UPDATE_GOLDEN"))


def told(name: str, found: Imported) -> str:
    """All of it as people see it, and what would be kept."""
    lines = [f"=== {name}", found.yaml().rstrip()]
    if found.connection:
        lines.append(f"connection  {found.connection['kind']} {found.connection['fields']}")
    lines += [f"secret      {one}={value}" for one, value in found.secrets.items()]
    lines += [f"note        {one}" for one in found.notes]
    return "\n".join(lines) + "\n"


def test_what_services_document_becomes_what_was_reviewed() -> None:
    said = "\n".join(told(name, import_curl(line)) for name, line in LINES.items())
    if IS_UPDATING:
        GOLDEN.write_text(said, encoding="utf-8")

    assert len(LINES) >= 30
    assert said == GOLDEN.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", LINES)
def test_the_step_is_sound_as_it_is(name: str) -> None:
    found = import_curl(LINES[name])
    variables = {one.split("vars.")[1].split("`")[0]: "x" for one in found.notes if "`vars." in one}
    text = yaml.safe_dump({"name": "x", "trigger": {"webhook": {}}, "vars": variables, "steps": [found.step]})
    connection = found.connection or {"name": "none", "kind": "none"}
    catalogue = Catalogue(
        connectors.catalogue_actions(),
        connections={connection["name"]: connection["kind"]},
        secrets=frozenset(found.secrets),
    )

    loaded = load(text, path="x.yaml", slug="x", catalogue=catalogue)

    assert [str(one) for one in loaded.faults] == []


@pytest.mark.parametrize("name", LINES)
def test_no_credential_stands_in_the_step_or_is_repeated(name: str) -> None:
    found = import_curl(LINES[name])
    fields = found.connection["fields"] if found.connection else {}
    values = [one for field, one in fields.items() if field not in ("hosts", "name", "user") and one]

    for value in (*values, *filter(None, found.secrets.values())):
        assert value not in found.yaml()
        assert value not in str(found.as_json())
    if found.connection:
        assert fields["hosts"] == [found.host]
        model = connectors.connection_model(found.connection["kind"])
        assert model is not None
        model.model_validate({key: one or "filled-in" for key, one in fields.items()})


def step(line: str) -> Any:
    return import_curl(line).step["with"]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("curl https://x.example -d a=1 -d a=2 -d b=", {"form": {"a": ["1", "2"], "b": ""}}),
        ("curl https://x.example --data-urlencode 'q=a&b=c'", {"form": {"q": "a&b=c"}}),
        ("curl https://x.example -G --data-urlencode 'q=a b'", {"query": {"q": "a b"}}),
        ("curl https://x.example?a=1 --url-query b=2", {"query": {"a": "1", "b": "2"}}),
        ("curl https://x.example --json '{\"a\": 1}'", {"json": {"a": 1}}),
        (
            "curl -XPUT https://x.example -d '[1]' -Hcontent-type:application/json",
            {"method": "PUT", "json": [1]},
        ),
        ("curl -sSLXDELETE https://x.example", {"method": "DELETE"}),
        ("curl -I https://x.example", {"method": "HEAD"}),
        ("curl -T a.txt https://x.example", {"method": "PUT", "body": "{{ payload.file }}"}),
        ("curl https://x.example -d @body.json", {"body": "{{ payload.file }}"}),
        ("curl https://x.example --data-raw @me", {"body": "@me"}),
        ("curl https://x.example -m 2.5", {"timeout_seconds": 2.5}),
        ('curl https://x.example -d \'{"t": "{{ x }}"}\'', {"json": {"t": "{{ '{{' }} x }}"}}),
        ("curl https://x.example -d '<a/>' -H 'Content-Type: text/xml'", {"body": "<a/>"}),
        ("curl 'https://x.example' \\\n  -d 'a=1' \\\n", {"form": {"a": "1"}}),
        ("curl.exe https://x.example ^\r\n -d a=1", {"form": {"a": "1"}}),
        ("$ curl https://x.example -d a=1 | jq .", {"form": {"a": "1"}}),
        (
            'curl https://x.example -d "{\\"n\\": $N}" -H content-type:application/json',
            {"json": {"n": "{{ vars.n }}"}},
        ),
        ("https://x.example", {"url": "https://x.example"}),
        ("curl x.example/a", {"url": "https://x.example/a"}),
        ("curl 127.0.0.1:8000/a", {"url": "http://127.0.0.1:8000/a"}),
        ("curl https://x.example -H 'A: 1' -H 'Empty;' -H 'Host: x.example'", {"headers": {"A": "1"}}),
    ],
)
def test_an_option_means_what_it_does(line: str, wanted: dict[str, Any]) -> None:
    assert wanted.items() <= step(line).items()


@pytest.mark.parametrize(
    ("line", "connection", "secrets"),
    [
        ("curl -u ann:p:w https://x.example", ("basic", {"user": "ann", "password": "p:w"}), {}),
        ("curl https://ann:p%40w@x.example/", ("basic", {"user": "ann", "password": "p@w"}), {}),
        (
            "curl https://x.example -H 'Authorization: Basic YW5uOnB3'",
            ("basic", {"user": "ann", "password": "pw"}),
            {},
        ),
        ("curl --oauth2-bearer t1 https://x.example", ("bearer", {"token": "t1"}), {}),
        ("curl 'https://x.example?api_key=k1&a=1'", ("query", {"name": "api_key", "value": "k1"}), {}),
        (
            "curl -H 'X-Api-Key: k1' 'https://shop.example.com?token=t1'",
            ("header", {"name": "X-Api-Key", "value": "k1"}),
            {"EXAMPLE_TOKEN": "t1"},
        ),
        ("curl https://x.example -d password=p1", None, {"X_PASSWORD": "p1"}),
        ('curl https://x.example -d \'{"a": {"client_secret": "c1"}}\'', None, {"X_CLIENT_SECRET": "c1"}),
        ("curl https://x.example/$API_TOKEN/x", None, {"API_TOKEN": ""}),
        ("curl https://x.example -H 'Idempotency-Key: 1'", None, {}),
        ('curl https://x.example -d \'{"max_tokens": 5, "key": "A"}\'', None, {}),
    ],
)
def test_credentials_are_taken_out(
    line: str, connection: tuple[str, dict[str, str]] | None, secrets: dict[str, str]
) -> None:
    found = import_curl(line)

    if connection is None:
        assert found.connection is None
    else:
        assert found.connection is not None
        assert found.connection["kind"] == connection[0]
        assert connection[1].items() <= found.connection["fields"].items()
    assert found.secrets == secrets


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("", "no address"),
        ("curl -d a=1", "no address"),
        ("curl 'https://x.example", "has no other"),
        ("curl https://a.example https://b.example", "two addresses"),
        ("curl --hedaer x https://a.example", 'did you mean "--header"'),
        ("curl https://a.example -H", "needs a value"),
        ("curl ftp://a.example/x", "http and https are"),
        ("curl -X PURGE https://a.example", "no method PURGE"),
        ("curl " + "a" * 300_000, "longer than"),
    ],
)
def test_what_cannot_be_a_step_is_said(line: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        import_curl(line)


@pytest.mark.parametrize(
    "flag",
    ["--insecure", "--digest", "--proxy http://p:1", "--cert c.pem", "--aws-sigv4 aws:amz:us-east-1:s3"],
)
def test_what_is_not_taken_over_is_said(flag: str) -> None:
    (note,) = import_curl(f"curl {flag} https://x.example").notes
    assert flag.split(maxsplit=1)[0] in note


def test_words_are_split_as_a_shell_does() -> None:
    assert words_of(r"""a 'b c' "d \"e\" \n" f\ g $'h\ti\x41\u00e9' ''""") == [
        "a",
        "b c",
        'd "e" \\n',
        "f g",
        "h\tiAé",
        "",
    ]
