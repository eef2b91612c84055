"""How Linear is reached: the connection, one query, and what its refusals mean."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
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
    Unavailable,
    in_brief,
)

linear = Connector("linear", title="Linear", summary="Issues and comments in Linear.")

API = "https://api.linear.app/graphql"
MILLISECONDS = 100_000_000_000  # a time that is greater is no count of seconds
LONGEST_SAID = 500


@linear.connection("linear")
class LinearConnection(HttpConnection):
    """A Linear API key (Settings → Security & access → Personal API keys), or an OAuth access token."""

    title: ClassVar[str] = "Linear"
    steps: ClassVar[tuple[str, ...]] = (
        "In Linear open Settings, Security & access, and under Personal API keys choose New API key.",
        "Copy it: it is shown once. It begins with lin_api_.",
    )

    api_key: SecretStr = Field(description="The key (lin_api_…).", min_length=1)
    api_url: str | None = Field(API, description="The address of the GraphQL API.")

    def apply(self, request: OutgoingRequest) -> None:
        """Add the key, which stands alone; an access token is a bearer's."""
        key = self.api_key.get_secret_value().strip()
        request.set_header("Authorization", key if key.startswith("lin_api_") else f"Bearer {key}")

    async def test(self, call: Call) -> str:
        """Ask Linear who the key is."""
        viewer = (await ask(call, self, "{ viewer { name organization { name } } }"))["viewer"]
        return f"connected to {viewer['organization']['name']} as {viewer['name']}"


async def ask(
    call: Call, connection: LinearConnection, query: str, variables: dict[str, Json] | None = None
) -> dict[str, Any]:
    """
    The data that a query gives.

    Raises:
        ActionError: Linear refuses; the message says what to do.
    """
    body = {"query": query, "variables": variables or {}}
    reply = await call.http.post(connection.api_url or API, json=body, follow_redirects=False)
    if reply.status >= 500 or reply.status in {408, 429}:
        reply.accept()
    try:
        answer = reply.json()
    except OutcomeUnknown:
        reply.accept()
        raise
    errors = answer.get("errors") if isinstance(answer, dict) else None
    if isinstance(errors, list) and errors and isinstance(errors[0], dict):
        _fail(reply, errors[0])
    reply.accept()
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, dict):
        raise OutcomeUnknown(f"Linear answered {reply.status} without data")
    return data


def _fail(reply: Reply, error: dict[str, Any]) -> None:
    """Raise what Linear's first error means: by its type, or by the code of what stands in front."""
    extensions = error.get("extensions")
    more = extensions if isinstance(extensions, dict) else {}
    words = more.get("userPresentableMessage") or error.get("message") or "no reason given"
    said = in_brief(words, LONGEST_SAID)
    kinds = {str(more.get(name) or "").lower().replace("_", " ") for name in ("type", "code")}
    if "ratelimited" in kinds:
        raise Unavailable(f"Linear: {said}", retry_after_seconds=_wait(reply), cause="429")
    if "authentication error" in kinds or reply.status == 401:
        raise ConnectionRejected(f"Linear: {said}: the key is not valid or was revoked; make a new one")
    if "forbidden" in kinds or reply.status == 403:
        raise ConnectionRejected(f"Linear: {said}: the key may not do this")
    if "lock timeout" in kinds:
        raise Unavailable(f"Linear: {said}", cause="503")
    if kinds & {"internal error", "network error", "bootstrap error", "internal server error"}:
        raise OutcomeUnknown(f"Linear: {said}", cause="500")
    if "usage limit exceeded" in kinds:
        raise Rejected(f"Linear: {said}: the workspace has reached a limit of its plan")
    raise Rejected(f"Linear: {said}")


def _wait(reply: Reply) -> float | None:
    """How long Linear wants us to wait: by Retry-After, or until the later of the two resets."""
    if (seconds := reply.retry_after()) is not None:
        return seconds
    ends = []
    for name in ("requests", "complexity", "endpoint-requests"):
        end = reply.headers.get(f"x-ratelimit-{name}-reset", "")
        if reply.headers.get(f"x-ratelimit-{name}-remaining") == "0" and end.isdecimal():
            ends.append(int(end) / 1000 if int(end) > MILLISECONDS else float(end))
    if not ends:
        return None
    try:  # by the clock that set them
        now = parsedate_to_datetime(reply.headers.get("date", "")).timestamp()
    except ValueError:
        now = time.time()
    return max(1.0, max(ends) - now)
