"""PagerDuty's Events API v2 and REST API on loopback, in the shapes of its public OpenAPI documents."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tests.servers.http_sink import Received
from tests.servers.routed import TEXT, Routed, object_of

ROUTING_KEY = "e93facc04764012d7bfb002500d5d1a6"
API_TOKEN = "y_NbAkKc66ryYTWUXYEu"
LINKS = {"type": "array", "items": object_of("href", href=TEXT, text=TEXT)}
IMAGES = {"type": "array", "items": object_of("src", src=TEXT, href=TEXT, alt=TEXT)}
PAYLOAD = {"timestamp": TEXT, "custom_details": {"type": "object"}}
ALERT = object_of(
    "routing_key", "event_action",
    routing_key={"type": "string", "minLength": 32, "maxLength": 32},
    event_action={"enum": ["trigger", "acknowledge", "resolve"]},
    dedup_key={"type": "string", "maxLength": 255},
    payload=object_of(
        "summary", "source", "severity", summary={"type": "string", "maxLength": 1024}, source=TEXT,
        severity={"enum": ["critical", "error", "warning", "info"]}, component=TEXT, group=TEXT,
        **{"class": TEXT}, **PAYLOAD,
    ),
    links=LINKS, images=IMAGES, client=TEXT, client_url=TEXT,
)  # fmt: skip
CHANGE = object_of(
    "routing_key", "payload", routing_key=TEXT,
    payload=object_of("summary", summary={"type": "string", "maxLength": 1024}, source=TEXT, **PAYLOAD),
    links=LINKS, images=IMAGES,
)  # fmt: skip


class PagerDutyApi(Routed):
    """`alerts` by key with their state, `events` and `changes` as they came, `notes` by incident."""

    def __init__(self) -> None:
        super().__init__()
        self.alerts: dict[str, str] = {}
        self.events: list[dict[str, Any]] = []
        self.changes: list[dict[str, Any]] = []
        self.notes: list[tuple[str, str, str]] = []
        self.on_call = 3
        self.route("POST", "/v2/enqueue", self._event, body=ALERT)
        self.route("POST", "/v2/change/enqueue", self._change, body=CHANGE)
        self.route("GET", "/rest/oncalls", self._oncalls)
        self.route("GET", "/rest/incidents", self._incidents)
        note = object_of("note", note=object_of("content", content=TEXT))
        self.route("POST", "/rest/incidents/{id}/notes", self._note, body=note)
        for what in ("escalation_policies", "schedules"):
            self.route("GET", f"/rest/{what}", self._listing(what))

    def refusal(self, received: Received) -> web.Response | None:
        """401 from the REST API without its key; an event comes with no header of ours."""
        given = received.headers.get("authorization")
        if not received.path.startswith("/rest/"):
            assert given is None
            return None
        assert received.headers["accept"] == "application/vnd.pagerduty+json;version=2"
        return None if given == f"Token token={API_TOKEN}" else _no(401, "Unauthorized", 2006)

    def lost(self, received: Received) -> web.Response:
        """404, as the REST API says it."""
        return _no(404, "Not Found", 2100)

    def misshapen(self, received: Received, why: str) -> web.Response:
        """400, as the Events API says it."""
        if "routing_key" in received.json() and len(received.json()["routing_key"]) != 32:
            why = "Length of 'routing_key' is incorrect (should be 32 characters)"
        answer = {"status": "invalid event", "message": "Event object is invalid", "errors": [why]}
        return web.json_response(answer, status=400)

    def _event(self, received: Received) -> web.Response:
        event = received.json()
        self.events.append(event)
        key, action = event["dedup_key"], event["event_action"]
        if action == "trigger":
            assert "payload" in event
            self.alerts[key] = "triggered"
        elif key in self.alerts:
            self.alerts[key] = "acknowledged" if action == "acknowledge" else "resolved"
        answer = {"status": "success", "message": "Event processed", "dedup_key": key}
        return web.json_response(answer, status=202)

    def _change(self, received: Received) -> web.Response:
        self.changes.append(received.json())
        return web.json_response({"status": "success", "message": "Change event processed"}, status=202)

    def _oncalls(self, received: Received) -> web.Response:
        start, limit = int(received.query.get("offset", "0")), int(received.query["limit"])
        found = [
            {
                "escalation_level": number + 1,
                "user": {"id": f"P{number}", "name": f"Ada {number}", "email": f"ada{number}@example.com"},
                "escalation_policy": {"id": "PANZZEQ", "summary": "Engineering"},
                "schedule": {"id": "PI7DH85", "summary": "Daily"} if number % 2 else None,
                "end": "2026-01-31T09:00:00Z" if number % 2 else None,
            }
            for number in range(self.on_call)
        ][start : start + limit]
        more = start + limit < self.on_call
        return web.json_response({"oncalls": found, "limit": limit, "offset": start, "more": more})

    def _incidents(self, received: Received) -> web.Response:
        assert received.request.query.getall("statuses[]") == ["triggered", "acknowledged"]
        key = received.query["incident_key"]
        is_open = self.alerts.get(key) in {"triggered", "acknowledged"}
        return web.json_response({"incidents": [{"id": "Q2QFLSK3PBFZXC"}] if is_open else [], "more": False})

    def _note(self, received: Received, incident: str) -> web.Response:
        content = received.json()["note"]["content"]
        self.notes.append((incident, content, received.headers["from"]))
        return web.json_response({"note": {"id": "PWL7QXS", "content": content}})

    def _listing(self, what: str) -> Any:
        def answer(received: Received) -> web.Response:
            start = int(received.query["offset"])
            found = [{"id": f"P{start}", "summary": f"{received.query.get('query', 'All')} {start}"}]
            return web.json_response({what: found, "more": start == 0})

        return answer


def _no(status: int, message: str, code: int) -> web.Response:
    return web.json_response({"error": {"message": message, "code": code}}, status=status)
