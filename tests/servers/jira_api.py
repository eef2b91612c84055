"""
Jira's REST API on loopback, Cloud (version 3) and Data Center (version 2), in the shapes of
developer.atlassian.com: the project SHOP, whose issues go from "To Do" to "Done" and back.
"""

from __future__ import annotations

import base64
from typing import Any

from aiohttp import web

from tests.servers.http_sink import Received
from tests.servers.routed import TEXT, Routed, object_of

EMAIL, TOKEN = "ada@example.com", "ATATT3xs3cr3t"
PERSONAL = "MDM0s3cr3tpat"
OBJECT = {"type": "object"}
BLOCKS = {"paragraph", "heading", "bulletList", "orderedList", "codeBlock", "blockquote", "rule", "table"}
IN_LISTS = {"paragraph", "bulletList", "orderedList", "codeBlock"}
INLINE = {"text", "hardBreak"}
# What may stand in what, by "Atlassian Document Format", of the nodes that we make.
HOLDS = {
    "doc": BLOCKS, "paragraph": INLINE, "heading": INLINE, "bulletList": {"listItem"},
    "orderedList": {"listItem"}, "listItem": IN_LISTS, "codeBlock": {"text"}, "blockquote": IN_LISTS,
    "table": {"tableRow"}, "tableRow": {"tableHeader", "tableCell"},
    "tableHeader": {"paragraph"}, "tableCell": {"paragraph"},
}  # fmt: skip
FILLED = {"bulletList", "orderedList", "listItem", "blockquote", "table", "tableRow", "tableCell"}
STATUSES = {"11": "To Do", "31": "Done"}  # by the transition that leads there


