"""
A provider: one row that says how its requests are told from others', what they are, and what it
expects to hear. Schemes stand in runner/inbound/signature.py and are shared, not copied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from runner.inbound.request import Request
from runner.inbound.verdict import Reply, Verdict
from runner.values import Json


@dataclass(frozen=True, slots=True)
class Trust:
    """
    What a workflow trusts, its secrets resolved: `secrets` (any may match; rotation), `options` by
    name (an option of kind "secret" has its value here), and how far a timestamp may be off in
    seconds, both ways: None for the provider's own tolerance, `math.inf` for never.
    """

    secrets: tuple[str, ...] = ()
    options: Mapping[str, Json] = field(default_factory=dict)
    tolerance_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """
    What an event is: its `type` as the provider calls it, the names under which `events` finds it as
    well (a batch has several, `pull_request.opened` is also `pull_request`), and its delivery id: the
    same when the provider sends it again, and None where it has none.
    """

    type: str | None = None
    also: tuple[str, ...] = ()
    delivery_id: str | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """A key beside `provider` and `secret` under `verify`. A "secret" is written by its name."""

    name: str
    about: str  # one sentence
    kind: Literal["text", "secret", "texts", "boolean"] = "text"
    example: Json = None
    is_required: bool = False


class Scheme(Protocol):
    """One way to show who sent a request."""

    def applies(self, request: Request) -> bool:
        """Whether the request carries this scheme's signature at all, well-formed or not."""
        ...

    def check(self, request: Request, trust: Trust, *, now: float, fetched: Mapping[str, bytes]) -> Verdict:
        """
        Judge the raw bytes, in constant time. *now* in unix seconds; *fetched* has what earlier
        verdicts asked for, by address. Never raises for what a sender sent.
        """
        ...

    def sign(self, request: Request, trust: Trust, *, now: float) -> Request:
        """
        The request as its sender would sign it with the first secret, for samples and tests.

        Raises:
            NotImplementedError: only the provider has the key that signs.
        """
        ...


Handshake: TypeAlias = Callable[[Request, Trust], Reply | None]
"""The answer, or None where the request is no such handshake. Called for every request: look quickly."""


def no_identity(_request: Request, _payload: Json) -> Identity:
    """Nothing tells what the event is."""
    return Identity()


@dataclass(frozen=True, slots=True)
class Provider:
    """
    One provider. Of `schemes` the first that applies judges; where none applies, the first says what
    is missing. `unsigned` handshakes are answered before verification (they show a token, or nothing is
    at stake), `signed` ones after it. `thanks` gives the answer that the provider demands to an
    accepted event where it is not 200 with our JSON.
    """

    name: str
    title: str
    page: str  # the provider's own page that says all this
    schemes: tuple[Scheme, ...]
    identify: Callable[[Request, Json], Identity] = no_identity
    unsigned: tuple[Handshake, ...] = ()
    signed: tuple[Handshake, ...] = ()
    thanks: Callable[[Request, Json], Reply | None] | None = None
    options: tuple[Option, ...] = ()
    needs_secret: bool = True  # False: an option (a public key, an audience) is what it is checked with
    # the content type to decode by, where it sends another one than it means, or where that header, which
    # nobody signs, must not hide the delivery id that stands in the body
    reads_as: str | None = None
    timeout_seconds: float | None = None  # how long it waits for an answer
    retries: str = ""  # what it does without a 2xx, in a sentence
    setup: tuple[str, ...] = ()  # what a person does there, step by step; {url} is the inbound address
