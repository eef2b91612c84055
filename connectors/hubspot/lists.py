"""What the forms offer to choose from: pipelines, stages, owners."""

from __future__ import annotations

from typing import Any

from connectors.hubspot.access import HubSpotConnection, after_of, ask, hubspot
from runner.connector import Call, Choice, Choices, Json, url_path


@hubspot.choices("create_deal.pipeline")
async def pipelines(
    call: Call,
    connection: HubSpotConnection,
    given: dict[str, Json],  # noqa: ARG001 - each list is asked alike
    search: str,
    cursor: str | None,  # noqa: ARG001
) -> Choices:
    """The pipelines of deals."""
    return _choices(await _pipelines(call, connection), search)


@hubspot.choices("create_deal.stage")
async def stages(
    call: Call,
    connection: HubSpotConnection,
    given: dict[str, Json],
    search: str,
    cursor: str | None,  # noqa: ARG001
) -> Choices:
    """The stages of the deal's pipeline; of the standard one where none is chosen."""
    wanted = given.get("pipeline") or "default"
    known = await _pipelines(call, connection)
    return _choices([stage for one in known if one["id"] == wanted for stage in one["stages"]], search)


@hubspot.choices("create_deal.owner", "create_note.owner")
async def owners(
    call: Call,
    connection: HubSpotConnection,
    given: dict[str, Json],  # noqa: ARG001
    search: str,
    cursor: str | None,
) -> Choices:
    """The owners: people of the account."""
    path = url_path("crm", "owners", connection.api_version)
    answer = await ask(call, connection, "GET", path, query={"limit": 100, "after": cursor})
    people = [
        {
            "id": one["id"],
            "label": " ".join(filter(None, (one.get("firstName"), one.get("lastName")))) or one.get("email"),
            "note": one.get("email") or "",
        }
        for one in answer.get("results") or []
    ]
    return _choices(people, search, after=after_of(answer))


async def _pipelines(call: Call, connection: HubSpotConnection) -> list[dict[str, Any]]:
    answer = await ask(call, connection, "GET", url_path("crm", "pipelines", connection.api_version, "deals"))
    return list(answer.get("results") or [])


def _choices(items: list[dict[str, Any]], search: str, *, after: str | None = None) -> Choices:
    wanted = search.casefold()
    return Choices(
        items=[
            Choice(value=one["id"], label=one["label"] or one["id"], note=one.get("note", ""))
            for one in items
            if wanted in f"{one['label']} {one.get('note', '')}".casefold()
        ],
        next=after,
    )
