"""
Receive: `ANY /hooks/<token>[/<rest>]`, from an HTTP request to an event on disk and its answer.

A small ASGI application in front of Quart, whose request costs more than all else here. One
event's way reads top to bottom in `_receive`: let in, read, examine, accept, answer.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from urllib.parse import unquote

from runner.engine.about import be_about
from runner.engine.accept import Door, accept, hold_unread, ignore, new_id, refuse_when_full, reject
from runner.engine.answer import Answer, fixed, of_duplicate, of_event, wait
from runner.engine.examining import (
    Examined,
    Examiner,
    Greeted,
    Outcome,
    Stopped,
    answers_handshakes,
    examine,
)
from runner.engine.library import Library, Live
from runner.engine.names import bounds_of
from runner.engine.rechecking import at, path_of
from runner.engine.runs import Disposition, Event, Gate
from runner.engine.sampling import is_sample, sampled
from runner.engine.tracing import report_request
from runner.errors import ActionError, BacklogFull, InboundError, StoreUnavailable
from runner.inbound.cors import cors_headers, preflight
from runner.inbound.decode import Bounds, body_limit
from runner.inbound.verdict import Reply
from runner.values import dumps
from web.bodies import Room, SenderLeft, read_body
from web.exchange import Application, Receive, Scope, Send, headers_of, send_answer, with_header
from web.inside import SAMPLE
from web.senders import Senders, Turned, peer_of

PREFIX = "/hooks/"
RETRY_AFTER_SECONDS = 5  # what a sender is asked to wait when we are full or cannot write
SAID_SECONDS = 5.0  # between two log lines of one overload: every sender meets it
HEADERS = (
    # an answer that a payload wrote must not act in a browser that is signed in here
    (b"content-security-policy", b"sandbox"),
    (b"x-content-type-options", b"nosniff"),
)
RECEIVED = (Gate("received", "passed"),)
# what a sender hears; the reason, which may help whoever guesses, stands in the event's record alone
DETAILS = {
    401: "this request cannot be shown to come from its sender; the event {event} says why",
    403: "this sender may not send here; the event {event} says why",
    405: "this address takes other methods; the header Allow names them",
    429: "too many requests; please send this again later",
    503: "whether this comes from its sender cannot be found out now; please send it again",
}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Called:
    """Who is called: the workflow, and what follows its token."""

    live: Live
    rest: str = ""


class Hooks:
    """The way in, and everything else to *pages*."""

    def __init__(
        self,
        library: Library,
        door: Door,
        examiner: Examiner,
        senders: Senders,
        pages: Application,
        *,
        public_url: str,
        room: Room,
    ) -> None:
        """
        *public_url* is the address that senders know; *room* bounds the bodies being read at
        one time, over all requests.
        """
        self._library = library
        self._door = door
        self._examiner = examiner
        self._senders = senders
        self._pages = pages
        self._public_url = public_url
        self._room = room
        self._said_at = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        if scope["type"] != "http":
            await self._pages(scope, receive, send)
            return
        # the raw path: %2F inside a token or a rest is no separator
        path = scope["raw_path"].decode("ascii", "replace")
        called = self._called(path)
        if called is None and not scope["path"].startswith(PREFIX) and not self._was_address(path):
            await self._pages(scope, receive, send)
            return
        with suppress(SenderLeft):
            answer = await (
                self._unknown(path, scope, receive)
                if called is None
                else self._answer(called, scope, receive)
            )
            await send_answer(send, answer, self._door, is_head=scope["method"] == "HEAD", beside=HEADERS)

    def _called(self, path: str) -> Called | None:
        """Who is called by the raw *path*."""
        if path.startswith(PREFIX):
            token, _slash, rest = path.removeprefix(PREFIX).partition("/")
            live = self._library.by_token(token)
            if live is not None and live.workflow.webhook is not None:
                return Called(live, rest)
        live = self._library.by_path(path)
        return Called(live) if live is not None and live.workflow.webhook is not None else None

    def _was_address(self, path: str) -> bool:
        """Whether a workflow answered at *path* that is gone, or of which no good version is known."""
        return self._library.is_gone(path) or self._library.waiting(path) is not None

    async def _unknown(self, path: str, scope: Scope, receive: Receive) -> Answer:
        """Nobody takes this now: a workflow without any good version holds, a deleted one is gone."""
        token, _slash, rest = path.removeprefix(PREFIX).partition("/")
        slug = self._library.waiting(token)
        if slug is None:
            slug, rest = self._library.waiting(path), ""
        if slug is not None:
            return await self._hold(slug, rest, scope, receive)
        if self._library.is_gone(path) or self._library.is_gone(token):
            return _problem(410, "the workflow at this address was deleted")
        return _problem(404, "there is nothing at this address")

    async def _answer(self, called: Called, scope: Scope, receive: Receive) -> Answer:
        """The answer, readable for the pages of other origins that may send here."""
        webhook = called.live.workflow.webhook
        assert webhook is not None
        headers = headers_of(scope)
        if not webhook.cors:
            return await self._receive(called, headers, scope, receive)
        allowed = preflight(scope["method"], headers, webhook.cors, webhook.methods)
        if allowed is not None:
            return Answer(204, b"", allowed)
        answer = await self._receive(called, headers, scope, receive)
        return replace(
            answer, headers={**answer.headers, **cors_headers(headers.get("origin", ""), webhook.cors)}
        )

    async def _receive(
        self, called: Called, headers: Mapping[str, str], scope: Scope, receive: Receive
    ) -> Answer:
        door, live = self._door, called.live
        workflow = live.workflow
        event = self._event(workflow.slug, live.token, called.rest, headers, scope)
        be_about(event=event.id, workflow=workflow.slug)
        answer = await self._judge(called, event, scope, receive)
        if door.tracer is not None:
            report_request(door.tracer, event, status=answer.status, ended_at=door.clock())
        return answer

    async def _judge(self, called: Called, event: Event, scope: Scope, receive: Receive) -> Answer:
        """The answer to the request that *event* is of, whose body is not read yet."""
        door, live, headers = self._door, called.live, event.headers
        workflow, webhook = live.workflow, live.workflow.webhook
        assert webhook is not None
        is_wanted = scope["method"] in webhook.methods
        if not is_wanted and not answers_handshakes(live):
            return await self._not_this_way(event, called)
        # a sample comes from no address, and nobody shows a certificate for it
        turned = None if is_sample(event) else self._senders.turned(webhook, scope, headers)
        if turned is not None:
            return await self._turn_away(event, turned)

        try:
            refuse_when_full(door, workflow)
            limit = body_limit(event.content_type, bounds_of(workflow))
            body = await read_body(receive, headers, limit, self._room)
            event = replace(event, body=body, size=len(body))
            url = f"{self._public_url}{scope['raw_path'].decode('ascii', 'replace')}"
            url = f"{url}?{event.query}" if event.query else url
            found = await examine(self._examiner, live, event, url=url, now=event.received_at)
            if isinstance(found, Greeted):
                return await self._greet(found.reply, event)
            if not is_wanted:
                return await self._not_this_way(event, called, found)
            if not isinstance(found, Examined):
                return await self._turn_away(event, Turned(found.status, found.gate))
            turned = self._senders.too_often(workflow.slug, webhook, now=event.received_at)
            if turned is not None:
                return await self._turn_away(found.event, turned)
            if found.is_ignored:
                await ignore(door, found.event)
                return _thanks(found) or of_event(event.id, Disposition.IGNORED.value)
            is_awaited = webhook.answer.mode == "result"
            accepted = await accept(
                door, live, found.event, found.payload, found.files, is_awaited=is_awaited
            )
        except InboundError as error:
            return await self._refuse(event, error)
        except (BacklogFull, StoreUnavailable) as error:
            return self._come_back(error)
        if accepted.caller:
            try:
                return await wait(accepted.caller, door.store, seconds=webhook.answer.wait_seconds)
            finally:
                door.callers.forget(accepted.run_id)
        is_duplicate = accepted.disposition is Disposition.DUPLICATE
        if is_duplicate and is_awaited:
            return await of_duplicate(accepted.event_id, accepted.run_id, door.store)
        if webhook.answer.fixed and (is_duplicate or accepted.disposition is Disposition.ACCEPTED):
            return await fixed(
                webhook.answer.fixed,
                workflow,
                replace(found.event, id=accepted.event_id),
                found.payload,
                door.evaluator,
                run_id=accepted.run_id,
            )
        return _thanks(found) or of_event(accepted.event_id, accepted.disposition.value)

    async def _hold(self, slug: str, rest: str, scope: Scope, receive: Receive) -> Answer:
        """Keep what comes for a workflow that has no good version yet, judged by nobody."""
        headers = headers_of(scope)
        event = self._event(slug, self._library.book.token(slug), rest, headers, scope)
        if doubt := self._senders.origin(peer_of(scope), headers).doubt:  # for `allow_ips`, once it is known
            event = replace(event, gates=(*event.gates, Gate("address", "passed", doubt, {"doubt": doubt})))
        try:
            body = await read_body(receive, headers, body_limit(event.content_type, Bounds()), self._room)
            await hold_unread(self._door, replace(event, body=body, size=len(body)))
        except InboundError as error:
            return _problem(error.status, str(error))
        except (BacklogFull, StoreUnavailable) as error:
            return self._come_back(error)
        return of_event(event.id, Disposition.HELD.value)

    async def _greet(self, reply: Reply, event: Event) -> Answer:
        """
        Answer a handshake, once what it asks to be visited was visited. One that is refused or fails is
        kept: whoever sets the provider up looks for the reason.
        """
        slug, about, answer = event.workflow, reply.about, _of_reply(reply)
        if reply.visit is not None:
            try:
                await self._examiner.fetch.visit(reply.visit)
            except ActionError as error:
                about = f"the handshake was not confirmed: {error}"
                answer = _problem(503, "the address to confirm by does not answer; please send this again")
                answer = with_header(answer, "retry-after", str(RETRY_AFTER_SECONDS))
        if answer.status < 400:
            log.info("%s: %s", slug, about, extra={"action": "handshake", "workflow": slug})
            return answer
        log.warning("%s: %s", slug, about, extra={"action": "handshake_failed", "workflow": slug})
        with suppress(StoreUnavailable):  # it is refused in any case
            await reject(self._door, event, Gate("handshake", "stopped", about))
        return answer

    async def _turn_away(self, event: Event, turned: Turned) -> Answer:
        """Refuse; keep the request with the reason, so that a wrong set-up can be seen and mended."""
        if turned.is_kept:
            with suppress(StoreUnavailable):  # it is refused in any case
                await reject(self._door, event, turned.gate)
        detail = DETAILS.get(turned.status, turned.gate.reason).format(event=event.id)
        answer = _problem(turned.status, detail)
        after = RETRY_AFTER_SECONDS if turned.status == 503 else turned.retry_after_seconds
        return answer if after is None else with_header(answer, "retry-after", str(after))

    async def _not_this_way(self, event: Event, called: Called, found: Outcome | None = None) -> Answer:
        """405; a browser that opens the address is kept, too. *found*: what it is as a handshake."""
        webhook = called.live.workflow.webhook
        allowed = ", ".join(webhook.methods) if webhook else ""
        reason = f"this address takes {allowed}"
        if isinstance(found, Stopped):
            reason = f"{reason}; and it is answered as no handshake: {found.gate.reason}"
        answer = await self._turn_away(event, Turned(405, Gate("method", "stopped", reason)))
        return with_header(answer, "allow", allowed)

    def _event(self, slug: str, token: str, rest: str, headers: Mapping[str, str], scope: Scope) -> Event:
        """The request as an event, its body not read yet. *token* is the workflow's own."""
        now = self._door.clock()
        path, written = unquote(rest), scope["raw_path"].decode("ascii", "replace")
        gates = RECEIVED
        if written != path_of(token, path):  # to be judged again it takes the address that was signed
            gates = (replace(RECEIVED[0], facts=at(written)),)
        if sample := scope.get("state", {}).get(SAMPLE):
            gates = (sampled(gates[0], by=sample.by, is_sent=sample.is_sent),)
        return Event(
            id=new_id(now),
            workflow=slug,
            trigger="webhook",
            received_at=now,
            disposition=Disposition.ACCEPTED,
            method=scope["method"],
            path=path,
            query=scope["query_string"].decode("latin-1"),
            headers=headers,
            content_type=headers.get("content-type", ""),
            size=0,
            source_ip=self._senders.origin(peer_of(scope), headers).address,
            body=b"",
            gates=gates,
        )

    async def _refuse(self, event: Event, error: InboundError) -> Answer:
        """Keep a request that cannot be read, with the reason; then say it to the sender."""
        with suppress(StoreUnavailable):  # it is refused in any case
            gate = Gate("size" if error.status == 413 else "body", "stopped", str(error))
            await reject(self._door, event, gate)
        return _problem(error.status, str(error))

    def _come_back(self, error: Exception) -> Answer:
        """503: nothing was accepted, and the sender should try again."""
        now = self._door.clock()
        if not 0 <= now - self._said_at < SAID_SECONDS:
            self._said_at = now
            log.error("senders hear 503: %s", error, extra={"action": "refused"})
        return with_header(
            _problem(503, "not now; please send this again"), "retry-after", str(RETRY_AFTER_SECONDS)
        )


def _thanks(found: Examined) -> Answer | None:
    return _of_reply(found.thanks) if found.thanks else None


def _of_reply(reply: Reply) -> Answer:
    return Answer(reply.status, reply.body, {name.lower(): text for name, text in reply.headers.items()})


def _problem(status: int, detail: str) -> Answer:
    """An error answer. Source: RFC 9457."""
    body = dumps({"type": "about:blank", "status": status, "detail": detail}).encode()
    return Answer(status, body, {"content-type": "application/problem+json"})
