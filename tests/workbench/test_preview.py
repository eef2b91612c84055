"""What a text would do with an event, nothing sent."""

from __future__ import annotations

import json

from runner.workbench.sending import Recorded
from tests.workbench.looker import CONNECTIONS, SECRETS, Looker

POST = """\
steps:
  - filter: to_number(payload.total) >= 100
  - id: tell
    action: slack.post_message
    connection: team-slack
    with: {channel: "#sales", text: "Order {{ payload.name }}"}
  - id: kept
    if: steps.tell.ts == 'x'
    transform: {ts: steps.tell.ts}
"""


def test_the_exact_request_is_shown_and_no_secret() -> None:
    answer = Looker(POST, {"total": "120.50", "name": "#1"}).preview()
    tell = answer["steps"][1]
    assert tell["status"] == "would_send"
    assert tell["sentence"] == "Posts 1 message to #sales."
    request = tell["request"]
    assert (request["method"], request["url"]) == ("POST", "https://slack.com/api/chat.postMessage")
    assert request["headers"]["Authorization"] == "Bearer •••"
    assert request["body"] == {"channel": "#sales", "text": "Order #1"}
    assert request["curl"].startswith("curl https://slack.com/api/chat.postMessage -H ")
    assert answer["sends"] == [
        {"destination": "team-slack · slack.com", "count": 1, "sentence": "Posts 1 message to #sales."}
    ]


def test_a_filter_says_what_it_saw_and_what_is_behind_it_is_not_reached() -> None:
    answer = Looker(POST, {"total": "80", "name": "#1"}).preview()
    first, *rest = answer["steps"]
    assert answer["status"] == "filtered"
    assert first["status"] == "stopped"
    assert first["used"] == [{"path": "payload.total", "value": "80"}]
    assert [one["status"] for one in rest] == ["not_reached", "not_reached"]
    assert answer["sends"] == []


def test_what_hangs_on_an_invented_answer_cannot_be_said() -> None:
    steps = Looker(POST, {"total": "120", "name": "#1"}).steps()
    assert steps["tell"]["is_invented"]
    assert steps["tell"]["output"] == {"channel": "(channel)", "ts": "(ts)"}
    assert steps["kept"]["status"] == "unknown"


def test_a_filter_that_hangs_on_an_invented_answer_lets_pass() -> None:
    steps = Looker("""\
steps:
  - {id: found, action: http.request, with: {url: "https://a.example.com/x"}}
  - {id: seen, filter: steps.found.body.is_known}
  - {id: after, template: "done"}
""").steps()
    assert {path: one["status"] for path, one in steps.items()} == {
        "found": "would_send", "seen": "unknown", "after": "passed",
    }  # fmt: skip


def test_an_answer_that_was_recorded_for_the_same_inputs_is_taken() -> None:
    inputs = {"channel": "#sales", "text": "Order #1"}
    recorded = {"tell": Recorded(inputs, {"channel": "C1", "ts": "x"})}
    steps = Looker(POST, {"total": "120", "name": "#1"}, recorded).steps()
    assert not steps["tell"]["is_invented"]
    assert (steps["tell"]["status"], steps["kept"]["status"]) == ("would_send", "passed")
    assert steps["kept"]["output"] == {"ts": "x"}
    other = {"tell": Recorded({**inputs, "text": "Order #2"}, {"channel": "C1", "ts": "x"})}
    assert Looker(POST, {"total": "120", "name": "#1"}, other).steps()["tell"]["is_invented"]


def test_each_item_of_a_loop_counts_and_one_is_shown() -> None:
    answer = Looker(
        """\
steps:
  - id: each
    for_each: payload.lines
    steps:
      - id: add
        action: google_sheets.append
        connection: sheet
        with: {spreadsheet: 1AbC, sheet: Orders, row: {Sku: "{{ item.sku }}", Count: "{{ item.n }}"}}
""",
        {"lines": [{"sku": "A", "n": 2}, {"sku": "B", "n": 3}]},
    ).preview()
    add = answer["steps"][1]
    assert (add["path"], add["times"], add["status"]) == ("each.add", 2, "would_send")
    assert add["request"]["body"]["values"] == [["A", 2]]
    assert add["request"]["method"] == "POST"
    assert answer["sends"] == [
        {"destination": "sheet · sheets.googleapis.com", "count": 2, "sentence": "Adds 2 rows to Orders."}
    ]


