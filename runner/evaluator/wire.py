"""
What goes between the engine and an evaluator: a length (4 bytes, big-endian), then JSON.

A request holds the `kind` ("template", "expression" or "shape" of expressions) and `source` of what is
evaluated, a template's `html` and `drop_null`, the scope, and the CPU time in `seconds`; an
answer holds `value`, or `error` and `kind` ("expression" or "limit"), with the files that were `wanted`;
and `is_worn` when the process has kept so much memory that it is not to be used again.
"""

from __future__ import annotations

import base64
import json
import struct
from typing import TYPE_CHECKING

from runner.language.scope import Scope
from runner.language.secrets import SecretSlots
from runner.language.shelf import Shelf
from runner.values import dumps, loads

if TYPE_CHECKING:
    from runner.language.expressions import Expression, ExpressionShape
    from runner.language.templates import TemplateShape
    from runner.values import Json

READERS = ("read_text", "base64")  # functions that read a file
LENGTH = struct.Struct(">I")


def request_of(shape: TemplateShape, scope: Scope, seconds: float) -> Json:
    """The request to render *shape*: of the scope only the names and secrets that it uses."""
    secrets = None
    if scope.secrets is not None and "secrets" in shape.names:
        values = scope.secrets.values
        used = {name: values[name] for name in shape.secret_names if name in values}
        secrets = {"values": used, "nonce": scope.secrets.nonce}
    return {
        "kind": "template",
        "source": shape.source,
        "html": sorted(shape.html),
        "drop_null": shape.drop_null,
        "names": {name: scope.names[name] for name in shape.names if name in scope.names},
        "secrets": secrets,
        "resume_urls": dict(scope.resume_urls) if "resume_url" in shape.names else {},
        **_common(shape.source, scope, seconds),
    }


def request_to_evaluate(expression: Expression | ExpressionShape, scope: Scope, seconds: float) -> Json:
    """The request to evaluate *expression*: of the scope only the names that it uses."""
    names = scope.names
    if "$" not in str(expression.source):
        names = {name: names[name] for name in expression.roots if name in names}
    return {
        "kind": "shape" if hasattr(expression, "leaves") else "expression",
        "source": expression.source,
        "names": names,
        "secrets": None,
        "resume_urls": dict(scope.resume_urls),
        **_common(expression.source, scope, seconds),
    }


def _common(source: Json, scope: Scope, seconds: float) -> dict[str, Json]:
    return {
        "now": scope.now,
        "entropy": scope.entropy,
        "zone": scope.zone,
        "files": _files_of(source, scope),
        "seconds": seconds,
    }


def scope_of(request: Json) -> Scope:
    """The scope of a request, in the child."""
    secrets = request["secrets"]
    return Scope(
        names=request["names"],
        now=request["now"],
        entropy=request["entropy"],
        zone=request["zone"],
        secrets=None if secrets is None else SecretSlots(secrets["values"], secrets["nonce"]),
        resume_urls=request["resume_urls"],
        files=_shelf_of(request["files"]),
    )


def _files_of(source: Json, scope: Scope) -> Json:
    """The bytes on the shelf in base64, for a *source* that may read them; null where none may be read."""
    if scope.files is None:
        return None
    if not any(name in str(source) for name in READERS):
        return {}
    return {digest: base64.b64encode(one).decode() for digest, one in scope.files.contents.items()}


def _shelf_of(files: Json) -> Shelf | None:
    if files is None:
        return None
    return Shelf({digest: base64.b64decode(one) for digest, one in files.items()})


def framed(message: Json) -> bytes:
    """*message* with its length before it."""
    try:
        body = dumps(message).encode()
    except UnicodeEncodeError:  # half a surrogate pair, which JSON can escape and UTF-8 cannot write
        body = json.dumps(message).encode()
    return LENGTH.pack(len(body)) + body


def unframed(body: bytes) -> Json:
    """The message of a body."""
    try:
        return loads(body)
    except ValueError:  # orjson refuses half a surrogate pair
        return json.loads(body)
