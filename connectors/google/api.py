"""
One request to one of Google's services, and what its refusals mean.

Sources: "Resolve errors" of the Drive, Calendar and Gmail API; "Standard error responses" and
"Usage limits" of the Sheets API; google.rpc.ErrorInfo (SERVICE_DISABLED,
ACCESS_TOKEN_SCOPE_INSUFFICIENT, RATE_LIMIT_EXCEEDED).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote

import orjson

from runner.connector import (
    Call,
    ConnectionRejected,
    Json,
    OutcomeUnknown,
    Rejected,
    Reply,
    Unavailable,
    in_brief,
)

if TYPE_CHECKING:
    from connectors.google.account import Google

SHEETS = "https://sheets.googleapis.com"
DRIVE = CALENDAR = "https://www.googleapis.com"
GMAIL = "https://gmail.googleapis.com"
DOCS = "https://docs.googleapis.com"
HOSTS = tuple(address.removeprefix("https://") for address in (SHEETS, DRIVE, GMAIL, DOCS))

LONGEST_SAID = 200

LATER = {
    "rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded",
    "sharingRateLimitExceeded", "RATE_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED",
}  # fmt: skip
"""Google's words for too much in a time; Drive, Calendar and Gmail say them with 403 too."""

SWITCHED_OFF = (
    "the API is switched off in the Google Cloud project; switch it on under APIs & Services, Library"
)

CREDENTIALS = {
    "SERVICE_DISABLED": SWITCHED_OFF,
    "accessNotConfigured": SWITCHED_OFF,
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": "the connection's scope does not hold this; add it and connect again",
    "insufficientPermissions": "the connection's scope does not hold this; add it and connect again",
    "domainPolicy": "the domain's administrators do not allow it",
}
"""Until a person mends the connection or its project, each with the mend."""

MENDS = {
    "storageQuotaExceeded": "there is no space left. A robot account has none of its own: use a folder of a "
    "shared drive",
    "teamDriveFileLimitExceeded": "the shared drive holds as many files as Google allows",
    "numChildrenInNonRootLimitExceeded": "the folder holds as many files as Google allows",
    "fileNotDownloadable": "it has no content of its own; give `export_as`",
    "exportSizeLimitExceeded": "Google exports at most 10 MB",
    "appNotAuthorizedToFile": "with the scope drive.file only files that this app made are seen",
    "forbiddenForServiceAccounts": "a robot account may invite guests only with a `subject` (domain-wide "
    "delegation), or leave the guests out",
    "forbiddenForNonOrganizer": "only the organizer may change this of an event",
    "timeRangeEmpty": "the end must be later than the start",
}
"""Other refusals that we can say more of than Google's own words."""


def path(*segments: str) -> str:
    """
    The path of *segments*, each encoded so that it stays one.

    Raises:
        Rejected: a segment is empty, or would lead elsewhere.
    """
    for one in segments:
        if one.strip(".") == "":  # dots are not encoded, and a lone .. goes up
            raise Rejected(f"{one!r} is no id; give the id that Google shows, or the address of the page")
    return "".join(f"/{quote(one, safe='')}" for one in segments)


async def ask(
    call: Call, connection: Google, method: str, service: str, where: str, **options: Any
) -> dict[str, Json]:
    """
    The object that *service* answers with. *where* is made by `path`; *options* as `Http.request`,
    besides `also`: statuses that are not errors.

    Raises:
        ActionError: as Google's words mean.
    """
    reply = await send(call, connection, method, service, where, **options)
    if reply.status == 204 or not reply.content.strip():
        return {}
    answer = reply.json()
    if not isinstance(answer, dict):
        raise OutcomeUnknown("Google answered with what is not an object")
    return answer


async def send(
    call: Call,
    connection: Google,
    method: str,
    service: str,
    where: str,
    *,
    also: tuple[int, ...] = (),
    **options: Any,
) -> Reply:
    """As `ask`, with the answer as it came."""
    base = (connection.api_url or service).rstrip("/")
    reply = await call.http.request(method, f"{base}{where}", follow_redirects=False, **options)
    if reply.status >= 400 and reply.status not in also:
        refuse(reply, connection)
    return reply


