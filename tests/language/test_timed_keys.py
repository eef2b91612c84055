"""The keys of a schedule and of a poll: what they become, and what is said where a file gets them wrong."""
# ruff: noqa: E501 - a table is read by its lines

from __future__ import annotations

import pytest

from runner.language.faults import Fault
from runner.language.load import Loaded, load
from runner.language.workflow import Schedule
from tests.language.small_catalogue import CATALOGUE

STEPS = "steps: [filter: payload]\n"
POLL = "action: http.request, with: {url: x}, every: 5m, id: id"


def read(trigger: str, *, more: str = STEPS) -> Loaded:
    """A file with that trigger, which stands in line 3 from column 3."""
    text = f"name: x\ntrigger:\n  {trigger}\nvars: {{limit: 3}}\n{more}"
    return load(text, path="workflows/x.yaml", slug="x", catalogue=CATALOGUE)


def schedule(keys: str) -> Schedule:
    found = read(f"schedule: {{{keys}}}")
    assert found.workflow, "\n".join(map(str, found.faults))
    assert found.workflow.schedule
    return found.workflow.schedule


def test_a_schedule_has_its_defaults() -> None:
    assert schedule('cron: "0 9 * * mon-fri"') == Schedule(cron="0 9 * * MON-FRI")
    assert schedule("every: 15m") == Schedule(every_seconds=900.0, overlap="skip", catch_up="one")
    assert schedule('cron: "@daily", timezone: Europe/Athens, overlap: queue, catch_up: all') == Schedule(
        cron="0 0 * * *", timezone="Europe/Athens", overlap="queue", catch_up="all"
    )


def test_a_poll_is_read_whole() -> None:
    found = read(f"poll: {{{POLL}, items: 'body.tickets[?n > $.vars.limit]', first: run}}")
    assert found.faults == ()
    assert found.workflow
    poll = found.workflow.poll
    assert poll
    assert (poll.call.action, poll.call.connection, poll.every_seconds, poll.runs_first) == (
        "http.request",
        None,
        300.0,
        True,
    )
    assert poll.items
    result = {"body": {"tickets": [{"id": 1, "n": 2}, {"id": 2, "n": 4}]}}
    assert poll.items.evaluate(result, {"vars": {"limit": 3}}, 0.0, "UTC") == [{"id": 2, "n": 4}]
    assert [poll.id.evaluate(one, {"vars": {}}, 0.0, "UTC") for one in ({"id": 1}, {}, "text", [1])] == [
        1,
        None,
        None,
        None,
    ]


def test_several_triggers_stand_side_by_side() -> None:
    found = read(f"webhook: {{}}\n  schedule: {{every: 1h}}\n  poll: {{{POLL}}}")
    assert found.workflow
    assert found.workflow.webhook
    assert found.workflow.schedule
    assert found.workflow.poll


