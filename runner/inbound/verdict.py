"""What is said of a request before it becomes an event: it is from its sender, or it is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

RefusalCode: TypeAlias = Literal[
    "no_secret",  # nothing is configured to compare with: refused, never accepted
    "missing",  # the sender showed no signature or token
    "malformed",  # what it showed cannot be read
    "stale",  # rightly signed, perhaps, but too old or too new
    "mismatch",  # signed with another secret, or the body was changed
    "unsupported",  # a scheme or version that this provider does not have
    "not_allowed",  # the sender is known, but not wanted here (another topic, audience or account)
    "unavailable",  # a key that the check needs could not be fetched: the sender should try again
]


@dataclass(frozen=True, slots=True)
class Passed:
    """It is from its sender. `by` says what proved it, such as `X-Hub-Signature-256`."""

    by: str


@dataclass(frozen=True, slots=True)
class Refused:
    """
    It is not, or cannot be shown to be. `reason` is a sentence without secrets that names the header
    or field; `hint` names the likely mistake and the way out, or is empty.
    """

    code: RefusalCode
    reason: str
    hint: str = ""


NO_SECRET = Refused(
    "no_secret",
    "the secret that this address compares with is not set on this server",
    "set it with `hookline secrets set NAME`; until then everything is refused",
)


@dataclass(frozen=True, slots=True)
class Reply:
    """
    A handshake's answer: sent at once, nothing runs. `visit` is an address to GET first, already
    checked to be the provider's own.
    """

    about: str  # a sentence for the record, such as "answered Slack's url_verification"
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    visit: str | None = None


@dataclass(frozen=True, slots=True)
class Fetch:
    """
    The check needs what stands at `url` (https, on a host that the provider's page allows, no
    redirects): fetch it, then judge again with it. Refused as `unavailable` where it cannot be had.

    A copy of at most `keep_seconds` will do. `otherwise` is the verdict where the check has had a copy
    already and a newer one is the same: keys change, and a key that is not in the copy may be new.
    """

    url: str
    max_bytes: int = 64 * 1024
    keep_seconds: float = 3600.0
    otherwise: Refused | None = None


Verdict: TypeAlias = Passed | Refused | Fetch
