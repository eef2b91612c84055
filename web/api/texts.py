"""What the routes about workflows' texts share: their parameters, and how what went wrong is answered."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from runner.engine.publishing import Outrun
from runner.errors import MoveRefused
from runner.language.faults import Fault, WorkflowInvalid
from runner.language.keys import SLUG_PATTERN
from runner.language.source import MAX_BYTES
from runner.values import Json
from web.api.routes import Parameter
from web.house import House
from web.problems import Problem
from web.workflows import is_known, shown_fault

LONGEST_MESSAGE = 500  # characters
LONGEST_NAME = 200
LAST_VERSION = (1 << 53) - 1  # what every program's numbers hold
WHOLE_OR_NULL: tuple[type, ...] = (int, type(None))
TEXT_OR_NULL: tuple[type, ...] = (str, type(None))
ETAG = re.compile(r'"v([1-9][0-9]{0,17})"')


def file_text(given: str, _now: float) -> str:
    """A text that a file may hold. Raises ValueError."""
    try:
        size = len(given.encode())
    except UnicodeEncodeError:
        raise ValueError("it holds half of a character, which no file can") from None
    if size > MAX_BYTES:
        raise ValueError("at most 1 MiB")
    return given


def message(given: str | None, _now: float) -> str | None:
    """What somebody says of a version; None for nothing. Raises ValueError."""
    if given is not None and len(given) > LONGEST_MESSAGE:
        raise ValueError(f"at most {LONGEST_MESSAGE} characters")
    return given.strip() or None if given is not None else None


def name(given: str, _now: float) -> str:
    """What a person calls a workflow. Raises ValueError."""
    given = " ".join(given.split())
    if not 0 < len(given) <= LONGEST_NAME or not given.isprintable():
        raise ValueError(f"1 to {LONGEST_NAME} characters that can be seen")
    return given


def version_number(given: int | None, _now: float) -> int | None:
    """A version. Raises ValueError."""
    if given is not None and not 0 < given <= LAST_VERSION:
        raise ValueError("versions count from 1")
    return given


def same(given: Any, _now: float) -> Any:
    """As it is."""
    return given


VERSION = {"type": "integer", "minimum": 1, "maximum": LAST_VERSION}
VERSION_OR_NULL = {**VERSION, "type": ["integer", "null"]}
FILE_TEXT = {"type": "string", "maxLength": MAX_BYTES}
OF_TEXT = Parameter("text", "What the file holds, at most 1 MiB.", FILE_TEXT, file_text, is_required=True)
OF_BASE = Parameter(
    "base", "The live version that the text was made from; null: there was none.",
    VERSION_OR_NULL, version_number, WHOLE_OR_NULL, is_required=True,
)  # fmt: skip
OF_MESSAGE = Parameter(
    "message", "What changed, for whoever looks later.",
    {"type": ["string", "null"], "maxLength": LONGEST_MESSAGE}, message, TEXT_OR_NULL,
)  # fmt: skip


def proper(slug: str) -> str:
    """*slug*, if it can be one. Raises Problem 404."""
    if not re.fullmatch(SLUG_PATTERN, slug):
        raise Problem(404, "There can be no such workflow: an id has a-z, 0-9 and -, and at most 63.")
    return slug


async def find(house: House, slug: str) -> None:
    """
    Make sure that there is such a workflow, and that it is known as it is now.

    Raises:
        Problem: 410 of one that was deleted not long ago, 404 with its new name of one that was renamed.
    """
    await house.library.refresh(proper(slug))
    if is_known(house, slug):
        return
    if house.filing.is_deleted(slug):
        raise Problem(410, f"The workflow {slug} was deleted. It can be restored.")
    successor = house.library.book.successor(slug)
    if successor != slug:
        raise Problem(404, f"There is no workflow {slug}; it is called {successor} now.", slug=successor)
    raise Problem(404, f"There is no workflow {slug}.")


def etag(version: int | None) -> dict[str, str]:
    """The header of a version; none where nothing is live."""
    return {} if version is None else {"ETag": f'"v{version}"'}


def shown(faults: Sequence[Fault]) -> list[Json]:
    """Faults as the API has them."""
    return [shown_fault(one) for one in faults]


@contextmanager
def refusals(house: House, slug: str, *, outrun: int = 409) -> Iterator[None]:
    """What cannot be published, as answers: 422 with `faults`, or *outrun* with what is `live`."""
    try:
        yield
    except WorkflowInvalid as error:
        kept = house.library.get(slug)
        goes_on = f" Version {kept.version} keeps running." if kept else ""
        sentence = f"{_counted(len(error.faults))} to mend before this can go live.{goes_on}"
        raise Problem(422, sentence, faults=shown(error.faults)) from None
    except Outrun as error:
        raise Problem(outrun, f"{error}.", live=error.live.as_json() if error.live else None) from None
    except MoveRefused as error:
        raise Problem(409, f"{error}.") from None


def _counted(count: int) -> str:
    return "One thing" if count == 1 else f"{count:,} things"
