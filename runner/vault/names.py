"""What secrets and connections may be called, and what of them may be set."""

from __future__ import annotations

import re
from collections.abc import Sequence

from runner.connector import checked_hosts
from runner.errors import SettingsError

SECRET_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")  # it stands as secrets.NAME in a template
CONNECTION_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")


def canonical(name: str) -> str:
    """How a name is written in the environment: upper case, dashes as underscores."""
    return name.upper().replace("-", "_")


def secret_name(name: str, source: str) -> str:
    """*name*, if a secret may be called so. Raises SettingsError."""
    if not SECRET_NAME.fullmatch(name):
        raise SettingsError(f"{source}: a secret's name is letters, digits and _, such as SHOPIFY_SECRET")
    return name


def connection_name(name: str, source: str) -> str:
    """*name*, if a connection may be called so. Raises SettingsError."""
    if not CONNECTION_NAME.fullmatch(name):
        raise SettingsError(f"{source}: a connection's name is letters, digits, - and _, such as team-slack")
    return name


def given(value: str, source: str) -> str:
    """*value*, if there is any. Raises SettingsError."""
    if value == "":
        raise SettingsError(f"{source} is empty; a secret has at least one character")
    return value


def hosts_of(hosts: Sequence[str], source: str) -> list[str]:
    """*hosts* as they are compared. Raises SettingsError."""
    try:
        return checked_hosts(hosts)
    except ValueError as error:
        raise SettingsError(f"{source}: {error}") from None


def refuse_twin(kind: str, name: str, known: str | None) -> None:
    """Refuse a name that differs from a *known* one in its writing only. Raises SettingsError."""
    if known is not None and known != name:
        raise SettingsError(
            f"there is a {kind} {known} already, which {name} differs from in case or dashes "
            "only; use that name, or delete it first"
        )
