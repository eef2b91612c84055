"""
`hookline import curl`: a curl command line as a step of `http.request`, its credentials as a connection
(those beside it as secrets), all of them bound to the host.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

import yaml

from runner.errors import SettingsError
from runner.values import Json
from runner.workbench.curl_values import (
    IN_PATH,
    LEFT_OUT,
    SECRET_FIELD,
    SECRET_HEADER,
    SECRET_IN_QUERY,
    VARIABLE_OF_SECRET,
    add,
    decoded,
    encoded_pair,
    grouped,
    is_file,
    is_number,
    is_open,
    number,
    pairs,
    piece,
    quoted_variables,
)
from runner.workbench.curl_words import CLOSE, OPEN, Command, plain, read_command

MARK = re.compile(f"{OPEN}([^{CLOSE}]*){CLOSE}")
TAG = re.compile(r"\{\{|\{%|\{#")
NOISE = re.compile(r"(?i)sec-.*|:.*|connection|content-length|accept-encoding|dnt|te|host|expect")
ALONE = ("co", "com", "org", "net", "ac", "gov")  # second levels under which names are given
LOCAL = re.compile(r"(?i)(localhost|[\d.]+|\[[\d:a-f]*\]|[\w-]+)([:/?#]|$)")  # curl takes http for all
PLAIN = frozenset({"hosts", "name", "user"})  # fields of our connections that are no secrets
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
JSON_TYPE = re.compile(r"(?i)application/([\w.+-]+\+)?json\s*(;.*)?")
FORM_TYPE = re.compile(r"(?i)application/x-www-form-urlencoded\s*(;.*)?")


@dataclass
class Imported:
    """
    A step, and what it needs. `connection` is `{name, kind, fields}`, `secrets` are by name what each is;
    an empty value is to be filled in. `notes` say in sentences what could not be taken over.
    """

    step: dict[str, Json]
    host: str
    connection: dict[str, Json] | None = None
    secrets: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def yaml(self) -> str:
        """The step as it stands under `steps`."""
        return yaml.dump([self.step], Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)

    def as_json(self) -> dict[str, Json]:
        """`{step, connection, secrets, notes}`, without any value of a credential."""
        connection = self.connection
        if connection is not None:
            fields = {name: one if name in PLAIN else "" for name, one in connection["fields"].items()}
            connection = {**connection, "fields": fields}
        return {
            "step": self.yaml(),
            "connection": connection,
            "secrets": [{"name": name, "hosts": [self.host]} for name in self.secrets],
            "notes": self.notes,
        }


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as a block."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def import_curl(text: str) -> Imported:
    """
    Read a curl command line.

    Raises:
        SettingsError: it is none, or says what no step can do.
    """
    return _Import(read_command(text)).done()


class _Import:
    """One command on its way to a step."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self.inputs: dict[str, Json] = {}
        self.notes: list[str] = []
        self.secrets: dict[str, str] = {}
        self.credentials: list[tuple[str, dict[str, str], Callable[[str], None]]] = []
        self.headers: dict[str, str] = {}
        self.host = ""

    def done(self) -> Imported:
        """All of it, in the order in which one thing needs another."""
        self._method()
        url, query = self._address()
        self._headers()
        self._body(query)
        if query := self._query(query):
            self.inputs["query"] = {
                name: self._field(name, value, SECRET_IN_QUERY) for name, value in grouped(query).items()
            }
        self.inputs["url"] = url
        connection = self._connection()
        if not self.inputs.keys() & {"json", "form", "multipart", "body"}:
            self._drop_type()
        if self.headers:
            self.inputs["headers"] = self.headers
        if self.command.seconds and re.fullmatch(r"\d+(\.\d+)?", self.command.seconds):
            self.inputs["timeout_seconds"] = number(self.command.seconds)
        self._left_out()
        order = ("method", "url", "query", "headers", "json", "form", "multipart", "body", "timeout_seconds")
        step: dict[str, Json] = {"action": "http.request"}
        if connection:
            step["connection"] = connection["name"]
        step["with"] = {name: self.inputs[name] for name in order if name in self.inputs}
        return Imported(step, self.host, connection, self.secrets, self.notes)

    # --- what is asked --------------------------------------------------------------------------

    def _method(self) -> None:
        command = self.command
        has_body = bool(command.data or command.parts) and "--get" not in command.flags
        usual = "HEAD" if "--head" in command.flags else "POST" if has_body else "GET"
        usual = "PUT" if command.upload is not None else usual
        method = (command.method or usual).upper()
        if method not in METHODS:
            raise SettingsError(
                f"http.request has no method {plain(method)}; it has {', '.join(sorted(METHODS))}"
            )
        if method != "GET":
            self.inputs["method"] = method

    def _address(self) -> tuple[str, list[tuple[str, str]]]:
        """The address without the query that holds credentials, and that query."""
        given = self.command.url
        url = given
        if not re.match(r"(?i)[a-z]+://", given) and not given.startswith(OPEN):
            url = f"{'http' if LOCAL.match(given) else 'https'}://{given}"
        try:
            parts = urlsplit(url)
            host, user, password = parts.hostname or "", parts.username, parts.password
        except ValueError:
            raise SettingsError(f"{plain(given)[:100]!r} is no address") from None
        if parts.scheme.lower() not in ("http", "https") and OPEN not in url[:3]:
            raise SettingsError(f"{parts.scheme}: is not spoken by http.request; http and https are")
        self.host = plain(host)
        if user is not None:
            self.command.user = f"{unquote(user)}:{unquote(password or '')}"
            parts = parts._replace(netloc=parts.netloc.rpartition("@")[2])
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        pairs += [encoded_pair(one) for one in self.command.query]
        if not self.command.query and not any(SECRET_IN_QUERY.fullmatch(name) for name, _ in pairs):
            pairs = []  # it may stay where it is
        else:
            parts = parts._replace(query="")
        parts = parts._replace(fragment="")
        url = urlunsplit(parts)
        for pattern in IN_PATH:
            if match := pattern.match(url):
                secret = self._secret(f"{self._name()}_token", match["secret"])
                start, end = match.span("secret")
                return self._shown(url[:start]) + secret + self._shown(url[end:]), pairs
        return self._shown(url), pairs

    def _headers(self) -> None:
        for name, value in self.command.headers:
            is_noise = (name.lower(), value[:3]) in (
                ("accept", "*/*"),
                ("priority", "u=0"),
                ("priority", "u=1"),
            )
            if NOISE.fullmatch(name) or is_noise:
                if name.lower() == "host" and plain(value).lower() != self.host.lower():
                    self.notes.append(
                        f"the header Host: {plain(value)} is left out: it is that of the address"
                    )
                continue
            if SECRET_HEADER.fullmatch(name) and name.lower() != "idempotency-key":
                self._credential_in_header(name, value)
            else:
                self.headers[name] = self._shown(value)
        if self.command.cookie is not None:
            if "=" in plain(self.command.cookie):
                self._credential_in_header("Cookie", self.command.cookie)
            else:
                self.notes.append(f"the cookies of the file {plain(self.command.cookie)} are left out")
        if self.command.bearer is not None:
            self._credential_in_header("Authorization", f"Bearer {self.command.bearer}")
        if self.command.user is not None:
            self._credential_of_user(*self.command.user.partition(":")[::2])

    def _type(self) -> str:
        return next((text for name, text in self.headers.items() if name.lower() == "content-type"), "")

    def _drop_type(self) -> None:
        self.headers = {name: text for name, text in self.headers.items() if name.lower() != "content-type"}

    # --- the body -------------------------------------------------------------------------------

    def _body(self, query: list[tuple[str, str]]) -> None:
        command = self.command
        if command.upload is not None:
            self._file(f"the file {plain(command.upload)}")
        elif command.parts:
            self._drop_type()  # the boundary is the client's own
            self.inputs["multipart"] = self._multipart()
        elif command.data and "--get" in command.flags:
            query += [pair for option, text in command.data for pair in pairs(option, text)]
        elif command.data:
            self._data()

    def _data(self) -> None:
        files = [plain(text[1:]) for option, text in self.command.data if is_file(option, text)]
        if files:
            self._file("what stdin had" if files[0] == "-" else f"the file {files[0]}")
            return
        is_json = any(option == "--json" for option, _ in self.command.data)
        joint = "" if is_json else "&"
        text = joint.join(piece(option, one) for option, one in self.command.data)
        if is_json or JSON_TYPE.fullmatch(self._type()) or self._looks_like_json(text):
            try:
                self.inputs["json"] = self._json(text)
            except ValueError:
                self.headers.setdefault("Content-Type", "application/json")
                self.inputs["body"] = self._shown(text)
                self.notes.append("the body says that it is JSON and is none; it is sent as it is")
            else:
                if re.fullmatch(r"(?i)(application/json)?(;\s*charset=utf-8)?", self._type()):
                    self._drop_type()
            return
        pairs = parse_qsl(text, keep_blank_values=True)
        if (not self._type() or FORM_TYPE.fullmatch(self._type())) and pairs and "=" in text:
            self._drop_type()
            self.inputs["form"] = {name: self._field(name, one) for name, one in grouped(pairs).items()}
            return
        self.headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        self.inputs["body"] = self._shown(text)

    def _looks_like_json(self, text: str) -> bool:
        """To curl it is a form, to the service it is JSON: so it is to us."""
        if self._type() or text.strip()[:1] not in ("{", "["):
            return False
        try:
            json.loads(quoted_variables(text))
        except ValueError:
            return False
        self.notes.append("the body is JSON and nothing said so; it is sent as application/json")
        return True

    def _json(self, text: str) -> Json:
        def walk(value: Any, name: str = "") -> Json:
            if isinstance(value, dict):
                return {self._shown(key): walk(one, key) for key, one in value.items()}
            if isinstance(value, list):
                return [walk(one) for one in value]
            return self._field(name, value) if isinstance(value, str) else value

        return walk(json.loads(quoted_variables(text)))

    def _multipart(self) -> dict[str, Json]:
        found: dict[str, Json] = {}
        for option, one in self.command.parts:
            name, _, value = one.partition("=")
            if option == "--form" and value[:1] in ("@", "<"):
                path = plain(value[1:].split(";")[0].strip('"'))
                add(found, name, "{{ payload.file }}")
                self.notes.append(f"multipart.{name} was the file {path}: `payload.file` stands in its place")
            else:
                text = value if option == "--form-string" else re.split(r";\s*type=", value)[0]
                add(found, name, self._field(name, text))
        return found

    def _file(self, what: str) -> None:
        self.inputs["body"] = "{{ payload.file }}"
        self.notes.append(f"the body was {what}: `payload.file` stands in its place")

    # --- credentials ----------------------------------------------------------------------------

    def _credential_in_header(self, name: str, value: str) -> None:
        scheme, _, rest = value.partition(" ")
        if name.lower() == "authorization" and scheme.lower() == "bearer" and rest:
            fields, kind = {"token": rest.strip()}, "bearer"
        elif name.lower() == "authorization" and scheme.lower() == "basic" and (pair := decoded(rest)):
            self._credential_of_user(*pair)
            return
        else:
            fields, kind = {"name": name, "value": value}, "header"
        prefix = f"{scheme} " if kind == "bearer" else ""
        secret = fields.get("token", fields.get("value", ""))

        def otherwise(text: str) -> None:
            self.headers[name] = prefix + text

        self.credentials.append(
            (kind, fields, lambda base: otherwise(self._secret(f"{base}_{name}", secret)))
        )

    def _credential_of_user(self, user: str, password: str) -> None:
        def otherwise(base: str) -> None:
            pair = f"{plain(user)}:{plain(password)}".encode()
            text = "" if OPEN in user + password else base64.b64encode(pair).decode()
            self.headers["Authorization"] = f"Basic {self._secret(f'{base}_BASIC', text)}"

        if password or not user:
            self.credentials.append(("basic", {"user": user, "password": password}, otherwise))
        else:  # a key in place of the user: it is the secret, which a user's name is not
            text = "" if is_open(user) else "Basic " + base64.b64encode(f"{user}:".encode()).decode()
            if not text:
                self.notes.append("the connection's value is `Basic ` and `<the key>:` in base64")
            self.credentials.append(("header", {"name": "Authorization", "value": text}, otherwise))

    def _query(self, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """*pairs* without the one that a connection adds, where nothing else is its credential."""
        rest = []
        for name, value in pairs:
            if SECRET_IN_QUERY.fullmatch(name) and not self.credentials:
                self.credentials.append(("query", {"name": name, "value": value}, lambda _base: None))
            else:
                rest.append((name, value))
        return rest

    def _connection(self) -> dict[str, Json] | None:
        """The first credential as a connection; each other becomes a secret."""
        if not self.credentials:
            return None
        kind, fields, _ = self.credentials[0]
        for _kind, _fields, otherwise in self.credentials[1:]:
            otherwise(self._name())
        shown = {name: "" if name != "name" and is_open(text) else text for name, text in fields.items()}
        return {"name": self._name(), "kind": kind, "fields": {**shown, "hosts": [self.host]}}

    def _field(self, name: str, value: str | list[str], secret: re.Pattern[str] = SECRET_FIELD) -> Json:
        if isinstance(value, list):
            return [self._field(name, one, secret) for one in value]
        if value and secret.fullmatch(name) and not is_number(value):
            return self._secret(f"{self._name()}_{name}", value)
        return self._shown(value)

    def _secret(self, name: str, value: str) -> str:
        """A secret of that name; what stands for it in a template."""
        name = re.sub(r"\W+", "_", name).strip("_").upper()
        if match := MARK.fullmatch(value):
            name, value = match[1], ""
        elif is_open(value):
            value = ""
        self.secrets[name] = plain(value)
        return f"{{{{ secrets.{name} }}}}"

    def _name(self) -> str:
        labels = [one for one in self.host.split(".") if one]
        if (
            re.fullmatch(r"[\d.:]*|localhost", self.host)
            or not labels
            or not re.search(r"[a-z0-9]", self.host)
        ):
            return "local" if labels else "service"
        at = -3 if len(labels) > 2 and labels[-2] in ALONE else -2
        return re.sub(r"[^a-z0-9-]", "", labels[at if len(labels) >= -at else 0].lower()) or "service"

    # --- texts ----------------------------------------------------------------------------------

    def _shown(self, text: str) -> str:
        """*text* as a template that gives it: braces of its own are a text, variables are ours."""

        def variable(name: str) -> str:
            if VARIABLE_OF_SECRET.fullmatch(name):
                self.secrets.setdefault(name, "")
                return f"{{{{ secrets.{name} }}}}"
            note = f"${name} is `vars.{name.lower()}` here: set it under `vars`"
            if note not in self.notes:
                self.notes.append(note)
            return f"{{{{ vars.{name.lower()} }}}}"

        pieces = MARK.split(text)  # by turns a text and a variable's name
        return "".join(
            variable(piece) if index % 2 else TAG.sub(lambda one: f"{{{{ '{one[0]}' }}}}", piece)
            for index, piece in enumerate(pieces)
        )

    def _left_out(self) -> None:
        for name in (*self.command.flags, *self.command.others):
            if name in LEFT_OUT:
                self.notes.append(f"{name} is left out: {LEFT_OUT[name]}")
