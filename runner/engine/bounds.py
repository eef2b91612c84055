"""The hosts that secrets may go to, where they are bound to some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

from runner.connector import goes_to
from runner.errors import Rejected

Bounds: TypeAlias = Mapping[str, Sequence[str]]
"""Names of secrets and the hosts that each may go to, as `api.example.com` or `*.example.com`."""

NO_BOUNDS: Bounds = MappingProxyType({})


def check_bounds(bounds: Bounds, host: str) -> None:
    """
    Let a call go to *host* whose inputs hold the secrets that *bounds* names.

    Raises:
        Rejected: one of them may not go there.
    """
    for name, hosts in bounds.items():
        if not any(goes_to(host, one) for one in hosts):
            raise Rejected(
                f"the secret {name} may go to {', '.join(hosts)} only, not to {host}; "
                f"`hookline secrets set {name} --host` names its hosts, and "
                f"HOOKLINE_SECRET_{name.upper()}_HOSTS those of one in the environment"
            )
