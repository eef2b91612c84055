"""
The way back in: `/resume/<token>`, where a service or a person answers a `wait_for` step.

A small ASGI application in front of the others. The token in the address is what lets answer, and is
all that is asked for; it is taken from the path as it was sent, so that there is one spelling of it. To
look never acts, since previews of links look too, unless the step says `callback: {methods: [GET]}`;
even then HEAD does not. A person who is signed in here and presses the button on our own page answers
by name, anybody else as "link".
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from runner.engine.people import Holder
from runner.engine.resuming import LINK, RESUME, Question, Resuming, Told, closed, decision
from runner.errors import BacklogFull, InboundError, NotFound, StoreUnavailable, as_sentence
from runner.inbound.decode import Bounds, body_limit, decode
from runner.values import Json, dumps, iso
from web.bodies import Room, SenderLeft, read_body
from web.cookies import read_session
from web.texts import exact, visible

if TYPE_CHECKING:
    from web.exchange import Application, Receive, Scope, Send

DECISION = Bounds(max_body_bytes=64 * 1024, max_file_bytes=64 * 1024)  # of a form with a choice and a comment
MOST_OUTPUT_BYTES = 1024 * 1024  # of a step's output (language.md, "Limits")
RETRY_AFTER_SECONDS = 5
HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",  # the address must not leak to where a page leads
    "cross-origin-opener-policy": "same-origin",
    "x-robots-tag": "noindex",
    "cache-control": "no-store",
}
Who = Callable[[str], Awaitable[Holder | None]]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: `facts` are what a program gets as JSON, `view` and `facts` what the page shows."""

    status: int
    view: str
    sentence: str
    facts: Mapping[str, Json] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    question: Question | None = None


class Resume:
    """
    The answers to steps; everything else is *rest*'s. *who(session)* is who is signed in with it,
    *room* bounds the bodies being read at one time, *public_url* is the address that people know,
    *timezone* (IANA) that of the times on the page.
    """

    def __init__(
        self,
        rest: Application,
        resuming: Resuming,
        *,
        who: Who,
        room: Room,
        public_url: str,
        timezone: str = "UTC",
    ) -> None:
        self._rest = rest
        self._resuming = resuming
        self._who = who
        self._room = room
        self._public_url = public_url
        self._templates = _templates(timezone)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        path = scope["raw_path"].decode("ascii", "replace") if scope["type"] == "http" else ""
        if not path.startswith(RESUME):
            await self._rest(scope, receive, send)
            return
        headers = _headers(scope)
        with suppress(SenderLeft):
            reply = await self._reply(path.removeprefix(RESUME), headers, scope, receive)
            await _send(send, reply, headers, self._templates, is_head=scope["method"] == "HEAD")

    async def _reply(self, token: str, headers: Mapping[str, str], scope: Scope, receive: Receive) -> Reply:
        try:
            question = await self._resuming.by_token(token)
            method = scope["method"]
            if method in _methods(question):
                return await self._take(question, headers, scope, receive)
            if method in ("GET", "HEAD"):
                return _closed(question, question.told) or Reply(200, "ask", "", question=question)
            allowed = ", ".join(sorted({*_methods(question), "GET", "HEAD"}))
            sentence = f"This address takes {', '.join(_methods(question))}."
            return Reply(405, "wrong", sentence, headers={"allow": allowed})
        except NotFound:
            return Reply(404, "unknown", "There is nothing at this address.")
        except InboundError as error:
            return Reply(error.status, "wrong", as_sentence(error))
        except (BacklogFull, StoreUnavailable) as error:
            log.error("an answer hears 503: %s", error, extra={"action": "refused"})  # noqa: TRY400
            sentence = "This cannot be taken just now; please send it again."
            return Reply(503, "wrong", sentence, headers={"retry-after": str(RETRY_AFTER_SECONDS)})

    async def _take(
        self, question: Question, headers: Mapping[str, str], scope: Scope, receive: Receive
    ) -> Reply:
        """Take what was sent as the answer, or say why not."""
        closed = _closed(question, question.told)  # before the body: nobody needs it any more
        if closed:
            return closed
        approval = question.body.approval
        bounds = DECISION if approval else Bounds()
        content_type = headers.get("content-type", "")
        body = await read_body(receive, headers, body_limit(content_type, bounds), self._room)
        decoded = decode(
            body,
            content_type=content_type,
            content_encoding=headers.get("content-encoding", ""),
            query=scope["query_string"].decode("latin-1"),
            method=scope["method"],
            bounds=bounds,
        )
        value, files, by = decoded.payload, decoded.files, await self._by(headers)
        if approval:
            try:
                value, files = _decided(question, value, by), {}
            except ValueError as error:
                sentence = as_sentence(error)
                return Reply(422, "ask", sentence, {"choices": list(approval.choices)}, question=question)
        elif len(dumps(value)) > MOST_OUTPUT_BYTES:
            return Reply(413, "wrong", f"What is sent back may have {MOST_OUTPUT_BYTES:,} bytes.")
        told = await self._resuming.answer(question, value, by=by, files=files)
        facts = {"status": "accepted", **({"choice": value["choice"]} if approval else {})}
        return _closed(question, told) or Reply(200, "thanks", "", facts, question=question)

    async def _by(self, headers: Mapping[str, str]) -> str:
        """Who answers: by name who is signed in and was on our page, else whoever has the link."""
        session = read_session(headers.get("cookie", ""), self._public_url)
        if session is None or not _is_from_here(headers, self._public_url):
            return LINK
        found = await self._who(session)
        return found.name if found else LINK


