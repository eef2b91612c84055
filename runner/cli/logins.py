"""
Which server a command speaks to, and the token for it: kept per server in the user's configuration folder,
readable by that user alone, or given by HOOKLINE_TOKEN.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import click

from runner.errors import HooklineError, SettingsError

FILE = "logins.json"
TOKEN_VARIABLE = "HOOKLINE_TOKEN"  # noqa: S105 - the name of a variable, not a token
SERVER_VARIABLE = "HOOKLINE_SERVER"
OWNER_ALONE = 0o077  # the bits that let others read or write


def server_address(text: str) -> str:
    """
    The address of a server as logins are kept by: without a slash at its end.

    Raises:
        SettingsError: it is none.
    """
    way_out = "write for example https://hookline.example.com"
    try:
        parts = urlsplit(text.strip())
        port = f":{parts.port}" if parts.port else ""
    except ValueError as error:
        raise SettingsError(f"--server: {error}; {way_out}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError(f"--server: {_without_token(text)} is no address of a server; {way_out}")
    if parts.username or parts.password:
        raise SettingsError(f"--server: a token does not belong into an address; {way_out}")
    if parts.query or parts.fragment:
        raise SettingsError(f"--server: an address has neither ? nor #; {way_out}")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}"


def token_for(server: str, environment: Mapping[str, str] = os.environ) -> str:
    """
    The token with which *server* is asked: HOOKLINE_TOKEN, else the one that was kept for it.

    Raises:
        SettingsError: there is none.
        HooklineError: the kept ones cannot be read.
    """
    token = environment.get(TOKEN_VARIABLE, "").strip() or _kept().get(server)
    if token is None:
        raise SettingsError(
            f"there is no token for {server}; `hookline login {server}` keeps one, "
            f"or {TOKEN_VARIABLE} holds it"
        )
    return checked_token(token)


def checked_token(text: str) -> str:
    """
    *text* as it can stand in a header.

    Raises:
        SettingsError: it can be no token; it is not repeated.
    """
    token = text.strip()
    if not token:
        raise SettingsError("there is no token on stdin; `hookline user token` makes one, on the server")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise SettingsError("that is no API token: a token is one word, such as hl_…")
    return token


def keep(server: str, token: str) -> None:
    """Keep *token* for *server*, in place of the one before. Raises HooklineError."""
    _write({**_kept(), server: token})


def forget(server: str) -> bool:
    """Forget the token for *server*; whether there was one. Raises HooklineError."""
    kept = _kept()
    if kept.pop(server, None) is None:
        return False
    _write(kept)
    return True


def logins_file() -> Path:
    """Where tokens are kept."""
    return Path(click.get_app_dir("hookline")) / FILE


def _kept() -> dict[str, str]:
    """The tokens by server."""
    path = logins_file()
    try:
        if path.stat().st_mode & OWNER_ALONE:
            raise HooklineError(f"others can read {path}, and it holds tokens; mend it: chmod 600 {path}")
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise HooklineError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(one, str) for one in found.values()):
        raise HooklineError(f"{path} is damaged; delete it, and log in again")
    return found


def _write(kept: Mapping[str, str]) -> None:
    """Replace the file whole: never readable by others, not for a moment."""
    path = logins_file()
    beside = path.with_name(f".{FILE}.{secrets.token_hex(6)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            beside.unlink()
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(dict(kept), file, indent=2)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise HooklineError(f"{path} cannot be written: {error.strerror}") from None


def _without_token(text: str) -> str:
    """*text* as it may be repeated: what stands before an @ may be a token."""
    return text.rpartition("@")[2][:100]
