"""What is hidden of a workflow's events without being named: by what its senders prove who they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.inbound.credentials import credentials
from runner.inbound.providers import provider_infos, provider_of
from runner.language.catalogue import Catalogue
from runner.language.source import compose
from runner.language.steps import StepReader
from runner.language.verify_keys import read_verification

if TYPE_CHECKING:
    from runner.language.paths import ValuePath
    from runner.language.verification import Verification


def credentials_of(verification: Verification | None) -> tuple[ValuePath, ...]:
    """The paths to what a workflow's senders show as their proof."""
    if verification is None:
        return ()
    try:
        return credentials(provider_of(verification).schemes)
    except ValueError:  # of a version that no longer loads
        return ()


def credentials_in(text: str) -> tuple[ValuePath, ...]:
    """The same from a file's text, whatever else is wrong with it."""
    node = compose(text, path="").root
    for key in ("trigger", "webhook", "verify"):
        node = node.value.get(key) if node is not None and isinstance(node.value, dict) else None
    if node is None or not isinstance(node.value, str | dict):
        return ()
    reader = StepReader("", Catalogue({}, providers=provider_infos()))
    return credentials_of(read_verification(reader, node, "verify"))
