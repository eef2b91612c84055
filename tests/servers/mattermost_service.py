"""
Mattermost's API (version 4) and an incoming webhook on loopback, in the shapes of its reference: errors
with `id`, `message` and `status_code`, 201 for what is made, a text for the rate limit.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from aiohttp import web

from tests.servers.http_sink import HttpSink, Received

TOKEN = "9xuqwrwgstrb3mzrxb83nb357a"
HOOK = "/hooks/s3cr3th00ks3cr3th00ks3cr"


def made_id(letter: str) -> str:
    """An id of the right form."""
    return letter * 26


ME, ANN, BOB = made_id("m"), made_id("a"), made_id("b")
TEAM, OPS, OLD, DIRECT = made_id("t"), made_id("o"), made_id("d"), made_id("x")
USERS: list[dict[str, Any]] = [
    {"id": ME, "username": "hookline", "is_bot": True},
    {"id": ANN, "username": "ann", "first_name": "Ann", "last_name": "Lee", "email": "ann@example.com"},
    {"id": BOB, "username": "bob", "delete_at": 0},
    {"id": made_id("g"), "username": "gone", "delete_at": 5},
]
CHANNELS: list[dict[str, Any]] = [
    {"id": OPS, "team_id": TEAM, "name": "ops", "display_name": "Ops", "type": "O"},
    {"id": made_id("p"), "team_id": TEAM, "name": "hq", "display_name": "HQ", "type": "P"},
    {"id": OLD, "team_id": TEAM, "name": "old", "display_name": "Old", "type": "O", "delete_at": 7},
    {"id": DIRECT, "team_id": "", "name": f"{ME}__{ANN}", "display_name": "", "type": "D"},
]


class MattermostService(HttpSink):
    """
    Knows the TOKEN, the webhook HOOK, the team `shop` with CHANNELS, and USERS. `posts` (id → post),
    `reactions`, `files` and `hooked` are what it holds.
    """

    def __init__(self) -> None:
        super().__init__()
        self.posts: dict[str, dict[str, Any]] = {}
        self.reactions: set[tuple[str, str, str]] = set()
        self.files: dict[str, tuple[str, bytes]] = {}
        self.hooked: list[dict[str, Any]] = []
        self.handler = self._answer

    async def _answer(self, received: Received) -> web.Response:
        if received.path.startswith("/hooks/"):
            return self._hook(received)
        if received.headers.get("authorization") != f"Bearer {TOKEN}":
            return _no(
                401,
                "api.context.session_expired.app_error",
                "Invalid or expired session, please login again.",
            )
        raw = received.request.raw_path.partition("?")[0].removeprefix("/api/v4/")
        path = [unquote(one) for one in raw.split("/")]
        match received.method, path:
            case "GET", ["users", "me"]:
                return web.json_response(USERS[0])
            case "GET", ["users", "me", "teams"]:
                return web.json_response([{"id": TEAM, "name": "shop", "display_name": "Shop"}])
            case "GET", ["users", "me", "channels"]:
                return web.json_response(CHANNELS)
            case "GET", ["users", ("username" | "email") as kind, value]:
                found = [one for one in USERS if one.get(kind) == value]
                return (
                    web.json_response(found[0])
                    if found
                    else _no(404, "app.user.missing", "Unable to find the user.")
                )
            case "GET", ["users"]:
                page, size = int(received.query["page"]), int(received.query["per_page"])
                assert size <= 200
                return web.json_response(USERS[page * size : (page + 1) * size])
            case "POST", ["users", "search"]:
                return web.json_response([one for one in USERS if received.json()["term"] in one["username"]])
            case "GET", ["teams", "name", "shop", "channels", "name", name]:
                found = [one for one in CHANNELS if one["name"] == name]
                said = "Channel does not exist."
                return web.json_response(found[0]) if found else _no(404, "app.channel.missing", said)
            case "POST", ["channels", "direct"]:
                assert received.json() == [ME, ANN]
                return web.json_response(CHANNELS[3], status=201)
            case "POST", ["reactions"]:
                return self._react(received.json())
            case "DELETE", ["users", "me", "posts", post, "reactions", emoji]:
                self.reactions.discard((ME, post, emoji))
                return web.json_response({"status": "OK"})
            case "POST", ["files"]:
                return self._keep(received)
            case _, ["posts", *rest]:
                return self._post(received, rest)
        return _no(404, "api.context.404.app_error", "Sorry, we could not find the page.")

    def _post(self, received: Received, rest: list[str]) -> web.Response:
        match received.method, rest:
            case "POST", []:
                post = received.json()
                if post["channel_id"] == OLD:
                    name = "api.post.create_post.can_not_post_to_deleted.error"
                    return _no(400, name, "Can not post to deleted channel.")
                if post["channel_id"] not in {OPS, DIRECT}:
                    said = "You do not have the appropriate permissions."
                    return _no(403, "api.context.permissions.app_error", said)
                assert set(post.get("file_ids", ())) <= self.files.keys()
                number = f"{len(self.posts):026d}"
                self.posts[number] = post
                return web.json_response(post | {"id": number}, status=201)
            case _, [post, *_] if post not in self.posts:
                return _no(404, "app.post.get.app_error", "Unable to get the post.")
            case "PUT", [post, "patch"]:
                self.posts[post] |= received.json()
                return web.json_response(self.posts[post] | {"id": post})
            case "DELETE", [post]:
                del self.posts[post]
                return web.json_response({"status": "OK"})
        return _no(404, "api.context.404.app_error", "Sorry, we could not find the page.")

    def _react(self, given: dict[str, Any]) -> web.Response:
        assert given.keys() == {"user_id", "post_id", "emoji_name"}
        self.reactions.add((given["user_id"], given["post_id"], given["emoji_name"]))
        return web.json_response(given, status=201)

    def _keep(self, received: Received) -> web.Response:
        fields = {one.name: one for one in received.parts()}
        assert fields.keys() == {"channel_id", "files"}
        assert len(fields["channel_id"].content) == 26
        file_id = f"{len(self.files):026x}"
        self.files[file_id] = (fields["files"].filename or "", fields["files"].content)
        return web.json_response({"file_infos": [{"id": file_id}], "client_ids": []}, status=201)

    def _hook(self, received: Received) -> web.Response:
        assert "authorization" not in received.headers
        if received.path != HOOK:
            return _no(400, "web.incoming_webhook.invalid.app_error", "Invalid webhook.")
        message = received.json()
        if message.get("channel") == "locked":
            said = "This webhook is not permitted to post to the requested channel."
            return _no(403, "web.incoming_webhook.channel_locked.app_error", said)
        self.hooked.append(message)
        return web.Response(text="ok")


def _no(status: int, name: str, message: str) -> web.Response:
    body = {"id": name, "message": message, "request_id": "r", "status_code": status, "is_oauth": False}
    return web.json_response(body, status=status)
