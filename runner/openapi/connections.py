"""The connections of a connector that stands as a file: a model for each kind, made of the file's head."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from urllib.parse import quote, urlsplit

from pydantic import Field, SecretStr, create_model

from runner.connector import (
    Call,
    Connection,
    Endpoints,
    HttpConnection,
    OAuthConnection,
    OutgoingRequest,
    Rejected,
    basic,
)
from runner.connector.kinds import THERE, sent
from runner.openapi.names import snake
from runner.openapi.operations import PLACEHOLDER
from runner.values import Json

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_SCOPES = 20  # that a field's description names
VALUE = re.compile(r"[A-Za-z0-9._~/-]*")  # of a variable in an address: nothing that leads to another host


@dataclass(frozen=True, slots=True)
class Use:
    """One scheme of a kind: its type, the header, field or cookie, and its fields' names."""

    type: str
    name: str
    field: str
    user: str = ""

    def apply(self, connection: Connection, request: OutgoingRequest) -> None:
        """Add the credential to *request*."""
        value = getattr(connection, self.field).get_secret_value()
        match self.type:
            case "basic":
                request.set_header("Authorization", basic(getattr(connection, self.user), value))
            case "bearer":
                request.set_header("Authorization", f"Bearer {value}")
            case "header":
                request.set_header(self.name, value)
            case "query":
                request.query.append((self.name, value))
            case "cookie":
                known = next((text for name, text in request.headers.items() if name.lower() == "cookie"), "")
                own = f"{self.name}={quote(value, safe='!#$&()*+-./:<=>?@[]^_`{|}~')}"
                request.set_header("Cookie", f"{known}; {own}" if known else own)


class Service(HttpConnection):
    """The base of these kinds: where the service is, what is filled in there, and the schemes used."""

    base_url: ClassVar[str] = ""  # with its variables in braces
    variables: ClassVar[Mapping[str, str]] = {}  # of the address: the field that each is
    also: ClassVar[Sequence[str]] = ()  # hosts to which single actions go
    uses: ClassVar[Sequence[Use]] = ()

    @property
    def service_address(self) -> str:
        """The beginning of all addresses, without a slash at its end."""
        if self.api_url is not None:
            return self.api_url.rstrip("/")
        values = {name: str(getattr(self, field)) for name, field in self.variables.items()}
        return PLACEHOLDER.sub(lambda found: values[found[1]], self.base_url).rstrip("/")

    def apply(self, request: OutgoingRequest) -> None:
        """Add the credentials."""
        for use in self.uses:
            use.apply(self, request)

    def bound_hosts(self) -> list[str]:
        """The hosts given, else that of the address, and those of single actions."""
        if self.hosts is not None:
            return self.hosts
        host = urlsplit(self.service_address).hostname
        own = [] if host is None else [host]
        return own if self.api_url is not None else list(dict.fromkeys([*own, *self.also]))

    def secret_texts(self) -> frozenset[str]:
        """The secret fields, and what is sent of a user and a password."""
        found = super().secret_texts()
        for use in self.uses:
            if use.type == "basic":
                found |= sent(getattr(self, use.user), getattr(self, use.field))
        return found

    async def test(self, call: Call) -> str:
        """GET the address: any answer but a refusal of the credentials is good."""
        reply = await call.http.get(self.service_address)
        reply.accept(*THERE)
        host = urlsplit(self.service_address).hostname
        return f"{host} answered {reply.status}, and did not refuse the credentials"


class ServiceByOAuth(Service, OAuthConnection):
    """The same with tokens by OAuth 2.0, beside what else is used."""

    ends: ClassVar[Endpoints]
    grants: ClassVar[Sequence[str]] = ()

    def endpoints(self) -> Endpoints:
        """As the file says."""
        return self.ends

    def asks_a_person(self) -> bool:
        """Whether the grant is `authorization_code`."""
        return self.chosen_grant() == "authorization_code"

    def chosen_grant(self) -> str:
        """The connection's own, where there are two."""
        return str(getattr(self, "grant", self.grants[0]))

    def apply(self, request: OutgoingRequest) -> None:
        """Add the token, and what else is used."""
        OAuthConnection.apply(self, request)
        Service.apply(self, request)

    async def test(self, call: Call) -> str:
        """As that of the others."""
        return await Service.test(self, call)


def connection_models(head: Mapping[str, Json], others: Sequence[str]) -> dict[str, type[Connection]]:
    """The models of the kinds in the *head* of a file; *others* are hosts of single actions."""
    return {kind: _model(kind, entry, head, others) for kind, entry in head.get("connections", {}).items()}


