"""
Connectors without code: from an OpenAPI document to a file, and from that file to actions.

`convert` makes the file; `FileConnector` is what it gives. Beyond their making such actions are as any
other: the same inputs, checks, errors and connections.
"""

from __future__ import annotations

from runner.openapi.connector import FileConnector
from runner.openapi.converting import Converted, Wanted, collides, convert
from runner.openapi.document import MOST_BYTES, read_document
from runner.openapi.files import FOLDER, SUFFIX, ConnectorFile, connector_files, fault_in

__all__ = [
    "FOLDER",
    "MOST_BYTES",
    "SUFFIX",
    "ConnectorFile",
    "Converted",
    "FileConnector",
    "Wanted",
    "collides",
    "connector_files",
    "convert",
    "fault_in",
    "read_document",
]
