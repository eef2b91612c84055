"""The model of `verify`, and what the checker knows of providers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from runner.values import Json

GenericScheme: TypeAlias = Literal["hmac", "token", "basic", "jwt"]


@dataclass(frozen=True, slots=True)
class Verification:
    """
    What a workflow asks of its senders. `provider` names a row of the table, or a generic scheme
    ("hmac", "token", "basic", "jwt") whose parts stand in `options`. `secrets` are NAMES, any of
    which may match; so are the options listed in `secret_options`. `tolerance_seconds` is None for
    the provider's own, `math.inf` where `tolerance: false` turns it off.
    """

    provider: str
    secrets: tuple[str, ...] = ()
    options: Mapping[str, Json] = field(default_factory=dict)
    secret_options: frozenset[str] = frozenset()
    tolerance_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class OptionInfo:
    """An option of a provider as a file may write it."""

    name: str
    about: str
    kind: Literal["text", "secret", "texts", "boolean"] = "text"
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class ProviderInfo:
    """A provider as a file may name it. With `needs_secret` a file without `secret` is a fault."""

    name: str
    title: str
    needs_secret: bool = True
    options: tuple[OptionInfo, ...] = ()