class JiraApi(Routed):
    """`issues` by key; `issue_count` more are found by every search."""

    def __init__(self, *, is_cloud: bool = True) -> None:
        super().__init__()
        self.is_cloud = is_cloud
        self.issues: dict[str, dict[str, Any]] = {}
        self.comments: list[Any] = []
        self.transitions: list[Any] = []
        self.issue_count = 0
        base = f"/rest/api/{3 if is_cloud else 2}"
        self.route("GET", f"{base}/myself", lambda _: web.json_response({"displayName": "Ada"}))
        self.route(
            "POST", f"{base}/issue", self._create, body=object_of("fields", fields=OBJECT, update=OBJECT)
        )
        self.route("GET", f"{base}/issue/{{key}}", self._read)
        self.route("PUT", f"{base}/issue/{{key}}", self._change, body=object_of(fields=OBJECT, update=OBJECT))
        self.route("POST", f"{base}/issue/{{key}}/comment", self._comment, body=object_of("body", body={}))
        move = object_of("transition", transition=object_of("id", id=TEXT), fields=OBJECT)
        self.route("POST", f"{base}/issue/{{key}}/transitions", self._move, body=move)
        self.route("GET", f"{base}/issue/{{key}}/transitions",
                   lambda _, key: web.json_response({"transitions": self._ways(key)}))  # fmt: skip
        asked = {"jql": TEXT, "fields": {"type": "array"}, "maxResults": {"type": "integer", "maximum": 100}}
        if is_cloud:
            self.route(
                "POST", f"{base}/search/jql", self._search, body=object_of("jql", **asked, nextPageToken=TEXT)
            )
            self.route("GET", f"{base}/project/search", self._projects)
        else:
            start = {"startAt": {"type": "integer"}}
            self.route("POST", f"{base}/search", self._search, body=object_of("jql", **asked, **start))
            self.route("GET", f"{base}/project",
                       lambda _: web.json_response([{"key": "SHOP", "name": "The shop"}]))  # fmt: skip
        self.route("GET", f"{base}/issue/createmeta/{{project}}/issuetypes", self._types)
        self.route("GET", f"{base}/user/assignable/search", self._people)
        self.route(
            "GET", f"{base}/status", lambda _: web.json_response([{"name": "To Do"}, {"name": "Done"}])
        )

    def refusal(self, received: Received) -> web.Response | None:
        """401 without the account's token; a wrong one is let in as nobody, who sees nothing."""
        given = received.headers.get("authorization")
        pair = base64.b64encode(f"{EMAIL}:{TOKEN}".encode()).decode()
        if given == (f"Basic {pair}" if self.is_cloud else f"Bearer {PERSONAL}"):
            return None
        if given is None:
            return _no(401, "Client must be authenticated to access this resource.")
        why = "Issue does not exist or you do not have permission to see it."
        return _no(404, why, headers={"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"})

    def _create(self, received: Received) -> web.Response:
        fields = received.json()["fields"]
        errors: dict[str, str | None] = {}
        if fields["project"] not in ({"key": "SHOP"}, {"id": "10000"}):
            errors["project"] = "valid project is required"
        if fields["issuetype"].get("name", "Bug") not in {"Task", "Bug"}:
            errors["issuetype"] = "Specify an issue type"
        if errors or (why := self._unfit(fields.get("description"))):
            errors = errors or {"description": why}
            return web.json_response({"errorMessages": [], "errors": errors}, status=400)
        key = f"SHOP-{len(self.issues) + 1}"
        self.issues[key] = {**fields, "status": {"name": "To Do"}}
        answer = {"id": str(10_000 + len(self.issues)), "key": key, "self": f"{self.url}/x"}
        return web.json_response(answer, status=201)

    def _read(self, received: Received, key: str) -> web.Response:
        if key not in self.issues:
            return _no(404, "Issue does not exist or you do not have permission to see it.")
        wanted = received.query.get("fields")
        fields = {
            name: value
            for name, value in self.issues[key].items()
            if wanted is None or name in wanted.split(",")
        }
        more = {"transitions": self._ways(key)} if received.query.get("expand") == "transitions" else {}
        return web.json_response({"id": "10001", "key": key, "fields": fields, **more})

    def _change(self, received: Received, key: str) -> web.Response:
        change = received.json()
        self.issues[key] |= change.get("fields", {})
        labels = self.issues[key].setdefault("labels", [])
        for one in change.get("update", {}).get("labels", []):
            if "add" in one:
                labels.append(one["add"])
            else:
                labels.remove(one["remove"])
        return web.Response(status=204)

    def _comment(self, received: Received, key: str) -> web.Response:
        body = received.json()["body"]
        if why := self._unfit(body):
            return web.json_response({"errorMessages": [], "errors": {"comment": why}}, status=400)
        self.comments.append(body)
        return web.json_response({"id": "200"}, status=201)

    def _ways(self, key: str) -> list[dict[str, Any]]:
        now = self.issues[key]["status"]["name"]
        return [
            {"id": one, "name": f"Go to {name}", "to": {"name": name}}
            for one, name in STATUSES.items()
            if name != now
        ]

    def _move(self, received: Received, key: str) -> web.Response:
        given = received.json()
        if given["transition"]["id"] not in {one["id"] for one in self._ways(key)}:
            return _no(400, "It seems that you have tried to perform a workflow operation that is not valid")
        self.issues[key]["status"] = {"name": STATUSES[given["transition"]["id"]]}
        self.transitions.append(given)
        return web.Response(status=204)

    def _search(self, received: Received) -> web.Response:
        asked = received.json()
        if asked["jql"] == "oops":
            return _no(400, "Error in the JQL Query: Expecting operator but got the end of the query.")
        start = int(asked.get("nextPageToken", "0")) if self.is_cloud else asked.get("startAt", 0)
        end = min(start + asked["maxResults"], self.issue_count)
        issues = [{"id": str(n), "key": f"SHOP-{n}", "fields": {"summary": "x"}} for n in range(start, end)]
        if not self.is_cloud:
            return web.json_response({"issues": issues, "startAt": start, "total": self.issue_count})
        more = {"nextPageToken": str(end)} if end < self.issue_count else {}
        return web.json_response({"issues": issues, "isLast": not more, **more})

    def _projects(self, received: Received) -> web.Response:
        start = int(received.query["startAt"])
        names = [("SHOP", "The shop"), ("SITE", "The site")][start : start + 1]
        found = [{"id": "1", "key": key, "name": name} for key, name in names]
        return web.json_response({"values": found, "startAt": start, "isLast": start == 1, "total": 2})

    def _types(self, received: Received, project: str) -> web.Response:
        found = [{"id": "1", "name": "Task"}, {"id": "2", "name": "Bug"}]
        return web.json_response(
            {"issueTypes" if self.is_cloud else "values": found, "total": 2, "startAt": 0}
        )

    def _people(self, received: Received) -> web.Response:
        assert received.query["project"] == "SHOP"
        person = {"accountId": "5b10"} if self.is_cloud else {"name": "ada"}
        word = "query" if self.is_cloud else "username"
        found = [] if received.query.get(word, "a") not in "ada" else [{**person, "displayName": "Ada"}]
        return web.json_response(found)

    def _unfit(self, text: Any) -> str | None:
        """What is wrong with a text: Cloud takes documents, Data Center texts."""
        if text is None or (isinstance(text, str) and not self.is_cloud):
            return None
        if isinstance(text, str) or text.get("type") != "doc" or text.get("version") != 1:
            return "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
        return misplaced(text)


def misplaced(node: dict[str, Any]) -> str | None:
    """The first node of a document that may not stand where it does, or is not as it must be."""
    kind, inner = node["type"], node.get("content", [])
    if kind == "text":
        marks = {one["type"] for one in node.get("marks", [])}
        if not node["text"] or ("code" in marks and marks - {"code", "link"}):
            return f"INVALID_INPUT: {node}"
    if kind in FILLED and not inner:
        return f"INVALID_INPUT: {kind} is empty"
    for one in inner:
        if one["type"] not in HOLDS.get(kind, set()):
            return f"INVALID_INPUT: {one['type']} in {kind}"
        if why := misplaced(one):
            return why
    return None


def _no(status: int, why: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"errorMessages": [why], "errors": {}}, status=status, headers=headers)
