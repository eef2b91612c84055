"""The files of one body: their bytes by content address, and the references that payloads hold."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.values import File

MAX_NAME = 200  # characters; a file system takes 255 bytes
DEFAULT_TYPE = "application/octet-stream"


class Files:
    """
    Collects files. `stored` maps the SHA-256 (64 hex digits) of each to its bytes.

    Only these are the body's files: an object of the payload that merely looks like a reference
    gives no right to any stored bytes.
    """

    def __init__(self) -> None:
        self.stored: dict[str, bytes] = {}

    def add(self, content: bytes, filename: str, content_type: str) -> File:
        """Keep *content* and give its reference. Equal contents are kept once."""
        digest = hashlib.sha256(content).hexdigest()
        self.stored[digest] = content
        return {
            "filename": plain_name(filename),
            "content_type": content_type.strip() or DEFAULT_TYPE,
            "size": len(content),
            "file": digest,
        }


def plain_name(filename: str) -> str:
    r"""
    Take the last segment of a sender's file name, without control characters: `C:\a\b.pdf` and
    `../../b.pdf` are `b.pdf`; what leaves nothing is `file`. Source: RFC 7578 section 4.2.
    """
    last = filename.replace("\\", "/").rpartition("/")[2]
    plain = "".join(character for character in last if character.isprintable())[-MAX_NAME:].strip()
    return plain if plain.strip(".") else "file"
