"""Functions on texts and codes, for both expression languages."""

from __future__ import annotations

import base64 as base64_codec
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from runner.language.functions_registry import bounded, library, text_of
from runner.language.weight import NODE

if TYPE_CHECKING:
    from runner.language.scope import Scope
    from runner.values import Json


@library()
def lower(text: str) -> str:
    """
    Give the text in small letters.

    Example: lower('Order NEW') == "order new"
    """
    return text.lower()


@library()
def upper(text: str) -> str:
    """
    Give the text in capitals.

    Example: upper('eur') == "EUR"
    """
    return text.upper()


@library()
def trim(text: str, characters: str | None = None) -> str:
    """
    Take white space, or the given characters, off both ends.

    Example: trim('  a b ') == "a b"
    Example: trim('--a--', '-') == "a"
    """
    return text.strip(characters)


@library()
def split(text: str, separator: str | None = None) -> list[str]:
    """
    Cut the text at each separator, or at any white space, into a list.

    Example: split('a,b,,c', ',') == ["a", "b", "", "c"]
    Example: split(' a  b ') == ["a", "b"]
    """
    if separator == "":
        raise ValueError("the separator is empty; leave it out to cut at white space")
    cuts = text.count(separator) + 1 if separator else len(text) // 2 + 1
    bounded(cuts * NODE)
    return text.split(separator)


@library()
def replace(text: str, old: str, new: str) -> str:
    """
    Put *new* in every place of *old*.

    Example: replace('1.234,50', ',', '.') == "1.234.50"
    """
    if old == "":
        raise ValueError("there is nothing to replace: the text to look for is empty")
    bounded(len(text) + text.count(old) * (len(new) - len(old)))
    return text.replace(old, new)


@library()
def truncate(text: str, length: int, end: str | None = "…") -> str:
    """
    Cut a longer text so that it has *length* characters with its end mark.

    Example: truncate('Hello world', 6) == "Hello…"
    Example: truncate('Hello', 6) == "Hello"
    """
    mark = end or ""
    return text if len(text) <= length else text[: max(length - len(mark), 0)] + mark


@library()
def contains(subject: Json, search: Json) -> bool:
    """
    Say whether a text holds another, or a list an element.

    Example: contains('order/paid', 'paid') == true
    Example: contains(['a', 'b'], 'c') == false
    """
    if isinstance(subject, str):
        return isinstance(search, str) and search in subject
    if isinstance(subject, (list, tuple)):
        return search in subject
    raise ValueError("what is searched must be a text or a list")


@library()
def starts_with(text: str, prefix: str) -> bool:
    """
    Say whether the text begins so.

    Example: starts_with('order/paid', 'order/') == true
    """
    return text.startswith(prefix)


@library()
def ends_with(text: str, suffix: str) -> bool:
    """
    Say whether the text ends so.

    Example: ends_with('invoice.pdf', '.pdf') == true
    """
    return text.endswith(suffix)


@library()
def base64(text: str) -> str:
    """
    Encode the text, as UTF-8, in base64.

    Example: base64('äb') == "w6Ri"
    """
    return base64_codec.b64encode(text.encode()).decode()


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
def sha256(scope: Scope, text: str, encoding: str | None = "hex") -> str:
    """
    Give the SHA-256 of the text, as UTF-8, in hex or with 'base64'; a secret counts as its value.

    Example: truncate(sha256('a'), 8, '') == "ca978112"
    """
    return _coded(hashlib.sha256(_revealed(scope, text)).digest(), encoding)


@library(takes_secrets=True)
def hmac_sha256(scope: Scope, text: str, key: str, encoding: str | None = "hex") -> str:
    """
    Give the HMAC-SHA-256 of the text under the key, in hex or with 'base64'; a secret counts as
    its value.

    Example: truncate(hmac_sha256('a', 'key'), 8, '') == "780c3db4"
    """
    code = hmac.digest(_revealed(scope, key), _revealed(scope, text), "sha256")
    return _coded(code, encoding)


@library()
def urlencode(value: Json) -> str:
    """
    Escape a text for a part of a URL, or make a query of an object.

    Example: urlencode('a b/ü') == "a%20b%2F%C3%BC"
    Example: urlencode(from_json('{"q": "a b", "n": 2}')) == "q=a+b&n=2"
    """
    if isinstance(value, dict):
        return "&".join(f"{quote_plus(key)}={quote_plus(text_of(one))}" for key, one in value.items())
    return quote(text_of(value), safe="")


def _revealed(scope: Scope, text: str) -> bytes:
    return (scope.secrets.reveal(text) if scope.secrets else text).encode()


def _coded(digest: bytes, encoding: str | None) -> str:
    if encoding == "base64":
        return base64_codec.b64encode(digest).decode()
    if encoding in (None, "hex"):
        return digest.hex()
    raise ValueError("the encoding is 'hex' or 'base64'")
