"""`hookline url` and `hookline rename`: other addresses and another name."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runner.language.formerly import formerly_of, with_formerly
from tests.cli.home import HELLO, Home

PUBLIC = "https://hooks.example.com"
UUID = "3f8a2c41-9d0e-4b7a-8c15-2f6e9b1d7a30"


def url(home: Home, *words: str, slug: str = "hello") -> Any:
    result = home("url", slug, *words, "--json", HOOKLINE_PUBLIC_URL=PUBLIC)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_changed_address_is_kept_as_long_as_asked(home: Home) -> None:
    first = url(home)["url"]
    result = home("url", "hello", "--rotate", "--keep", "7d", HOOKLINE_PUBLIC_URL=PUBLIC)
    assert result.exit_code == 0
    assert "the old one answers until 20" in result.stderr
    shown = url(home)
    assert shown["url"] == result.stdout.strip() != first
    assert [(one["kind"], one["url"], bool(one["until"])) for one in shown["addresses"]] == [
        ("own", shown["url"], False), ("kept", first, True),
    ]  # fmt: skip
    assert [one["kind"] for one in url(home, "--rotate")["addresses"]] == ["own"]


def test_keep_goes_with_rotate(home: Home) -> None:
    assert home("url", "hello", "--keep", "7d").exit_code == 2
    assert home("url", "hello", "--rotate", "--keep", "soon").exit_code == 2


def test_a_workflow_answers_at_a_path_too_until_that_is_taken_away(home: Home) -> None:
    shown = url(home, "--also", f"/webhook/{UUID}")
    assert shown["addresses"][1] == {"url": f"{PUBLIC}/webhook/{UUID}", "kind": "path", "until": None}
    assert shown["warnings"] == []
    assert len(url(home, "--not-at", f"/webhook/{UUID}")["addresses"]) == 1
    assert home("url", "hello", "--not-at", "/webhook/orders").exit_code == 2


def test_a_path_that_can_be_guessed_is_warned_of_where_nobody_is_verified(home: Home) -> None:
    (warning,) = url(home, "--also", "/webhook/orders")["warnings"]
    assert "can be guessed" in warning
    home.workflow(
        "safe", HELLO.replace("  webhook:", "  webhook:\n    verify: {provider: github, secret: KEY}")
    )
    assert url(home, "--also", "/webhook/safe", slug="safe")["warnings"] == []


def test_a_path_is_one_workflows(home: Home) -> None:
    home.workflow("other")
    url(home, "--also", "/webhook/orders")
    result = home("url", "other", "--also", "/webhook/orders")
    assert result.exit_code == 1
    assert "an address of the workflow hello" in result.stderr
    token = url(home)["url"].removeprefix(PUBLIC)
    result = home("url", "other", "--also", token)
    assert result.exit_code == 2
    assert "an address of the workflow hello already" in result.stderr


OURS = ("/api/x", "/runs", "/events/1", "/healthz", "/readyz", "/static/x", "/signin", "/start/x", "/forms/x")


@pytest.mark.parametrize("path", [*OURS, "/workflows", "/metrics", "/", "orders", "/a b"])
def test_no_workflow_answers_at_an_address_of_our_own(home: Home, path: str) -> None:
    assert home("url", "hello", "--also", path).exit_code == 2


# --- rename ---------------------------------------------------------------------------------


def test_a_renamed_workflow_keeps_its_address_and_history(home: Home, ran: Any) -> None:
    before = url(home)["url"]
    run = ran("hello")
    (home.folder / "workflows" / "hello.test.yaml").write_text("tests: []\n")
    result = home("rename", "hello", "greet", "--json")
    assert json.loads(result.stdout) == {
        "old": "hello",
        "new": "greet",
        "files": ["workflows/greet.yaml", "workflows/greet.test.yaml"],
    }
    assert sorted(path.name for path in (home.folder / "workflows").iterdir()) == [
        "greet.test.yaml", "greet.yaml",
    ]  # fmt: skip
    assert "formerly: [hello]\n" in (home.folder / "workflows" / "greet.yaml").read_text()
    assert url(home, slug="greet")["url"] == before
    assert json.loads(home("runs", "show", run["id"], "--json").stdout)["workflow"] == "greet"
    assert home("rename", "greet", "hello").exit_code == 0
    assert "formerly: [greet]\n" in (home.folder / "workflows" / "hello.yaml").read_text()
    assert url(home)["url"] == before


@pytest.mark.parametrize("words", [("hullo", "new"), ("hello", "Not-A-Slug"), ("hello", "taken")])
def test_what_cannot_be_renamed_is_refused_and_left_alone(home: Home, words: tuple[str, str]) -> None:
    home.workflow("taken")
    result = home("rename", *words)
    assert result.exit_code == 2
    assert sorted(path.name for path in (home.folder / "workflows").iterdir()) == ["hello.yaml", "taken.yaml"]


def test_a_check_finds_a_former_name_that_is_in_use(home: Home) -> None:
    home.workflow("greet", f"formerly: [hello]\n{HELLO}")
    (fault,) = json.loads(home("check", "--json").stdout)
    assert (fault["code"], fault["path"], fault["line"]) == ("formerly-in-use", "workflows/greet.yaml", 1)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("name: A\nsteps: []\n", "name: A\nformerly: [old]\nsteps: []\n"),
        ("# top\nname: 'A' # why\n\nsteps: []", "# top\nname: 'A' # why\nformerly: [old]\n\nsteps: []"),
        ("steps: []\r\nname: A\r\n", "steps: []\r\nname: A\r\nformerly: [old]\r\n"),
        ("\ufeffname: A\n", "\ufeffname: A\nformerly: [old]\n"),
        ("name: A", "name: A\nformerly: [old]"),
        ("name: |\n  A\n  B\nsteps: []\n", "formerly: [old]\nname: |\n  A\n  B\nsteps: []\n"),
        ("steps: []\n", "formerly: [old]\nsteps: []\n"),
        ("name: A\nformerly: [b] # of old\n", "name: A\nformerly: [b, old] # of old\n"),
        ("name: A\nformerly: ['b' , c ]\n", "name: A\nformerly: ['b' , c, old ]\n"),
        (
            "name: A\nformerly:\n  - b # one\nsteps: []\n",
            "name: A\nformerly:\n  - b # one\n  - old\nsteps: []\n",
        ),
        ("name: A\nformerly: []\n", "name: A\nformerly: [old]\n"),
        ("name: A\nformerly: [new, b]\n", "name: A\nformerly: [old, b]\n"),
        ("---\nname: A\nsteps: []\n", "---\nname: A\nformerly: [old]\nsteps: []\n"),
    ],
)
def test_the_former_name_is_written_and_nothing_else_is_touched(text: str, written: str) -> None:
    assert with_formerly(text, "old", "new") == written
    assert "old" in formerly_of(written)


@pytest.mark.parametrize("text", ["{name: A, steps: []}\n", "name: [\n", "- a\n", "name: A\nformerly: b\n"])
def test_a_file_into_which_it_cannot_be_written_is_left_to_its_author(text: str) -> None:
    with pytest.raises(ValueError, match="yourself"):
        with_formerly(text, "old", "new")
