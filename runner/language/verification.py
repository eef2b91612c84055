"""The model of `verify`, and what the checker knows of providers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from runner.values import Json

GenericScheme: TypeAlias = Literal["hmac", "token", "basic", "jwt"]
GENERIC: tuple[GenericScheme, ...] = ("hmac", "token", "basic", "jwt")
SIGNED_NAMES = ("body", "timestamp", "id", "url")
PLACEHOLDER = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Verification:
    """
    What a workflow asks of its senders. `provider` names a row of the table, or a generic scheme
    ("hmac", "token", "basic", "jwt") whose parts stand in `options`. `secrets` are NAMES, any of
    which may match; so are the options listed in `secret_options`. `tolerance_seconds` is None for
    the provider's own, `math.inf` where `tolerance: false` turns it off.

    The options of the generic schemes, as the loader gives them (optional ones only where written):

    - "hmac": where the signature stands, one of `header` (lower-case), `query`, `field` (a path in the
      JSON body such as `signature.value`); `prefix` before it (`sha256=`) and `separator` where it is
      one of a list (`,`); `algorithm` ("sha256", "sha1", "sha384", "sha512"), `encoding` ("hex",
      "base64"), `signed` (see `signed_parts`), `secret_encoding` ("text", "hex", "base64": what the
      secret's text is to the key), these four always; `timestamp` ({one of header, query, field;
      prefix; format: "unix", "unix_ms", "rfc3339", always}) and `id` ({one of header, query, field}).
      Where `timestamp` names the signature's own header, it stands in the same list by its `prefix`.
    - "token": one of `header`, `query`, `field`; `prefix` (`Bearer `).
    - "basic": `user`.
    - "jwt": `jwks` (an https address) where there is no secret; `audience`, `issuer` and `algorithms`
      (lists of texts, any of which may be meant); `header` (lower-case).
    """

    provider: str
    secrets: tuple[str, ...] = ()
    options: Mapping[str, Json] = field(default_factory=dict, hash=False)
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


def signed_parts(template: str) -> tuple[tuple[str, bool], ...]:
    """
    What `signed` puts together, in order: texts as they stand, and names of SIGNED_NAMES (then True).
    `{{ timestamp }}.{{ body }}` → (("timestamp", True), (".", False), ("body", True)).

    Raises:
        ValueError: it names something else; the message says what.
    """
    parts: list[tuple[str, bool]] = []
    for index, part in enumerate(PLACEHOLDER.split(template)):
        if index % 2 and part not in SIGNED_NAMES:
            raise ValueError(f"`{part}` is nothing that can be signed")
        if not index % 2 and re.search(r"\{\{|\}\}|\{%|\{#", part):
            raise ValueError(f"`{part.strip()}` cannot be read")
        if part or index % 2:
            parts.append((part, bool(index % 2)))
    return tuple(parts)