def _methods(question: Question) -> tuple[str, ...]:
    """The methods that answer."""
    return ("POST",) if question.body.approval else question.body.methods


def _closed(question: Question, told: Told) -> Reply | None:
    """What a person or a program hears who comes too late; None while there is time."""
    found = closed(told)
    if found is None:
        return None
    view = "answered" if found.facts else "over"
    return Reply(410 if found.is_over else 409, view, found.sentence, found.facts, question=question)


def _decided(question: Question, payload: Json, by: str) -> Json:
    """The decision in what a form or a program sent. Raises ValueError: a sentence."""
    approval = question.body.approval
    assert approval is not None
    if not isinstance(payload, dict):
        raise ValueError('send {"choice": …, "comment": …} as JSON, or as a form')  # noqa: TRY004 - a value
    choice, comment = payload.get("choice"), payload.get("comment") or ""
    if not isinstance(choice, str) or not isinstance(comment, str):
        raise ValueError("choice and comment are texts")  # noqa: TRY004 - of a request, too
    return decision(approval, choice, comment, by=by)


def _is_from_here(headers: Mapping[str, str], public_url: str) -> bool:
    """The browser's word: Sec-Fetch-Site where it sends one (TLS, localhost), else Origin."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    host = headers.get("origin", "").partition("://")[2]
    return bool(host) and host in {headers.get("host"), urlsplit(public_url).netloc}


def _headers(scope: Scope) -> dict[str, str]:
    """Values by lower-case name; of repeated ones the first."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))
    return found


async def _send(
    send: Send, reply: Reply, asking: Mapping[str, str], templates: Environment, *, is_head: bool
) -> None:
    """As a page to browsers, as JSON to programs (errors: RFC 9457)."""
    if "text/html" in asking.get("accept", ""):
        kind, body = "text/html; charset=utf-8", _page(reply, templates)
    elif reply.status < 400:
        kind, body = "application/json", dumps(dict(reply.facts) or {"status": "waiting"})
    else:
        problem = {"type": "about:blank", "status": reply.status, "detail": reply.sentence, **reply.facts}
        kind, body = "application/problem+json", dumps(problem)
    content = body.encode("utf-8", "backslashreplace")
    headers = {**HEADERS, **reply.headers, "content-type": kind, "content-length": str(len(content))}
    await send(
        {
            "type": "http.response.start",
            "status": reply.status,
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
        }
    )
    await send({"type": "http.response.body", "body": b"" if is_head else content})


def _page(reply: Reply, templates: Environment) -> str:
    question = reply.question
    asked = question.asked if question else None
    approval = question.body.approval if question else None
    template = templates.get_template("resume.html")
    return template.render(
        view=reply.view,
        sentence=reply.sentence,
        facts=reply.facts,
        workflow=asked.workflow if asked else "",
        message=(asked.question or {}).get("message") if asked else None,
        until=iso(asked.until) if asked else None,
        choices=approval.choices if approval else (),
        assignees=approval.assignees if approval else (),
        is_approval=approval is not None,
        methods=_methods(question) if question else (),
    )


def _templates(timezone: str) -> Environment:
    """The templates, without the pages' framework."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    zone = ZoneInfo(timezone)
    environment.filters["exact"] = lambda text: exact(text, zone)
    return environment
