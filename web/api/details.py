"""A closer look by the API: what a step sent, how many there are of what, and a test made of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.engine.details import MOST_COUNTED
from web.api.parameters import LONGEST_PATH, OF_WORKFLOW, TEXT, step_path
from web.api.routes import Asked, Parameter, Route
from web.api.schemas import NUMBER, OBJECT, TEXT_OR_NULL, TIME, many, thing
from web.problems import Problem

if TYPE_CHECKING:
    from runner.values import Json
    from web.house import House


async def list_exchanges(house: House, asked: Asked) -> Json:
    """All in one page: a step has some attempts."""
    return {"items": await house.details.exchanges(asked.id, asked.given["path"]), "next": None}


async def count_events(house: House, asked: Asked) -> Json:
    """By disposition, as far as that is cheap to count."""
    return {"counts": dict(await house.details.event_counts(asked.given.get("workflow")))}


async def count_runs(house: House, asked: Asked) -> Json:
    """By status."""
    return {"counts": dict(await house.details.run_counts(asked.given.get("workflow")))}


async def show_case(house: House, asked: Asked) -> Json:
    """The test that a run makes, not written anywhere."""
    return await _case(house, asked, is_written=False)


async def write_case(house: House, asked: Asked) -> Json:
    """The same, and it stands in its workflow's test file."""
    made = await _case(house, asked, is_written=True)
    await house.audit(asked.person, "wrote a test", "workflow", made["workflow"], run=asked.id)
    return made


async def _case(house: House, asked: Asked, *, is_written: bool) -> Json:
    if house.make_case is None:
        raise Problem(409, "This process makes no tests.")
    return await house.make_case(asked.id, is_written=is_written)


OF_PATH = {"type": "string", "minLength": 1, "maxLength": LONGEST_PATH}
_HEADERS = {**OBJECT, "description": "Values that say who one is are •••."}
_BODY = {**TEXT_OR_NULL, "description": "The beginning of a text; null where there is none."}
_ANSWER = thing({"status": NUMBER, "headers": _HEADERS, "body": _BODY, "size": NUMBER})
_EXCHANGE = thing(
    {
        "at": TIME,
        "ms": {"type": ["number", "null"]},
        "method": TEXT,
        "url": TEXT,
        "headers": _HEADERS,
        "body": _BODY,
        "size": {**NUMBER, "description": "Of the whole body, in bytes."},
        "answer": {"anyOf": [_ANSWER, {"type": "null"}]},
    }
)
_ATTEMPT = thing(
    {
        "attempt": NUMBER,
        "exchanges": many(_EXCHANGE),
        "left_out": {**NUMBER, "description": "How many more there were."},
    }
)
_COUNTS = thing(
    {
        "counts": {
            "type": "object",
            "additionalProperties": {"type": "integer", "maximum": MOST_COUNTED},
            "description": f"`all` and by state; {MOST_COUNTED} stands for more than {MOST_COUNTED - 1}.",
        }
    }
)
_CASE = thing({"workflow": TEXT, "file": TEXT, "text": TEXT, "note": TEXT_OR_NULL})

ROUTES = (
    Route(
        "GET", "/runs/{id}/exchanges", "list_exchanges",
        "What a step of a run sent and was answered, by attempt.",
        list_exchanges, thing({"items": many(_ATTEMPT), "next": TEXT_OR_NULL}), errors=(404,),
        query=(
            Parameter("path", "The step's path, as the run has it.", OF_PATH, step_path, is_required=True),
        ),
    ),
    Route(
        "GET", "/events/counts", "count_events", "How many events there are, by what became of them.",
        count_events, _COUNTS, query=(OF_WORKFLOW,),
    ),
    Route(
        "GET", "/runs/counts", "count_runs", "How many runs there are, by where they are.",
        count_runs, _COUNTS, query=(OF_WORKFLOW,),
    ),
    Route(
        "GET", "/runs/{id}/case", "show_case", "The test that a run makes, as the text of a test file.",
        show_case, _CASE, role="editor", errors=(404, 409),
    ),
    Route(
        "POST", "/runs/{id}/case", "write_case",
        "Make a test of a run, and put it behind those of its workflow's test file.",
        write_case, _CASE, role="editor", errors=(404, 409),
    ),
)  # fmt: skip
