"""
Secrets and connections, encrypted at rest; and the key that all of it hangs on.

Each row is sealed with AES-256-GCM under a key derived from the server's root key, and bound to
its kind and name: a row that is copied to another name does not open. What stands in the
environment (`HOOKLINE_SECRET_<NAME>`, `HOOKLINE_CONNECTION_<NAME>`) comes before what is stored. Beside
such a secret, `HOOKLINE_SECRET_<NAME>_HOSTS` names the hosts that it may go to, with commas between; where
there is no secret of that name it is a secret itself.
Values leave only through `secrets`, `connection` and `open_connection`, for a call.
"""

from __future__ import annotations

from runner.vault.key import root_key
from runner.vault.names import canonical
from runner.vault.rows import SealedRows
from runner.vault.seal import Seal
from runner.vault.vault import Vault

__all__ = ["Seal", "SealedRows", "Vault", "canonical", "root_key"]
