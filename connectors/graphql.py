"""
Any service that speaks GraphQL over HTTP: `graphql.query` and `graphql.mutate`.

A GraphQL service says no with HTTP 200 and `errors`, or with data and errors at once. Sources: the
GraphQL specification (October 2021, section 7, "Response"), "GraphQL over HTTP" (media types and
status codes), Apollo Server "Error handling" (the codes that most services have taken over), Shopify
"GraphQL Admin API: rate limits" (THROTTLED), GitHub "Rate limits for the GraphQL API" (RATE_LIMITED),
Linear "Rate limiting" (RATELIMITED).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any, NoReturn

from pydantic import AfterValidator, Field

from runner.connector import (
    Address,
    Basic,
    Bearer,
    Call,
    ConnectionRejected,
    Connector,
    Header,
    HttpCredentials,
    Input,
    Json,
    OAuth2,
    OutcomeUnknown,
    Output,
    Query,
    Rejected,
    Reply,
    Unavailable,
    in_brief,
)

graphql = Connector("graphql", title="GraphQL", summary="Queries and mutations of any GraphQL service.")

for _kind, _model in (
    ("basic", Basic), ("bearer", Bearer), ("header", Header), ("query", Query), ("oauth2", OAuth2),
):  # fmt: skip
    graphql.connection(_kind)(_model)

ACCEPT = "application/graphql-response+json, application/json;q=0.9"  # as the specification wants it
ITS_OWN_TYPE = "application/graphql-response+json"
CREDENTIALS = {"UNAUTHENTICATED", "FORBIDDEN"}
LATER = {"THROTTLED", "RATE_LIMITED", "RATELIMITED"}
UNKNOWN = {"INTERNAL_SERVER_ERROR"}
SHOWN_ERRORS, SHOWN_CHARACTERS = 5, 300
# What may hold a brace or a keyword and means nothing: block strings, strings, comments.
QUIET = re.compile(r'"""(?:\\"""|.)*?"""|"(?:\\.|[^"\\\n])*"|#[^\n\r]*', re.DOTALL)
WORDS = re.compile(r"[{}()]|\b(?:query|mutation|subscription|fragment)\b")


def operations(document: str) -> list[str]:
    """The kinds of the operations in *document*, in order; the short form `{ … }` is a query."""
    found: list[str] = []
    depth, is_named = 0, False
    for word in WORDS.findall(QUIET.sub(" ", document)):
        if word in "{(":
            if depth == 0 and word == "{" and not is_named:
                found.append("query")
            depth += 1
        elif word in "})":
            depth -= 1
            is_named = is_named and not (depth == 0 and word == "}")
        elif depth == 0 and not is_named:
            is_named = True
            if word != "fragment":
                found.append(word)
    return found


def _reads(document: str) -> str:
    kinds = operations(document)
    if "mutation" in kinds:
        raise ValueError("holds a mutation; use graphql.mutate")
    return _answered_once(document, kinds)


def _changes(document: str) -> str:
    kinds = operations(document)
    if kinds and "mutation" not in kinds:
        raise ValueError("holds no mutation; use graphql.query")
    return _answered_once(document, kinds)


def _answered_once(document: str, kinds: list[str]) -> str:
    if not kinds:
        raise ValueError("holds no operation; write `query { … }` or `mutation { … }`")
    if "subscription" in kinds:
        raise ValueError("holds a subscription, which has no end; a webhook or a `poll` does this here")
    return document


class _Operation(Input):
    """What both actions take."""

    url: Address | None = Field(
        None,
        description="The address of the service; left out: the connection's `api_url`.",
        examples=["https://api.example.com/graphql"],
    )
    variables: dict[str, Any] | None = Field(
        None,
        description="The operation's variables. What comes from outside belongs here, not into the text.",
    )
    operation: str | None = Field(
        None,
        description="Which operation of the document to run, where it has several.",
        pattern="^[_A-Za-z]\\w*$",
    )
    headers: dict[str, str | int | float | bool | None] | None = Field(
        None, description="More headers; null leaves one out."
    )
    accept_errors: bool = Field(
        False,
        description="Give incomplete data with its `errors` in place of failing; without data it fails.",
    )


class RunQuery(_Operation):
    """The inputs of `graphql.query`."""

    query: Annotated[str, AfterValidator(_reads)] = Field(
        description="The query, with $variables.", examples=["query ($id: ID!) { order(id: $id) { total } }"]
    )


class RunMutation(_Operation):
    """The inputs of `graphql.mutate`."""

    mutation: Annotated[str, AfterValidator(_changes)] = Field(
        description="The mutation, with $variables.",
        examples=["mutation ($id: ID!) { cancel(id: $id) { ok } }"],
    )


