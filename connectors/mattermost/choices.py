"""What there is on a Mattermost server, for forms: channels, people."""

from __future__ import annotations

from connectors.mattermost.connection import MattermostConnection, ask_any, mattermost
from runner.connector import Call, Choice, Choices, Json

PAGE = 100
KINDS = {"O": "", "P": "private"}  # the others are conversations


@mattermost.choices("post_message.channel", "upload_file.channel")
async def channels(
    call: Call,
    connection: MattermostConnection,
    given: Json,  # noqa: ARG001 - no other input matters
    search: str,
    cursor: str | None,
) -> Choices:
    """List the channels of the account's teams; the note names the team."""
    if connection.token is None:
        return Choices(items=[])  # a webhook cannot ask
    teams = await ask_any(call, connection, "GET", "/users/me/teams")
    names = {one["id"]: one["display_name"] for one in teams}
    rows = await ask_any(call, connection, "GET", "/users/me/channels")
    items = [
        Choice(
            value=row["id"],
            label=row["display_name"],
            note=", ".join(one for one in (names.get(row.get("team_id"), ""), KINDS[row["type"]]) if one),
        )
        for row in sorted(rows, key=lambda row: str(row["display_name"]).lower())
        if row["type"] in KINDS and not row.get("delete_at")
    ]
    found = [one for one in items if search.lower() in one.label.lower()]
    start = int(cursor) if cursor and cursor.isdecimal() else 0
    end = start + PAGE
    return Choices(items=found[start:end], next=str(end) if end < len(found) else None)


@mattermost.choices("send_direct_message.user")
async def users(
    call: Call,
    connection: MattermostConnection,
    given: Json,  # noqa: ARG001 - no other input matters
    search: str,
    cursor: str | None,
) -> Choices:
    """List people, without bots and those who left."""
    if connection.token is None:
        return Choices(items=[])
    following = None
    if search:
        wanted = {"term": search, "limit": PAGE, "allow_inactive": False}
        rows = await ask_any(call, connection, "POST", "/users/search", json=wanted)
    else:
        page = int(cursor) if cursor and cursor.isdecimal() else 0
        query = {"page": page, "per_page": PAGE, "active": True}
        rows = await ask_any(call, connection, "GET", "/users", query=query)
        following = str(page + 1) if len(rows) == PAGE else None
    items = [
        Choice(
            value=row["id"],
            label=f"{row.get('first_name', '')} {row.get('last_name', '')}".strip() or row["username"],
            note=f"@{row['username']}",
        )
        for row in rows
        if not row.get("is_bot") and not row.get("delete_at")
    ]
    return Choices(items=items, next=following)