# fmt: off
FAULTS = [
    ("schedule: {}", "missing-key", "3:13", "schedule", "`cron` or `every` is missing"),
    ('schedule: {cron: "0 9 * * *", every: 1h}', "missing-key", "3:33", "schedule", "leave one of them out"),
    ('schedule: {cron: "0 25 * * *"}', "cron", "3:23", "schedule.cron", "there is no hour 25; it is from 0 to 23"),
    ('schedule: {cron: "0 0 9 ? * 2-6"}', "cron", "3:21", "schedule.cron", "write `0 9 * * MON-FRI`"),
    ('schedule: {cron: "0 0 31 2 *"}', "cron", "3:21", "schedule.cron", "this never comes"),
    ("schedule: {cron: 5}", "type", "3:20", "schedule.cron", 'a cron expression such as "0 9 * * 1-5"; it is the number 5'),
    ("schedule: {every: 15}", "type", "3:21", "schedule.every", "write the unit: 15s"),
    ("schedule: {every: 10ms}", "duration", "3:14", "schedule.every", "at least a second"),
    ('schedule: {cron: "0 9 * * *", timezone: Europe/Athen}', "zone", "3:43", "schedule.timezone", 'did you mean "Europe/Athens"?'),
    ("schedule: {every: 1h, timezone: UTC}", "timezone", "3:25", "schedule.timezone", "the same in every zone"),
    ("schedule: {every: 1h, overlap: drop}", "value", "3:34", "schedule.overlap", "skip or queue"),
    ("schedule: {every: 1h, catch_up: yes}", "value", "3:35", "schedule.catch_up", "none or one or all"),
    ("schedule: {every: 1h, catchup: all}", "unknown-key", "3:25", "schedule.catchup", "`catch_up: none`, `one` or `all`"),
    ("schedule: {interval: 1h}", "unknown-key", "3:14", "schedule.interval", "`every: 15m`"),
    ("schedule: [{every: 1h}]", "type", "3:13", "schedule", "it is a list"),
    ('cron: "0 9 * * *"', "unknown-key", "3:3", "cron", "`schedule: {cron:"),
    ("poll: {every: 5m, id: id}", "missing-key", "3:9", "poll", "`action` is missing"),
    ("poll: {action: http.request, with: {url: x}, every: 5m}", "missing-key", "3:9", "poll", "`id` is missing"),
    ("poll: {action: http.request, with: {url: x}, id: id}", "missing-key", "3:9", "poll", "`every` is missing"),
    (f"poll: {{{POLL.replace('5m', '5s')}}}", "duration", "3:48", "poll.every", "write 10s or more"),
    ("poll: {action: http.get, every: 5m, id: id}", "unknown-action", "3:18", "poll.action", 'no action "http.get"'),
    ("poll: {action: http.request, every: 5m, id: id}", "missing-input", "3:10", "poll.with", "http.request needs `url`"),
    ("poll: {action: http.request, with: {uri: x, url: x}, every: 5m, id: id}", "unknown-input", "3:39", "poll.with.uri", 'did you mean "url"?'),
    (f"poll: {{{POLL}, connection: team-slack}}", "connection", "3:67", "poll.connection", "takes no connection"),
    ("poll: {action: slack.post_message, with: {channel: a, text: b}, every: 5m, id: id}", "missing-connection", "3:10", "poll", "write `connection: team-slack`"),
    ("poll: {action: slack.post_message, connection: mail, with: {channel: a, text: b}, every: 5m, id: id}", "connection", "3:50", "poll.connection", "kind smtp"),
    ("poll: {action: http.request, with: {url: '{{ payload.x }}'}, every: 5m, id: id}", "before-run", "3:48", "poll.with.url", "before there is a run; use `vars`"),
    ("poll: {action: http.request, with: {url: '{{ vars.nope }}'}, every: 5m, id: id}", "unknown-var", "3:53", "poll.with.url", "add `nope` under `vars`"),
    (f"poll: {{{POLL}, items: 'body['}}", "expression", "3:79", "poll.items", "ends too early"),
    (f"poll: {{{POLL}, items: 'body[?n > $.vars.nope]'}}", "unknown-var", "3:92", "poll.items", "`vars.nope` is not defined"),
    (f"poll: {{{POLL}, items: payload.tickets}}", "current-value", "3:74", "poll.items", "the action's result is the current value"),
    (f"poll: {{{POLL.replace('id: id', 'id: item.id')}}}", "current-value", "3:63", "poll.id", "the item is the current value"),
    (f"poll: {{{POLL}, url: x}}", "unknown-key", "3:67", "poll.url", "`action: http.request`"),
    (f"poll: {{{POLL}, first: all}}", "value", "3:74", "poll.first", "remember or run"),
]
# fmt: on


@pytest.mark.parametrize(("trigger", "code", "place", "where", "words"), FAULTS)
def test_a_wrong_key_is_told_with_its_place_and_the_way_out(
    trigger: str, code: str, place: str, where: str, words: str
) -> None:
    faults = [one for one in read(trigger).faults if one.where != "trigger"]
    assert len(faults) == 1, "\n".join(map(str, faults))
    (fault,) = faults
    assert isinstance(fault, Fault)
    assert (fault.code, f"{fault.line}:{fault.column}", fault.where) == (code, place, f"trigger.{where}")
    assert words in str(fault)


def test_a_workflow_that_starts_by_itself_needs_steps() -> None:
    for trigger in ("schedule: {every: 1h}", "webhook: {answer: {status: 204}}\n  schedule: {every: 1h}"):
        (fault,) = read(trigger, more="").faults
        assert (fault.code, fault.message) == ("missing-key", "`steps` is missing in a workflow")
