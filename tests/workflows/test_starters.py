"""The starters of workflows/: each runs on its payload and would call what its description says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from runner.cli import hookline
from runner.engine.library import workflow_files

ROOT = Path(__file__).parents[2]
STARTERS = sorted(path.stem for path in workflow_files(ROOT / "workflows"))
FORM = "content-type: application/x-www-form-urlencoded"


def rehearsed(slug: str, fixture: str, *headers: str) -> Any:
    arguments = ["run", slug, "--workflows", str(ROOT / "workflows"), "--json"]
    arguments += ["--payload", str(ROOT / "workflows" / "fixtures" / fixture)]
    for header in headers:
        arguments += ["--header", header]
    done = CliRunner().invoke(hookline, arguments)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


CASES: dict[str, tuple[tuple[str, ...], str, list[dict[str, Any]]]] = {
    "hello": (("hello.json",), "Hello Ada", []),
    "github-push-to-slack": (
        ("github-push.json",),
        "lovelace/engine: Compute Bernoulli numbers",
        [{"channel": "#code"}],
    ),
    "order-to-slack-and-email": (
        ("shopify-order.json",),
        "Order #1042 · Grace",
        [
            {"channel": "#sales", "text": "Order #1042: 120.50 EUR, 2 lines"},
            {"to": "warehouse@example.com", "subject": "Pack order #1042"},
        ],
    ),
    "order-to-google-sheet": (
        ("shopify-order.json",),
        "Order #1042",
        [
            {
                "sheet": "Orders",
                "once_by": "Order",
                "row": {
                    "Order": "#1042",
                    "Customer": "grace@example.com",
                    "Total": 120.5,
                    "City": "Arlington",
                },
            }
        ],
    ),
    "feedback-link": (
        ("feedback.json",),
        "Rating 2 for order 1001",
        [{"channel": "#support", "text": "Order 1001 was rated 2 of 5"}],
    ),
    "xml-invoice-to-http": (
        ("invoice.xml",),
        "Invoice 2026-117",
        [
            {
                "url": "https://accounting.example.com/api/invoices",
                "json": {
                    "number": "2026-117",
                    "customer": "Analytical Engines Ltd",
                    "lines": [
                        {"item": "Cards, punched", "amount": 40.0},
                        {"item": "Brass, polished", "amount": 199.9},
                    ],
                    "total": 239.9,
                },
            }
        ],
    ),
    "fan-out": (
        ("shopify-order.json",),
        "event to 3 services",
        [{"url": f"https://{name}.example.com/{path}"} for name, path in
         (("crm", "events"), ("analytics", "collect"), ("archive", "in"))],
    ),
    "alert-to-chats": (
        ("alert.json",),
        "critical: Disk full on db-1",
        [
            {"channel": "1100000000000000001"},
            {"channel": "operations/alerts", "priority": "urgent"},
            {"title": "Disk full on db-1", "color": "attention"},
            {"chat": "-1001234567890", "silent": False},
        ],
    ),
    "alert-to-pagerduty-and-jira": (
        ("monitor-alert.json",),
        "firing: Disk full on db-1",
        [
            {"dedup_key": "alert-17", "severity": "critical", "source": "db-1.example.com"},
            {"jql": 'project = OPS AND labels = "alert-17" AND statusCategory != Done'},
            {"project": "OPS", "summary": "Disk full on db-1", "labels": ["alert-17"]},
        ],
    ),
    "slack-button": (
        ("slack-button.json",),
        "ada pressed a button",
        [
            {"original": "replace", "text": "Deploy 42: approved by <@U0ADA>"},
            {"channel": "C0OPS", "ts": "1700000000.000100", "emoji": "white_check_mark"},
            {"channel": "C0OPS", "thread_ts": "1700000000.000100"},
        ],
    ),
    "contact-form-to-email": (
        ("contact-form.urlencoded", FORM),
        "Message from grace@example.com",
        [
            {
                "to": "hello@example.com",
                "reply_to": "grace@example.com",
                # what a visitor wrote is text in the mail, whatever it looks like
                "html": "<p>Grace Hopper &lt;grace@example.com&gt; wrote:</p>"
                "<blockquote>Is the loom in stock? &lt;b&gt;</blockquote>",
            }
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("slug", CASES)
def test_a_starter_does_what_it_says(slug: str) -> None:
    (fixture, *headers), title, expected = CASES[slug]
    run = rehearsed(slug, fixture, *headers)
    assert (run["status"], run["title"]) == ("succeeded", title)
    inputs = [
        step["input"] for step in run["steps"] if step["kind"] == "action" and step["status"] == "succeeded"
    ]
    assert len(inputs) == len(expected)
    for given, wanted in zip(inputs, expected, strict=True):
        assert given | wanted == given


def test_every_starter_is_tried() -> None:
    """What needs more than one payload (waits, schedules, state, polls) is tried by its own cases alone."""
    assert set(CASES) <= set(STARTERS)
    assert [one for one in STARTERS if not (ROOT / "workflows" / f"{one}.test.yaml").exists()] == []


def test_a_single_line_of_an_invoice_is_a_list_too(tmp_path: Path) -> None:
    body = '<invoice number="1"><customer>A</customer><line><item>x</item><amount>2</amount></line></invoice>'
    (tmp_path / "one.xml").write_text(body)
    run = rehearsed("xml-invoice-to-http", str(tmp_path / "one.xml"))
    (call,) = [step["input"]["json"] for step in run["steps"] if step["kind"] == "action"]
    assert (call["lines"], call["total"]) == ([{"item": "x", "amount": 2}], 2)
