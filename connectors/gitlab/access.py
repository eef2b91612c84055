"""How GitLab is reached: the connection, one request, and what its refusals mean."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from runner.connector import (
    Call,
    ConnectionRejected,
    Connector,
    HttpConnection,
    Json,
    OutcomeUnknown,
    OutgoingRequest,
    Rejected,
    Reply,
    SecretStr,
    in_brief,
)

gitlab = Connector("gitlab", title="GitLab", summary="Issues, statuses, files and pipelines on GitLab.")

API = "https://gitlab.com/api/v4"
MOVED = {301, 302, 307, 308}
LONGEST_SAID = 500


@gitlab.connection("gitlab")
class GitLabConnection(HttpConnection):
    """A GitLab access token: personal, of a group or of a project, with the scope api."""

    title: ClassVar[str] = "GitLab"
    steps: ClassVar[tuple[str, ...]] = (
        (
            "At https://gitlab.com/-/user_settings/personal_access_tokens add a token with the scope api; or "
            "in a project or group under Settings, Access tokens."
        ),
        "Copy it: GitLab shows it once. It begins with glpat-.",
        "A GitLab of your own: give the address of its API under More options.",
    )

    token: SecretStr = Field(description="The token (glpat-…).", min_length=1)
    api_url: str | None = Field(
        API, description="The address of the API; a GitLab of your own has https://HOST/api/v4."
    )

    def apply(self, request: OutgoingRequest) -> None:
        """Add the token."""
        request.set_header("PRIVATE-TOKEN", self.token.get_secret_value().strip())

    async def test(self, call: Call) -> str:
        """Ask GitLab who the token is."""
        return f"connected as {(await send(call, self, 'GET', '/user'))['username']}"


async def ask(
    call: Call,
    connection: GitLabConnection,
    method: str,
    path: str,
    *,
    also: tuple[int, ...] = (),
    **options: Any,
) -> Reply:
    """
    One request; *path* begins with a slash. Statuses of *also* are given back like a success.

    Raises:
        ActionError: GitLab refuses; the message says what to do.
    """
    reply = await call.http.request(
        method,
        f"{(connection.api_url or API).rstrip('/')}{path}",
        # a POST that follows a 301 becomes a GET: it would look like a success and do nothing
        follow_redirects=method == "GET",
        **options,
    )
    return reply if reply.status in also else _accepted(reply)


async def send(
    call: Call, connection: GitLabConnection, method: str, path: str, **options: Any
) -> dict[str, Any]:
    """As `ask`, for an answer that is an object."""
    reply = await ask(call, connection, method, path, **options)
    answer = reply.json()
    if not isinstance(answer, dict):
        raise OutcomeUnknown(f"GitLab answered {reply.status} with what is not an object")
    return answer


def reason(reply: Reply) -> str:
    """What GitLab says in an answer: `message` is a text, or lists of texts by field; or `error`."""
    try:
        answer = reply.json()
    except OutcomeUnknown:
        return ""
    if not isinstance(answer, dict):
        return ""
    said = answer.get("message") or answer.get("error_description") or answer.get("error") or ""
    return in_brief(_flat(said), LONGEST_SAID)


def _accepted(reply: Reply) -> Reply:
    if reply.status in MOVED:
        raise Rejected("GitLab: the project has moved; give its new path")
    if reply.status < 400:
        return reply
    said = reason(reply) or str(reply.status)
    match reply.status:
        case 401:
            raise ConnectionRejected(f"GitLab: {said}: the token is not valid or has expired; make a new one")
        case 403:
            raise ConnectionRejected(
                f"GitLab: {said}: the token may not do this; it needs the scope api, and a role in the "
                "project that may"
            )
        case 404:
            raise Rejected(f"GitLab: {said}: it is not there, or the token may not see it")
        case 400 | 409 | 412 | 422:
            raise Rejected(f"GitLab: {said}")
    return reply.accept()  # 429 with its Retry-After, 5xx and the rest are as everywhere


def _flat(said: Json) -> str:
    """`title can't be blank; …`."""
    match said:
        case dict():
            return "; ".join(f"{name} {_flat(one)}".strip() for name, one in said.items())
        case list():
            return ", ".join(_flat(one) for one in said)
    return str(said)
