"""
Secrets and connections, encrypted at rest; and the key that all of it hangs on.

Each row is sealed with AES-256-GCM under a key derived from the server's root key, and bound to
its kind and name: a row that is copied to another name does not open. What stands in the
environment (`HOOKLINE_SECRET_<NAME>`, `HOOKLINE_CONNECTION_<NAME>`) comes before what is stored.
Values leave only through `secrets`, `connection` and `open_connection`, for a call.
"""

from __future__ import annotations

import os
import re
import secrets as randomness
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import ValidationError

from runner.connector import Connection, sentences
from runner.errors import SettingsError
from runner.values import dumps, loads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from runner.values import Json

Kind: TypeAlias = Literal["secret", "connection"]

SECRET_PREFIX = "HOOKLINE_SECRET_"  # noqa: S105 - the name of a variable
CONNECTION_PREFIX = "HOOKLINE_CONNECTION_"
SECRET_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")  # it stands as secrets.NAME in a template
CONNECTION_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
SHORTEST_KEY = 32  # characters

FORMAT = b"\x01"
KEY_ID_BYTES = 8
NONCE_BYTES = 12  # NIST SP 800-38D; random, so one key is good for some 2^32 rows
INFO = b"hookline vault 1"  # apart from the keys that other parts derive from the same root
KEY_ID_INFO = b"hookline vault 1 key id"


class SealedRows(Protocol):
    """Where sealed rows are kept; a store implements it."""

    async def get_all(self) -> list[tuple[str, str, bytes]]:
        """All rows: kind, name, blob."""

    async def put(self, kind: str, name: str, blob: bytes) -> None:
        """Write a row, in place of one of that kind and name."""

    async def delete(self, kind: str, name: str) -> bool:
        """Remove a row; whether there was one."""


class Seal:
    """Seals and opens rows under one root key. A sealed row is format, key id, nonce, ciphertext."""

    def __init__(self, root_key: bytes) -> None:
        self._cipher = AESGCM(_derived(root_key, INFO, 32))
        self.key_id = _derived(root_key, KEY_ID_INFO, KEY_ID_BYTES)

    def close(self, kind: str, name: str, text: str, *, nonce: bytes) -> bytes:
        """Seal *text*; *nonce* is 12 random bytes, never used twice."""
        sealed = self._cipher.encrypt(nonce, text.encode(), _bound_to(kind, name))
        return FORMAT + self.key_id + nonce + sealed

    def open(self, kind: str, name: str, blob: bytes) -> str:
        """
        Open what `close` made.

        Raises:
            SettingsError: it was sealed with another key, is damaged, or of another kind or name.
        """
        body = len(FORMAT) + KEY_ID_BYTES
        if blob[:1] != FORMAT or len(blob) < body + NONCE_BYTES:
            raise _damaged(kind, name)
        if (key_id := blob[1:body]) != self.key_id:
            raise SettingsError(
                f"the {kind} {name} was sealed with another key (its id {key_id.hex()}, ours "
                f"{self.key_id.hex()}); start with the HOOKLINE_KEY or the key file in the data "
                "folder that it was sealed with, or set it again"
            )
        nonce, sealed = blob[body : body + NONCE_BYTES], blob[body + NONCE_BYTES :]
        try:
            return self._cipher.decrypt(nonce, sealed, _bound_to(kind, name)).decode()
        except (InvalidTag, UnicodeDecodeError):
            raise _damaged(kind, name) from None


@dataclass(frozen=True, slots=True)
class _Kept:
    """A connection as it was set, and as its model reads it (None: its kind is not known here)."""

    name: str
    fields: dict[str, Json]
    model: Connection | None


