"""
How Airtable is reached: the connection, one request, and what its refusals mean.

Sources: airtable.com/developers/web/api, "Get user ID & scopes", "Errors", "Rate limits".
"""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn

from pydantic import Field

from runner.connector import (
    Bearer,
    Call,
    ConnectionRejected,
    Connector,
    OutcomeUnknown,
    Rejected,
    Reply,
    SecretStr,
    Unavailable,
    in_brief,
)

airtable = Connector("airtable", title="Airtable", summary="Records of Airtable's tables.")

API = "https://api.airtable.com/v0"
PAUSE_SECONDS = 30.0  # "you will need to wait 30 seconds before subsequent requests will succeed"

MENDS = {
    "UNKNOWN_FIELD_NAME": "the table has no such field; names count as they are written there",
    "INVALID_VALUE_FOR_COLUMN": "the field takes no such value; `typecast: true` lets Airtable convert texts",
    "INVALID_MULTIPLE_CHOICE_OPTIONS": "no such option; `typecast: true` lets Airtable add it",
    "INVALID_FILTER_BY_FORMULA": "the formula is wrong; try it in a formula field",
    "TABLE_NOT_FOUND": "the base has no such table",
}
"""Errors that we can say more of than Airtable does."""

airtable.explains(MENDS)


@airtable.connection("airtable")
class AirtableConnection(Bearer):
    """
    A personal access token of Airtable, with the scopes data.records:read and data.records:write,
    and schema.bases:read for lists to choose from; each base has to be added to it.
    """

    title: ClassVar[str] = "Airtable"
    steps: ClassVar[tuple[str, ...]] = (
        "At https://airtable.com/create/tokens choose Create token.",
        (
            "Add the scopes data.records:read and data.records:write, and schema.bases:read for the lists of "
            "tables and fields."
        ),
        "Add each base that the steps use under Access; create the token and copy it: it is shown once.",
    )

    token: SecretStr = Field(
        description="The token (pat…), made at airtable.com/create/tokens.", min_length=1
    )
    api_url: str | None = Field(API, description="The address of the API, for tests and gateways.")

    async def test(self, call: Call) -> str:
        """Ask Airtable who the token is."""
        who = await ask(call, self, "GET", "/meta/whoami")
        return f"connected as {who.get('email') or who.get('id')}"


async def send(call: Call, connection: AirtableConnection, method: str, path: str, **options: Any) -> Reply:
    """Airtable's answer, whatever it says."""
    return await call.http.request(method, f"{(connection.api_url or API).rstrip('/')}{path}", **options)


async def ask(
    call: Call, connection: AirtableConnection, method: str, path: str, **options: Any
) -> dict[str, Any]:
    """Airtable's answer, an object, if it is a yes."""
    answer = accepted(await send(call, connection, method, path, **options)).json()
    if not isinstance(answer, dict):
        raise OutcomeUnknown("Airtable answered with what is not an object")
    return answer


def objects(answer: dict[str, Any], name: str, *, at_least: int = 1) -> list[dict[str, Any]]:
    """The objects that the answer holds under *name*."""
    found = answer.get(name)
    if not isinstance(found, list) or len(found) < at_least:
        raise OutcomeUnknown(f"Airtable answered without {name}")
    return found


def accepted(reply: Reply) -> Reply:
    """This answer, if it is a yes."""
    if reply.status >= 400:
        _fail(reply)
    return reply


def _fail(reply: Reply) -> NoReturn:
    """Raise what Airtable's status and word mean."""
    word, said = words(reply)
    sentence = ": ".join(filter(None, (f"Airtable answered {reply.status}", word, said)))
    if word in MENDS:
        sentence = f"{sentence}; {MENDS[word]}"
    match reply.status:
        case 401:
            raise ConnectionRejected(f"{sentence}; make a token at airtable.com/create/tokens")
        case 403:
            raise ConnectionRejected(
                f"{sentence}; add the base and the scope to the token, or correct the id of base or table"
            )
        case 429:
            pause = reply.retry_after()
            raise Unavailable(
                sentence, retry_after_seconds=PAUSE_SECONDS if pause is None else pause, cause="429"
            )
        case 503:  # "it could have timed out processing your request"
            raise OutcomeUnknown(sentence, cause="503")
        case 400 | 404 | 413 | 422:
            raise Rejected(sentence)
    reply.accept()
    raise Rejected(sentence)


def words(reply: Reply) -> tuple[str, str]:
    """
    Airtable's word for an error and its sentence, either may be empty: {"error": {"type", "message"}},
    {"error": "NOT_FOUND"} and {"errors": [{"error", "message"}]} are all in use.
    """
    try:
        answer = reply.json()
    except OutcomeUnknown:
        return "", ""
    if not isinstance(answer, dict):
        return "", ""
    errors = answer.get("errors")
    error = errors[0] if isinstance(errors, list) and errors else answer.get("error")
    if isinstance(error, dict):
        return str(error.get("type") or error.get("error") or ""), in_brief(error.get("message") or "", 200)
    return str(error or ""), ""
