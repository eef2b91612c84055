"""
Senders that have no row of their own: `hmac`, `token` and `basic`, built from what a workflow writes
under `verify` (runner/language/verification.py lists the options).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal, TypeAlias, TypeVar, cast, get_args

from runner.inbound.claim import Carried, Layout, Listed, Place, Plain
from runner.inbound.digests import Algorithm, Encoding, Keys, base64_key, hex_key, text_key
from runner.inbound.providers.provider import Provider
from runner.inbound.signature import Hmac, template
from runner.inbound.timestamps import Clock
from runner.inbound.tokens import Basic, Token
from runner.language.suggest import did_you_mean, one_of
from runner.language.verification import signed_parts
from runner.values import Json

Kind: TypeAlias = Literal["header", "query", "field"]
Options: TypeAlias = Mapping[str, Json]
Word = TypeVar("Word", bound=str)

PAGE = "https://www.rfc-editor.org/rfc/rfc{}"
PLACES: tuple[Kind, ...] = get_args(Kind)
KEYS: dict[str, Keys] = {"text": text_key, "hex": hex_key, "base64": base64_key}
FLAT = {  # as they are typed on a command line, where there are no mappings
    "timestamp_header": ("timestamp", "header"),
    "timestamp_prefix": ("timestamp", "prefix"),
    "timestamp_format": ("timestamp", "format"),
    "id_header": ("id", "header"),
}
HMAC_OPTIONS = (
    *PLACES,
    "prefix",
    "separator",
    "algorithm",
    "encoding",
    "signed",
    "secret_encoding",
    "timestamp",
    "id",
)


def hmac(options: Options) -> Provider:
    """
    An HMAC wherever it stands, over whatever of body, timestamp, id and url is signed.

    Raises:
        ValueError: an option is unknown or missing, or has no such value; the message says which.
    """
    options = _nested(options)
    _known("hmac", options, HMAC_OPTIONS)
    signature = _place("hmac", options)
    signed = str(options.get("signed", "{{ body }}"))
    names = {part for part, is_name in signed_parts(signed) if is_name}
    if "timestamp" in options and "timestamp" not in names:
        raise ValueError("hmac: `timestamp` proves nothing, for `signed` has no {{ timestamp }}")
    if "id" in names and "id" not in options:
        raise ValueError("hmac: `signed` has {{ id }}: say under `id` where it stands")
    timestamp = _timestamp(options, signature, is_signed="timestamp" in names)
    listed_time = timestamp is not None and _is_same(timestamp[0], signature)
    layout = _layout(options, timestamp[1] if timestamp and listed_time else "")
    carrier = Carried(
        signature,
        layout,
        None if timestamp is None or listed_time else timestamp[0],
        _place("hmac: id", _mapping(options, "id")) if "id" in options else None,
    )
    scheme = Hmac(
        carrier,
        template(signed),
        _word("hmac: algorithm", options.get("algorithm", "sha256"), get_args(Algorithm)),
        _word("hmac: encoding", options.get("encoding", "hex"), get_args(Encoding)),
        KEYS[_word("hmac: secret_encoding", options.get("secret_encoding", "text"), tuple(KEYS))],
        timestamp[2] if timestamp else None,
    )
    setup = (f"Let the sender sign with the secret, as {signature.label}, and post to {{url}}.",)
    return Provider("hmac", "HMAC signature", PAGE.format(2104), (scheme,), setup=setup)


def token(options: Options) -> Provider:
    """
    A secret that is sent along. In `Authorization` it stands behind `Bearer ` where no prefix is given.

    Raises:
        ValueError: an option is unknown or missing.
    """
    _known("token", options, (*PLACES, "prefix"))
    place = _place("token", options)
    is_authorization = place.kind == "header" and place.name.lower() == "authorization"
    prefix = str(options.get("prefix", "Bearer " if is_authorization else ""))
    setup = (f"Let the sender show the secret as {place.label} and post to {{url}}.",)
    return Provider("token", "Token", PAGE.format(6750), (Token(place, prefix),), setup=setup)


def basic(options: Options) -> Provider:
    """
    HTTP Basic.

    Raises:
        ValueError: an option is unknown, or there is no user.
    """
    _known("basic", options, ("user",))
    user = options.get("user")
    if not isinstance(user, str) or not user:
        raise ValueError("basic: `user` is missing; the password is the secret")
    setup = ("Let the sender sign in with the user and the secret as password, at {url}.",)
    return Provider("basic", "HTTP Basic", PAGE.format(7617), (Basic(user),), setup=setup)


def _timestamp(options: Options, signature: Place, *, is_signed: bool) -> tuple[Place, str, Clock] | None:
    """Where the time stands, behind which prefix, and its clock. The signature's own header by default."""
    if not is_signed:
        return None
    written = _mapping(options, "timestamp") if "timestamp" in options else {}
    _known("hmac: timestamp", written, (*PLACES, "prefix", "format"))
    has_place = any(kind in written for kind in PLACES)
    place = _place("hmac: timestamp", written) if has_place else signature
    clock: Clock = _word("hmac: timestamp.format", written.get("format", "unix"), get_args(Clock))
    prefix = str(written.get("prefix", "t=" if _is_same(place, signature) else ""))
    if prefix and not _is_same(place, signature):
        raise ValueError("hmac: `timestamp.prefix` is for a list, in the signature's own header")
    return place, prefix, clock


def _layout(options: Options, timestamp_prefix: str) -> Layout:
    prefix = str(options.get("prefix", ""))
    separator = str(options.get("separator", "," if timestamp_prefix else ""))
    if not separator:
        return Plain(prefix)
    if not prefix:
        raise ValueError("hmac: with `separator` name the signature's `prefix` in the list, such as `v1=`")
    return Listed(separator, prefix, timestamp_prefix)


def _place(what: str, options: Options) -> Place:
    """The one of header, query and field that is written."""
    found = [kind for kind in PLACES if options.get(kind)]
    if len(found) != 1:
        raise ValueError(f"{what}: write one of `header`, `query` and `field`: where it stands")
    return Place(str(options[found[0]]), found[0])


def _is_same(one: Place, other: Place) -> bool:
    return (one.kind, one.name.lower()) == (other.kind, other.name.lower())


def _mapping(options: Options, name: str) -> Options:
    value = options[name]
    if not isinstance(value, Mapping):
        raise ValueError(f"hmac: `{name}` says where it stands, such as {{header: X-{name.title()}}}")  # noqa: TRY004
    return value


def _word(what: str, value: Json, known: tuple[Word, ...]) -> Word:
    if value not in known:
        raise ValueError(f"{what} is not `{value}`; {one_of(known)}")
    return cast("Word", value)


def _known(what: str, options: Options, names: Collection[str]) -> None:
    for name in options:
        if name not in names:
            hint = did_you_mean(name, names) or one_of(names)
            raise ValueError(f"{what} has no option `{name}`; {hint}")


def _nested(options: Options) -> Options:
    nested: dict[str, Json] = {}
    for name, value in options.items():
        if name in FLAT:
            outer, inner = FLAT[name]
            nested[outer] = {**nested.get(outer, {}), inner: value}
        elif name == "key_encoding":
            nested["secret_encoding"] = value
        else:
            nested[name] = {**nested.get(name, {}), **value} if isinstance(value, Mapping) else value
    return nested
