"""
The form that met a session that had ended: carried through signing in, and sent only by a press of a
button on a page of ours.

It stands in the browser's own page alone (nothing of it is kept here), without the form's token: the
new session has another. Files are not carried: a browser takes them from a person alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from quart import request

from runner.values import Json, dumps, loads
from web.paths import OWN_PATH

LONGEST_KEPT = 16 * 1024  # characters: with a password beside it, it has to fit into one form
UNKEPT = frozenset({"form_token"})


@dataclass(frozen=True, slots=True)
class Unsent:
    """A form's address and its fields in their order."""

    action: str
    fields: tuple[tuple[str, str], ...]


async def kept_form() -> str:
    """The request's form as a text that `read_kept` reads; empty where it is none that can be carried."""
    if request.mimetype != "application/x-www-form-urlencoded" or request.endpoint == "signout":
        return ""
    form = await request.form
    fields: list[Json] = [[name, value] for name, value in form.items(multi=True) if name not in UNKEPT]
    text = dumps({"action": request.path, "fields": fields})
    return text if len(text) <= LONGEST_KEPT else ""


def read_kept(text: str) -> Unsent | None:
    """What `kept_form` wrote; None where it is not that."""
    try:
        kept = loads(text.encode()) if text else None
    except ValueError:
        return None
    match kept:
        case {"action": str(action), "fields": list(fields)} if OWN_PATH.fullmatch(action):
            pass
        case _:
            return None
    pairs = []
    for field in fields:
        match field:
            case [str(name), str(value)]:
                pairs.append((name, value))
            case _:
                return None
    return Unsent(action, tuple(pairs))
