"""GitLab's REST API on loopback, in the shapes of docs.gitlab.com: one project, acme/web/shop."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from aiohttp import web

from tests.servers.http_sink import Received
from tests.servers.routed import NUMBER, TEXT, Routed, object_of

TOKEN = "glpat-s3cr3ts3cr3ts3cr3t"
PROJECT = "/api/v4/projects/acme%2Fweb%2Fshop"
NUMBERS = {"type": "array", "items": NUMBER}
STATES = ["pending", "running", "success", "failed", "canceled", "skipped"]


class GitLabApi(Routed):
    """`files` by path, with how often each was changed; `issues` by number."""

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, tuple[bytes, int]] = {"docs/a b.md": (b"# Hello\n", 1)}
        self.issues: dict[int, dict[str, Any]] = {}
        self.notes: list[tuple[str, str]] = []
        self.statuses: dict[str, str] = {}
        self.pipelines: list[dict[str, Any]] = []
        self.route("GET", "/api/v4/user", lambda _: web.json_response({"id": 1, "username": "ada"}))
        self.route("GET", "/api/v4/projects", self._projects)
        issue = {
            "title": TEXT, "description": TEXT, "labels": TEXT, "assignee_ids": NUMBERS,
            "milestone_id": NUMBER, "due_date": TEXT, "confidential": {"type": "boolean"},
        }  # fmt: skip
        change = {
            "title": TEXT, "description": TEXT, "state_event": {"enum": ["close", "reopen"]},
            "add_labels": TEXT, "remove_labels": TEXT, "assignee_ids": NUMBERS, "due_date": TEXT,
        }  # fmt: skip
        self.route("POST", f"{PROJECT}/issues", self._create, body=object_of("title", **issue))
        self.route("PUT", f"{PROJECT}/issues/{{iid}}", self._update, body=object_of(**change))
        for what in ("issues", "merge_requests"):
            note = object_of("body", body=TEXT)
            self.route("POST", f"{PROJECT}/{what}/{{iid}}/notes", self._note(what), body=note)
        status = object_of(
            "state", state={"enum": STATES}, ref=TEXT, name=TEXT, target_url=TEXT, description=TEXT,
            coverage={"type": "number"}, pipeline_id=NUMBER,
        )  # fmt: skip
        self.route("POST", f"{PROJECT}/statuses/{{sha}}", self._status, body=status)
        variable = object_of("key", "value", key=TEXT, value=TEXT)
        pipeline = object_of(
            "ref", ref=TEXT, variables={"type": "array", "items": variable}, inputs={"type": "object"}
        )
        self.route("POST", f"{PROJECT}/pipeline", self._pipeline, body=pipeline)
        write = object_of(
            "branch", "content", "commit_message", branch=TEXT, content=TEXT, commit_message=TEXT,
            encoding={"enum": ["text", "base64"]}, last_commit_id=TEXT,
        )  # fmt: skip
        file = f"{PROJECT}/repository/files/{{path}}"
        self.route("GET", file, self._read)
        self.route("POST", file, self._make, body=write)
        self.route("PUT", file, self._replace, body=write)
        lists = {
            "repository/branches": [{"name": "main"}], "labels": [{"name": "bug", "description": None}],
            "members/all": [{"id": 4, "name": "Ada", "username": "ada"}],
        }  # fmt: skip
        for path, answer in lists.items():
            self.route("GET", f"{PROJECT}/{path}", lambda _, answer=answer: web.json_response(answer))

    @property
    def api_url(self) -> str:
        """What a connection's `api_url` is set to."""
        return f"{self.url}/api/v4"

    def refusal(self, received: Received) -> web.Response | None:
        """401 without the token."""
        if received.headers.get("private-token") != TOKEN:
            return web.json_response({"message": "401 Unauthorized"}, status=401)
        return None

    def lost(self, received: Received) -> web.Response:
        """404, as GitLab says it of a project."""
        return web.json_response({"message": "404 Project Not Found"}, status=404)

    def misshapen(self, received: Received, why: str) -> web.Response:
        """400, as GitLab says it of a parameter."""
        return web.json_response({"error": why}, status=400)

    def _projects(self, received: Received) -> web.Response:
        assert (received.query["membership"], received.query["per_page"]) == ("true", "100")
        paths = ["acme/web/shop", "acme/site"] if received.query["page"] == "1" else ["acme/old-shop"]
        wanted = [one for one in paths if received.query.get("search", "") in one]
        found = [{"id": 1, "path_with_namespace": one, "name": one} for one in wanted]
        following = "2" if received.query["page"] == "1" else ""
        return web.json_response(found, headers={"X-Next-Page": following})

    def _create(self, received: Received) -> web.Response:
        number = len(self.issues) + 1
        self.issues[number] = {**received.json(), "id": 100 + number, "iid": number, "state": "opened"}
        return web.json_response(self._issue(number), status=201)

    def _update(self, received: Received, iid: str) -> web.Response:
        change = received.json()
        event = change.pop("state_event", None)
        if event is not None:
            change["state"] = "closed" if event == "close" else "opened"
        self.issues[int(iid)] |= change
        return web.json_response(self._issue(int(iid)))

    def _issue(self, number: int) -> dict[str, Any]:
        return {**self.issues[number], "web_url": f"https://gitlab.com/acme/web/shop/-/issues/{number}"}

    def _note(self, what: str) -> Any:
        def answer(received: Received, iid: str) -> web.Response:
            self.notes.append((f"{what}/{iid}", received.json()["body"]))
            return web.json_response({"id": 302, "body": received.json()["body"]}, status=201)

        return answer

    def _status(self, received: Received, sha: str) -> web.Response:
        given = received.json()
        if self.statuses.get(given["name"]) == given["state"]:
            state = given["state"]
            why = (
                f'Cannot transition status via :x from :{state} (Reason(s): Status cannot transition via "x")'
            )
            return web.json_response({"message": why}, status=400)
        self.statuses[given["name"]] = given["state"]
        answer = {"id": 93, "sha": sha, "status": given["state"], "name": given["name"]}
        return web.json_response(answer, status=201)

    def _pipeline(self, received: Received) -> web.Response:
        if received.json()["ref"] != "main":
            return web.json_response({"message": {"base": ["Reference not found"]}}, status=400)
        self.pipelines.append(received.json())
        url = "https://gitlab.com/acme/web/shop/-/pipelines/61"
        return web.json_response({"id": 61, "status": "created", "web_url": url}, status=201)

    def _read(self, received: Received, path: str) -> web.Response:
        assert received.query["ref"]
        if path not in self.files:
            return web.json_response({"message": "404 File Not Found"}, status=404)
        content, changes = self.files[path]
        return web.json_response({
            "file_path": path, "size": len(content), "encoding": "base64",
            "content": base64.b64encode(content).decode(), "last_commit_id": f"c{changes}",
            "content_sha256": hashlib.sha256(content).hexdigest(),
        })  # fmt: skip

    def _make(self, received: Received, path: str) -> web.Response:
        if path in self.files:
            return web.json_response({"message": "A file with this name already exists"}, status=400)
        return self._written(received, path, 201)

    def _replace(self, received: Received, path: str) -> web.Response:
        if received.json().get("last_commit_id") != f"c{self.files[path][1]}":
            why = "You are attempting to update a file that has changed since you started editing it."
            return web.json_response({"message": why}, status=400)
        return self._written(received, path, 200)

    def _written(self, received: Received, path: str, status: int) -> web.Response:
        given = received.json()
        assert given["encoding"] == "base64"
        changes = self.files.get(path, (b"", 0))[1] + 1
        self.files[path] = (base64.b64decode(given["content"], validate=True), changes)
        return web.json_response({"file_path": path, "branch": given["branch"]}, status=status)
