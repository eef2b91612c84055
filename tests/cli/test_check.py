"""`hookline check`."""

from __future__ import annotations

import asyncio
import json

import pytest

from runner.store.sqlite import SQLiteStore
from tests.cli.home import HELLO, Home
from tests.store.rows_made import Made

BAD = """\
name: Bad
trigger: {webhook: {}}
steps:
  - action: slack.post_mesage
    with: {text: "%: a"}
"""


def test_json_is_the_list_of_faults_and_the_exit_status_tells_of_errors(home: Home) -> None:
    home.workflow("bad", BAD)
    result = home("check", "--format", "json")
    assert result.exit_code == 1
    (fault,) = json.loads(result.stdout)
    assert list(fault) == ["path", "line", "column", "where", "code", "severity", "message", "hint", "fix"]
    assert fault["path"] == "workflows/bad.yaml"
    assert (fault["line"], fault["column"], fault["where"]) == (4, 13, "steps[0].action")
    assert fault["hint"] == 'did you mean "slack.post_message"?'


@pytest.mark.parametrize("words", [("--format", "json"), ("--json",)], ids=" ".join)
def test_no_fault_is_an_empty_list(home: Home, words: tuple[str, ...]) -> None:
    result = home("check", *words)
    assert (result.exit_code, json.loads(result.stdout)) == (0, [])


def test_text_shows_the_line_with_a_caret_and_ends_with_a_count(home: Home) -> None:
    home.workflow("bad", BAD)
    result = home("check", "workflows/bad.yaml")
    assert "error: workflows/bad.yaml:4:13: steps[0].action: no action" in result.stdout
    assert "4 |   - action: slack.post_mesage\n  |             ^\n" in result.stdout
    assert result.stderr == "1 workflow checked: 1 error\n"


def test_github_gets_annotations_in_its_escapes(home: Home) -> None:
    home.workflow("bad", BAD.replace("slack.post_mesage", '"a,b: 100%"'))
    said = home("check", "--format", "github").stdout
    assert said.startswith("::error file=workflows/bad.yaml,line=4,col=13,title=unknown-action::")
    assert "100%25" in said


def test_sarif_has_a_result_for_each_fault(home: Home) -> None:
    home.workflow("bad", BAD)
    (run,) = json.loads(home("check", "--format", "sarif").stdout)["runs"]
    (result,) = run["results"]
    assert result["ruleId"] == "unknown-action"
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 4, "startColumn": 13}


def test_a_warning_alone_is_no_failure(home: Home) -> None:
    home.workflow("hello").rename(home.folder / "workflows" / "hello.yml")
    result = home("check", "--format", "json")
    assert result.exit_code == 0
    (fault,) = json.loads(result.stdout)
    assert (fault["severity"], fault["hint"]) == ("warning", "name it hello.yaml")


def test_what_is_no_workflow_file_is_wrong_usage(home: Home) -> None:
    assert home("check", "nowhere").exit_code == 2
    assert home("check", "hookline.toml").exit_code == 2


def test_a_file_that_is_no_text_is_a_fault_of_that_file(home: Home) -> None:
    home.workflow("hello").write_bytes(b"name: \xff")
    result = home("check", "--format", "json")
    assert [one["code"] for one in json.loads(result.stdout)] == ["unreadable-file"]


def test_a_data_folder_tells_which_secrets_there_are(home: Home) -> None:
    text = HELLO + "  - action: http.request\n    with: {url: 'https://a.example.com/{{ secrets.KEY }}'}\n"
    home.workflow("hello", text)
    home("secrets", "set", "OTHER", stdin="x")
    assert home("check", "--format", "json").stdout == "[]\n"
    (fault,) = json.loads(home("check", "--format", "json", "--data", ".hookline").stdout)
    assert (fault["severity"], "KEY" in fault["message"]) == ("warning", True)
    home("secrets", "set", "KEY", stdin="x")
    assert home("check", "--format", "json", "--data", ".hookline").stdout == "[]\n"


def test_a_data_folder_tells_whether_certificates_are_asked_for(home: Home) -> None:
    home.workflow("hello", HELLO.replace("webhook:\n", "webhook:\n    client_certificate: {subject: a}\n"))
    home("secrets", "set", "ANY", stdin="x")  # makes the folder
    words = ("check", "--format", "json", "--data", ".hookline")
    (fault,) = json.loads(home(*words).stdout)
    assert (fault["code"], fault["severity"]) == ("client-certificate", "warning")
    behind_a_proxy = home(
        *words,
        HOOKLINE_SERVER_TRUSTED_PROXIES="10.0.0.5",
        HOOKLINE_SERVER_CLIENT_CERTIFICATE_HEADER="Client-Cert",
    )
    assert behind_a_proxy.stdout == "[]\n"
    assert home("check", "--format", "json").stdout == "[]\n"


