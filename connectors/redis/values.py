"""JSON to what Redis keeps, which is bytes, and back."""

from __future__ import annotations

import base64
import json
from typing import Any, Literal, TypeAlias

from runner.connector import Json, Rejected

ReadAs: TypeAlias = Literal["text", "json", "base64"]


def kept(value: Json) -> bytes:
    """A text as it is (UTF-8), all else as JSON: 12, true, {"a":1}."""
    text = value if isinstance(value, str) else _json(value)
    return text.encode("utf-8", "replace")


def read(value: bytes | None, read_as: ReadAs, what: str) -> Json:
    """
    What stands in *what*, as *read_as* says; None stays None.

    Raises:
        Rejected: it is nothing of the kind.
    """
    if value is None:
        return None
    if read_as == "base64":
        return base64.b64encode(value).decode()
    try:
        text = value.decode()
        return json.loads(text) if read_as == "json" else text
    except UnicodeDecodeError:
        raise Rejected(f"{what} holds bytes that are no text; read them with read_as: base64") from None
    except ValueError:
        raise Rejected(f"{what} holds no JSON; read it with read_as: text") from None


def answered(value: Any, read_as: ReadAs) -> Json:
    """An answer of any shape, its bytes as *read_as* says."""
    if isinstance(value, list):
        return [answered(one, read_as) for one in value]
    return read(value, read_as, "the answer") if isinstance(value, bytes) else value


def _json(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
