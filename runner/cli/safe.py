"""The secrets and connections as a turn uses them."""

from __future__ import annotations

from collections.abc import Mapping

from runner.connector import Action, Connection
from runner.engine.bounds import Bounds
from runner.errors import ConnectionRejected
from runner.vault import Vault


class HeldSafe:
    """See `runner.engine.turn.Safe`."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def secrets(self) -> Mapping[str, str]:
        """Values by name."""
        return self._vault.secrets()

    def secret_values(self) -> frozenset[str]:
        """All that must be masked."""
        return self._vault.secret_values()

    def bounds(self) -> Bounds:
        """The hosts that secrets may go to."""
        return self._vault.bounds()

    def connection_for(self, action: Action, name: str | None) -> Connection | None:
        """The connection *name* for *action*. Raises ConnectionRejected."""
        if name is None:
            if action.connection_required:
                raise ConnectionRejected(f"{action.name} needs a connection; name it with `connection:`")
            return None
        connection = self._vault.open_connection(name)
        if connection is None:
            raise ConnectionRejected(
                f'this server has no connection "{name}"; make it with: hookline connections set {name}'
            )
        kinds = [model.kind for model in action.connections]
        # of a connector's file that was just read anew, the class is another one of the same kind
        if not isinstance(connection, action.connections) and connection.kind not in kinds:
            raise ConnectionRejected(
                f'the connection "{name}" is of kind {connection.kind}; {action.name} takes '
                f"{' or '.join(kinds) or 'none'}"
            )
        return connection
