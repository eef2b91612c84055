"""
The bytes of files that expressions read. The language does no I/O: an evaluation that misses a file
says so on the shelf and fails; whoever evaluates puts the file there and evaluates again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.values import File


@dataclass(frozen=True, slots=True)
class Shelf:
    """`contents` by SHA-256 (hex); `wanted` are the files that evaluations missed, likewise."""

    contents: dict[str, bytes] = field(default_factory=dict)
    wanted: dict[str, File] = field(default_factory=dict)