def test_a_step_with_a_fault_is_said_and_the_others_go_on() -> None:
    answer = Looker("""\
steps:
  - {id: broken, filter: "payload.["}
  - {id: wrong, action: slack.pst, with: {a: 1}}
  - {id: whole, template: "Hello {{ payload.name }}"}
""", {"name": "Ada"}).preview()  # fmt: skip
    broken, wrong, whole = answer["steps"]
    assert (broken["status"], wrong["status"]) == ("failed", "failed")
    assert broken["error"]["type"] == "fault"
    assert "slack.pst" in wrong["sentence"]
    assert (whole["status"], whole["output"]) == ("passed", "Hello Ada")
    assert len(answer["faults"]) == 2


def test_a_text_that_is_no_yaml_has_faults_and_no_steps() -> None:
    answer = Looker("name: x\nsteps: [\n").preview()
    assert (answer["status"], answer["steps"]) == ("unreadable", [])
    assert answer["faults"]


def test_only_as_far_as_a_step() -> None:
    answer = Looker(POST, {"total": "120", "name": "#1"}).preview(upto="tell")
    assert [one["path"] for one in answer["steps"]] == ["filter#1", "tell"]


def test_without_a_connection_it_is_said_what_is_missing() -> None:
    text = POST.replace("    connection: team-slack\n", "")
    tell = Looker(text, {"total": "120", "name": "#1"}).steps()["tell"]
    assert tell["request"] is None or tell["request"]["method"] is None
    assert tell["status"] in ("failed", "unknown")


def test_a_mail_is_shown_by_its_inputs_and_goes_nowhere() -> None:
    answer = Looker("""\
steps:
  - action: email.send
    connection: mail
    with: {to: a@example.com, subject: "{{ payload.name }}", text: Hello}
""", {"name": "It"}).preview()  # fmt: skip
    (step,) = answer["steps"]
    assert step["status"] == "would_send"
    assert step["input"]["subject"] == "It"
    assert (step["request"]["method"], step["request"]["destination"]) == (None, "mail · smtp.example.com")


def test_secrets_stand_as_dots_in_headers_bodies_and_credentials() -> None:
    answer = Looker("""\
steps:
  - action: http.request
    with:
      method: POST
      url: https://a.example.com/x
      headers: {X-Key: "{{ secrets.API_KEY }}"}
      form: {key: "{{ secrets.API_KEY }}"}
  - action: http.request
    connection: crm
    with: {url: https://crm.example.com/a}
""").preview()  # fmt: skip
    first, second = answer["steps"]
    assert first["request"]["headers"]["X-Key"] == "•••"
    assert first["request"]["body"] == "key=•••"
    assert second["request"]["headers"]["Authorization"] == "Basic •••"
    assert second["request"]["is_read"]
    text = json.dumps(answer)
    values = [*SECRETS.values(), *(one[key] for one in CONNECTIONS.values() for key in one if key != "kind")]
    assert not [one for one in values if "cret" in str(one) and str(one) in text]


def test_what_is_redacted_shows_nowhere() -> None:
    looker = Looker(
        POST.replace("payload.name", "payload.customer.email"),
        {"total": "120", "customer": {"email": "ada.lovelace@example.com"}},
        redact=("payload.customer.email",),
    )
    answer = looker.preview()
    assert answer["steps"][1]["request"]["body"]["text"] == "Order •••"
    assert "lovelace" not in json.dumps(answer)
    assert "lovelace" not in json.dumps(looker.evaluate("payload.customer.email | upper(@)"))


def test_waits_take_no_time_and_approvals_are_taken_as_given() -> None:
    steps = Looker("""\
steps:
  - {wait: 2d}
  - {id: ok, wait_for: {approval: {message: "Really?"}}, timeout: 1d}
  - {id: after, transform: {choice: steps.ok.choice}}
""").steps()
    assert steps["ok"]["is_invented"]
    assert steps["after"]["output"] == {"choice": "approve"}
