"""Zendesk's actions, and what it can list for their inputs."""

from __future__ import annotations

from typing import Any

from connectors.zendesk.access import ZendeskConnection, ask, zendesk
from connectors.zendesk.models import (
    AddTags,
    Comment,
    Commented,
    CreateTicket,
    Found,
    OnTicket,
    SearchTickets,
    Tagged,
    Ticket,
    UpdateTicket,
)
from runner.connector import AfterCrash, Call, Choice, Choices, Json

PAGE = 100


def _unless_public(given: Comment) -> AfterCrash:
    """A note that stands twice does no harm; a customer who is written to twice wonders."""
    return "stop" if given.public else "repeat"


@zendesk.action(
    after_crash="repeat",  # the Idempotency-Key that goes along makes one ticket of both
    example="""\
action: zendesk.create_ticket
connection: zendesk
with:
  subject: "Order {{ payload.name }}: {{ payload.problem }}"
  body: "{{ payload.message }}"
  requester_email: "{{ payload.email }}"
  requester_name: "{{ payload.customer }}"
  tags: [webshop]
""",
)
async def create_ticket(call: Call, connection: ZendeskConnection, input: CreateTicket) -> Ticket:  # noqa: A002 - the contract of an action
    """Create a ticket, once: repeated within two hours, Zendesk gives the one that it made."""
    said = {"body", "html", "public", "requester_email", "requester_name", "custom_fields"}
    ticket = {
        **input.model_dump(exclude_none=True, exclude=said),
        "comment": input.comment(public=input.public),
        **_custom(input.custom_fields),
    }
    if input.requester_email is not None:
        name = input.requester_name or input.requester_email
        ticket["requester"] = {"email": input.requester_email, "name": name}
    answer = await ask(call, connection, "POST", "/tickets", json={"ticket": ticket})
    return _ticket(connection, answer["ticket"])


@zendesk.action(
    after_crash="repeat",
    example="""\
action: zendesk.update_ticket
connection: zendesk
with:
  ticket: "{{ payload.ticket_id }}"
  status: solved
  priority: low
""",
)
async def update_ticket(call: Call, connection: ZendeskConnection, input: UpdateTicket) -> Ticket:  # noqa: A002 - the contract of an action
    """Change a ticket: its status, priority, tags, assignee and other fields."""
    fields = input.model_dump(exclude_none=True, exclude={"ticket", "custom_fields"})
    body: dict[str, Json] = {"ticket": fields | _custom(input.custom_fields)}
    answer = await ask(call, connection, "PUT", f"/tickets/{input.ticket}", json=body)
    return _ticket(connection, answer["ticket"])


@zendesk.action(
    after_crash=_unless_public,
    example="""\
action: zendesk.comment
connection: zendesk
with:
  ticket: "{{ payload.ticket_id }}"
  body: "Your parcel left us today: {{ payload.tracking_url }}"
  public: true
  status: solved
""",
)
async def comment(call: Call, connection: ZendeskConnection, input: Comment) -> Commented:  # noqa: A002 - the contract of an action
    """Answer the requester, or write a note for agents; and set the ticket's status, if given."""
    ticket: dict[str, Json] = {"comment": input.comment(public=input.public)}
    if input.status is not None:
        ticket["status"] = input.status
    answer = await ask(call, connection, "PUT", f"/tickets/{input.ticket}", json={"ticket": ticket})
    return Commented(ticket=answer["ticket"]["id"], status=answer["ticket"]["status"])


@zendesk.action(
    after_crash="repeat",
    example="""\
action: zendesk.add_tags
connection: zendesk
with:
  ticket: "{{ payload.ticket_id }}"
  tags: [escalated]
""",
)
async def add_tags(call: Call, connection: ZendeskConnection, input: AddTags) -> Tagged:  # noqa: A002 - the contract of an action
    """Add tags to those that a ticket has."""
    answer = await ask(
        call, connection, "PUT", f"/tickets/{input.ticket}/tags", json={"tags": list[Json](input.tags)}
    )
    return Tagged(tags=answer["tags"])


