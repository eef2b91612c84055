"""What the API does with connectors: one made from an OpenAPI document."""

from __future__ import annotations

from typing import Any

from runner.errors import HooklineError, SettingsError
from runner.values import Json, dumps
from web.api.routes import Asked, Parameter, Route
from web.api.schemas import TEXT, many, thing
from web.house import House
from web.problems import Problem


async def from_openapi(house: House, asked: Asked) -> Json:
    """Make a connector's file beside the workflows."""
    if house.make_connector is None:
        raise Problem(503, "This process makes no connectors.")
    given = dict(asked.given)
    document = given.pop("document", None)
    if (document is None) == (not given.get("address")):
        raise Problem(422, "Give `document`, or the `address` of one.", parameter="document")
    content = document if document is None or isinstance(document, str) else dumps(document)
    try:
        made: Json = await house.make_connector(content, given)
    except SettingsError as error:
        raise Problem(422, f"{error}.") from None
    except HooklineError as error:
        raise Problem(409, f"{error}.") from None
    facts = {"actions": len(made["actions"]), "from": given.get("address", "a document")}
    await house.audit(asked.person, "made", "connector", made["name"], **facts)
    return made


def _given(name: str, summary: str, schema: Json, *of: type) -> Parameter:
    return Parameter(name, summary, schema, _as_it_is, of or (str,))


def _as_it_is(given: Any, _now: float) -> Any:
    return given


def _texts(given: Any, _now: float) -> Any:
    if not all(isinstance(one, str) for one in given):
        raise ValueError("each must be a text")
    return given


ROUTES = (
    Route(
        "POST", "/connectors/from-openapi", "make_connector",
        "A connector from an OpenAPI 3 document, kept as a file beside the workflows.",
        from_openapi,
        thing(
            {
                "name": TEXT,
                "file": TEXT,
                "actions": many(TEXT),
                "connection_kinds": many(TEXT),
                "not_converted": many(thing({"operation": TEXT, "reason": TEXT})),
                "notes": many(TEXT),
            }
        ),
        role="admin", errors=(409, 422),
        body=(
            _given("address", "Where the document is; it is fetched as actions fetch.", {"type": "string"}),
            _given(
                "document", "The document: an object, or its text.",
                {"type": ["object", "string"]}, dict, str,
            ),
            _given("name", "The connector's name; the title makes one if none is given.", {"type": "string"}),
            Parameter("only", "These operations alone.", many({"type": "string"}), _texts, (list,)),
            Parameter("tags", "The operations of these tags.", many({"type": "string"}), _texts, (list,)),
            _given("url", "The service's address, in place of the document's.", {"type": "string"}),
            _given(
                "idempotency_header", "A header by which the service does a POST once.", {"type": "string"}
            ),
            _given("replace", "Write a file of that name anew.", {"type": "boolean"}, bool),
        ),
    ),
)  # fmt: skip
