"""Making the file of a connector: the document brought here, converted, and written beside the workflows."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.errors import ActionError, HooklineError, SettingsError
from runner.openapi import (
    FOLDER,
    MOST_BYTES,
    SUFFIX,
    ConnectorFile,
    Converted,
    Wanted,
    collides,
    convert,
    read_document,
)

if TYPE_CHECKING:
    from runner.settings import Network

FETCH_SECONDS = 30.0


async def fetched(url: str, network: Network) -> bytes:
    """
    The document at *url*, by the guarded client: private addresses are refused unless *network* allows them.

    Raises:
        SettingsError: it cannot be had.
    """
    from runner.outbound import Outbound

    outbound = Outbound(**asdict(network), max_reply_bytes=MOST_BYTES)
    try:
        client = outbound.for_call(connection=None, idempotency_key=None, timeout_seconds=FETCH_SECONDS)
        reply = await client.get(
            url, headers={"Accept": "application/json, application/yaml;q=0.9, */*;q=0.5"}
        )
        reply.accept()
    except ActionError as error:
        raise SettingsError(f"the document cannot be fetched: {error}") from None
    finally:
        await outbound.close()
    return reply.content


async def make(content: bytes, wanted: Wanted, folder: Path, *, replace: bool) -> tuple[Converted, Path]:
    """
    Convert the document *content* and keep the connector in the workflows' *folder*; with *replace* in
    place of one of that name.

    Raises:
        SettingsError: nothing can be made of it, or its name is taken.
        HooklineError: it cannot be written.
    """
    return await asyncio.to_thread(_made, content, wanted, folder, replace=replace)


def _made(content: bytes, wanted: Wanted, folder: Path, *, replace: bool) -> tuple[Converted, Path]:
    import connectors

    if wanted.name is not None:
        collides(wanted.name, connectors.names())  # before a large document is read
    converted = convert(read_document(content), wanted)
    collides(converted.name, connectors.names())
    path = folder / FOLDER / f"{converted.name}{SUFFIX}"
    if path.exists() and not replace:
        raise SettingsError(f"{path} is there already; --replace writes it anew, --name gives another name")
    if faults := ConnectorFile(path, converted.text).all_faults():  # what we write, we read
        raise HooklineError(f"the connector that was made is faulty: {faults[0]}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".part")
        beside.write_text(converted.text, encoding="utf-8")
        beside.replace(path)  # whole or not at all: a server may look at any moment
    except OSError as error:
        raise HooklineError(f"{path} cannot be written: {error.strerror}") from error
    return converted, path


def shown(converted: Converted, path: Path) -> dict[str, Any]:
    """What was made, as command and API give it: `Converted.as_json`, and `file`."""
    return {**converted.as_json(), "file": str(path)}
