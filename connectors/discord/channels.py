"""Which channels a Discord bot can see, for forms."""

from __future__ import annotations

from connectors.discord.connection import DiscordConnection, accept, base_url, discord
from runner.connector import Call, Choice, Choices, Json

SERVERS = 5  # of one portion: each costs a request
TEXT, ANNOUNCEMENT = 0, 5  # types of channel that take messages


@discord.choices(
    "send_message.channel", "edit_message.channel", "delete_message.channel", "add_reaction.channel",
    "remove_reaction.channel", "create_thread.channel",
)  # fmt: skip
async def channels(
    call: Call,
    connection: DiscordConnection,
    given: Json,  # noqa: ARG001 - no other input matters
    search: str,
    cursor: str | None,
) -> Choices:
    """List the text channels of the bot's servers, some servers at a time; the note names the server."""
    if connection.token is None:
        return Choices(items=[])  # a webhook has its own
    base = base_url(connection)
    query = {"limit": SERVERS, "after": cursor}
    servers = accept(await call.http.get(f"{base}/users/@me/guilds", query=query)).json()
    items = []
    for server in servers:
        rows = accept(await call.http.get(f"{base}/guilds/{server['id']}/channels")).json()
        items += [
            Choice(value=row["id"], label=f"#{row['name']}", note=server["name"])
            for row in sorted(rows, key=lambda row: row.get("position", 0))
            if row["type"] in {TEXT, ANNOUNCEMENT}
            and search.lower() in f"{row['name']} {server['name']}".lower()
        ]
    return Choices(items=items, next=servers[-1]["id"] if len(servers) == SERVERS else None)
