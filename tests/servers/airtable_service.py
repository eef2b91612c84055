"""
Airtable's Web API on loopback, in the shapes of its documentation: one base with a table of orders,
upserts, pages with an offset, and its three shapes of errors.
"""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web

from tests.servers.http_sink import HttpSink, Received

TOKEN = "patAbCdEf123456.0123456789abcdef"
BASE, TABLE = "appLkNDICXNqxSDhG", "tbltp8DGLhqbUmjK1"
FIELDS = {"Number": "singleLineText", "Email": "email", "Total": "number", "Paid": "checkbox"}


class AirtableService(HttpSink):
    """Keeps the `records` of the table Orders (id → fields); knows the token TOKEN."""

    def __init__(self) -> None:
        super().__init__()
        self.records: dict[str, dict[str, Any]] = {}
        self.formulas: list[str | None] = []
        self.handler = self._answer

    @property
    def api_url(self) -> str:
        """What a connection's `api_url` is set to."""
        return f"{self.url}/v0"

    async def _answer(self, received: Received) -> web.Response:
        if received.headers.get("authorization") != f"Bearer {TOKEN}":
            return no(401, "AUTHENTICATION_REQUIRED", "Authentication required")
        match received.method, received.request.rel_url.raw_path.split("/")[2:]:
            case "GET", ["meta", "whoami"]:
                return web.json_response({"id": "usrL2PNC5o3H4lBEi", "email": "ada@example.org"})
            case "GET", ["meta", "bases"]:
                return self._bases(received.query)
            case "GET", ["meta", "bases", base, "tables"] if base == BASE:
                return web.json_response({"tables": [schema()]})
            case method, [base, table, *rest] if base == BASE:
                if table not in {TABLE, "Orders"}:
                    return no(404, "TABLE_NOT_FOUND", f"Could not find table {table} in application {base}")
                return self._table(method, rest, received)
        return no(
            403, "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND", "Invalid permissions, or the model was not found"
        )

    def _bases(self, query: Any) -> web.Response:
        if "offset" not in query:
            bases = [{"id": BASE, "name": "Shop", "permissionLevel": "edit"}]
            return web.json_response({"bases": bases, "offset": "itr1/app1"})
        assert query["offset"] == "itr1/app1"
        return web.json_response(
            {"bases": [{"id": "appSW9R5uCNmRmfl6", "name": "Office", "permissionLevel": "read"}]}
        )

    def _table(self, method: str, rest: list[str], received: Received) -> web.Response:
        match method, rest:
            case "POST", []:
                return self._create(received.json())
            case "PATCH", []:
                return self._upsert(received.json())
            case "POST", ["listRecords"]:
                return self._list(received.json())
            case "GET" | "PATCH" | "DELETE", [one]:
                if one not in self.records:
                    return web.json_response({"error": "NOT_FOUND"}, status=404)
                return self._one(method, one, received)
        return no(404, "NOT_FOUND", "no such route")

    def _one(self, method: str, one: str, received: Received) -> web.Response:
        if method == "DELETE":
            del self.records[one]
            return web.json_response({"id": one, "deleted": True})
        if method == "PATCH":
            body = received.json()
            if (refused := wrong(body["fields"])) is not None:
                return refused
            self.records[one] |= body["fields"]
        return web.json_response(self.shown(one))

    def _create(self, body: dict[str, Any]) -> web.Response:
        assert set(body) == {"fields", "typecast"}
        return wrong(body["fields"]) or web.json_response(self.shown(self.add(body["fields"])))

    def _upsert(self, body: dict[str, Any]) -> web.Response:
        names = body["performUpsert"]["fieldsToMergeOn"]
        [record] = body["records"]
        fields = record["fields"]
        assert 1 <= len(names) <= 3
        if (refused := wrong(fields)) is not None:
            return refused
        found = [one for one, has in self.records.items() if all(has.get(n) == fields.get(n) for n in names)]
        if len(found) > 1:
            return no(422, "INVALID_REQUEST_UNKNOWN", "multiple records match")
        one = found[0] if found else self.add({})
        self.records[one] |= fields
        ids: dict[str, list[str]] = {"createdRecords": [], "updatedRecords": []}
        ids["updatedRecords" if found else "createdRecords"].append(one)
        return web.json_response({"records": [self.shown(one)], **ids})

    def _list(self, body: dict[str, Any]) -> web.Response:
        assert set(body) <= {"pageSize", "offset", "filterByFormula", "view", "fields", "sort"}
        assert 1 <= body["pageSize"] <= 100
        self.formulas.append(body.get("filterByFormula"))
        start = int(body.get("offset", "itr0").removeprefix("itr"))
        ids = list(self.records)
        page = ids[start : start + body["pageSize"]]
        more = {"offset": f"itr{start + len(page)}"} if start + len(page) < len(ids) else {}
        return web.json_response({"records": [self.shown(one) for one in page], **more})

    def add(self, fields: dict[str, Any]) -> str:
        """A new record; its id."""
        one = f"rec{len(self.records):014d}"
        self.records[one] = dict(fields)
        return one

    def shown(self, one: str) -> dict[str, Any]:
        """A record as Airtable shows it: without its empty fields."""
        fields = {
            name: value for name, value in self.records[one].items() if value not in (None, "", [], False)
        }
        return {"id": one, "createdTime": "2026-01-02T03:04:05.000Z", "fields": fields}


def wrong(fields: dict[str, Any]) -> web.Response | None:
    """The refusal of values that the table cannot take."""
    for name, value in fields.items():
        if name not in FIELDS:
            return no(422, "UNKNOWN_FIELD_NAME", f'Unknown field name: "{name}"')
        if FIELDS[name] == "number" and not isinstance(value, int | float):
            return no(422, "INVALID_VALUE_FOR_COLUMN", f'Field "{name}" cannot accept the provided value')
    return None


def schema() -> dict[str, Any]:
    """The table as "Get base schema" gives it."""
    fields = [{"id": f"fld{i:014d}", "name": n, "type": t} for i, (n, t) in enumerate(FIELDS.items())]
    views = [{"id": "viwQpsuEDqHFqegkp", "name": "Grid view", "type": "grid"}]
    return {
        "id": TABLE,
        "name": "Orders",
        "primaryFieldId": fields[0]["id"],
        "fields": fields,
        "views": views,
    }


def no(status: int, word: str, message: str) -> web.Response:
    """A refusal in the usual shape."""
    return web.json_response({"error": {"type": word, "message": message}}, status=status)


def literals(formula: str) -> list[str]:
    """The texts of a formula, read as Airtable reads them."""
    found = re.findall(r'"((?:[^"\\]|\\.)*)"', formula)
    return [re.sub(r"\\(.)", lambda m: {"n": "\n"}.get(m[1], m[1]), one) for one in found]
