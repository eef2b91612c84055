"""Zendesk's Support API on loopback, in the shapes of developer.zendesk.com."""

from __future__ import annotations

import base64
from typing import Any

from aiohttp import web

from tests.servers.http_sink import Received
from tests.servers.routed import NUMBER, TEXT, TEXTS, Routed, object_of

EMAIL, TOKEN = "ada@example.com", "zd_s3cr3t_token"
ACCESS_TOKEN = "zd_oauth_s3cr3t"
COMMENT = object_of(body=TEXT, html_body=TEXT, public={"type": "boolean"})
FIELD = object_of("id", "value", id=NUMBER, value={})
FIELDS = {
    "subject": TEXT, "priority": {"enum": ["urgent", "high", "normal", "low"]},
    "type": {"enum": ["problem", "incident", "question", "task"]},
    "status": {"enum": ["new", "open", "pending", "hold", "solved", "closed"]},
    "tags": TEXTS, "group_id": NUMBER, "assignee_id": NUMBER, "external_id": TEXT, "comment": COMMENT,
    "custom_fields": {"type": "array", "items": FIELD},
}  # fmt: skip
REQUESTER = object_of("email", email=TEXT, name=TEXT)


class ZendeskApi(Routed):
    """`tickets` by number, each with its `comments`; `found` tickets are in every search."""

    def __init__(self) -> None:
        super().__init__()
        self.tickets: dict[int, dict[str, Any]] = {}
        self.by_key: dict[str, tuple[bytes, int]] = {}
        self.found = 0
        self.route("GET", "/api/v2/users/me.json", self._me)
        self.route("GET", "/api/v2/users.json", self._agents)
        self.route("GET", "/api/v2/groups.json", self._groups)
        create = object_of("ticket", ticket=object_of("comment", **FIELDS, requester=REQUESTER))
        self.route("POST", "/api/v2/tickets.json", self._create, body=create)
        self.route("GET", "/api/v2/tickets/{id}.json", self._read)
        change = object_of("ticket", ticket=object_of(**FIELDS))
        self.route("PUT", "/api/v2/tickets/{id}.json", self._update, body=change)
        self.route("PUT", "/api/v2/tickets/{id}/tags.json", self._tag, body=object_of("tags", tags=TEXTS))
        self.route("GET", "/api/v2/search.json", self._search)

    def refusal(self, received: Received) -> web.Response | None:
        """401 without the agent's token; /users/me answers strangers, too."""
        if received.path == "/api/v2/users/me.json" or self._is_agent(received):
            return None
        return web.json_response({"error": "Couldn't authenticate you"}, status=401)

    def lost(self, received: Received) -> web.Response:
        """404, as Zendesk says it of a record."""
        return web.json_response({"error": "RecordNotFound", "description": "Not found"}, status=404)

    def misshapen(self, received: Received, why: str) -> web.Response:
        """422, as Zendesk says it of a field."""
        details = {"base": [{"description": why}]}
        answer = {"error": "RecordInvalid", "description": "Record validation errors", "details": details}
        return web.json_response(answer, status=422)

    def _is_agent(self, received: Received) -> bool:
        pair = base64.b64encode(f"{EMAIL}/token:{TOKEN}".encode()).decode()
        return received.headers.get("authorization") in {f"Basic {pair}", f"Bearer {ACCESS_TOKEN}"}

    def _me(self, received: Received) -> web.Response:
        known = self._is_agent(received)
        user = {"id": 1, "name": "Ada"} if known else {"id": None, "name": "Anonymous user"}
        return web.json_response({"user": user})

    def _agents(self, received: Received) -> web.Response:
        assert received.request.query.getall("role[]") == ["agent", "admin"]
        found = [{"id": 7, "name": "Ada", "email": "ada@example.com"}]
        return web.json_response({"users": found, "meta": {"has_more": False, "after_cursor": None}})

    def _groups(self, received: Received) -> web.Response:
        assert received.query["page[size]"] == "100"
        first = "page[after]" not in received.query
        found = [{"id": 1, "name": "Support"}] if first else [{"id": 2, "name": "Billing"}]
        return web.json_response({"groups": found, "meta": {"has_more": first, "after_cursor": "abc"}})

    def _create(self, received: Received) -> web.Response:
        key = received.headers["idempotency-key"]
        if key in self.by_key:
            body, number = self.by_key[key]
            if body != received.body:
                why = "Request parameters are different from those of the first request with this key"
                answer = {"error": "IdempotentRequestError", "description": why}
                return web.json_response(answer, status=400)
            headers = {"X-Idempotency-Lookup": "hit"}
            return web.json_response({"ticket": self.tickets[number]}, status=201, headers=headers)
        number = len(self.tickets) + 1
        given = received.json()["ticket"]
        self.tickets[number] = {"status": "new", **given, "id": number, "comments": [given.pop("comment")]}
        self.by_key[key] = (received.body, number)
        headers = {"X-Idempotency-Lookup": "miss"}
        return web.json_response({"ticket": self.tickets[number]}, status=201, headers=headers)

    def _read(self, received: Received, number: str) -> web.Response:
        if int(number) not in self.tickets:
            return self.lost(received)
        return web.json_response({"ticket": self.tickets[int(number)]})

    def _update(self, received: Received, number: str) -> web.Response:
        if int(number) not in self.tickets:
            return self.lost(received)
        change, ticket = received.json()["ticket"], self.tickets[int(number)]
        if "comment" in change:
            ticket["comments"].append(change.pop("comment"))
        ticket |= change
        return web.json_response({"ticket": ticket})

    def _tag(self, received: Received, number: str) -> web.Response:
        tags = self.tickets[int(number)].setdefault("tags", [])
        tags += received.json()["tags"]
        return web.json_response({"tags": tags})

    def _search(self, received: Received) -> web.Response:
        asked = received.query
        assert asked["query"].startswith("type:ticket ")
        page, size = int(asked["page"]), int(asked["per_page"])
        numbers = range((page - 1) * size, min(page * size, self.found))
        results = [{"id": n, "subject": f"T{n}", "status": "open", "tags": []} for n in numbers]
        following = f"{self.url}/api/v2/search.json?page={page + 1}" if page * size < self.found else None
        return web.json_response({"results": results, "count": self.found, "next_page": following})