@zendesk.action(
    after_crash="repeat",
    example="""\
action: zendesk.get_ticket
connection: zendesk
with:
  ticket: "{{ payload.ticket_id }}"
""",
)
async def get_ticket(call: Call, connection: ZendeskConnection, input: OnTicket) -> Ticket:  # noqa: A002 - the contract of an action
    """Read a ticket."""
    answer = await ask(call, connection, "GET", f"/tickets/{input.ticket}")
    return _ticket(connection, answer["ticket"])


@zendesk.action(
    after_crash="repeat",
    example="""\
action: zendesk.search_tickets
connection: zendesk
with:
  query: "status<solved requester:{{ payload.email }}"
  sort_by: updated_at
""",
)
async def search_tickets(call: Call, connection: ZendeskConnection, input: SearchTickets) -> Found:  # noqa: A002 - the contract of an action
    """Find tickets; Zendesk finds new ones after some minutes only, and 1,000 at most."""
    size = min(PAGE, input.limit)
    query = {
        "query": f"type:ticket {input.query}",
        "sort_by": input.sort_by,
        "sort_order": input.sort_order if input.sort_by else None,
        "per_page": size,
    }
    found: list[Ticket] = []
    page = 1
    while True:
        answer = await ask(call, connection, "GET", "/search", query={**query, "page": page})
        results = answer["results"]
        found += [_ticket(connection, one) for one in results]
        page += 1
        if not answer.get("next_page") or not results or (page - 1) * size >= input.limit:
            return Found(tickets=found[: input.limit], count=answer["count"])


@zendesk.choices("create_ticket.group_id", "update_ticket.group_id")
async def groups(
    call: Call, connection: ZendeskConnection, given: dict[str, Json], search: str, cursor: str | None
) -> Choices:
    """The groups of agents."""
    del given
    found, following = await _page(call, connection, "groups", cursor)
    items = [Choice(value=one["id"], label=one["name"], note=one.get("description") or "") for one in found]
    return Choices(items=_matching(items, search), next=following)


@zendesk.choices("create_ticket.assignee_id", "update_ticket.assignee_id")
async def agents(
    call: Call, connection: ZendeskConnection, given: dict[str, Json], search: str, cursor: str | None
) -> Choices:
    """The agents and administrators."""
    del given
    found, following = await _page(call, connection, "users", cursor, {"role[]": ["agent", "admin"]})
    items = [Choice(value=one["id"], label=one["name"], note=one.get("email") or "") for one in found]
    return Choices(items=_matching(items, search), next=following)


async def _page(
    call: Call,
    connection: ZendeskConnection,
    what: str,
    cursor: str | None,
    query: dict[str, Any] | None = None,
) -> tuple[list[dict[str, Any]], str | None]:
    """One page of a list, and the cursor of the next."""
    asked = {**(query or {}), "page[size]": PAGE, "page[after]": cursor}
    answer = await ask(call, connection, "GET", f"/{what}", query=asked)
    meta = answer.get("meta") or {}
    return answer[what], meta.get("after_cursor") if meta.get("has_more") else None


def _matching(items: list[Choice], search: str) -> list[Choice]:
    wanted = search.strip().lower()
    return [one for one in items if wanted in f"{one.label} {one.note}".lower()]


def _custom(fields: dict[str, Any] | None) -> dict[str, Any]:
    if not fields:
        return {}
    return {"custom_fields": [{"id": int(name), "value": value} for name, value in fields.items()]}


def _ticket(connection: ZendeskConnection, one: dict[str, Any]) -> Ticket:
    return Ticket(
        id=one["id"],
        subject=one.get("subject"),
        status=one["status"],
        priority=one.get("priority"),
        tags=one.get("tags") or [],
        url=f"{connection.api_url}/agent/tickets/{one['id']}",
    )
