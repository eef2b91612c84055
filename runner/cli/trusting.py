"""What a command trusts: as it is typed after `--option`."""

from __future__ import annotations

import math
from collections.abc import Iterable

import click

from runner.errors import SettingsError
from runner.inbound.providers import PROVIDERS, provider_of
from runner.inbound.providers.provider import Provider, Trust
from runner.language.verification import Verification
from runner.values import Json, duration_seconds

TRUE, FALSE = ("true", "yes", "on"), ("false", "no", "off")


def trust_given(name: str, options: Iterable[str], secrets: tuple[str, ...]) -> tuple[Provider, Trust]:
    """
    The provider *name* (or a generic scheme) with `K=V` options: those that would stand under `verify`
    in a workflow, `timestamp.header=X-Time` for a key in a key, `tolerance=10m` or `=false`.

    Raises:
        SettingsError: there is no such provider, or it has no such option.
        click.UsageError: an option is not K=V.
    """
    given: dict[str, Json] = {}
    tolerance: float | None = None
    for one in options:
        key, equals, value = one.partition("=")
        if not equals or not key.strip():
            raise click.UsageError(f'--option "{one}" is not K=V; write for example header=X-Signature')
        if key.strip() == "tolerance":
            tolerance = _tolerance(value.strip())
        else:
            _put(given, key.strip(), value)
    given = {key: _typed(name, key, value) for key, value in given.items()}
    try:
        provider = provider_of(Verification(name, options=given))
    except ValueError as error:
        raise SettingsError(str(error)) from None
    missing = [one.name for one in provider.options if one.is_required and one.name not in given]
    if missing:
        raise SettingsError(f"{provider.title} needs --option {missing[0]}=…")
    return provider, Trust(secrets, given, tolerance)


def _put(given: dict[str, Json], key: str, value: str) -> None:
    """Set `a.b`, and make a list of what is given twice."""
    *outer, last = key.split(".")
    for name in outer:
        inner = given.setdefault(name, {})
        if not isinstance(inner, dict):
            raise click.UsageError(f"--option {key}: {name} has a value already")
        given = inner
    if last in given:
        before = given[last]
        given[last] = [*before, value] if isinstance(before, list) else [before, value]
    else:
        given[last] = value


def _typed(name: str, key: str, value: Json) -> Json:
    """*value* as the option's kind asks; a generic scheme reads texts."""
    provider = PROVIDERS.get(name)
    option = next((one for one in provider.options if one.name == key), None) if provider else None
    if option is None or option.kind in ("text", "secret"):
        return value
    if option.kind == "texts":
        return value if isinstance(value, list) else [value]
    if str(value).lower() not in TRUE + FALSE:
        raise SettingsError(f"--option {key}: {value} is neither true nor false")
    return str(value).lower() in TRUE


def _tolerance(text: str) -> float:
    if text.lower() in FALSE:
        return math.inf
    try:
        return float(text) if text.isdigit() else duration_seconds(text)
    except ValueError as error:
        raise SettingsError(f"--option tolerance: {error}, or false for never") from None
