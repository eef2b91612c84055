"""The kinds of credentials that plain HTTP services take, for any connector that speaks HTTP."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, ClassVar, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from runner.connector.models import Connection
from runner.errors import Rejected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.connector.ports import Call, OutgoingRequest

HOST = re.compile(r"(\*\.(?=[^.]+\.))?[a-z0-9_-]+(\.[a-z0-9_-]+)*|[0-9a-f:.]*:[0-9a-f:.]*")
NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110, section 5.1
THERE = (400, 404, 405, 406, 410, 415, 422)  # there is a service, and it let us in


class HttpConnection(Connection):
    """The base of these kinds: the hosts that may get the credentials are named, always."""

    api_url: str | None = Field(
        None,
        description="The start of all addresses; then `url` may be a path.",
        examples=["https://api.example.com/v1"],
    )
    hosts: list[str] | None = Field(
        None,
        description="Hosts that may get the credentials, such as api.example.com or "
        "*.example.com. Left out: the host of `api_url`.",
    )

    @field_validator("api_url")
    @classmethod
    def _absolute(cls, value: str | None) -> str | None:
        if value is not None and (not re.match(r"https?://[^/?#@]+(/|$)", value) or "?" in value):
            raise ValueError("must start with https:// or http:// and a host, and have no query")
        return value

    @field_validator("hosts")
    @classmethod
    def _named(cls, value: list[str] | None) -> list[str] | None:
        return None if value is None else checked_hosts(value)

    @model_validator(mode="after")
    def _bound(self) -> Self:
        if not self.bound_hosts():
            raise ValueError("name the hosts that may get the credentials: `hosts`, or `api_url`")
        return self

    def bound_hosts(self) -> list[str]:
        """The hosts given, else the one of `api_url`."""
        if self.hosts is not None:
            return self.hosts
        return [] if self.api_url is None else [urlsplit(self.api_url).hostname or ""]

    async def test(self, call: Call) -> str:
        """GET `api_url`: any answer but a refusal of the credentials is good."""
        if self.api_url is None:
            raise Rejected("give the connection an api_url to test it with")
        reply = await call.http.get(self.api_url)
        reply.accept(*THERE)
        return f"{urlsplit(self.api_url).hostname} answered {reply.status}"


class Basic(HttpConnection):
    """A user and a password, sent as `Authorization: Basic` (RFC 7617)."""

    title: ClassVar[str] = "User and password"
    steps: ClassVar[tuple[str, ...]] = (
        "The page of the service on its API says which way in it takes, and where the key is made.",
        "Give the address of its API, or the hosts: the key goes nowhere else.",
    )

    user: str = Field(description="The user; it holds no colon.", pattern=r"^[^:]*$")
    password: SecretStr = Field(SecretStr(""), description="The password.")

    def apply(self, request: OutgoingRequest) -> None:
        """Set `Authorization`."""
        request.set_header("Authorization", basic(self.user, self.password.get_secret_value()))

    def secret_texts(self) -> frozenset[str]:
        """The password, and what is sent of it: some services repeat the header in their errors."""
        return super().secret_texts() | sent(self.user, self.password)


class Bearer(HttpConnection):
    """A token, sent as `Authorization: Bearer` (RFC 6750)."""

    title: ClassVar[str] = "Bearer token"
    steps: ClassVar[tuple[str, ...]] = (
        "The page of the service on its API says which way in it takes, and where the key is made.",
        "Give the address of its API, or the hosts: the key goes nowhere else.",
    )

    token: SecretStr = Field(description="The token.", min_length=1)

    def apply(self, request: OutgoingRequest) -> None:
        """Set `Authorization`."""
        request.set_header("Authorization", f"Bearer {self.token.get_secret_value()}")


class Header(HttpConnection):
    """A key, sent in a header of the service's own."""

    title: ClassVar[str] = "Key in a header"
    steps: ClassVar[tuple[str, ...]] = (
        "The page of the service on its API says which way in it takes, and where the key is made.",
        "Give the address of its API, or the hosts: the key goes nowhere else.",
    )

    name: str = Field(
        description="The name of the header.", examples=["X-Api-Key"], pattern=f"^{NAME.pattern}$"
    )
    value: SecretStr = Field(description="Its value.", min_length=1)

    def apply(self, request: OutgoingRequest) -> None:
        """Set the header."""
        request.set_header(self.name, self.value.get_secret_value())


class Query(HttpConnection):
    """A key, sent as a field of the query; such addresses end in logs, so a header is better."""

    title: ClassVar[str] = "Key in the address"
    steps: ClassVar[tuple[str, ...]] = (
        "The page of the service on its API says which way in it takes, and where the key is made.",
        "Give the address of its API, or the hosts: the key goes nowhere else.",
    )

    name: str = Field(description="The name of the field.", examples=["api_key"], min_length=1)
    value: SecretStr = Field(description="Its value.", min_length=1)

    def apply(self, request: OutgoingRequest) -> None:
        """Add the field."""
        request.query.append((self.name, self.value.get_secret_value()))


def checked_hosts(given: Sequence[str]) -> list[str]:
    """
    Hosts as they are compared with that of a call.

    Raises:
        ValueError: one is none.
    """
    hosts = [one.strip().strip("[]").rstrip(".").lower() for one in given]
    if wrong := [one for one in hosts if not HOST.fullmatch(one)]:
        raise ValueError(f"{wrong[0]!r} is no host; write api.example.com or *.example.com")
    return hosts


def goes_to(host: str, pattern: str) -> bool:
    """Whether *host* is the host *pattern*, or below it where that is `*.example.com`."""
    host = host.strip("[]").rstrip(".").lower()
    pattern = pattern.strip().strip("[]").lower()
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern


def basic(user: str, password: str) -> str:
    """The value of `Authorization` for a user and a password (RFC 7617)."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def sent(user: str, password: SecretStr) -> frozenset[str]:
    """The credentials of `basic` as they stand in a request; none where the password is empty."""
    text = password.get_secret_value()
    return frozenset({basic(user, text).removeprefix("Basic ")}) if text else frozenset()