def refuse(reply: Reply, connection: Google) -> NoReturn:
    """Raise what a refusal of Google's means."""
    said, reasons = refusal(reply)
    sentence = f"Google: {said or reply.status}"
    for reason in reasons:
        if reason in LATER:
            raise Unavailable(sentence, retry_after_seconds=reply.retry_after(), cause="429")
        if reason in CREDENTIALS:
            raise ConnectionRejected(f"{sentence} ({reason}): {CREDENTIALS[reason]}")
        if reason in MENDS:
            raise Rejected(f"{sentence} ({reason}): {MENDS[reason]}")
    match reply.status:
        case 401:
            raise ConnectionRejected(sentence)
        case 403:
            raise Rejected(f"{sentence}: {connection.sharing()}, with the right to edit where it writes")
        case 404:
            raise Rejected(f"{sentence}: there is no such thing, or it is not shared: {connection.sharing()}")
        case 408 | 429 | 503:
            if reply.status == 408:
                raise OutcomeUnknown(sentence, cause="408")
            raise Unavailable(sentence, retry_after_seconds=reply.retry_after(), cause=str(reply.status))
        case status if status >= 500:
            raise OutcomeUnknown(sentence, cause=str(status))
    raise Rejected(sentence)


def refusal(reply: Reply) -> tuple[str, list[str]]:
    """Google's own sentence, and its words for the reason: of the older form, of the newer, its status."""
    try:
        answer = orjson.loads(reply.content)
        error = answer["error"]
        if not isinstance(error, dict):
            return "", []
    except (ValueError, KeyError, TypeError):
        return "", []
    found: list[Any] = [error.get("errors"), error.get("details")]
    entries = [one for some in found if isinstance(some, list) for one in some if isinstance(one, dict)]
    reasons = [str(one["reason"]) for one in entries if "reason" in one]
    return in_brief(error.get("message", ""), LONGEST_SAID), [*reasons, str(error.get("status", ""))]


async def who(call: Call, connection: Google) -> str:
    """
    As whom Drive knows us, as the end of a sentence; where it is switched off or not asked for, what that
    means.

    Raises:
        ActionError: Google does not let us in.
    """
    reply = await send(
        call, connection, "GET", DRIVE, path("drive", "v3", "about"), query={"fields": "user"}, also=(403,)
    )
    if reply.status == 403:
        said, reasons = refusal(reply)
        if LATER.intersection(reasons):
            raise Unavailable(f"Google: {said}", retry_after_seconds=reply.retry_after(), cause="429")
        return f" (Drive does not take part, so that files cannot be chosen from a list: {said})"
    answer = reply.json()
    user = answer.get("user") if isinstance(answer, dict) else None
    name = user.get("emailAddress") if isinstance(user, dict) else None
    return f" (Drive knows it as {name})" if name else ""


def related(metadata: Json, content_type: str, content: bytes, *, boundary: str) -> tuple[bytes, str]:
    """
    A body of metadata and content (`multipart/related`), and its content type. *boundary* must not stand
    in the content; a random one does not.
    """
    head = (
        f"--{boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n".encode()
        + orjson.dumps(metadata)
        + f"\r\n--{boundary}\r\nContent-Type: {content_type}\r\n\r\n".encode()
    )
    return head + content + f"\r\n--{boundary}--\r\n".encode(), f"multipart/related; boundary={boundary}"


def objects(value: Json) -> list[dict[str, Json]]:
    """The objects of a list in an answer; none where it is no list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def cursor_of(answer: dict[str, Json]) -> str | None:
    """What the next page is asked for with."""
    following = answer.get("nextPageToken")
    return str(following) if following else None


def quoted(text: str) -> str:
    """A text in a query of Drive's."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