MENDABLE = """\
name: Mendable   # a name
trigger: {webhook: {}}

steps:
  - filter: payload.currency == "EUR"   # in euros
  - action: http.request
    with: {url: "https://example.com/{{ payload.id && payload.name }}"}
  - template: {{ payload.name }} has come
"""
MENDED = """\
name: Mendable   # a name
trigger: {webhook: {}}

steps:
  - filter: payload.currency == 'EUR'   # in euros
  - action: http.request
    with: {url: "https://example.com/{{ payload.id and payload.name }}"}
  - template: "{{ payload.name }} has come"
"""


def test_what_is_certain_is_mended_and_the_rest_of_the_file_stays(home: Home) -> None:
    file = home.workflow("mendable", MENDABLE)
    before = home("check", "--fix", "--diff")
    assert file.read_text(encoding="utf-8") == MENDABLE
    assert before.exit_code == 0
    assert "-  - template: {{ payload.name }} has come\n" in before.stdout
    assert '+  - template: "{{ payload.name }} has come"\n' in before.stdout
    assert home("check", "--diff").stdout == before.stdout
    after = home("check", "--fix")
    assert after.exit_code == 0
    assert after.stderr.startswith("mended: workflows/mendable.yaml\n")
    assert file.read_text(encoding="utf-8") == MENDED
    again = home("check", "--fix")
    assert again.stderr.startswith("There is nothing that can be mended for certain.\n")


def test_what_cannot_be_mended_is_told_afterwards(home: Home) -> None:
    home.workflow("mendable", MENDABLE + "  - filter: total > 3\n")
    result = home("check", "--fix", "--json")
    assert result.exit_code == 1
    assert [one["code"] for one in json.loads(result.stdout)] == ["unknown-name"]


def test_tests_are_mended_too(home: Home) -> None:
    home.workflow("hello")
    file = home.workflow("hello.test", "cases:\n  - name: a\n    evnt: {payload: {}}\n")
    home("check", "--fix")
    assert file.read_text(encoding="utf-8") == "cases:\n  - name: a\n    event: {payload: {}}\n"


def test_a_fault_is_explained(home: Home) -> None:
    said = home("check", "--explain", "double-quotes")
    assert said.exit_code == 0
    assert said.stdout.startswith("double-quotes: Double quotes name a field\n")
    assert "    - filter: payload.currency == 'EUR'\n" in said.stdout
    row = json.loads(home("check", "--explain", "double-quotes", "--json").stdout)
    assert row["code"] == "double-quotes"
    wrong = home("check", "--explain", "double-quote")
    assert (wrong.exit_code, 'did you mean "double-quotes"?' in wrong.stderr) == (2, True)


def test_code_scanning_gets_the_meaning_and_the_mend(home: Home) -> None:
    home.workflow("mendable", MENDABLE)
    (run,) = json.loads(home("check", "--format", "sarif").stdout)["runs"]
    rules = {one["id"]: one for one in run["tool"]["driver"]["rules"]}
    assert rules["double-quotes"]["helpUri"].endswith("/docs/faults/double-quotes")
    assert rules["double-quotes"]["shortDescription"] == {"text": "Double quotes name a field"}
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        ((change,),) = [one["artifactChanges"] for one in result["fixes"]]
        assert change["artifactLocation"] == {"uri": "workflows/mendable.yaml"}


def test_the_last_events_are_tried_where_there_are_any(home: Home) -> None:
    home.workflow("hello", HELLO + '  - template: "{{ payload.custmer.name }}"\n')
    home("secrets", "set", "ANY", stdin="x")  # makes the folder

    async def arrive() -> None:
        store = await SQLiteStore.open(home.folder / ".hookline" / "hookline.db")
        try:
            made = Made(store)
            await store.save_version("hello", "digest", HELLO, now=1.0)
            for number in range(3):
                await made.event(workflow="hello", title=None, body={"customer": {"name": f"n{number}"}})
        finally:
            await store.close()

    asyncio.run(arrive())
    assert json.loads(home("check", "--json").stdout) == []
    found = json.loads(home("check", "--json", "--data", ".hookline").stdout)
    assert [one["message"] for one in found] == [
        "`payload.name` was absent in 3 of 3 events",
        "`payload.custmer` was absent in 3 of 3 events",
    ]
