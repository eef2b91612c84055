"""The secrets and connections of a server, in memory and sealed on disk."""

from __future__ import annotations

import secrets as randomness
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from pydantic import SecretStr, ValidationError

from runner.connector import Connection, TokenConnection, Tokens, sentences
from runner.engine.standing import Standing, read_standing
from runner.errors import SettingsError
from runner.values import dumps, loads
from runner.vault.names import canonical, connection_name, given, hosts_of, refuse_twin, secret_name
from runner.vault.notes import Notes
from runner.vault.rows import InTurn
from runner.vault.seal import NONCE_BYTES, Seal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from runner.values import Json
    from runner.vault.rows import SealedRows

Kind: TypeAlias = Literal["secret", "connection"]

SECRET_PREFIX = "HOOKLINE_SECRET_"  # noqa: S105 - the name of a variable
HOSTS_SUFFIX = "_HOSTS"
CONNECTION_PREFIX = "HOOKLINE_CONNECTION_"
MOST_FORMER = 200  # values that were replaced: calls that began with them are still under way


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
        self._rows = InTurn(rows)
        self._seal = Seal(root_key)
        self._models = models
        self.notes = Notes(self._rows, self._seal)
        self._fixed_secrets: dict[str, tuple[str, str]] = {}
        self._fixed_hosts: dict[str, list[str]] = {}
        self._fixed_connections: dict[str, _Kept] = {}
        for variable, text in environment.items():
            if (bound := _bound_by(variable)) in environment:
                key = canonical(bound.removeprefix(SECRET_PREFIX))
                self._fixed_hosts[key] = hosts_of(text.split(","), variable)
            elif variable.startswith(SECRET_PREFIX):
                name = secret_name(variable.removeprefix(SECRET_PREFIX), variable)
                self._fixed_secrets[canonical(name)] = (name, given(text, variable))
            elif variable.startswith(CONNECTION_PREFIX):
                name = connection_name(variable.removeprefix(CONNECTION_PREFIX), variable)
                shown = name.lower().replace("_", "-")
                self._fixed_connections[canonical(name)] = self._read(shown, text, variable)
        self._secrets = dict(self._fixed_secrets)
        self._connections = dict(self._fixed_connections)
        self._former: dict[str, None] = {}  # values that were replaced here, the latest last
        self._masked: frozenset[str] = frozenset()
        self._look()

    async def load(self) -> None:
        """
        Read all rows anew.

        Raises:
            SettingsError: rows are sealed with another key, or damaged; all of them are named.
        """
        secrets: dict[str, tuple[str, str]] = {}
        connections: dict[str, _Kept] = {}
        faults: list[str] = []
        found = await self._rows.get_all()
        for kind, name, blob in found:
            if kind not in ("secret", "connection"):
                continue
            try:
                text = self._seal.open(kind, name, blob)
            except SettingsError as fault:
                faults.append(str(fault))
                continue
            if kind == "secret":
                secrets[canonical(name)] = (name, text)
            else:
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
        self.notes.take(found)
        self._look()

    def secrets(self) -> Mapping[str, str]:
        """The secrets: name → value."""
        return dict(self._secrets.values())

    def bounds(self) -> Mapping[str, Sequence[str]]:
        """The hosts to which secrets may go, by their names; one that may go anywhere is left out."""
        found = {
            name: self._fixed_hosts.get(key) or self.notes.get("hosts", key)
            for key, (name, _value) in self._secrets.items()
        }
        return {name: tuple(hosts) for name, hosts in found.items() if hosts}

    def secret_values(self) -> frozenset[str]:
        """
        Every text that must be masked: secrets, the secret fields and tokens of connections, and what
        stood in their place a while ago.
        """
        return self._masked

    def connection(self, name: str) -> Json | None:
        """The fields of a connection, secrets and `kind` among them; None: there is none."""
        kept = self._connections.get(canonical(name))
        return None if kept is None else dict(kept.fields)

    def open_connection(self, name: str) -> Connection | None:
        """The connection ready for use; None: there is none, or its kind is not known here."""
        kept = self._connections.get(canonical(name))
        return None if kept is None else self._with_tokens(canonical(name), kept.model)

    def connection_kinds(self) -> dict[str, str]:
        """The connections: name → kind."""
        return {kept.name: str(kept.fields["kind"]) for kept in self._connections.values()}

    async def set_secret(self, name: str, value: str, *, hosts: Sequence[str] | None = None) -> None:
        """
        Keep a secret, in place of one of that name. *hosts* are those that it may go to, as
        `api.example.com` or `*.example.com`; none: any; None: as it was.

        Raises:
            SettingsError: the name, value or a host cannot be, or the environment sets it.
        """
        secret_name(name, f"the secret {name!r}")
        given(value, f"the secret {name}")
        bound = None if hosts is None else hosts_of(hosts, f"the secret {name}")
        self._refuse_fixed(SECRET_PREFIX, name, self._fixed_secrets)
        known = self._secrets.get(canonical(name))
        refuse_twin("secret", name, None if known is None else known[0])
        if bound:  # before the value, which is never there unbound
            await self.notes.put("hosts", canonical(name), bound)
        await self._put("secret", name, value)
        if bound == []:
            await self.notes.delete("hosts", canonical(name))
        self._secrets[canonical(name)] = (name, value)
        self._look()

    async def delete_secret(self, name: str) -> bool:
        """
        Forget a secret; whether there was one.

        Raises:
            SettingsError: the environment sets it.
        """
        self._refuse_fixed(SECRET_PREFIX, name, self._fixed_secrets)
        if removed := await self._rows.delete("secret", name):
            self._secrets.pop(canonical(name), None)
            await self.notes.delete("hosts", canonical(name))
            await self.notes.delete("signed", f"secret:{canonical(name)}")
            self._look()
        return removed

    def check_connection(self, name: str, fields: Json) -> None:
        """Whether `set_connection` would take it, but for the environment. Raises SettingsError."""
        connection_name(name, f"the connection {name!r}")
        self._checked(name, fields, f"the connection {name}")

    async def set_connection(self, name: str, fields: Json, *, ends_at: float | None = None) -> None:
        """
        Keep a connection, in place of one of that name; *fields* has `kind` and the kind's own.
        *ends_at* (UTC seconds) is when it will end, where a person knows.

        Raises:
            SettingsError: the name or a field cannot be, or the environment sets it.
        """
        connection_name(name, f"the connection {name!r}")
        self._refuse_fixed(CONNECTION_PREFIX, name, self._fixed_connections)
        known = self._connections.get(canonical(name))
        refuse_twin("connection", name, None if known is None else known.name)
        kept = self._checked(name, fields, f"the connection {name}")
        await self._put("connection", name, dumps(kept.fields))
        self._connections[canonical(name)] = kept
        await self.stand(name, Standing(ends_at=ends_at))
        self._look()

    async def delete_connection(self, name: str) -> bool:
        """
        Forget a connection; whether there was one.

        Raises:
            SettingsError: the environment sets it.
        """
        self._refuse_fixed(CONNECTION_PREFIX, name, self._fixed_connections)
        if removed := await self._rows.delete("connection", name):
            self._connections.pop(canonical(name), None)
            await self.notes.delete("tokens", canonical(name))
            await self.notes.delete("standing", canonical(name))
            await self.notes.delete("signed", f"connection:{canonical(name)}")
            self._look()
        return removed

    # --- in a person's hands: the Keeping port of runner/engine/custody.py ---------------------

    def is_fixed(self, thing: Kind, name: str) -> bool:
        """Whether the environment sets it."""
        fixed: Mapping[str, object] = self._fixed_secrets if thing == "secret" else self._fixed_connections
        return canonical(name) in fixed

    def signed(self, thing: Kind, name: str) -> Json:
        """`{by, at}` of who set it last, or None."""
        return self.notes.get("signed", f"{thing}:{canonical(name)}")

    async def sign(self, thing: Kind, name: str, signature: Json) -> None:
        """Remember who set it last."""
        await self.notes.put("signed", f"{thing}:{canonical(name)}", signature)

    def field_names(self, name: str) -> list[str]:
        """The fields that a connection has, secret ones among them, but for `kind`."""
        kept = self._connections.get(canonical(name))
        return [] if kept is None else [one for one in kept.fields if one != "kind"]

    def open_fields(self, name: str) -> Mapping[str, Json]:
        """The fields of a connection that are no secrets; none where its kind is not known."""
        kept = self._connections.get(canonical(name))
        if kept is None or kept.model is None:
            return {}
        shut = {"kind"}
        shut |= {
            one for one in type(kept.model).model_fields if isinstance(getattr(kept.model, one), SecretStr)
        }
        return {one: value for one, value in kept.fields.items() if one not in shut}

    def merged(self, name: str, fields: Mapping[str, Json]) -> Mapping[str, Json]:
        """*fields* on top of those that the connection has, where it is of the same kind."""
        kept = self._connections.get(canonical(name))
        is_same = kept is not None and kept.fields["kind"] == fields.get("kind")
        return {**kept.fields, **fields} if kept is not None and is_same else fields

    def checked_connection(self, name: str, fields: Json) -> Connection:
        """*fields* as a connection that is not kept. Raises SettingsError."""
        connection_name(name, f"the connection {name!r}")
        model = self._checked(name, fields, f"the connection {name}").model
        assert model is not None  # what was checked has one
        return model

    # --- tokens and standings: the TokenRows port of runner/engine/tokens.py ------------------

    async def keep_tokens(self, name: str, connection: TokenConnection, tokens: Tokens) -> None:
        """Keep the *tokens* that *connection*, which is called *name*, was given."""
        value = tokens.model_dump()
        for secret in ("access_token", "refresh_token"):
            value[secret] = value[secret].get_secret_value() if value[secret] is not None else None
        noted = {"grant": connection.grant_id(), **value}
        try:
            await self.notes.put("tokens", canonical(name), noted)
        finally:
            self._look()

    async def reopened(self, name: str) -> Connection | None:
        """As `open_connection`, with the tokens as they are on disk."""
        await self.notes.reread("tokens", canonical(name))
        self._look()
        return self.open_connection(name)

    def alone(self, name: str) -> AbstractAsyncContextManager[None]:
        """Nobody else on this store renews the tokens of *name* meanwhile."""
        return self.notes.alone(canonical(name))

    def standing(self, name: str) -> Standing:
        """How the connection stands."""
        return read_standing(self.notes.get("standing", canonical(name)) or {})

    async def standing_on_disk(self, name: str) -> Standing:
        """The same as another process may have changed it."""
        return read_standing(await self.notes.reread("standing", canonical(name)) or {})

    async def stand(self, name: str, standing: Standing) -> None:
        """Remember how it stands."""
        if standing != self.standing(name):
            await self.notes.put("standing", canonical(name), standing.as_json())

    # --- consents: a part of the Board port of runner/engine/connecting.py ---------------------

    async def begin_consent(self, digest: str, consent: Json, *, now: float) -> None:
        """Keep *consent*, and let go of those whose time is over."""
        for old in self.notes.names("consent"):
            if now >= (self.notes.get("consent", old) or {}).get("until", 0):
                await self.notes.delete("consent", old)
        await self.notes.put("consent", digest, consent)

    async def end_consent(self, digest: str) -> Json:
        """The consent, given once; None: there is none."""
        consent = await self.notes.reread("consent", digest)
        return consent if await self.notes.delete("consent", digest) else None

    # --- inside -----------------------------------------------------------------------------

    async def _put(self, kind: Kind, name: str, text: str) -> None:
        nonce = randomness.token_bytes(NONCE_BYTES)
        await self._rows.put(kind, name, self._seal.close(kind, name, text, nonce=nonce))

    def _with_tokens(self, key: str, model: Connection | None) -> Connection | None:
        if not isinstance(model, TokenConnection):
            return model
        noted = self.notes.get("tokens", key)
        if noted is None or noted.get("grant") != model.grant_id():
            return model
        try:
            return model.with_tokens(Tokens.model_validate({**noted, "grant": None}))
        except ValidationError:  # of an older Hookline: to be had anew
            return model

    def _look(self) -> None:
        """Gather what must be masked, and remember what went out of it."""
        found = {text for _, text in self._secrets.values()}
        for key, kept in self._connections.items():
            model = self._with_tokens(key, kept.model)
            if model is not None:
                found |= model.secret_texts()
            else:  # which fields are secret is not known: all of them are
                found |= {
                    value for name, value in kept.fields.items() if isinstance(value, str) and name != "kind"
                }
        for text in sorted(self._masked - found - self._former.keys()):
            self._former[text] = None
        while len(self._former) > MOST_FORMER:
            del self._former[next(iter(self._former))]
        self._masked = frozenset(found | self._former.keys())

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


def _bound_by(variable: str) -> str:
    """The variable of the secret whose hosts *variable* would name; empty where it names none."""
    is_one = variable.startswith(SECRET_PREFIX) and variable.endswith(HOSTS_SUFFIX)
    return variable.removesuffix(HOSTS_SUFFIX) if is_one else ""
