"""
Public forms: `/forms/<token>` shows the form of a workflow's `manual` trigger to whoever has its
address, and takes what they fill in.

A small ASGI application in front of the pages: nobody is signed in here, and the address itself is what
lets people in. Everything that a person wrote is shown as text; the page that a workflow answers with is
shown in a sandbox, since a payload may have written it. A form that is sent twice starts one run: it
carries a number that is made when it is shown. With `?sent` the address says thank you, so that loading
the page again sends nothing.
"""

from __future__ import annotations

import logging
import math
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader

from runner.engine.accept import accept, refuse_when_full
from runner.engine.answer import Answer, of_duplicate, wait
from runner.engine.runs import Disposition
from runner.engine.starting import manual_event
from runner.errors import BacklogFull, InboundError, InputsRefused, StoreUnavailable
from runner.inbound.decode import Bounds, body_limit, decode
from runner.inbound.inputs import judged, place_of
from runner.inbound.rate import RateMeter
from runner.language.workflow import ANSWER_SECONDS, RateLimit, Respond, Switch
from runner.values import is_file
from web.bodies import Room, SenderLeft, read_body
from web.exchange import Application, Receive, Scope, Send, headers_of, send_answer, with_header
from web.fields import PREFIX, fields_of, has_files, read_fields
from web.senders import Senders, peer_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.engine.accept import Accepted, Door
    from runner.engine.library import Library, Live
    from runner.errors import HooklineError
    from runner.language.workflow import Step
    from runner.values import Json

PATH = "/forms/"
RATE = RateLimit(20, 60.0)  # forms sent from one address to one workflow: a person, or an office of them
ANY_RATE = RateLimit(600, 60.0)  # and to one workflow from all addresses together
OPEN_FIELD = "form"  # of the number that a form was shown with
NUMBER_BYTES = 16
RETRY_SECONDS = 5
HTML = "text/html; charset=utf-8"
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",  # the address is what lets people in
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
    "x-robots-tag": "noindex",
}
SANDBOX = {**HEADERS, "content-security-policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; "
           "img-src data: https:; base-uri 'none'; frame-ancestors 'none'"}  # fmt: skip

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Opened:
    """A form that somebody asks for: its workflow, and the JSON Schema of its inputs."""

    live: Live
    schema: Json


