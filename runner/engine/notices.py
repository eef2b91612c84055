"""
Telling people of problems: one message when one opens, one when it closes, never one for each run.

A message is written in the transaction that marks its problem as told, so that of several processes
one writes it; it is sent after, by an ordinary action over an ordinary connection, again and again
until it went out, by the second way where the first one fails or is itself what broke. Many
problems at once are summed up in one message.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Protocol

from runner.engine.calls import call, prepare
from runner.errors import ActionError
from runner.language.secrets import masked

if TYPE_CHECKING:
    from runner.engine.turn import Tools
    from runner.values import Json

SETTLE_SECONDS = 5.0  # a destination that answers again by then was no outage: nobody is told
QUIET_SECONDS = 300.0  # between messages on a problem that opens again and again
WINDOW_SECONDS = 60.0  # in which at most `per_minute` messages are made
MOST_UNSENT = 20  # while the way out is down, no more messages are made; they are summed up after
SENDING_SECONDS = 60.0  # how long a process has for a message before another one tries
FIRST_PAUSE_SECONDS = 10.0
LONGEST_PAUSE_SECONDS = 900.0
CALL_SECONDS = 10.0  # AT_A_TIME messages, two ways each, are done within SENDING_SECONDS
AT_A_TIME = 3
LONGEST_SUBJECT = 150
KEPT_SECONDS = 30 * 86400.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Untold:
    """
    A problem whose state people have not heard of. `runs` counts those that are left, or were in it;
    one of another `kind` than "runs" has none.
    """

    id: str
    workflow: str
    step: str
    sentence: str
    destination: str | None
    is_open: bool
    runs: int
    opened_at: float
    closed_at: float | None
    dismissed_by: str | None
    note: str | None
    failed: int
    told_at: float | None
    kind: str = "runs"


@dataclass(frozen=True, slots=True)
class Notice:
    """A message to be sent. `avoid` is the connection that is what broke."""

    kind: Literal["open", "closed", "many"]
    subject: str
    text: str
    avoid: str | None = None


@dataclass(frozen=True, slots=True)
class Sending:
    """A message in hand of this process: its number, and the how manieth attempt it is."""

    number: int
    attempts: int
    made_at: float
    notice: Notice

    @property
    def key(self) -> str:
        """The same for every attempt; a Message-ID is made of it too, so other servers' must differ."""
        return f"notice{self.number}.{int(self.made_at * 1000)}"


@dataclass(frozen=True, slots=True)
class Way:
    """How messages go out: an action over a connection; `inputs(notice)` is what it is called with."""

    connection: str
    action: str
    inputs: Callable[[Notice], Json]


def ripe(untold: Sequence[Untold], now: float) -> list[Untold]:
    """Those that people should hear of now: not what settles by itself, nor the same again and again."""
    return [
        one
        for one in untold
        if not one.is_open
        or (
            (one.failed > 0 or now - one.opened_at >= SETTLE_SECONDS)
            and (one.told_at is None or now - one.told_at >= QUIET_SECONDS)
        )
    ]


def notices_for(told: Sequence[Untold], *, room: int, public_url: str) -> list[Notice]:
    """At most *room* (at least 1) messages that say all of *told*; the last one may sum many up."""
    if len(told) <= room:
        return [notice_of(one, public_url) for one in told]
    single = [notice_of(one, public_url) for one in told[: room - 1]]
    rest = told[room - 1 :]
    opened = sum(one.is_open for one in rest)
    words = [f"{opened} more opened"] if opened else []
    words += [f"{len(rest) - opened} closed"] if opened < len(rest) else []
    subject = f"Problems: {' and '.join(words)}"
    lines = [f"- {one.workflow}: {one.sentence}" for one in rest if one.is_open][:5]
    text = "\n".join([f"{subject}.", *lines, f"{public_url}/failures"])
    return [*single, Notice("many", subject, text)]


def notice_of(one: Untold, public_url: str) -> Notice:
    """The message on one problem."""
    if one.kind == "silent":
        return _of_silence(one, public_url)
    if one.kind == "poll":
        return _of_poll(one, public_url)
    if one.kind == "backlog":
        return _of_backlog(one, public_url)
    where = f"{one.workflow}, step {one.step}" if one.step else one.workflow
    url = f"{public_url}/failures/{one.id}"
    if one.is_open:
        text = f"Problem: {one.sentence}\n{where}: {_counted(one.runs)} so far.\n{url}"
        return Notice("open", _subject("Problem", one), text, one.destination)
    if one.dismissed_by is not None:
        how = f"Dismissed by {one.dismissed_by}: {one.note}"
    else:
        how = "Nothing of it is left."
    text = f"Closed: {one.sentence}\n{where}: {_counted(one.runs)} in all. {how}\n{url}"
    return Notice("closed", _subject("Closed", one), text, None)


