"""PagerDuty's actions, and what it can list for their inputs."""

from __future__ import annotations

from typing import Any

from connectors.pagerduty.access import PagerDutyConnection, ask, enqueue, pagerduty
from connectors.pagerduty.models import (
    ByKey,
    Changed,
    CreateNote,
    Note,
    OnCall,
    OnCallNow,
    Person,
    SendChange,
    Sent,
    Trigger,
)
from runner.connector import Call, Choice, Choices, Json, Rejected

PAGE = 100


@pagerduty.action(
    after_crash="repeat",  # the dedup_key makes one alert of both
    example="""\
action: pagerduty.trigger
connection: pagerduty
with:
  summary: "Checkout fails: {{ payload.error | truncate(900) }}"
  severity: critical
  source: "{{ payload.host }}"
  dedup_key: "checkout-{{ payload.host }}"
""",
)
async def trigger(call: Call, connection: PagerDutyConnection, input: Trigger) -> Sent:  # noqa: A002 - the contract of an action
    """Open an alert, or add to the one with the same dedup_key; whoever is on call is told."""
    outside = {"dedup_key", "links", "images", "client_url"}
    given = input.model_dump(exclude_none=True, by_alias=True)
    event = {
        "event_action": "trigger",
        "dedup_key": input.dedup_key or call.idempotency_key,
        "client": "Hookline",
        "payload": {name: value for name, value in given.items() if name not in outside},
        **{name: value for name, value in given.items() if name in outside},
    }
    return _sent(await enqueue(call, connection, "/v2/enqueue", event))


@pagerduty.action(
    after_crash="repeat",
    example="""\
action: pagerduty.acknowledge
connection: pagerduty
with:
  dedup_key: "checkout-{{ payload.host }}"
""",
)
async def acknowledge(call: Call, connection: PagerDutyConnection, input: ByKey) -> Sent:  # noqa: A002 - the contract of an action
    """Say that somebody works on an alert; PagerDuty drops it silently where there is none."""
    event = {"event_action": "acknowledge", "dedup_key": input.dedup_key}
    return _sent(await enqueue(call, connection, "/v2/enqueue", event))


@pagerduty.action(
    after_crash="repeat",
    example="""\
action: pagerduty.resolve
connection: pagerduty
with:
  dedup_key: "checkout-{{ payload.host }}"
""",
)
async def resolve(call: Call, connection: PagerDutyConnection, input: ByKey) -> Sent:  # noqa: A002 - the contract of an action
    """Say that an alert is over; PagerDuty drops it silently where there is none."""
    event = {"event_action": "resolve", "dedup_key": input.dedup_key}
    return _sent(await enqueue(call, connection, "/v2/enqueue", event))


@pagerduty.action(
    after_crash="repeat",  # a change that stands twice tells nobody twice: it sends no notification
    example="""\
action: pagerduty.send_change
connection: pagerduty
with:
  summary: "Deployed {{ payload.version }}"
  links: [{href: "{{ payload.url }}", text: The pipeline}]
""",
)
async def send_change(call: Call, connection: PagerDutyConnection, input: SendChange) -> Changed:  # noqa: A002 - the contract of an action
    """Tell of a change, such as a deployment: shown beside incidents, sent to nobody."""
    given = input.model_dump(exclude_none=True)
    links = {"links": given.pop("links")} if "links" in given else {}
    answer = await enqueue(call, connection, "/v2/change/enqueue", {"payload": given, **links})
    return Changed(status=str(answer.get("status", "")))


@pagerduty.action(
    after_crash="repeat",  # no idempotency key: a note that stands twice does no harm
    example="""\
action: pagerduty.create_note
connection: pagerduty
with:
  dedup_key: "checkout-{{ payload.host }}"
  content: "Rolled back to {{ payload.previous }}"
""",
)
async def create_note(call: Call, connection: PagerDutyConnection, input: CreateNote) -> Note:  # noqa: A002 - the contract of an action
    """Write a note on an incident."""
    if connection.from_email is None:
        raise Rejected("pagerduty.create_note: the connection needs from_email, in whose name it is written")
    incident = input.incident or await _incident(call, connection, input.dedup_key or "")
    answer = await ask(
        call, connection, "POST", f"/incidents/{incident}/notes",
        json={"note": {"content": input.content}}, headers={"From": connection.from_email},
    )  # fmt: skip
    return Note(id=str(answer["note"]["id"]), incident=incident)


@pagerduty.action(
    after_crash="repeat",
    example="""\
action: pagerduty.on_call
connection: pagerduty
with:
  escalation_policy: PANZZEQ
""",
)
async def on_call(call: Call, connection: PagerDutyConnection, input: OnCall) -> OnCallNow:  # noqa: A002 - the contract of an action
    """Say who is on call now, at each level."""
    query = {
        "escalation_policy_ids[]": input.escalation_policy,
        "schedule_ids[]": input.schedule,
        "include[]": "users",
    }
    people: list[Person] = []
    while True:
        limit = min(PAGE, input.limit - len(people))
        page = {**query, "limit": limit, "offset": len(people)}
        answer = await ask(call, connection, "GET", "/oncalls", query=page)
        people += [_person(one) for one in answer["oncalls"]]
        more = bool(answer.get("more")) and bool(answer["oncalls"])
        if not more or len(people) >= input.limit:
            return OnCallNow(people=people, more=more)


@pagerduty.choices("on_call.escalation_policy")
async def escalation_policies(
    call: Call, connection: PagerDutyConnection, given: dict[str, Json], search: str, cursor: str | None
) -> Choices:
    """The escalation policies of the account."""
    del given
    return await _list(call, connection, "escalation_policies", search, cursor)


@pagerduty.choices("on_call.schedule")
async def schedules(
    call: Call, connection: PagerDutyConnection, given: dict[str, Json], search: str, cursor: str | None
) -> Choices:
    """The schedules of the account."""
    del given
    return await _list(call, connection, "schedules", search, cursor)


async def _list(
    call: Call, connection: PagerDutyConnection, what: str, search: str, cursor: str | None
) -> Choices:
    offset = int(cursor) if cursor and cursor.isdecimal() else 0
    query = {"query": search or None, "limit": PAGE, "offset": offset}
    answer = await ask(call, connection, "GET", f"/{what}", query=query)
    items = [Choice(value=one["id"], label=one["summary"], note=one["id"]) for one in answer[what]]
    return Choices(items=items, next=str(offset + PAGE) if answer.get("more") else None)


async def _incident(call: Call, connection: PagerDutyConnection, dedup_key: str) -> str:
    """The newest open incident of an alert."""
    query = {
        "incident_key": dedup_key, "statuses[]": ["triggered", "acknowledged"],
        "sort_by": "created_at:desc", "limit": 1,
    }  # fmt: skip
    found = (await ask(call, connection, "GET", "/incidents", query=query))["incidents"]
    if not found:
        raise Rejected(f'PagerDuty: no open incident has the key "{dedup_key}"')
    return str(found[0]["id"])


def _sent(answer: dict[str, Any]) -> Sent:
    return Sent(dedup_key=str(answer.get("dedup_key", "")), status=str(answer.get("status", "")))


def _person(one: dict[str, Any]) -> Person:
    schedule, user = one.get("schedule"), one["user"]
    return Person(
        level=one["escalation_level"],
        user=user.get("name") or user.get("summary") or "",
        user_id=user["id"],
        email=user.get("email"),
        escalation_policy=one["escalation_policy"]["summary"],
        schedule=schedule["summary"] if schedule else None,
        until=one.get("end"),
    )