def _model(
    kind: str, entry: Mapping[str, Json], head: Mapping[str, Json], others: Sequence[str]
) -> type[Connection]:
    url = str(head.get("url", ""))
    fields: dict[str, Any] = {}
    uses: list[Use] = []
    oauth: Mapping[str, Json] | None = None
    for one in entry["uses"]:
        if one["type"] == "oauth2":
            oauth = one
            if len(one["grants"]) > 1:
                grants = tuple(one["grants"])
                about = "`authorization_code`: a person allows it; `client_credentials`: the client alone."
                fields["grant"] = (Literal[grants], Field(grants[0], description=about))
            continue
        use = _use(one)
        uses.append(use)
        fields |= _fields(use, one)
    if oauth is not None and (scopes := oauth.get("scopes")):
        known = ", ".join(scopes[:MOST_SCOPES]) + (", …" if len(scopes) > MOST_SCOPES else "")
        about = f"What is asked for, with blanks between. The service knows {known}."
        fields["scope"] = (str | None, Field(None, description=about))
    variables = {}
    for variable, given in head.get("variables", {}).items():
        if variable in PLACEHOLDER.findall(url):
            field = snake(variable)
            if field in fields or hasattr(ServiceByOAuth, field) or field in ServiceByOAuth.model_fields:
                field = f"{field}_part"
            variables[variable] = field
            fields[field] = _variable_field(given)
    where = f"The address of the service, in place of {url}." if url else "The address of the service."
    fields["api_url"] = (
        (str | None, Field(None, description=where)) if url else (str, Field(description=where))
    )
    about = str(entry.get("about") or entry["uses"][0].get("about") or f"Credentials of {head['title']}.")
    base = Service if oauth is None else ServiceByOAuth
    made: Any = create_model(
        f"{kind.title().replace('_', '')}Connection",
        __base__=base,
        __doc__=about,
        __module__=__name__,
        **fields,
    )
    made.base_url, made.variables, made.also, made.uses, made.kind = (
        url,
        variables,
        tuple(others),
        tuple(uses),
        kind,
    )
    if oauth is not None:
        made.grants = tuple(oauth["grants"])
        made.ends = Endpoints(oauth["token_url"], oauth.get("authorize_url"))
    found: type[Connection] = made
    return found


def _use(one: Mapping[str, Json]) -> Use:
    prefix = f"{one['as']}_" if "as" in one else ""
    field = {"basic": "password", "bearer": "token"}.get(one["type"], "key")
    return Use(one["type"], str(one.get("name", "")), prefix + field, f"{prefix}user")


def _fields(use: Use, one: Mapping[str, Json]) -> dict[str, Any]:
    about = f" {one['about']}" if one.get("about") else ""
    match use.type:
        case "basic":
            return {
                use.user: (str, Field(description="The user; it holds no colon.", pattern=r"^[^:]*$")),
                use.field: (
                    SecretStr,
                    Field(SecretStr(""), description="The password, if the service wants one."),
                ),
            }
        case "bearer":
            said = "The token, sent as `Authorization: Bearer`."
        case "header" if use.name.lower() == "authorization":
            said = "The header Authorization whole, with the word before the key (such as `Bearer …`)."
        case kind:
            said = f"The key, sent as the {'field of the query' if kind == 'query' else kind} {use.name}."
    return {use.field: (SecretStr, Field(description=f"{said}{about}", min_length=1))}


def _variable_field(given: Mapping[str, Json]) -> Any:
    about = str(given.get("description") or "A part of the service's address.")
    default = str(given["default"])
    if "enum" in given:
        options = tuple(dict.fromkeys([*given["enum"], default]))
        return (Literal[options], Field(default, description=about))
    return (str, Field(default, description=about, pattern=f"^{VALUE.pattern}$"))


def base_of(connection: Connection | None, head: Mapping[str, Json], own: str | None) -> str:
    """
    What stands before the path of a call: of a connection's own address or the file's; *own* is that of
    the action alone.

    Raises:
        Rejected: nobody says where the service is.
    """
    if isinstance(connection, HttpConnection) and connection.api_url is not None:
        return connection.api_url.rstrip("/")
    if own is not None:
        return own.rstrip("/")
    if isinstance(connection, Service):
        return connection.service_address
    if (url := head.get("url")) is not None:
        defaults = {name: str(one["default"]) for name, one in head.get("variables", {}).items()}
        return PLACEHOLDER.sub(lambda found: defaults[found[1]], str(url)).rstrip("/")
    raise Rejected("nothing says where the service is: give the step a connection with `api_url`")


def hosts_of(urls: Sequence[str]) -> Iterator[str]:
    """The hosts of *urls*."""
    yield from dict.fromkeys(host for one in urls if (host := urlsplit(one).hostname))
