"""GitHub's REST API on loopback, in the shapes of docs.github.com: one repository, acme/shop."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.servers.http_sink import Received
from tests.servers.routed import NUMBER, TEXT, TEXTS, Routed, object_of

TOKEN = "github_pat_11AAAA_s3cr3t"
INSTALLATION_TOKEN = "ghs_1nst4ll4t10n"
APP_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
APP_PEM = APP_KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
).decode()
REPO = "/repos/acme/shop"
ANY = {"type": "object", "maxProperties": 25}
ISSUE = {"title": TEXT, "body": TEXT, "labels": TEXTS, "assignees": TEXTS, "milestone": NUMBER}


class GitHubApi(Routed):
    """`files` by path, `issues` by number, `labels` of issue 1; `dispatched` is what was started."""

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, bytes] = {"docs/a b.md": b"# Hello\n", "logo.png": b"\x89PNG\xff"}
        self.issues: dict[int, dict[str, Any]] = {}
        self.comments: list[str] = []
        self.labels = ["bug"]
        self.statuses: list[dict[str, Any]] = []
        self.dispatched: list[Any] = []
        self.commits = 0
        self.route("GET", "/user", lambda _: web.json_response({"login": "ada", "id": 1}))
        self.route("GET", "/user/repos", self._repositories)
        self.route("GET", "/installation/repositories", self._installed)
        self.route("POST", "/app/installations/{id}/access_tokens", self._installation)
        self.route("POST", f"{REPO}/issues", self._create, body=object_of("title", **ISSUE))
        change = object_of(
            **ISSUE, state={"enum": ["open", "closed"]},
            state_reason={"enum": ["completed", "not_planned", "duplicate", "reopened"]},
        )  # fmt: skip
        self.route("PATCH", f"{REPO}/issues/{{number}}", self._update, body=change)
        self.route("POST", f"{REPO}/issues/{{number}}/comments", self._comment,
                   body=object_of("body", body=TEXT))  # fmt: skip
        self.route("POST", f"{REPO}/issues/{{number}}/labels", self._label,
                   body=object_of("labels", labels=TEXTS))  # fmt: skip
        status = object_of(
            "state", state={"enum": ["error", "failure", "pending", "success"]}, context=TEXT,
            description={"type": "string", "maxLength": 140}, target_url=TEXT,
        )  # fmt: skip
        self.route("POST", f"{REPO}/statuses/{{sha}}", self._status, body=status)
        self.route("POST", f"{REPO}/actions/workflows/{{id}}/dispatches", self._start,
                   body=object_of("ref", ref=TEXT, inputs=ANY))  # fmt: skip
        self.route("POST", f"{REPO}/dispatches", self._event,
                   body=object_of("event_type", event_type=TEXT, client_payload=ANY))  # fmt: skip
        put = object_of("message", "content", message=TEXT, content=TEXT, branch=TEXT, sha=TEXT)
        for path in ("{a}", "{a}/{b}"):
            self.route("GET", f"{REPO}/contents/{path}", self._read)
            self.route("PUT", f"{REPO}/contents/{path}", self._write, body=put)
        self.route(
            "GET", f"{REPO}/branches", lambda _: web.json_response([{"name": "main"}, {"name": "next"}])
        )
        self.route("GET", f"{REPO}/labels",
                   lambda _: web.json_response([{"name": "bug", "description": "Broken"}]))  # fmt: skip
        self.route("GET", f"{REPO}/assignees", lambda _: web.json_response([{"login": "ada"}]))
        deploy = {"id": 7, "name": "Deploy", "path": ".github/workflows/deploy.yml"}
        self.route("GET", f"{REPO}/actions/workflows",
                   lambda _: web.json_response({"total_count": 1, "workflows": [deploy]}))  # fmt: skip

    def refusal(self, received: Received) -> web.Response | None:
        """401 without a token, 403 without a User-Agent, 415 without the version's header."""
        scheme, _, token = received.headers.get("authorization", "").partition(" ")
        known = {TOKEN, INSTALLATION_TOKEN}
        if received.path.startswith("/app/"):
            return None if self._is_app(token) else _no(401, "A JSON web token could not be decoded")
        if scheme != "Bearer" or token not in known:
            return _no(401, "Bad credentials")
        if not received.headers.get("user-agent"):
            return _no(403, "Request forbidden by administrative rules")
        if received.headers.get("x-github-api-version") != "2022-11-28":
            return _no(400, "no version")
        return None

    def misshapen(self, received: Received, why: str) -> web.Response:
        """422, as GitHub says it."""
        return _no(422, f"Invalid request. {why}")

    def _is_app(self, token: str) -> bool:
        try:
            signed, _, signature = token.rpartition(".")
            key = APP_KEY.public_key()
            key.verify(_bytes(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, ValueError):
            return False
        claims = json.loads(_bytes(signed.split(".")[1]))
        return bool(claims["iss"] == "12345" and claims["exp"] - claims["iat"] <= 600)

    def _installation(self, received: Received, number: str) -> web.Response:
        if number != "99":
            return _no(404, "Not Found")
        answer = {"token": INSTALLATION_TOKEN, "expires_at": "2100-01-01T00:00:00Z", "permissions": {}}
        return web.json_response(answer, status=201)

    def _repositories(self, received: Received) -> web.Response:
        assert received.query["per_page"] == "100"
        page = int(received.query["page"])
        names = ["acme/shop", "acme/site"] if page == 1 else ["acme/old-shop"]
        more = {"Link": f'<{self.url}/user/repos?page=2>; rel="next"'} if page == 1 else {}
        found = [{"full_name": one, "description": None} for one in names]
        return web.json_response(found, headers=more)

    def _installed(self, received: Received) -> web.Response:
        found = [{"full_name": "acme/shop", "description": "The shop"}]
        return web.json_response({"total_count": 1, "repositories": found})

    def _create(self, received: Received) -> web.Response:
        number = len(self.issues) + 1
        self.issues[number] = {**received.json(), "number": number, "state": "open"}
        return web.json_response(self._issue(number), status=201)

    def _update(self, received: Received, number: str) -> web.Response:
        if int(number) not in self.issues:
            return _no(404, "Not Found")
        self.issues[int(number)] |= received.json()
        return web.json_response(self._issue(int(number)))

    def _issue(self, number: int) -> dict[str, Any]:
        return {**self.issues[number], "html_url": f"https://github.com/acme/shop/issues/{number}"}

    def _comment(self, received: Received, number: str) -> web.Response:
        self.comments.append(received.json()["body"])
        url = f"https://github.com/acme/shop/issues/{number}#issuecomment-5"
        return web.json_response({"id": 5, "html_url": url, "body": self.comments[-1]}, status=201)

    def _label(self, received: Received, number: str) -> web.Response:
        self.labels += received.json()["labels"]
        return web.json_response([{"id": 1, "name": one} for one in self.labels])

    def _status(self, received: Received, sha: str) -> web.Response:
        self.statuses.append({"context": "default", **received.json(), "id": 3, "sha": sha})
        return web.json_response(self.statuses[-1], status=201)

    def _start(self, received: Received, workflow: str) -> web.Response:
        if workflow != "deploy.yml":
            return _no(404, "Not Found")
        self.dispatched.append(received.json())
        return web.Response(status=204)

    def _event(self, received: Received) -> web.Response:
        self.dispatched.append(received.json())
        return web.Response(status=204)

    def _read(self, received: Received, *parts: str) -> web.Response:
        path = "/".join(parts)
        if path == "docs":
            return web.json_response({"type": "dir", "entries": []})
        if path not in self.files:
            return _no(404, "Not Found")
        content = self.files[path]
        if received.headers["accept"] == "application/vnd.github.raw+json":
            return web.Response(body=content)
        assert received.headers["accept"] == "application/vnd.github.object+json"
        small = len(content) < 1024 * 1024
        return web.json_response({
            **self._file(path), "type": "file", "size": len(content),
            "encoding": "base64" if small else "none",
            "content": base64.encodebytes(content).decode() if small else "",
        })  # fmt: skip

    def _write(self, received: Received, *parts: str) -> web.Response:
        path, given = "/".join(parts), received.json()
        if path in self.files and "sha" not in given:
            return _no(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
        if path in self.files and given["sha"] != self._file(path)["sha"]:
            return _no(409, f"{path} does not match {given['sha']}")
        known = path in self.files
        self.files[path] = base64.b64decode(given["content"], validate=True)
        self.commits += 1
        answer = {"content": self._file(path), "commit": {"sha": f"c{self.commits}"}}
        return web.json_response(answer, status=200 if known else 201)

    def _file(self, path: str) -> dict[str, Any]:
        content = self.files[path]
        sha = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        return {"path": path, "sha": sha, "html_url": f"https://github.com/acme/shop/blob/main/{path}"}


def _no(status: int, message: str) -> web.Response:
    answer = {"message": message, "documentation_url": "https://docs.github.com/rest", "status": str(status)}
    return web.json_response(answer, status=status)


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