class Forms:
    """
    The public forms, and everything else to *pages*. `form_token_of(token)` gives the token of the form
    of the workflow whose address has *token*.
    """

    def __init__(
        self,
        library: Library,
        door: Door,
        senders: Senders,
        pages: Application,
        *,
        form_token_of: Callable[[str], str],
        room: Room,
    ) -> None:
        """*room* bounds what is being read at one time, over all requests."""
        self._library = library
        self._door = door
        self._senders = senders
        self._pages = pages
        self._form_token_of = form_token_of
        self._room = room
        self._rates = RateMeter()
        self._templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        if scope["type"] != "http" or not scope["path"].startswith(PATH):
            await self._pages(scope, receive, send)
            return
        with suppress(SenderLeft):
            answer = await self._answer(scope, receive)
            await send_answer(send, answer, self._door, is_head=scope["method"] == "HEAD")

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        opened = self._opened(scope["path"].removeprefix(PATH))
        if opened is None:
            return self._said(404, "Not found", "There is no form at this address. Whoever gave it to you "
                              "may have changed it.")  # fmt: skip
        if scope["method"] in ("GET", "HEAD"):
            if scope["query_string"] == b"sent":
                return self._thanks(opened)
            return self._form(opened, None, {}, [])
        if scope["method"] != "POST":
            answer = self._said(405, "That did not work", "A form is opened, filled in and sent.")
            return with_header(answer, "allow", "GET, HEAD, POST")
        try:
            return await self._sent(opened, scope, receive)
        except InboundError as error:
            return self._said(error.status, "We cannot take this", f"{_capital(error)}.")
        except (BacklogFull, StoreUnavailable) as error:
            log.error("a form hears 503: %s", error, extra={"action": "refused"})  # noqa: TRY400
            answer = self._said(503, "Not now", "We cannot take this just now, and nothing of it is kept. "
                                "Please go back and send it again in a little while.")  # fmt: skip
            return with_header(answer, "retry-after", str(RETRY_SECONDS))

    async def _sent(self, opened: Opened, scope: Scope, receive: Receive) -> Answer:
        """What came of a form that was filled in."""
        door, live = self._door, opened.live
        headers = headers_of(scope)
        address = self._senders.origin(peer_of(scope), headers).address
        seconds = self._too_often(live.workflow.slug, address)
        if seconds:
            answer = self._said(429, "Not so fast", "Too many forms came from where you are. Please wait a "
                                "minute, then go back and send yours again.")  # fmt: skip
            return with_header(answer, "retry-after", str(math.ceil(seconds)))
        content_type = headers.get("content-type", "")
        if content_type.split(";")[0].strip().lower() not in FORM_TYPES:
            return self._said(415, "We cannot take this", "A form is sent as a browser sends it.")
        refuse_when_full(door, live.workflow)
        bounds = _bounds(live)
        body = await read_body(receive, headers, body_limit(content_type, bounds), self._room)
        decoded = decode(body, content_type=content_type, bounds=bounds)
        posted = decoded.payload if isinstance(decoded.payload, dict) else {}
        inputs, faults, others = read_form(live, posted)
        if faults or others:
            return self._form(opened, posted, faults, others)
        number = posted.get(OPEN_FIELD)
        try:
            event, payload = manual_event(
                live,
                inputs,
                by="a public form",
                now=door.clock(),
                source_ip=address,
                delivery_id=f"form.{number}" if isinstance(number, str) and _is_number(number) else None,
            )
        except InputsRefused as refused:
            return self._form(opened, posted, {}, [said for _path, said in refused.faults])
        used = _files_in(inputs)
        files = {digest: content for digest, content in decoded.files.items() if digest in used}
        answers = _responds(live.workflow.steps)
        accepted = await accept(door, live, event, payload, files, is_awaited=answers)
        return await self._closing(accepted, answers=answers, path=scope["path"])

    async def _closing(self, accepted: Accepted, *, answers: bool, path: str) -> Answer:
        """The page that the workflow answers with, else on to the one that says thank you."""
        answer: Answer | None = None
        if accepted.caller:
            try:
                answer = await wait(accepted.caller, self._door.store, seconds=ANSWER_SECONDS)
            finally:
                self._door.callers.forget(accepted.run_id)
        elif answers and accepted.disposition is Disposition.DUPLICATE and accepted.run_id:
            answer = await of_duplicate(accepted.event_id, accepted.run_id, self._door.store)
        if answer is None or not answer.is_given:
            return Answer(303, b"", {**HEADERS, "location": f"{path}?sent"})
        return replace(answer, headers={**answer.headers, **SANDBOX})

    def _opened(self, token: str) -> Opened | None:
        """The form at an address; all are looked at, so that a wrong one takes as long as a right one."""
        now = self._door.clock()
        found = None
        for live in self._library.all():
            manual = live.workflow.manual
            if manual is None or not manual.is_public:
                continue
            kept = (one for one, _until in self._library.book.kept(live.workflow.slug, now))
            for one in (live.token, *kept):
                if secrets.compare_digest(self._form_token_of(one).encode(), token.encode()):
                    found = Opened(live, schema_of(live))
        return found

    def _too_often(self, slug: str, address: str) -> float | None:
        now = self._door.clock()
        return self._rates.take(f"{slug} {address}", RATE, now) or self._rates.take(slug, ANY_RATE, now)

    def _form(
        self,
        opened: Opened,
        posted: Mapping[str, Json] | None,
        faults: Mapping[str, str],
        others: Sequence[str],
    ) -> Answer:
        given = posted.get(OPEN_FIELD) if posted else None
        number = given if isinstance(given, str) and _is_number(given) else secrets.token_hex(NUMBER_BYTES)
        return self._page(
            "form.html",
            status=200 if posted is None else 422,
            flow=opened.live.workflow,
            fields=fields_of(opened.schema, posted, faults),
            others=others,
            number=number,
            has_files=has_files(opened.schema),
        )

    def _thanks(self, opened: Opened) -> Answer:
        return self._page("form_said.html", status=200, heading="Thank you", flow=opened.live.workflow,
                          sentence="What you sent has arrived.")  # fmt: skip

    def _said(self, status: int, heading: str, sentence: str) -> Answer:
        return self._page("form_said.html", status=status, heading=heading, sentence=sentence, flow=None)

    def _page(self, template: str, *, status: int, **names: Any) -> Answer:
        page = self._templates.get_template(template).render(**names)
        return Answer(status, page.encode(errors="replace"), {"content-type": HTML, **HEADERS})


def schema_of(live: Live) -> Json:
    """The JSON Schema of a workflow's inputs; an empty one where whatever is given will do."""
    manual = live.workflow.manual
    return manual.inputs.schema if manual and manual.inputs else {}


def read_form(live: Live, posted: Mapping[str, Json]) -> tuple[dict[str, Json], dict[str, str], list[str]]:
    """The inputs that were posted, all that is wrong by field, and the rest of it as sentences."""
    manual, schema = live.workflow.manual, schema_of(live)
    assert manual is not None
    inputs, unread = read_fields(schema, posted, live.workflow.timezone)
    names = sorted((one.name.removeprefix(PREFIX) for one in fields_of(schema)), key=len, reverse=True)
    by_field: dict[str, str] = {}
    others: list[str] = []
    for path, said in judged(manual, inputs)[1]:
        place = place_of(path)
        name = next((one for one in names if place == one or place.startswith((f"{one}.", f"{one}["))), None)
        if name is None:
            others.append(f"{place} {said}")
        else:
            inside = place.removeprefix(name).removeprefix(".")
            by_field.setdefault(name, f"{inside} {said}" if inside else said)
    return inputs, {**by_field, **unread}, others


def _responds(steps: Sequence[Step]) -> bool:
    """Whether one of the steps may answer: it stands at the top, or in a `switch` or a group."""
    for step in steps:
        if isinstance(step.body, Respond):
            return True
        inner = [case.steps for case in step.body.cases] if isinstance(step.body, Switch) else []
        inner += [getattr(step.body, "steps", ())]
        if any(_responds(one) for one in inner):
            return True
    return False


def _bounds(live: Live) -> Bounds:
    webhook = live.workflow.webhook
    default = Bounds(max_fields=1000, max_parts=200)
    return default if webhook is None else replace(default, max_file_bytes=webhook.max_file_bytes)


def _files_in(inputs: Mapping[str, Json]) -> set[str]:
    return {one["file"] for one in inputs.values() if is_file(one)}


def _is_number(text: str) -> bool:
    return len(text) == 2 * NUMBER_BYTES and all(one in "0123456789abcdef" for one in text)


def _capital(error: HooklineError) -> str:
    text = str(error)
    return text[:1].upper() + text[1:]
