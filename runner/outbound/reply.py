"""An answer read whole, and what its status means. Source: RFC 9110 (status codes, Retry-After)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Self

from runner.errors import ConnectionRejected, OutcomeUnknown, Rejected, Unavailable
from runner.language.secrets import masked
from runner.values import loads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner.connector import Connection
    from runner.values import Json

READ_FOR_EXCERPT_BYTES = 4096
EXCERPT_CHARACTERS = 200  # enough for an error's sentence, too little for a payload


@dataclass(slots=True)
class Answer:
    """
    A `Reply` of runner.connector. `what` is the request for messages (method and host: a path
    or query may hold a secret); `received_at` is UTC seconds.
    """

    status: int
    headers: Mapping[str, str]
    content: bytes
    url: str
    what: str
    received_at: float
    connection: Connection | None = None
    secret_values: Callable[[], frozenset[str]] = frozenset  # the server's, beside the connection's own

    def text(self) -> str:
        """The body as text, by the answer's charset, or UTF-8."""
        message = Message()
        message["Content-Type"] = self.headers.get("content-type", "")
        try:
            return self.content.decode(message.get_content_charset("utf-8"), "replace")
        except LookupError:
            return self.content.decode("utf-8", "replace")

    def json(self) -> Json:
        """
        The body as JSON.

        Raises:
            OutcomeUnknown: it is not JSON.
        """
        try:
            return loads(self.content)
        except ValueError:
            raise OutcomeUnknown(
                f"{self.what} answered {self.status}, and not with JSON: {self._excerpt()}"
            ) from None

    def accept(self, *also: int) -> Self:
        """
        Give this reply if its status is below 400 or among *also*.

        Raises:
            ConnectionRejected: 401 (and 403 where a connection is used).
            Unavailable: 429 and 503, with Retry-After.
            OutcomeUnknown: 408 and other 5xx.
            Rejected: any other status from 400.
        """
        if self.status < 400 or self.status in also:
            return self
        sentence = f"{self.what} answered {self.status}"
        if excerpt := self._excerpt():
            sentence = f"{sentence}: {excerpt}"
        if self.status == 401 or (self.status == 403 and self.connection is not None):
            raise ConnectionRejected(sentence)
        if self.status in {429, 503}:
            raise Unavailable(sentence, retry_after_seconds=self.retry_after(), cause=str(self.status))
        if self.status == 408 or self.status >= 500:
            raise OutcomeUnknown(sentence, cause=str(self.status))
        raise Rejected(sentence)

    def retry_after(self) -> float | None:
        """The seconds that the other side asks us to wait; None where it does not say."""
        said = date_seconds(self.headers.get("date", ""))
        return retry_after_seconds(
            self.headers.get("retry-after", ""), now=self.received_at if said is None else said
        )

    def _excerpt(self) -> str:
        kind = self.headers.get("content-type", "")
        if not re.search(r"text/plain|json|xml|^$", kind):
            return ""  # a page of HTML or an image says nothing in a sentence
        start = replace(self, content=self.content[:READ_FOR_EXCERPT_BYTES]).text()
        own = frozenset() if self.connection is None else self.connection.secret_texts()
        text = masked(
            start, own | self.secret_values()
        )  # before it is cut: half a secret would not be recognised
        text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        return text if len(text) <= EXCERPT_CHARACTERS else text[: EXCERPT_CHARACTERS - 1] + "…"


def retry_after_seconds(value: str, *, now: float) -> float | None:
    """
    Read Retry-After: seconds, or an HTTP date that is compared with *now* (UTC seconds, best the
    answer's own Date, so that a wrong clock on either side does not matter). Never negative; None
    where there is no value or it cannot be read.
    """
    value = value.strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value):  # some services send fractions
        return float(value)
    moment = date_seconds(value)
    return None if moment is None else max(0.0, moment - now)


def date_seconds(value: str) -> float | None:
    """An HTTP date as UTC seconds, or None."""
    try:
        return parsedate_to_datetime(value).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
