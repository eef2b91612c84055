"""
Google's services on loopback, in the shapes of their reference: the token endpoint, which checks the
signature and the claims of what it gets, and Sheets, Drive, Calendar, Gmail and Docs on one address.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable
from email import message_from_bytes
from email.message import Message
from typing import Any, TypeAlias
from urllib.parse import parse_qs, unquote

from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.servers.http_sink import HttpSink, Received

Answer: TypeAlias = web.Response
Rows: TypeAlias = list[list[Any]]

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
ROBOT = "shop@acme-1.iam.gserviceaccount.com"
PERSON = "ann@acme.example"
REFRESH = "1//refresh-0123456789"
CLIENT = ("client-1.apps.googleusercontent.com", "GOCSPX-client-secret")
SHEET_ID = "1AbC-dEf_GhI"
FOLDER = "application/vnd.google-apps.folder"


class GoogleService(HttpSink):
    """
    Knows the robot ROBOT with the key KEY, and the person PERSON by REFRESH. `errors` are answered, in order,
    before anything else of a service is looked at; `refused` before a token is given.
    """

    def __init__(self) -> None:
        super().__init__()
        self.handler = self._answer
        self.errors: list[tuple[int, dict[str, Any]]] = []
        self.refused: list[tuple[str, str]] = []
        self.refresh_ends_in: int | None = None
        self.claims: list[dict[str, Any]] = []
        self.tokens: set[str] = set()
        self.sheets: dict[str, Rows] = {"Orders": [["Order", "Total", "Status"], ["#1000", 10, "open"]]}
        self.inputs: list[str] = []  # valueInputOption of each write
        self.files: dict[str, dict[str, Any]] = {"root-folder": {"name": "Shared", "mimeType": FOLDER}}
        self.contents: dict[str, bytes] = {}
        self.permissions: list[tuple[str, dict[str, Any], dict[str, str]]] = []
        self.events: dict[str, dict[str, Any]] = {}
        self.mails: list[tuple[str, dict[str, Any], Message]] = []
        self.mailbox: dict[str, dict[str, Any]] = {}
        self.documents: dict[str, str] = {}

    @property
    def key_file(self) -> dict[str, str]:
        """The key file, whose token endpoint is ours."""
        return {
            "type": "service_account", "project_id": "acme-1", "private_key_id": "k1", "private_key": PEM,
            "client_email": ROBOT, "client_id": "1234567890", "token_uri": f"{self.url}/token",
        }  # fmt: skip

    def fail(self, status: int, reason: str, message: str = "No", *, newer: str = "") -> None:
        """The next request to a service gets this refusal, of the older form, or with *newer* (a status)."""
        error: dict[str, Any] = {"code": status, "message": message}
        if newer:
            error["status"] = newer
            if reason:
                kind = "type.googleapis.com/google.rpc.ErrorInfo"
                error["details"] = [{"@type": kind, "reason": reason, "domain": "googleapis.com"}]
        else:
            error["errors"] = [{"domain": "global", "reason": reason, "message": message}]
        self.errors.append((status, {"error": error}))

    @property
    def calls(self) -> list[Received]:
        """The requests to the services."""
        return [one for one in self.requests if one.path != "/token"]

    async def _answer(self, received: Received) -> Answer:
        if received.path == "/token":
            return self._token(received)
        given = received.headers.get("authorization", "").removeprefix("Bearer ")
        if given not in self.tokens:
            return _no(401, "authError", "Invalid Credentials")
        if self.errors:
            status, body = self.errors.pop(0)
            later = {"Retry-After": "7"} if status == 429 else {}
            return web.json_response(body, status=status, headers=later)
        raw = received.request.rel_url.raw_path
        parts = [unquote(one) for one in raw.strip("/").split("/")]
        for start, service in self._services().items():
            wanted = start.split("/")
            if parts[: len(wanted)] == wanted:
                return service(received, parts[len(wanted) :])
        return _no(404, "notFound", "Not Found")

    def _services(self) -> dict[str, Callable[[Received, list[str]], Answer]]:
        return {
            "v4/spreadsheets": self._sheets,
            "upload/drive/v3/files": self._upload,
            "drive/v3/files": self._drive,
            "drive/v3/about": lambda _received, _rest: web.json_response({"user": {"emailAddress": ROBOT}}),
            "calendar/v3": self._calendar,
            "upload/gmail/v1/users/me": self._send,
            "gmail/v1/users/me": self._gmail,
            "v1/documents": self._docs,
        }

    def _token(self, received: Received) -> Answer:
        assert received.method == "POST"
        assert "authorization" not in received.headers
        form = {name: one[0] for name, one in parse_qs(received.body.decode()).items()}
        if self.refused:
            code, said = self.refused.pop(0)
            return web.json_response({"error": code, "error_description": said}, status=400)
        if form["grant_type"] == "refresh_token":
            known = (form["client_id"], form["client_secret"]) == CLIENT
            if not known or form["refresh_token"] != REFRESH:
                error = "invalid_grant" if known else "invalid_client"
                return web.json_response({"error": error}, status=400 if known else 401)
        else:
            assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
            said = self._wrong(form["assertion"])
            if said:
                return web.json_response({"error": "invalid_grant", "error_description": said}, status=400)
        token = f"ya29.token-{len(self.tokens) + 1:04d}"
        self.tokens.add(token)
        answer = {"access_token": token, "expires_in": 3599, "token_type": "Bearer"}
        if self.refresh_ends_in is not None:
            answer["refresh_token_expires_in"] = self.refresh_ends_in
        return web.json_response(answer)

    def _wrong(self, assertion: str) -> str:
        head, body, signature = assertion.split(".")
        try:
            KEY.public_key().verify(_bytes(signature), f"{head}.{body}".encode(), PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return "Invalid JWT Signature."
        assert json.loads(_bytes(head)) == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
        claims = json.loads(_bytes(body))
        self.claims.append(claims)
        assert claims["aud"] == f"{self.url}/token"
        now = time.time()
        if not claims["iat"] <= now < claims["exp"] <= claims["iat"] + 3600:
            return "Invalid JWT: Token must be a short-lived token and in a reasonable timeframe."
        return "" if claims["iss"] == ROBOT else "Invalid grant: account not found"

    # Sheets

    def _sheets(self, received: Received, rest: list[str]) -> Answer:
        if rest[0] != SHEET_ID:
            return _no(404, "", "Requested entity was not found.", newer="NOT_FOUND")
        if len(rest) == 1:
            titles = [{"properties": {"title": one}} for one in self.sheets]
            return web.json_response({"sheets": titles})
        if rest[1:] == ["values:batchUpdate"]:
            body = received.json()
            self.inputs.append(body["valueInputOption"])
            for one in body["data"]:
                _, sheet, row, column, _, _ = self._area(one["range"])
                cells = self.sheets[sheet][row]
                cells.extend([""] * (column + 1 - len(cells)))
                cells[column] = _entered(one["values"][0][0], body["valueInputOption"])
            return web.json_response({"totalUpdatedCells": len(body["data"])})
        area, _, verb = rest[2].partition(":append")
        if rest[2].endswith(":append"):
            return self._append(received, rest[2].removesuffix(":append"))
        if rest[2].endswith(":clear"):
            assert received.method == "POST"
            name, sheet, row, column, to_row, to_column = self._area(rest[2].removesuffix(":clear"))
            for cells in self.sheets[sheet][row:to_row]:
                cells[column:to_column] = [""] * len(cells[column:to_column])
            return web.json_response({"clearedRange": name})
        assert (received.method, area, verb) == ("GET", rest[2], "")
        name, sheet, row, column, to_row, to_column = self._area(rest[2])
        if row >= len(self.sheets[sheet]):
            said = f"Range ({name}) exceeds grid limits. Max rows: {len(self.sheets[sheet])}"
            return _no(400, "", said, newer="INVALID_ARGUMENT")
        render = received.query["valueRenderOption"]
        found = [
            _trimmed([_rendered(one, render) for one in cells[column:to_column]])
            for cells in self.sheets[sheet][row:to_row]
        ]
        while found and not found[-1]:
            found.pop()
        answer = {"range": name, "majorDimension": "ROWS"}
        return web.json_response(answer | ({"values": found} if found else {}))

    def _append(self, received: Received, area: str) -> Answer:
        assert received.query["insertDataOption"] == "INSERT_ROWS"
        option = received.query["valueInputOption"]
        self.inputs.append(option)
        _, sheet, row, _, _, _ = self._area(area)
        rows = self.sheets[sheet]
        end = row
        while end < len(rows) and any(one != "" for one in rows[end]):
            end += 1
        values = received.json()["values"]
        rows[end:end] = [["" if one is None else _entered(one, option) for one in cells] for cells in values]
        written = f"{sheet}!A{end + 1}:{chr(64 + len(values[0]))}{end + len(values)}"
        updates = {"updatedRange": written, "updatedRows": len(values)}
        return web.json_response({"spreadsheetId": SHEET_ID, "updates": updates})

    def _area(self, text: str) -> tuple[str, str, int, int, int | None, int | None]:
        """Its name, sheet, first row and column from 0, and the ends of both, which None leaves open."""
        match = re.fullmatch(r"(?:'((?:[^']|'')+)'!|(\w+)!)?([A-Z]+)(\d+)?(?::([A-Z]*)(\d*))?", text)
        assert match, text
        quoted, plain, column, row, to_column, to_row = match.groups()
        sheet = (quoted or "").replace("''", "'") or plain or next(iter(self.sheets))
        first = int(row or 1) - 1
        if to_column is None:
            return text, sheet, first, _place(column), first + 1, _place(column) + 1
        return (
            text, sheet, first, _place(column),
            int(to_row) if to_row else None, _place(to_column) + 1 if to_column else None,
        )  # fmt: skip

    # Drive

    def _drive(self, received: Received, rest: list[str]) -> Answer:
        match received.method, rest:
            case "GET", []:
                return self._found(received)
            case "POST", []:
                assert received.query["supportsAllDrives"] == "true"
                return web.json_response(self._made(received.json(), b""))
            case "GET", [file] if received.query.get("alt") == "media":
                if file not in self.contents:
                    return _no(403, "fileNotDownloadable", "Only files with binary content.")
                kind = self.files[file]["mimeType"]
                return web.Response(body=self.contents[file], headers={"Content-Type": kind})
            case "GET", [file]:
                if file not in self.files:
                    return _no(404, "notFound", f"File not found: {file}.")
                return web.json_response({"id": file, **self.files[file]})
            case "GET", [file, "export"]:
                kind = received.query["mimeType"]
                return web.Response(body=f"{file} as {kind}".encode(), headers={"Content-Type": kind})
            case "PATCH", [file]:
                self.files[file] |= received.json()
                return web.json_response({"id": file, **self.files[file]})
            case "POST", [file, "copy"]:
                if file not in self.documents:
                    return _no(404, "notFound", f"File not found: {file}.")
                made = self._made({"mimeType": self.files[file]["mimeType"], **received.json()}, b"")
                self.documents[made["id"]] = self.documents[file]
                return web.json_response(made)
            case "POST", [file, "permissions"]:
                self.permissions.append((file, received.json(), dict(received.query)))
                return web.json_response({"id": "p1"})
        return _no(404, "notFound", "Not Found")

    def _found(self, received: Received) -> Answer:
        query = received.query["q"]
        found = []
        for file, one in self.files.items():
            marks = one.get("appProperties", {}).items()
            wanted = re.findall(r"appProperties has \{ key='(\w+)' and value='((?:[^'\\]|\\.)*)' \}", query)
            names = re.findall(r"name (=|contains) '((?:[^'\\]|\\.)*)'", query)
            kinds = re.findall(r"mimeType = '([^']+)'", query)
            parents = re.findall(r"'([^']+)' in parents", query)
            if (
                all(pair in marks for pair in wanted)
                and all(_matches(one["name"], how, text) for how, text in names)
                and all(one["mimeType"] == kind for kind in kinds)
                and all(parent in one.get("parents", []) for parent in parents)
                and "trashed = false" in query
            ):
                found.append({"id": file, **one})
        start, size = int(received.query.get("pageToken") or 0), int(received.query["pageSize"])
        page = found[start : start + size]
        more = {"nextPageToken": str(start + size)} if len(found) > start + size else {}
        return web.json_response({"files": page, **more})

    def _made(self, metadata: dict[str, Any], content: bytes) -> dict[str, Any]:
        file = f"file-{len(self.files)}"
        self.files[file] = {"mimeType": "text/plain", "webViewLink": f"https://d/{file}", **metadata}
        if content:
            self.contents[file] = content
        return {"id": file, **self.files[file]}

    def _upload(self, received: Received, rest: list[str]) -> Answer:
        if received.query.get("upload_id"):
            assert received.method == "PUT"
            metadata = json.loads(base64.urlsafe_b64decode(received.query["upload_id"]))
            metadata.setdefault("mimeType", received.headers["content-type"])
            return web.json_response(self._made(metadata, received.body))
        assert (received.method, rest, received.query["supportsAllDrives"]) == ("POST", [], "true")
        if received.query["uploadType"] == "resumable":
            assert int(received.headers["x-upload-content-length"]) > 5 * 1024 * 1024
            token = base64.urlsafe_b64encode(received.body).decode()
            where = f"{self.url}/upload/drive/v3/files?uploadType=resumable&upload_id={token}"
            return web.Response(headers={"Location": where})
        metadata, content, kind = _related(received)
        return web.json_response(self._made({"mimeType": kind, **metadata}, content))

    # Calendar

    def _calendar(self, received: Received, rest: list[str]) -> Answer:
        if rest == ["users", "me", "calendarList"]:
            items = [{"id": PERSON, "summary": "Ann", "primary": True}, {"id": "c2", "summary": "Team"}]
            return web.json_response({"items": items})
        assert rest[0] == "calendars"
        assert rest[2] == "events"
        if rest[1] not in {"primary", "team@acme.example"}:
            return _no(404, "notFound", "Not Found")
        match received.method, rest[3:]:
            case "POST", []:
                event = received.json()
                assert re.fullmatch(r"[a-v0-9]{5,1024}", event["id"])
                if event["id"] in self.events:
                    return _no(409, "duplicate", "The requested identifier already exists.")
                return web.json_response(self._kept(event))
            case "GET", []:
                assert received.query["singleEvents"] == "true"
                assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]+(Z|[+-]\d\d:\d\d)", received.query["timeMin"])
                found = [one for one in self.events.values() if one["status"] != "cancelled"]
                start, size = int(received.query.get("pageToken") or 0), int(received.query["maxResults"])
                more = {"nextPageToken": str(start + size)} if len(found) > start + size else {}
                return web.json_response({"items": found[start : start + size], **more})
            case method, [event]:
                if event not in self.events:
                    return _no(404, "notFound", "Not Found")
                if method == "GET":
                    return web.json_response(self.events[event])
                if method == "PATCH":
                    return web.json_response(self._kept(_patched(self.events[event], received.json())))
                if self.events[event]["status"] == "cancelled":
                    return _no(410, "deleted", "Resource has been deleted")
                self.events[event]["status"] = "cancelled"
                return web.Response(status=204)
        return _no(404, "notFound", "Not Found")

    def _kept(self, event: dict[str, Any]) -> dict[str, Any]:
        assert all(("date" in event[end]) != ("dateTime" in event[end]) for end in ("start", "end"))
        self.events[event["id"]] = {"status": "confirmed", "htmlLink": f"https://c/{event['id']}", **event}
        return self.events[event["id"]]

    # Gmail

    def _send(self, received: Received, rest: list[str]) -> Answer:
        assert received.method == "POST"
        assert received.query["uploadType"] == "multipart"
        metadata, content, kind = _related(received)
        assert kind == "message/rfc822"
        self.mails.append(("/".join(rest), metadata, message_from_bytes(content)))
        thread = metadata.get("message", metadata).get("threadId", "t1")
        message = {"id": f"m{len(self.mails)}", "threadId": thread, "labelIds": ["SENT"]}
        return web.json_response({"id": "d1", "message": message} if rest == ["drafts"] else message)

    def _gmail(self, received: Received, rest: list[str]) -> Answer:
        if rest == ["messages"]:
            found = [one for one in self.mailbox.values() if received.query["q"] in one["snippet"]]
            start, size = int(received.query.get("pageToken") or 0), int(received.query["maxResults"])
            page = [{"id": one["id"], "threadId": one["threadId"]} for one in found[start : start + size]]
            more = {"nextPageToken": str(start + size)} if len(found) > start + size else {}
            return web.json_response({**({"messages": page} if page else {}), **more})
        if rest[1] not in self.mailbox:
            return _no(404, "notFound", "Requested entity was not found.")
        message = dict(self.mailbox[rest[1]])
        if received.query["format"] == "metadata":
            wanted = received.request.query.getall("metadataHeaders")
            assert wanted == ["From", "To", "Subject", "Date"]
            message.pop("raw", None)
        return web.json_response(message)

    # Docs

    def _docs(self, received: Received, rest: list[str]) -> Answer:
        document, _, verb = rest[0].partition(":")
        assert (received.method, verb) == ("POST", "batchUpdate")
        if document not in self.documents:
            return _no(404, "", "Requested entity was not found.", newer="NOT_FOUND")
        replies: list[dict[str, Any]] = []
        for one in received.json()["requests"]:
            if "insertText" in one:
                assert one["insertText"]["endOfSegmentLocation"] == {}
                self.documents[document] += one["insertText"]["text"]
                replies.append({})
            else:
                wanted = one["replaceAllText"]["containsText"]
                assert wanted["matchCase"] is True
                count = self.documents[document].count(wanted["text"])
                put = one["replaceAllText"]["replaceText"]
                self.documents[document] = self.documents[document].replace(wanted["text"], put)
                replies.append({"replaceAllText": {"occurrencesChanged": count} if count else {}})
        return web.json_response({"documentId": document, "replies": replies})


def _no(status: int, reason: str, message: str, *, newer: str = "") -> Answer:
    error: dict[str, Any] = {"code": status, "message": message}
    if newer:
        error["status"] = newer
    else:
        error["errors"] = [{"domain": "global", "reason": reason, "message": message}]
    return web.json_response({"error": error}, status=status)


def _patched(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """A patch, in which a null takes a field away at any depth."""
    result = dict(old)
    for name, value in new.items():
        if value is None:
            result.pop(name, None)
        else:
            known = result.get(name)
            both = isinstance(value, dict) and isinstance(known, dict)
            result[name] = _patched(known, value) if both and isinstance(known, dict) else value
    return result


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _place(letters: str) -> int:
    place = 0
    for one in letters:
        place = place * 26 + ord(one) - ord("A") + 1
    return place - 1


def _entered(value: Any, option: str) -> Any:
    """What a cell holds of *value*, as `valueInputOption` says."""
    assert not isinstance(value, dict | list), "Invalid values: struct_value"
    if option == "RAW" or not isinstance(value, str):
        return value
    if value.startswith("'"):
        return value[1:]
    if value.startswith("="):
        return {"formula": value}
    return float(value) if re.fullmatch(r"-?\d+(\.\d+)?", value) else value


def _rendered(value: Any, option: str) -> Any:
    if isinstance(value, dict):
        return value["formula"] if option == "FORMULA" else 42
    if option == "FORMATTED_VALUE":
        return f"{value:,}" if isinstance(value, int | float) else value
    return value


def _trimmed(cells: list[Any]) -> list[Any]:
    while cells and cells[-1] == "":
        cells = cells[:-1]
    return cells


def _matches(name: str, how: str, text: str) -> bool:
    text = re.sub(r"\\(.)", r"\1", text)
    return text == name if how == "=" else text in name


def _related(received: Received) -> tuple[dict[str, Any], bytes, str]:
    """The metadata, the content and its type of a `multipart/related` body."""
    kind = received.headers["content-type"]
    boundary = kind.removeprefix("multipart/related; boundary=").encode()
    assert kind.startswith("multipart/related; boundary=")
    start, first, second, end = received.body.split(b"--" + boundary)
    assert (start, end) == (b"", b"--\r\n")
    head, _, metadata = first.strip(b"\r\n").partition(b"\r\n\r\n")
    assert head == b"Content-Type: application/json; charset=UTF-8"
    head, _, content = second.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    return json.loads(metadata), content.removesuffix(b"\r\n"), head.decode().removeprefix("Content-Type: ")
