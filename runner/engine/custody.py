"""
Secrets and connections in a person's hands: set, replaced, deleted, by whom and when, and which
workflows name them. Values go in and never come out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from runner.connector import Connection, OAuthConnection, TokenConnection, hiding
from runner.engine.calls import test_connection
from runner.engine.connecting import ASK_SECONDS, Board, shown_connection
from runner.engine.turn import Tools
from runner.errors import ActionError, NotFound
from runner.language.secrets import masked
from runner.language.suggest import did_you_mean
from runner.language.uses import Uses
from runner.values import Json, iso

Thing = Literal["secret", "connection"]


class Keeping(Board, Protocol):
    """What the vault does for it; what changes raises SettingsError (it cannot be) and StoreUnavailable."""

    def secrets(self) -> Mapping[str, str]:
        """Values by name."""

    def bounds(self) -> Mapping[str, Sequence[str]]:
        """The hosts that secrets are bound to."""

    def is_fixed(self, thing: Thing, name: str) -> bool:
        """Whether the environment sets it."""

    def signed(self, thing: Thing, name: str) -> Json:
        """`{by, at}` of who set it last (UTC seconds), or None."""

    def field_names(self, name: str) -> Sequence[str]:
        """Those that a connection has, secret ones among them."""

    def open_fields(self, name: str) -> Mapping[str, Json]:
        """The fields of a connection that are no secrets."""

    def checked_connection(self, name: str, fields: Json) -> Connection:
        """*fields* as a connection that is not kept yet."""

    def merged(self, name: str, fields: Mapping[str, Json]) -> Mapping[str, Json]:
        """*fields* on top of those that the connection of that name has, where it is of the same kind."""

    async def set_secret(self, name: str, value: str, *, hosts: Sequence[str] | None = None) -> None:
        """Keep a secret."""

    async def delete_secret(self, name: str) -> bool:
        """Forget it; whether there was one."""

    async def set_connection(self, name: str, fields: Json, *, ends_at: float | None = None) -> None:
        """Keep a connection."""

    async def delete_connection(self, name: str) -> bool:
        """Forget it; whether there was one."""

    async def sign(self, thing: Thing, name: str, signature: Json) -> None:
        """Remember who set it last."""


@dataclass(frozen=True, slots=True)
class Custody:
    """
    *texts()* gives the texts of all workflows by slug, *used(text)* what one names, *kinds()* the kinds of
    connections with the JSON Schema of their fields.
    """

    vault: Keeping
    tools: Tools
    texts: Callable[[], Mapping[str, str]]
    used: Callable[[str], Uses]
    kinds: Callable[[], list[Json]]

    def secrets(self) -> list[Json]:
        """
        All that are set and all that a workflow names, by name: `{name, is_set, set_at, by, hosts, is_fixed,
        used_by}`; *is_fixed*: the environment sets it.
        """
        values, users = self.vault.secrets(), self._users(lambda one: one.secrets)
        bounds = self.vault.bounds()
        return [
            {
                "name": name,
                "is_set": name in values,
                **self._signature("secret", name),
                "hosts": list(bounds[name]) if name in bounds else None,
                "is_fixed": self.vault.is_fixed("secret", name),
                "used_by": users.get(name, []),
            }
            for name in sorted(values.keys() | users.keys())
        ]

    def connections(self) -> list[Json]:
        """All connections, by name, as `connection`."""
        users = self._users(lambda one: one.connections)
        return [self._connection(name, users) for name in sorted(self.vault.connection_kinds())]

    def names(self) -> frozenset[str]:
        """Those of all connections."""
        return frozenset(self.vault.connection_kinds())

    def connection(self, name: str) -> Json:
        """
        As `runner.engine.standing.described`, with `set_at, by, is_fixed, used_by, fields` (their names),
        `values` (of those that are no secrets) and `shared_with` (`Connection.shared_with`). Raises NotFound.
        """
        return self._connection(name, self._users(lambda one: one.connections))

    def missing_connections(self) -> list[Json]:
        """Those that workflows name and nobody made: `{name, used_by, kinds}`, *kinds* being what fits."""
        known = self.vault.connection_kinds()
        users = self._users(lambda one: one.connections)
        actions: dict[str, set[str]] = {}
        for text in self.texts().values():
            for name, action in self.used(text).actions:
                actions.setdefault(name, set()).add(action)
        return [
            {"name": name, "used_by": users[name], "kinds": self._kinds_for(actions.get(name, ()))}
            for name in sorted(users.keys() - known.keys())
        ]

    def _kinds_for(self, actions: Iterable[str]) -> list[str]:
        """The kinds that each of *actions* takes, in their order; none where nothing is known of them."""
        found = [self.tools.action(one) for one in sorted(actions)]
        taken = [[model.kind for model in one.connections] for one in found if one is not None]
        return [kind for kind in taken[0] if all(kind in one for one in taken)] if taken else []

    async def set_secret(self, name: str, value: str, *, hosts: Sequence[str] | None, by: str) -> None:
        """Keep a secret in place of one of that name. Raises SettingsError, StoreUnavailable."""
        await self.vault.set_secret(name, value, hosts=hosts)
        await self._sign("secret", name, by)

    async def delete_secret(self, name: str) -> None:
        """Forget a secret. Raises NotFound, SettingsError, StoreUnavailable."""
        if not await self.vault.delete_secret(name):
            raise NotFound(f"there is no secret {name}")

    async def set_connection(
        self, name: str, fields: Mapping[str, Json], *, ends_at: float | None, is_merged: bool, by: str
    ) -> None:
        """
        Keep a connection in place of one of that name; *fields* has `kind` too. *is_merged*: fields that are
        not given stay. Raises SettingsError, StoreUnavailable.
        """
        given = self.vault.merged(name, fields) if is_merged else fields
        await self.vault.set_connection(name, dict(given), ends_at=ends_at)
        await self._sign("connection", name, by)

    async def note_works(self, name: str) -> None:
        """The service took the connection just now. Raises StoreUnavailable."""
        await self.vault.stand(name, self.vault.standing(name).now_works(self.tools.clock()))

    async def try_connection(self, name: str, fields: Mapping[str, Json], *, is_merged: bool) -> str | None:
        """
        Try what is not kept yet by the way of a call; what the service said. None: not tried, since a
        person has to allow it first.

        Raises:
            SettingsError: the fields cannot be. ActionError: it does not work; the message is for a person.
        """
        given = self.vault.merged(name, fields) if is_merged else fields
        connection = self.vault.checked_connection(name, dict(given))
        if isinstance(connection, OAuthConnection) and connection.waits_for_a_person():
            return None
        if isinstance(connection, TokenConnection):
            connection = await self._with_tokens(connection)
        return await test_connection(self.tools, connection, name=None, timeout_seconds=ASK_SECONDS)

    async def _with_tokens(self, connection: TokenConnection) -> Connection:
        """The same with tokens of its own, which nobody keeps. Raises ActionError."""
        http = self.tools.outbound.for_call(
            connection=None, idempotency_key=None, timeout_seconds=ASK_SECONDS
        )
        hidden = connection.secret_texts() | self.tools.safe.secret_values()
        try:
            with hiding(lambda: hidden):
                return connection.with_tokens(await connection.obtain(http, self.tools.clock()))
        except ActionError as error:
            raise type(error)(masked(str(error), hidden)) from None

    async def delete_connection(self, name: str) -> None:
        """Forget a connection. Raises NotFound, SettingsError, StoreUnavailable."""
        if not await self.vault.delete_connection(name):
            hint = did_you_mean(name, list(self.vault.connection_kinds()))
            raise NotFound(f"there is no connection {name}{f'; {hint}' if hint else ''}")

    def _connection(self, name: str, users: Mapping[str, list[str]]) -> Json:
        opened = self.vault.open_connection(name)
        return {
            **shown_connection(self.vault, name, self.tools.clock()),
            **self._signature("connection", name),
            "is_fixed": self.vault.is_fixed("connection", name),
            "used_by": users.get(name, []),
            "fields": list(self.vault.field_names(name)),
            "values": dict(self.vault.open_fields(name)),
            "shared_with": None if opened is None else opened.shared_with(),
        }

    def _signature(self, thing: Thing, name: str) -> Mapping[str, Json]:
        return signature_of(self.vault.signed(thing, name))

    async def _sign(self, thing: Thing, name: str, by: str) -> None:
        await self.vault.sign(thing, name, {"by": by, "at": self.tools.clock()})

    def _users(self, names: Callable[[Uses], Iterable[str]]) -> dict[str, list[str]]:
        """The slugs of the workflows that name it, by name."""
        found: dict[str, list[str]] = {}
        for slug, text in sorted(self.texts().items()):
            for name in names(self.used(text)):
                found.setdefault(name, []).append(slug)
        return found


def signature_of(signed: Json) -> Mapping[str, Json]:
    """What `Keeping.signed` gave as `{set_at, by}`; null where it is not known."""
    found = signed or {}
    return {"set_at": iso(found["at"]) if "at" in found else None, "by": found.get("by")}
