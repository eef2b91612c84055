"""
How Notion is reached: the connection, one request, what its refusals mean, ids and pages of lists.

Every request names the version of the API that this is written for, VERSION. Sources:
developers.notion.com, "Versioning", "Status codes", "Request limits", "Pagination", "Retrieve your
token's bot user".
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, NoReturn
from uuid import UUID

from pydantic import Field

from runner.connector import (
    Bearer,
    Call,
    ConnectionRejected,
    Connector,
    OutcomeUnknown,
    OutgoingRequest,
    Rejected,
    Reply,
    SecretStr,
    Unavailable,
    in_brief,
)

notion = Connector("notion", title="Notion", summary="Pages and databases in Notion.")

API = "https://api.notion.com/v1"
VERSION = "2026-03-11"
PAGE = 100  # the most that one answer holds
ID = r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}"

CREDENTIALS = {
    "unauthorized": "copy the integration's secret again",
    "restricted_resource": "give the integration the capability under Configuration → Capabilities",
}
"""Codes until a person mends the connection, each with the mend."""

LATER = {"rate_limited", "conflict_error", "service_overload", "database_connection_unavailable"}
"""Codes after which nothing happened and that pass."""

MENDS = {
    "object_not_found": "no such page or database, or it is not shared with the integration: in its menu "
    "••• → Connections, add the integration",
}
"""Codes that we can say more of than Notion does."""

notion.explains(CREDENTIALS, MENDS)


@notion.connection("notion")
class NotionConnection(Bearer):
    """
    An internal integration of Notion, made at notion.so/my-integrations. Each page or database has to
    be shared with it: in its menu ••• → Connections.
    """

    title: ClassVar[str] = "Notion"
    steps: ClassVar[tuple[str, ...]] = (
        (
            "At https://www.notion.so/my-integrations choose New integration, of the type Internal, and your "
            "workspace."
        ),
        "Copy its secret, which begins with ntn_.",
        "In Notion, share each page or database with it: •••, Connections, and its name.",
    )

    token: SecretStr = Field(description="The integration's secret (ntn_…).", min_length=1)
    api_url: str | None = Field(API, description="The address of the API, for tests and gateways.")

    def apply(self, request: OutgoingRequest) -> None:
        """Add the secret and the version of the API."""
        super().apply(request)
        request.set_header("Notion-Version", VERSION)

    async def test(self, call: Call) -> str:
        """Ask Notion who the integration is."""
        who = await ask(call, self, "GET", "/users/me")
        workspace = (who.get("bot") or {}).get("workspace_name")
        return f"connected as {who.get('name')}" + (f" to {workspace}" if workspace else "")


async def ask(
    call: Call, connection: NotionConnection, method: str, path: str, **options: Any
) -> dict[str, Any]:
    """Notion's answer, an object, if it is a yes."""
    reply = await call.http.request(method, f"{(connection.api_url or API).rstrip('/')}{path}", **options)
    if reply.status >= 400:
        _fail(reply)
    answer = reply.json()
    if not isinstance(answer, dict):
        raise OutcomeUnknown("Notion answered with what is not an object")
    return answer


async def gather(
    call: Call, connection: NotionConnection, path: str, body: dict[str, Any], *, limit: int
) -> tuple[list[dict[str, Any]], bool]:
    """The results of a paged POST, *limit* at most, and whether there are more."""
    found: list[dict[str, Any]] = []
    cursor = None
    while len(found) < limit:
        page = body | {"page_size": min(PAGE, limit - len(found))}
        answer = await ask(
            call, connection, "POST", path, json=page | ({"start_cursor": cursor} if cursor else {})
        )
        found += results(answer)
        cursor = answer.get("next_cursor") if answer.get("has_more") else None
        if cursor is None:
            break
    return found[:limit], cursor is not None


def results(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The results of one answer."""
    found = answer.get("results")
    if not isinstance(found, list):
        raise OutcomeUnknown("Notion answered without results")
    return found


def notion_id(text: str) -> str:
    """
    The id in *text*: an id with or without dashes, or the address of a page or database.

    Raises:
        Rejected: there is none in it.
    """
    given = text.strip().lower()
    found = re.fullmatch(f"({ID})", given)
    if found is None and given.startswith(("https://", "http://")):
        # a page that is opened beside a database stands in the query, and is the one that is meant
        found = re.search(rf"[?&]p=({ID})(?:[&#]|$)", given)
        found = found or re.match(rf"[^?#]*?({ID})/?(?:[?#]|$)", given)
    if found is None:
        raise Rejected(f"{in_brief(text, 100)!r} holds no id of Notion; copy the page's or database's link")
    return str(UUID(found[1]))


def text_of(rich: Any) -> str:
    """The plain text of a list of rich texts."""
    return "".join(str(one.get("plain_text", "")) for one in rich or [])


def _fail(reply: Reply) -> NoReturn:
    """Raise what Notion's status and code mean."""
    code, said = _words(reply)
    sentence = ": ".join(filter(None, (f"Notion answered {reply.status}", code, said)))
    if code in CREDENTIALS or reply.status == 401:
        raise ConnectionRejected(f"{sentence}; {CREDENTIALS.get(code, CREDENTIALS['unauthorized'])}")
    if code in LATER or reply.status == 429:
        raise Unavailable(sentence, retry_after_seconds=reply.retry_after(), cause="429")
    if reply.status >= 500:  # also 503: "the time to respond takes longer than 60 seconds"
        raise OutcomeUnknown(sentence, cause=str(reply.status))
    if code in MENDS:
        raise Rejected(f"{sentence}; {MENDS[code]}")
    if code:
        raise Rejected(sentence)
    reply.accept()
    raise Rejected(sentence)


def _words(reply: Reply) -> tuple[str, str]:
    """Notion's code and sentence; empty where the answer is none of Notion's."""
    try:
        answer = reply.json()
    except OutcomeUnknown:
        return "", ""
    if not isinstance(answer, dict):
        return "", ""
    return str(answer.get("code") or ""), in_brief(answer.get("message") or "")
