"""The key from which all others are derived."""

from __future__ import annotations

import os
import secrets as randomness
from typing import TYPE_CHECKING

from runner.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SHORTEST_KEY = 32  # characters


def root_key(environment: Mapping[str, str], data: Path) -> bytes:
    """
    The key from which all others are derived: HOOKLINE_KEY, or `<data>/key`, which is made when
    it is not there. Two processes that start at once get the same one.

    Raises:
        SettingsError: the key is too short, or the file cannot be read or made.
    """
    if (text := environment.get("HOOKLINE_KEY", "").strip()) != "":
        return _long_enough(text, "HOOKLINE_KEY")
    path = data / "key"
    try:
        if not path.exists():
            _make_key(path)
        return _long_enough(path.read_text(encoding="utf-8").strip(), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"the key file {path} cannot be read or made: {error}; set HOOKLINE_KEY instead"
        ) from None


def _make_key(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"key.{randomness.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(randomness.token_urlsafe(48) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)  # whole or not at all, and never over another's
        except FileExistsError:
            return
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # what is sealed with the key must not outlive it
        finally:
            os.close(folder)
    finally:
        draft.unlink()


def _long_enough(text: str, source: str) -> bytes:
    if len(text) < SHORTEST_KEY:
        raise SettingsError(
            f"{source} has {len(text)} characters and needs at least {SHORTEST_KEY}; "
            "`openssl rand -base64 48` makes a good one"
        )
    return text.encode()
