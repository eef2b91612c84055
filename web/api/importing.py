"""What the API makes of other tools' words: `POST /import/curl`."""

from __future__ import annotations

from runner.errors import SettingsError
from runner.values import Json
from runner.workbench.curl import import_curl
from web.api.routes import Asked, Parameter, Route
from web.api.schemas import OBJECT, TEXT, either_null, many, thing
from web.house import House
from web.problems import Problem


async def from_curl(_house: House, asked: Asked) -> Json:
    """A step from a curl command line; the values of its credentials are not repeated."""
    try:
        return import_curl(asked.given["command"]).as_json()
    except SettingsError as error:
        raise Problem(422, f"{error}.", parameter="command") from None


ROUTES = (
    Route(
        "POST", "/import/curl", "import_curl",
        "A step of `http.request` from a curl command line, its credentials as a connection.",
        from_curl,
        thing(
            {
                "step": {**TEXT, "description": "YAML, as it stands under `steps`."},
                "connection": {
                    **either_null(thing({"name": TEXT, "kind": TEXT, "fields": OBJECT})),
                    "description": "What is to be set; secret fields are empty.",
                },
                "secrets": many(thing({"name": TEXT, "hosts": many(TEXT)})),
                "notes": many(TEXT),
            }
        ),
        role="editor", errors=(422,),
        body=(Parameter("command", "The command line.", TEXT, lambda given, _now: given, is_required=True),),
    ),
)  # fmt: skip