def _of_silence(one: Untold, public_url: str) -> Notice:
    url = f"{public_url}/failures/{one.id}"
    if one.is_open:
        return Notice("open", _subject("Silent", one), f"Silent: {one.workflow}: {one.sentence}\n{url}")
    how = f"Dismissed by {one.dismissed_by}: {one.note}" if one.dismissed_by is not None else one.note
    text = f"Closed: {one.workflow}: {one.sentence}\n{how or 'Events come again.'}\n{url}"
    return Notice("closed", _subject("Closed", one), text)


def _of_poll(one: Untold, public_url: str) -> Notice:
    url = f"{public_url}/failures/{one.id}"
    if one.is_open:
        text = f"Problem: {one.workflow}, its poll: {one.sentence}\n{url}"
        return Notice("open", _subject("Problem", one), text, one.destination)
    how = f"Dismissed by {one.dismissed_by}: {one.note}" if one.dismissed_by is not None else one.note
    text = f"Closed: {one.workflow}, its poll: {one.sentence}\n{how or 'It gives an answer again.'}\n{url}"
    return Notice("closed", _subject("Closed", one), text)


def _of_backlog(one: Untold, public_url: str) -> Notice:
    url = f"{public_url}/failures/{one.id}"
    if one.is_open:
        return Notice("open", _subject("Backlog", one), f"Backlog: {one.workflow}: {one.sentence}\n{url}")
    how = f"Dismissed by {one.dismissed_by}: {one.note}" if one.dismissed_by is not None else "Few wait now."
    text = f"Closed: {one.workflow}: {one.sentence}\n{how}\n{url}"
    return Notice("closed", _subject("Closed", one), text)


def pause_after(attempts: int) -> float:
    """Seconds until the attempt after the one with this number."""
    return min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(attempts - 1, 16))


class Notices(Protocol):
    """The rows of messages. All methods raise StoreUnavailable."""

    async def make(self, *, now: float, per_minute: int, public_url: str) -> int:
        """
        Write the messages that are due (`ripe`, `notices_for`) and mark their problems as told, in one
        transaction; how many. None past *per_minute* in a minute.
        """

    async def say(self, notice: Notice, *, now: float) -> None:
        """Write a message that is of no problem."""

    async def take(self, *, now: float, seconds: float, limit: int) -> list[Sending]:
        """Messages to be sent now; nobody else gets them for *seconds*."""

    async def sent(self, number: int, *, way: str, now: float) -> None:
        """It went out over the connection *way*."""

    async def failed(self, number: int, *, error: str, due_at: float) -> None:
        """It did not go out; it is tried again at *due_at*."""

    async def forget(self, *, before: float) -> None:
        """Let go messages that were sent before then."""


class Teller:
    """Makes and sends messages. *ways()* are two at most, the first preferred; none: nobody is told."""

    def __init__(
        self, notices: Notices, tools: Tools, *, ways: Callable[[], Sequence[Way]], per_minute: int
    ) -> None:
        self._notices = notices
        self._tools = tools
        self._ways = ways
        self._per_minute = per_minute

    async def tell(self) -> None:
        """Make what is due and send what is made: call it every second or so."""
        ways = self._ways()
        if not ways:
            return
        tools = self._tools
        await self._notices.make(now=tools.clock(), per_minute=self._per_minute, public_url=tools.public_url)
        for sending in await self._notices.take(now=tools.clock(), seconds=SENDING_SECONDS, limit=AT_A_TIME):
            await self._send(sending, ways)

    async def tidy(self) -> None:
        """Let go what is old."""
        await self._notices.forget(before=self._tools.clock() - KEPT_SECONDS)

    async def _send(self, sending: Sending, ways: Sequence[Way]) -> None:
        tools, notice = self._tools, sending.notice
        secret_values = tools.safe.secret_values()
        shown = replace(
            notice, subject=masked(notice.subject, secret_values), text=masked(notice.text, secret_values)
        )
        errors = []
        for way in sorted(ways, key=lambda one: one.connection == notice.avoid):
            try:
                prepared = prepare(
                    tools, way.action, way.connection, way.inputs(shown),
                    key=sending.key, timeout_seconds=CALL_SECONDS, readable=frozenset(),
                )  # fmt: skip
                await call(tools, prepared)
            except ActionError as error:
                errors.append(f"{way.connection}: {error}")
                continue
            await self._notices.sent(sending.number, way=way.connection, now=tools.clock())
            return
        due_at = tools.clock() + pause_after(sending.attempts)
        said = "; ".join(errors)
        log.error("a message could not be sent: %s", said, extra={"action": "notice_failed"})
        await self._notices.failed(sending.number, error=said, due_at=due_at)


def _subject(word: str, one: Untold) -> str:
    return " ".join(f"{word}: {one.workflow}: {one.sentence}".split())[:LONGEST_SUBJECT]


def _counted(runs: int) -> str:
    return f"{runs} run{'' if runs == 1 else 's'}"
