"""Functions that encode, hash and name, for both expression languages."""

from __future__ import annotations

import base64 as base64_codec
import binascii
import hashlib
import hmac
import uuid as uuids
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import quote, quote_plus

from runner.language.functions_files import content_of
from runner.language.functions_registry import KINDS, Kind, is_text, library, text_of
from runner.values import is_file

if TYPE_CHECKING:
    from runner.language.expression_work import Work
    from runner.language.scope import Scope
    from runner.values import Json

Encoding: TypeAlias = str

ENCODINGS = ("hex", "base64")


def _encoding(name: str) -> None:
    if name not in ENCODINGS:
        raise ValueError("the encoding is 'hex' or 'base64'")


KINDS["Encoding"] = Kind("'hex' or 'base64'", is_text, _encoding)


@library()
def base64(work: Work, value: Json) -> str:
    """
    Encode a text, as UTF-8, or the content of a file in base64.

    Example: base64('äb') == "w6Ri"
    """
    if isinstance(value, str):
        content = value.encode()
    elif is_file(value):
        content = content_of(work, value)
    else:
        raise ValueError("what is encoded must be a text or a file")
    return base64_codec.b64encode(content).decode()


@library()
def base64_decode(text: str) -> str:
    """
    Read base64 that holds a UTF-8 text; the URL-safe alphabet and missing padding are accepted.

    Example: base64_decode('w6Ri') == "äb"
    """
    code = text.strip().replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64_codec.b64decode(code + "=" * (-len(code) % 4), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise ValueError("this is not base64 of a UTF-8 text") from None


@library(takes_secrets=True)
def sha256(scope: Scope, text: str, encoding: Encoding | None = "hex") -> str:
    """
    Give the SHA-256 of the text, as UTF-8, in hex or with 'base64'; a secret counts as its value.

    Example: truncate(sha256('a'), 8, '') == "ca978112"
    """
    return _coded(hashlib.sha256(_revealed(scope, text)).digest(), encoding)


@library(takes_secrets=True)
def hmac_sha256(scope: Scope, text: str, key: str, encoding: Encoding | None = "hex") -> str:
    """
    Give the HMAC-SHA-256 of the text under the key, in hex or with 'base64'; a secret counts as
    its value.

    Example: truncate(hmac_sha256('a', 'key'), 8, '') == "780c3db4"
    """
    code = hmac.digest(_revealed(scope, key), _revealed(scope, text), "sha256")
    return _coded(code, encoding)


@library()
def uuid(work: Work) -> str:
    """
    Give a new UUID. A run that resumes, and each attempt of one call, gets the one it got before; the
    next call in the same step gets another.

    Example: regex_match(uuid(), '[0-9a-f]{8}-[0-9a-f-]{27}') == true
    """
    count = work.kept.get("uuid", 0)
    work.kept["uuid"] = count + 1
    code = hashlib.sha256(f"uuid/{work.scope.entropy}/{count}".encode()).digest()
    return str(uuids.UUID(bytes=code[:16], version=4))


@library()
def urlencode(value: Json) -> str:
    """
    Escape a text for a part of a URL, or make a query of an object.

    Example: urlencode('a b/ü') == "a%20b%2F%C3%BC"
    Example: urlencode({"q": 'a b', "n": 2}) == "q=a+b&n=2"
    """
    if isinstance(value, dict):
        return "&".join(f"{quote_plus(key)}={quote_plus(text_of(one))}" for key, one in value.items())
    return quote(text_of(value), safe="")


def _revealed(scope: Scope, text: str) -> bytes:
    return (scope.secrets.reveal(text) if scope.secrets else text).encode()


def _coded(digest: bytes, encoding: str | None) -> str:
    _encoding(encoding or "hex")
    return base64_codec.b64encode(digest).decode() if encoding == "base64" else digest.hex()