class Result(Output):
    """What the service gave."""

    data: Json = Field(description="The data that was asked for.")
    errors: list[dict[str, Any]] = Field(
        description="What is missing in it and why: `message`, `path`, …; empty unless `accept_errors`."
    )
    extensions: dict[str, Any] = Field(description="What the service adds of its own, such as costs.")


@graphql.action(
    after_crash="repeat",  # a query changes nothing
    example="""\
action: graphql.query
connection: shop-api
with:
  query: |
    query ($id: ID!) { order(id: $id) { name total } }
  variables: {id: "{{ payload.order_id }}"}
""",
)
async def query(call: Call, connection: HttpCredentials | None, input: RunQuery) -> Result:  # noqa: A002 - the contract of an action
    """Ask a GraphQL service for data."""
    return await _run(call, connection, input, input.query)


@graphql.action(
    # As http.request: the Idempotency-Key is the same for each attempt, for a service that knows it.
    after_crash="repeat",
    example="""\
action: graphql.mutate
connection: shop-api
with:
  mutation: |
    mutation ($id: ID!, $note: String!) { addNote(order: $id, note: $note) { id } }
  variables: {id: "{{ payload.order_id }}", note: "{{ payload.note }}"}
""",
)
async def mutate(call: Call, connection: HttpCredentials | None, input: RunMutation) -> Result:  # noqa: A002 - the contract of an action
    """
    Change something by a GraphQL mutation.

    Every request carries an `Idempotency-Key` that is the same for each attempt; a service that
    does not know such keys may do it twice after a crash. `after_crash: stop` asks a person instead.
    """
    return await _run(call, connection, input, input.mutation)


async def _run(call: Call, connection: HttpCredentials | None, given: _Operation, document: str) -> Result:
    url = given.url or (connection.api_url if connection else None)
    if not url:
        raise Rejected("give a url here, or the connection an api_url")
    body: dict[str, Json] = {"query": document}
    if given.variables is not None:
        body["variables"] = given.variables
    if given.operation is not None:
        body["operationName"] = given.operation
    headers = {"Accept": ACCEPT, **(given.headers or {})}
    reply = await call.http.post(url, json=body, headers=headers)
    answer = _answer(reply)
    errors = [one for one in answer.get("errors") or [] if isinstance(one, dict)]
    data = answer.get("data")
    if errors and (data is None or not given.accept_errors):
        _fail(reply, errors, changed=data is not None)
    extensions = answer.get("extensions")
    return Result(data=data, errors=errors, extensions=extensions if isinstance(extensions, dict) else {})


def _answer(reply: Reply) -> dict[str, Any]:
    """
    The GraphQL response. With its own media type it counts whatever the status; as plain JSON it may
    be that of a gateway on the way.
    """
    kind = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    if reply.status in {401, 403, 408, 429} or reply.status >= 500:
        reply.accept()
    if reply.status >= 400 and kind not in {ITS_OWN_TYPE, "application/json"}:
        reply.accept()
    answer = reply.json()
    if isinstance(answer, dict) and (isinstance(answer.get("errors"), list) or "data" in answer):
        if reply.status >= 400 and not answer.get("errors"):
            reply.accept()
        return answer
    reply.accept()
    raise OutcomeUnknown("the service answered with JSON that is no GraphQL response: no data, no errors")


def _fail(reply: Reply, errors: list[dict[str, Any]], *, changed: bool) -> NoReturn:
    """Raise what *errors* mean; *changed*: some of the operation was done."""
    codes = set(_codes(errors))
    said = "; ".join(_sentence(one) for one in errors[:SHOWN_ERRORS])
    if len(errors) > SHOWN_ERRORS:
        said += f"; and {len(errors) - SHOWN_ERRORS} more"
    if codes & CREDENTIALS and not changed:
        raise ConnectionRejected(f"GraphQL: {said}: the connection's credentials may not do this")
    if codes & LATER and not changed:
        raise Unavailable(f"GraphQL: {said}", retry_after_seconds=reply.retry_after(), cause="429")
    if codes & UNKNOWN:
        raise OutcomeUnknown(f"GraphQL: {said}", cause="500")
    hint = "; with `accept_errors` the rest is given all the same" if changed else ""
    raise Rejected(f"GraphQL: {said}{hint}")


def _codes(errors: Iterable[dict[str, Any]]) -> Iterable[str]:
    for one in errors:
        extensions = one.get("extensions")
        yield str(extensions.get("code", "")).upper() if isinstance(extensions, dict) else ""
        yield str(one.get("type", "")).upper()  # GitHub's place for it


def _sentence(error: dict[str, Any]) -> str:
    shown = in_brief(error.get("message") or "an error without a message", SHOWN_CHARACTERS)
    path = error.get("path")
    return f"{'.'.join(str(one) for one in path)}: {shown}" if isinstance(path, list) and path else shown
