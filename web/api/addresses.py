"""Addresses by the API: where a workflow is called, rotated, and answered at other paths too; its samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.errors import HooklineError, MoveRefused, NotFound, SettingsError, StoreUnavailable
from runner.values import duration_seconds
from web.api.parameters import OF_LENGTH
from web.api.routes import Asked, Parameter, Route
from web.api.schemas import OBJECT, TEXT, TIME_OR_NULL, many, thing
from web.api.texts import find
from web.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from runner.values import Json
    from web.house import Addressing, House, MakeLetter

LONGEST_PATH = 500
LONGEST_WORD = 200


async def list_addresses(house: House, asked: Asked) -> Json:
    """Its own first."""
    await find(house, asked.id)
    return await _answered(_addressing(house)(asked.id))


async def change_addresses(house: House, asked: Asked) -> Json:
    """All of them afterwards."""
    await find(house, asked.id)
    given = asked.given
    if "keep" in given and not given.get("rotate"):
        raise Problem(
            422, "keep says how long the old address answers; it goes with rotate.", parameter="keep"
        )
    found = await _answered(_addressing(house)(asked.id, **given))
    changes = [name for name in ("rotate", "also", "not_at") if given.get(name)]
    if changes:
        facts = {name: given[name] for name in changes if name != "rotate"}
        await house.audit(asked.person, "changed the address of", "workflow", asked.id, **facts)
    return found


async def make_letter(house: House, asked: Asked) -> Json:
    """Signed now; whoever asks sends it."""
    await find(house, asked.id)
    given = asked.given
    return await _answered(
        _letters(house)(asked.id, event_type=given.get("type"), provider=given.get("provider"))
    )


def _addressing(house: House) -> Addressing:
    if house.addressing is None:
        raise Problem(503, "This process changes no addresses.")
    return house.addressing


def _letters(house: House) -> MakeLetter:
    if house.make_letter is None:
        raise Problem(503, "This process makes no samples.")
    return house.make_letter


async def _answered(asking: Awaitable[Json]) -> Json:
    try:
        return await asking
    except SettingsError as error:
        raise Problem(422, f"{error}.") from None
    except (NotFound, MoveRefused, StoreUnavailable):
        raise
    except HooklineError as error:
        raise Problem(409, f"{error}.") from None


def _text(longest: int) -> Any:
    def read(text: str, _now: float) -> str:
        if not 0 < len(text) <= longest:
            raise ValueError(f"1 to {longest} characters")
        return text

    return read


def _length(text: str, _now: float) -> float:
    seconds = duration_seconds(text)
    if seconds <= 0:
        raise ValueError("must be longer than nothing")
    return seconds


def _flag(given: bool, _now: float) -> bool:
    return given


_PATH: dict[str, Json] = {**TEXT, "minLength": 1, "maxLength": LONGEST_PATH}
_WORD: dict[str, Json] = {**TEXT, "minLength": 1, "maxLength": LONGEST_WORD}
_ADDRESSES = thing(
    {
        "workflow": TEXT,
        "url": {**TEXT, "description": "The first of them."},
        "addresses": many(
            thing({"url": TEXT, "kind": {"enum": ["own", "form", "kept", "path"]}, "until": TIME_OR_NULL})
        ),
        "warnings": many(TEXT),
    }
)

ROUTES = (
    Route(
        "GET", "/workflows/{id}/addresses", "list_addresses", "Where services call a workflow.",
        list_addresses, _ADDRESSES, errors=(404, 409, 410),
    ),
    Route(
        "POST", "/workflows/{id}/addresses", "change_addresses",
        "Change where a workflow is called: a new address, or a path at which it answers too.",
        change_addresses, _ADDRESSES, role="editor", errors=(404, 409, 410, 422),
        body=(
            Parameter(
                "rotate", "Change its own address.", {"type": "boolean", "default": False}, _flag, (bool,)
            ),
            Parameter(
                "keep", "With rotate: how long the old one answers too, such as `7d`.", OF_LENGTH, _length
            ),
            Parameter(
                "also", "Answer at exactly this path too, such as `/webhook/orders`.",
                _PATH, _text(LONGEST_PATH),
            ),
            Parameter("not_at", "Answer at this path no more.", _PATH, _text(LONGEST_PATH)),
        ),
    ),
    Route(
        "POST", "/workflows/{id}/letter", "make_letter",
        "A bundled sample event, signed with the workflow's secret, for its sender to send.",
        make_letter,
        thing(
            {
                "provider": TEXT,
                "type": TEXT,
                "method": TEXT,
                "url": TEXT,
                "headers": OBJECT,
                "body": {**TEXT, "description": "In base64."},
                "unsigned": thing({"method": TEXT, "headers": OBJECT, "body": TEXT}),
            }
        ),
        role="editor", errors=(404, 409, 410, 422),
        body=(
            Parameter("type", "The sample's, such as `orders/create`.", _WORD, _text(LONGEST_WORD)),
            Parameter("provider", "Whose, where the workflow verifies none.", _WORD, _text(LONGEST_WORD)),
        ),
    ),
)  # fmt: skip
