"""`hookline connections` beyond setting one: how they stand, consents, choices, export and back."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.cli.home import Home

CRM = {
    "client_id": "c1",
    "client_secret": "hush-hush",
    "token_url": "https://auth.example.com/token",
    "authorize_url": "https://auth.example.com/authorize",
    "authorize_parameters": {"access_type": "offline"},
    "hosts": ["api.example.com"],
}


MAIL = {"host": "mail.example.com", "user": "shop", "password": "hush-2", "from": "shop@example.com"}


def crm(home: Home, *words: str) -> None:
    result = home("connections", "set", "crm", "--kind", "oauth2", *words, stdin=json.dumps(CRM))
    assert result.exit_code == 0, result.output
    assert "hookline connections connect crm" in result.stderr


def test_a_consent_is_begun_at_the_command_line(home: Home) -> None:
    crm(home)
    result = home("connections", "connect", "crm", HOOKLINE_PUBLIC_URL="https://hooks.example.com")

    query = parse_qs(urlsplit(result.stdout.strip()).query)
    assert query["redirect_uri"] == ["https://hooks.example.com/oauth/callback"]
    assert query["access_type"] == ["offline"]
    assert "https://hooks.example.com/oauth/callback" in result.stderr
    assert json.loads(home("connections", "connect", "crm", "--json").stdout)["name"] == "crm"
    (one,) = json.loads(home("connections", "list", "--json").stdout)["items"]
    assert (one["state"], one["sentence"]) == ("unconnected", "waits for a person to allow it")
    assert home("connections", "connect", "cmr").exit_code == 2


def test_an_end_that_a_person_knows_is_shown(home: Home) -> None:
    crm(home, "--expires", "2099-01-31")

    (one,) = json.loads(home("connections", "list", "--json").stdout)["items"]
    assert one["expires_at"] == "2099-01-31T00:00:00.000Z"


def test_what_is_exported_has_no_values_and_is_set_again_once_filled_in(home: Home) -> None:
    crm(home)
    home(
        "connections",
        "set",
        "mail",
        "--kind",
        "smtp",
        stdin=json.dumps(MAIL),
    )
    bare = home("connections", "export").stdout
    plain = home("connections", "export", "--plain").stdout
    as_json = home("connections", "export", "--plain", "--json").stdout

    for text in (bare, plain, as_json):
        assert "hush" not in text
    assert "example.com" not in bare
    assert 'kind = "oauth2"' in bare
    assert 'client_secret = ""' in plain
    assert 'authorize_parameters = {"access_type" = "offline"}' in plain

    for text in (plain, as_json):
        filled = text
        for name in ("client_secret", "password"):
            filled = filled.replace(f'{name} = ""', f'{name} = "new"').replace(
                f'"{name}": ""', f'"{name}": "new"'
            )
        (home.folder / "file").write_text(filled)
        for name in ("crm", "mail"):
            home("connections", "delete", name)
        result = home("connections", "set", "--from", "file")
        assert (result.exit_code, result.stderr) == (0, "Kept: crm, mail\n")
        assert home("connections", "export", "--plain").stdout == plain


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[crm]\nkind = "oauth2"\ntoken_url = "hush"\n[b]\nkind = "bearer"', "crm: "),
        ('[crm]\nkind = "oauth2"\n[b]\nkind = "bearer"', "the connection b: "),
        ('[crm]\nkind = "nope"', "no connection of kind"),
        ("[crm]\nclient_id = 'hush'", "crm has no kind"),
        ("hush", "neither TOML nor JSON"),
        ('{"items": [{"nme": "hush"}]}', "neither TOML nor JSON"),
        ('{"items": {"name": "hush"}}', "neither TOML nor JSON"),
    ],
)
def test_a_file_that_cannot_be_is_refused_whole_and_not_quoted(home: Home, text: str, says: str) -> None:
    (home.folder / "file").write_text(text)

    result = home("connections", "set", "--from", "file")

    assert result.exit_code == 2
    assert says in result.stderr
    assert "hush" not in result.output
    assert home("connections", "set").exit_code == 2


def test_choices_need_an_input(home: Home) -> None:
    crm(home)
    for what in ("channel", "slack.channel", "slack.post_message.nothing", "http.request.url"):
        assert home("connections", "choices", "crm", what).exit_code == 2


def test_a_secret_names_its_hosts_and_keeps_them_when_it_is_rotated(home: Home) -> None:
    words = ("secrets", "set", "KEY")
    assert home(*words, "--host", "API.example.com", "--host", "*.example.org", stdin="v1").exit_code == 0
    assert home(*words, stdin="v2").exit_code == 0
    listed = json.loads(home("secrets", "list", "--json").stdout)["items"]
    assert [(one["name"], one["hosts"]) for one in listed] == [("KEY", ["api.example.com", "*.example.org"])]

    assert home(*words, "--any-host", stdin="v3").exit_code == 0
    (one,) = json.loads(home("secrets", "list", "--json").stdout)["items"]
    assert (one["name"], one["hosts"]) == ("KEY", None)
    assert home(*words, "--host", "https://x", stdin="v4").exit_code == 2
    assert home(*words, "--host", "x.example", "--any-host", stdin="v4").exit_code == 2


def test_who_set_it_at_the_command_line_and_when_is_remembered(home: Home) -> None:
    crm(home)
    assert home("secrets", "set", "SHOP_SECRET", stdin="hush-3").exit_code == 0
    for things in ("connections", "secrets"):
        (one,) = json.loads(home(things, "list", "--json").stdout)["items"]
        assert one["by"].endswith("(command line)")
        assert one["set_at"].endswith("Z")
