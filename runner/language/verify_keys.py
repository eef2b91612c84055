"""
`verify`: a provider's name, a provider with its options, or a generic scheme.

What a provider takes beside its secret is the catalogue's; a file that names an option which the
provider does not have, or leaves out what it needs, is told so with the list.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from runner.language.fixes import replaced
from runner.language.keys import BLOCKS
from runner.language.kinds import BOOLEAN, ONE_OR_MORE, SECRET, TEXT, Block, Key, Kind
from runner.language.scalars import at
from runner.language.suggest import did_you_mean, one_of, surely
from runner.language.verification import GENERIC, GenericScheme, Verification, signed_parts
from runner.language.webhook_keys import NEEDED_SECRET

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.language.nodes import Node
    from runner.language.steps import StepReader
    from runner.language.verification import ProviderInfo
    from runner.values import Json

OPTION_KINDS: Mapping[str, Kind] = {
    "text": TEXT,
    "secret": SECRET,
    "texts": ONE_OR_MORE,
    "boolean": BOOLEAN,
}
PLACES = ("header", "query", "field")
WELL_KNOWN = ("none", *GENERIC)
DEFAULTS: Mapping[str, Json] = {
    "algorithm": "sha256",
    "encoding": "hex",
    "signed": "{{ body }}",
    "secret_encoding": "text",
}


def read_verification(reader: StepReader, node: Node, where: str) -> Verification | None:
    """The verification at *node*, a text or a mapping; None for `none`, and where it has faults."""
    if isinstance(node.value, str):
        return _by_name(reader, node, where)
    assert isinstance(node.value, dict)
    schemes = [one for one in GENERIC if one in node.value]
    if "provider" in node.value:
        return _provider(reader, node, where)
    if len(schemes) == 1:
        return _generic(reader, node, where, schemes[0])
    if schemes:
        reader.fault(
            node.keys[schemes[1]],
            at(where, schemes[1]),
            "verify",
            f"a request is verified in one way; this has {' and '.join(f'`{one}`' for one in schemes)}",
            "keep one",
        )
        return None
    reader.block(node, BLOCKS["verify"], where)  # says what its keys are instead
    reader.fault(
        node.place,
        where,
        "missing-key",
        "nothing says how requests are verified",
        "write {provider: github, secret: GITHUB_SECRET}, or {hmac: {…}} for a sender that is not listed",
    )
    return None


def provider_block(info: ProviderInfo) -> Block:
    """The keys of `verify` with this provider, its own options after those of all."""
    base = BLOCKS["verify"]
    secret = NEEDED_SECRET if info.needs_secret else base.keys["secret"]
    keys = [base.keys["provider"], secret, base.keys["tolerance"]]
    keys += [
        Key(one.name, one.about, (OPTION_KINDS[one.kind],), required=one.is_required) for one in info.options
    ]
    elsewhere = dict(base.elsewhere)
    elsewhere |= {one: f"`verify: {{{one}: {{…}}}}` stands alone, without a provider" for one in GENERIC}
    return Block(f"`verify` with {info.name}", {one.name: one for one in keys}, elsewhere=elsewhere)


def _by_name(reader: StepReader, node: Node, where: str) -> Verification | None:
    name = str(node.value)
    if name == "none":
        return None
    if name in GENERIC:
        example = BLOCKS["verify"].keys[name].example
        assert isinstance(example, dict)
        shown = ", ".join(f"{key}: {value}" for key, value in example.items())
        message = f"`{name}` needs to know how"
        reader.fault(node.place, where, "verify", message, f"write {{{name}: {{{shown}}}}}")
        return None
    info = _info(reader, name, node, where)
    if info is None:
        return _unjudged(reader, name)
    needed = [one.name for one in info.options if one.is_required]
    if info.needs_secret:
        needed.insert(0, "secret")
    if needed:
        given = {one: f"{one.upper()}" for one in needed}
        kinds = {one.name: one.kind for one in info.options}
        prefix = name.upper().replace("-", "_")
        shown = ", ".join(
            f"{one}: {prefix}_{given[one]}" if kinds.get(one, "secret") == "secret" else f"{one}: …"
            for one in needed
        )
        reader.fault(
            node.place,
            where,
            "missing-key",
            f"{info.title} needs {_listed(needed)}",
            f"write {{provider: {name}, {shown}}}"
            + (", where the secret is written by its name on the server" if "secret" in needed else ""),
        )
        return None
    return Verification(name)


def _provider(reader: StepReader, node: Node, where: str) -> Verification | None:
    assert isinstance(node.value, dict)
    given = node.value["provider"]
    name = given.value
    if not isinstance(name, str):
        reader.block(node, BLOCKS["verify"], where)
        return None
    place = at(where, "provider")
    if name in WELL_KNOWN:
        hint = "write `verify: none`" if name == "none" else f"write `verify: {{{name}: {{…}}}}`"
        reader.fault(given.place, place, "unknown-provider", f"`{name}` is no provider", hint)
        return None
    info = _info(reader, name, given, place)
    if info is None:
        if reader.catalogue.providers is not None:
            return None
        base = BLOCKS["verify"]
        known = {one: key for one, key in base.keys.items() if one not in GENERIC}
        free = {one: Key(one, "", (TEXT, ONE_OR_MORE, BOOLEAN)) for one in node.value if one not in base.keys}
        values = reader.block(node, Block(base.noun, {**known, **free}), where)
        return _made(name, values, frozenset())
    values = reader.block(node, provider_block(info), where)
    secrets = frozenset(one.name for one in info.options if one.kind == "secret")
    return _made(name, values, secrets & values.keys())


def _made(name: str, values: Mapping[str, Any], secret_options: frozenset[str]) -> Verification:
    options = {one: _plain(value) for one, value in values.items() if one not in BLOCKS["verify"].keys}
    return Verification(
        name,
        values.get("secret", ()),
        options,
        frozenset(secret_options),
        _tolerance(values.get("tolerance")),
    )


def _info(reader: StepReader, name: str, node: Node, where: str) -> ProviderInfo | None:
    """The provider that *node* names; None where there is none, which is noted, or none is known here."""
    known = reader.catalogue.providers
    if known is None:
        return None
    info = known.get(name)
    if info is None:
        hint = did_you_mean(name, [*known, *WELL_KNOWN]) or (
            f"for a sender that is not listed write {{hmac: {{…}}}}; {one_of(known, most=50)}"
        )
        fix = replaced(node, surely(name, known))
        reader.fault(node.place, where, "unknown-provider", f'no provider "{name}"', hint, fix=fix)
    return info


def _unjudged(reader: StepReader, name: str) -> Verification | None:
    return Verification(name) if reader.catalogue.providers is None else None


def _generic(reader: StepReader, node: Node, where: str, name: GenericScheme) -> Verification | None:
    assert isinstance(node.value, dict)
    for other in node.value:
        if other != name:
            inside = other in BLOCKS[name].keys
            hint = f"it stands inside `{name}`" if inside else f"`{name}` stands alone"
            reader.fault(
                node.keys[other],
                at(where, other),
                "misplaced-key",
                f"`{other}` does not stand beside `{name}`",
                hint,
            )
    inner, place = node.value[name], at(where, name)
    before = len(reader.faults)
    values = reader.block(inner, BLOCKS[name], place)
    if not isinstance(inner.value, dict):
        return None
    _check_generic(reader, inner, values, place, name)
    if any(one.severity == "error" for one in reader.faults[before:]):
        return None
    options = {one: _option(value) for one, value in values.items() if one not in ("secret", "tolerance")}
    if name == "hmac":
        options = {**DEFAULTS, **options}
    if "timestamp" in options:
        options["timestamp"] = {"format": "unix", **options["timestamp"]}
    if "header" in options:
        options["header"] = options["header"].lower()
    return Verification(
        name,
        values.get("secret", ()),
        options,
        tolerance_seconds=_tolerance(values.get("tolerance")),
    )


def _check_generic(
    reader: StepReader, node: Node, values: dict[str, Any], where: str, name: GenericScheme
) -> None:
    """What a scheme needs beyond its single keys."""
    if name in ("hmac", "token"):
        what = "signature" if name == "hmac" else "token"
        _check_place(reader, node, where, f"the {what} is", f"header: X-{what.capitalize()}")
    if name == "jwt" and ("jwks" in node.keys) == ("secret" in node.keys):
        reader.fault(
            node.place,
            where,
            "verify",
            "a token is checked by the keys at `jwks`, or by a `secret`: exactly one of the two",
            "for most senders write `jwks: https://…` and leave `secret` out",
        )
    if name != "hmac":
        return
    for key in ("timestamp", "id"):
        if key in values:
            _, inner, _ = values[key]
            _check_place(reader, inner, at(where, key), f"the {key} is", "header: X-…")
    named = {text for text, is_name in signed_parts(values.get("signed", "")) if is_name}
    for key in ("timestamp", "id"):
        if key in named and key not in node.keys:
            reader.fault(
                node.keys["signed"],
                at(where, "signed"),
                "signed",
                f"`{key}` is signed, and nothing says where it is",
                f"add `{key}: {{header: X-{key.capitalize()}}}`",
            )
    if "timestamp" in node.keys and ("signed" in values or "signed" not in node.keys):
        if "timestamp" not in named:
            reader.fault(
                node.keys["timestamp"],
                at(where, "timestamp"),
                "signed",
                "a timestamp that is not signed proves nothing: whoever repeats a request can write another",
                "write what the sender signs, such as `signed: '{{ timestamp }}.{{ body }}'`, "
                "or leave `timestamp` out",
            )
        _check_list(reader, values, where)
    if "separator" in node.keys and "prefix" not in node.keys:
        reader.fault(
            node.keys["separator"],
            at(where, "separator"),
            "verify",
            "nothing tells which of the list is the signature",
            "add its `prefix`, such as `v1=`",
        )
    if "tolerance" in node.keys and "timestamp" not in node.keys:
        reader.fault(
            node.keys["tolerance"],
            at(where, "tolerance"),
            "verify",
            "there is no timestamp that could be off",
            "add `timestamp: {header: X-Timestamp}`",
        )


def _check_list(reader: StepReader, values: dict[str, Any], where: str) -> None:
    """A timestamp with a prefix is one of the list in which the signature is."""
    if "timestamp" not in values:
        return
    _, inner, given = values["timestamp"]
    same = all(str(given.get(one, "")).lower() == str(values.get(one, "")).lower() for one in PLACES)
    if "prefix" in given and not same:
        reader.fault(
            inner.keys["prefix"],
            at(where, "timestamp.prefix"),
            "verify",
            "a timestamp has a prefix where it is one of the list in which the signature is",
            "leave it out, or write the place of the signature",
        )


def _check_place(reader: StepReader, node: Node, where: str, what: str, example: str) -> None:
    """Exactly one of the keys that say where something stands."""
    given = [one for one in PLACES if one in node.keys]
    if not given:
        message = f"nothing says where {what}"
        reader.fault(node.place, where, "missing-key", message, f"write `{example}`, or a `query` or `field`")
    elif len(given) > 1:
        reader.fault(
            node.keys[given[1]],
            at(where, given[1]),
            "verify",
            f"{what} in one place; this has {_listed(given)}",
            "keep one",
        )


def _tolerance(given: float | bool | None) -> float | None:
    return math.inf if given is False else given


def _option(value: Any) -> Any:
    """An option as JSON: of a block its values, its header in lower case."""
    if isinstance(value, tuple) and len(value) == 3 and isinstance(value[2], dict):
        inner = {one: _plain(given) for one, given in value[2].items()}
        return {**inner, "header": inner["header"].lower()} if "header" in inner else inner
    return _plain(value)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _listed(names: list[str]) -> str:
    return " and ".join(f"`{one}`" for one in names)