class Vault:
    """
    The secrets and connections of this server. `load` reads them all; until then, and between
    two loads, what another process has changed is not seen.

    *models* finds the model of a connection kind. *environment* is read once.

    Raises:
        SettingsError: a variable of *environment* has a wrong name or value.
    """

    def __init__(
        self,
        rows: SealedRows,
        root_key: bytes,
        environment: Mapping[str, str],
        *,
        models: Callable[[str], type[Connection] | None],
    ) -> None:
        self._rows = rows
        self._seal = Seal(root_key)
        self._models = models
        self._fixed_secrets: dict[str, tuple[str, str]] = {}
        self._fixed_connections: dict[str, _Kept] = {}
        for variable, text in environment.items():
            if variable.startswith(SECRET_PREFIX):
                name = _secret_name(variable.removeprefix(SECRET_PREFIX), variable)
                self._fixed_secrets[canonical(name)] = (name, _given(text, variable))
            elif variable.startswith(CONNECTION_PREFIX):
                name = _connection_name(variable.removeprefix(CONNECTION_PREFIX), variable)
                shown = name.lower().replace("_", "-")
                self._fixed_connections[canonical(name)] = self._read(shown, text, variable)
        self._secrets = dict(self._fixed_secrets)
        self._connections = dict(self._fixed_connections)

    async def load(self) -> None:
        """
        Read all rows anew.

        Raises:
            SettingsError: rows are sealed with another key, or damaged; all of them are named.
        """
        secrets: dict[str, tuple[str, str]] = {}
        connections: dict[str, _Kept] = {}
        faults: list[str] = []
        for kind, name, blob in await self._rows.get_all():
            try:
                text = self._seal.open(kind, name, blob)
            except SettingsError as fault:
                faults.append(str(fault))
                continue
            if kind == "secret":
                secrets[canonical(name)] = (name, text)
            elif kind == "connection":
                connections[canonical(name)] = self._stored(name, loads(text.encode()))
        if faults:
            raise SettingsError("; ".join(faults))
        # the environment's spelling of a name gives way to the stored one, which workflows use
        for key, (name, text) in self._fixed_secrets.items():
            secrets[key] = (secrets[key][0] if key in secrets else name, text)
        for key, kept in self._fixed_connections.items():
            shown = connections[key].name if key in connections else kept.name
            connections[key] = _Kept(shown, kept.fields, kept.model)
        self._secrets, self._connections = secrets, connections

    def secrets(self) -> Mapping[str, str]:
        """The secrets: name → value."""
        return dict(self._secrets.values())

    def secret_values(self) -> frozenset[str]:
        """Every text that must be masked: secrets, and the secret fields of connections."""
        found = {text for _, text in self._secrets.values()}
        for kept in self._connections.values():
            if kept.model is not None:
                found |= kept.model.secret_texts()
            else:  # which fields are secret is not known: all of them are
                found |= {
                    value for name, value in kept.fields.items() if isinstance(value, str) and name != "kind"
                }
        return frozenset(found)

    def connection(self, name: str) -> Json | None:
        """The fields of a connection, secrets and `kind` among them; None: there is none."""
        kept = self._connections.get(canonical(name))
        return None if kept is None else dict(kept.fields)

    def open_connection(self, name: str) -> Connection | None:
        """The connection ready for use; None: there is none, or its kind is not known here."""
        kept = self._connections.get(canonical(name))
        return None if kept is None else kept.model

    def connection_kinds(self) -> dict[str, str]:
        """The connections: name → kind."""
        return {kept.name: str(kept.fields["kind"]) for kept in self._connections.values()}

    async def set_secret(self, name: str, value: str) -> None:
        """
        Keep a secret, in place of one of that name.

        Raises:
            SettingsError: the name or value cannot be, or the environment sets it.
        """
        _secret_name(name, f"the secret {name!r}")
        _given(value, f"the secret {name}")
        self._refuse_fixed(SECRET_PREFIX, name, self._fixed_secrets)
        known = self._secrets.get(canonical(name))
        _refuse_twin("secret", name, None if known is None else known[0])
        await self._put("secret", name, value)
        self._secrets[canonical(name)] = (name, value)

    async def delete_secret(self, name: str) -> bool:
        """
        Forget a secret; whether there was one.

        Raises:
            SettingsError: the environment sets it.
        """
        self._refuse_fixed(SECRET_PREFIX, name, self._fixed_secrets)
        if removed := await self._rows.delete("secret", name):
            self._secrets.pop(canonical(name), None)
        return removed

    async def set_connection(self, name: str, fields: Json) -> None:
        """
        Keep a connection, in place of one of that name; *fields* has `kind` and the kind's own.

        Raises:
            SettingsError: the name or a field cannot be, or the environment sets it.
        """
        _connection_name(name, f"the connection {name!r}")
        self._refuse_fixed(CONNECTION_PREFIX, name, self._fixed_connections)
        known = self._connections.get(canonical(name))
        _refuse_twin("connection", name, None if known is None else known.name)
        kept = self._checked(name, fields, f"the connection {name}")
        await self._put("connection", name, dumps(kept.fields))
        self._connections[canonical(name)] = kept

    async def delete_connection(self, name: str) -> bool:
        """
        Forget a connection; whether there was one.

        Raises:
            SettingsError: the environment sets it.
        """
        self._refuse_fixed(CONNECTION_PREFIX, name, self._fixed_connections)
        if removed := await self._rows.delete("connection", name):
            self._connections.pop(canonical(name), None)
        return removed

    async def _put(self, kind: Kind, name: str, text: str) -> None:
        nonce = randomness.token_bytes(NONCE_BYTES)
        await self._rows.put(kind, name, self._seal.close(kind, name, text, nonce=nonce))

    def _read(self, name: str, text: str, source: str) -> _Kept:
        try:
            fields = loads(text.encode())
        except ValueError:  # never quoted: it holds the secret
            raise SettingsError(
                f'{source} is not JSON; write for example {{"kind": "slack", "token": "…"}}'
            ) from None
        return self._checked(name, fields, source)

    def _checked(self, name: str, fields: Json, source: str) -> _Kept:
        if not isinstance(fields, dict) or not isinstance(fields.get("kind"), str):
            raise SettingsError(f'{source}: it needs "kind" and the fields of that kind')
        model = self._models(fields["kind"])
        if model is None:
            raise SettingsError(f"{source}: there is no connection of kind {fields['kind']!r}")
        own = {key: value for key, value in fields.items() if key != "kind"}
        try:
            return _Kept(name, dict(fields), model.model_validate(own))
        except ValidationError as error:
            raise SettingsError(f"{source}: {sentences(error)}") from None

    def _stored(self, name: str, fields: Json) -> _Kept:
        """A stored connection; one that its model no longer takes must not stop the server."""
        try:
            return self._checked(name, fields, name)
        except SettingsError:
            return _Kept(name, fields, None)

    def _refuse_fixed(self, prefix: str, name: str, fixed: Mapping[str, object]) -> None:
        if canonical(name) in fixed:
            raise SettingsError(
                f"{name} is set by the environment ({prefix}{canonical(name)}); change it there"
            )


def canonical(name: str) -> str:
    """How a name is written in the environment: upper case, dashes as underscores."""
    return name.upper().replace("-", "_")


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


def _derived(root: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=None, info=info).derive(root)


def _bound_to(kind: str, name: str) -> bytes:
    return f"{kind}\0{name}".encode()


def _damaged(kind: str, name: str) -> SettingsError:
    return SettingsError(f"the {kind} {name} is damaged in the database; set it again or delete it")


def _secret_name(name: str, source: str) -> str:
    if not SECRET_NAME.fullmatch(name):
        raise SettingsError(f"{source}: a secret's name is letters, digits and _, such as SHOPIFY_SECRET")
    return name


def _connection_name(name: str, source: str) -> str:
    if not CONNECTION_NAME.fullmatch(name):
        raise SettingsError(f"{source}: a connection's name is letters, digits, - and _, such as team-slack")
    return name


def _given(value: str, source: str) -> str:
    if value == "":
        raise SettingsError(f"{source} is empty; a secret has at least one character")
    return value


def _refuse_twin(kind: str, name: str, known: str | None) -> None:
    if known is not None and known != name:
        raise SettingsError(
            f"there is a {kind} {known} already, which {name} differs from in case or dashes "
            "only; use that name, or delete it first"
        )
