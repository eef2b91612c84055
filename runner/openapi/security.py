"""
The security schemes of an OpenAPI document as kinds of connections.

Source: OpenAPI 3.1.1, "Security Scheme Object", "Security Requirement Object": of the requirements of an
operation one must be met, of one requirement all schemes; an empty one says that none is needed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import urljoin

from runner.openapi.document import Document, NotConverted
from runner.openapi.names import snake, unique
from runner.openapi.shaping import sentence_of
from runner.values import Json

Way: TypeAlias = tuple[tuple[str, str], ...]
"""The schemes of one requirement, each with how it is met: "", or "token": one had elsewhere."""

ADDRESS = re.compile(r"https?://[^/?#@\s]+(/[^\s]*)?")
HEADER = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
TOKEN = {"type": "bearer"}


@dataclass(slots=True)
class Security:
    """
    What the operations of *document* need. Relative addresses are those of *base*. `notes` say what
    stands in for schemes that we do not speak.
    """

    document: Document
    base: str | None
    notes: list[str] = field(default_factory=list)
    _ways: dict[Way, None] = field(default_factory=dict)
    _uses: dict[tuple[str, str], dict[str, Json]] = field(default_factory=dict)
    _reasons: dict[str, str] = field(default_factory=dict)

    def of(self, given: Mapping[str, Json]) -> tuple[list[Way], bool]:
        """
        The ways in which the operation *given* lets a caller in, and whether it needs one.

        Raises:
            NotConverted: it needs one, and all of them are of kinds that are not spoken here.
        """
        said = given.get("security", self.document.root.get("security"))
        requirements = [one for one in said if isinstance(one, dict)] if isinstance(said, list) else []
        if said is None and self._schemes():  # documents that forget to say so name their schemes at least
            requirements = [{name: []} for name in self._schemes()]
            is_needed = False
        else:
            is_needed = bool(requirements) and {} not in requirements
        ways: dict[Way, None] = {}
        reasons: list[str] = []
        for one in requirements:
            options: list[Way] = [()]
            for name in one:
                try:
                    hows = self._hows(name)
                except NotConverted as reason:
                    reasons.append(str(reason))
                    options = []
                    break
                options = [(*way, (name, how)) for way in options for how in hows]
            ways |= dict.fromkeys(way for way in options if way)
        if is_needed and not ways:
            raise NotConverted("; ".join(dict.fromkeys(reasons)))
        self.notes += [one for one in dict.fromkeys(reasons) if one not in self.notes]
        self._ways |= ways
        return list(ways), is_needed

    def kinds(self, name: str) -> tuple[dict[str, Json], dict[Way, str]]:
        """The connection kinds of the connector *name* for all ways that were asked for, and their names."""
        bases = list(dict.fromkeys(tuple(one for one, _ in way) for way in self._ways))
        entries: dict[str, Json] = {}
        names: dict[Way, str] = {}
        for way in self._ways:
            schemes = [one for one, _ in way]
            kind = name if len(bases) == 1 else f"{name}_{'_and_'.join(map(snake, schemes))}"
            if any(how for _, how in way):
                kind = f"{kind}_token"
            kind = unique(kind, entries)
            uses = [self._uses[one] for one in way]
            if len(uses) > 1:
                uses = [{"as": snake(one), **use} for (one, _), use in zip(way, uses, strict=True)]
            entries[kind], names[way] = {"uses": uses}, kind
        return entries, names

    def _schemes(self) -> Mapping[str, Json]:
        components = self.document.root.get("components")
        found = components.get("securitySchemes") if isinstance(components, dict) else None
        return found if isinstance(found, dict) else {}

    def _hows(self, name: str) -> list[str]:
        """How the scheme *name* can be met. Raises NotConverted: it is of a kind that is not spoken here."""
        if name in self._reasons:
            raise NotConverted(self._reasons[name])
        known = [how for one, how in self._uses if one == name]
        if known:
            return known
        try:
            found = self._read(name)
        except NotConverted as reason:
            self._reasons[name] = str(reason)
            raise
        for how, use in found.items():
            self._uses[name, how] = use
        return list(found)

    def _read(self, name: str) -> dict[str, dict[str, Json]]:
        scheme = self.document.follow(self._schemes().get(name))
        if not isinstance(scheme, dict):
            raise NotConverted(f"there is no security scheme {name}")
        about = sentence_of(scheme.get("description"))
        noted: dict[str, Json] = {"about": about} if about else {}
        match scheme.get("type"):
            case "apiKey":
                where, key = scheme.get("in"), scheme.get("name")
                if where not in {"header", "query", "cookie"} or not isinstance(key, str) or not key:
                    raise NotConverted(f"the security scheme {name} says not where its key goes")
                if where != "query" and not HEADER.fullmatch(key):
                    raise NotConverted(f"the security scheme {name} names no header or cookie")
                return {"": {"type": where, "name": key, **noted}}
            case "http":
                return {"": {**_http(name, scheme), **noted}}
            case "oauth2":
                return self._oauth2(name, scheme, noted)
            case "openIdConnect":
                self.notes.append(
                    f"{name}: signing in by OpenID Connect is not supported; its connection takes a token "
                    "that you have (or use a connection of kind oauth2 with `http.request`)"
                )
                return {"": {**TOKEN, **noted}}
            case "mutualTLS":
                raise NotConverted(
                    f"the security scheme {name} wants a client's certificate, which is not supported; put a "
                    "proxy that has one before the service, and give its address as `api_url`"
                )
        raise NotConverted(f"the security scheme {name} is of the type {scheme.get('type')!r}")

    def _oauth2(
        self, name: str, scheme: Mapping[str, Json], noted: dict[str, Json]
    ) -> dict[str, dict[str, Json]]:
        said = scheme.get("flows")
        flows: Mapping[str, Json] = said if isinstance(said, dict) else {}
        found: dict[str, dict[str, Json]] = {}
        code, client = flows.get("authorizationCode"), flows.get("clientCredentials")
        usable = [one for one in (code, client) if isinstance(one, dict)]
        token_url = self._address(usable[0].get("tokenUrl")) if usable else None
        if token_url is not None:
            entry: dict[str, Json] = {"type": "oauth2", "token_url": token_url, "grants": []}
            if isinstance(code, dict) and (asks := self._address(code.get("authorizationUrl"))):
                entry |= {"authorize_url": asks, "grants": ["authorization_code"]}
            if isinstance(client, dict) and self._address(client.get("tokenUrl")) == token_url:
                entry["grants"] = [*entry["grants"], "client_credentials"]
            scopes = usable[0].get("scopes")
            if isinstance(scopes, dict) and scopes:
                entry["scopes"] = [str(one) for one in scopes]
            if entry["grants"]:
                found[""] = {**entry, **noted}
        if not found:
            kinds = ", ".join(flows) or "no flow"
            self.notes.append(
                f"{name}: OAuth 2.0 by {kinds} is not supported; its connection takes a token that you have"
            )
        return {**found, "token": {**TOKEN, **noted}}

    def _address(self, given: Json) -> str | None:
        if not isinstance(given, str):
            return None
        whole = urljoin(self.base or "", given.strip())
        return whole if ADDRESS.fullmatch(whole) else None


def _http(name: str, scheme: Mapping[str, Json]) -> dict[str, Json]:
    said = str(scheme.get("scheme", "")).lower()
    if said in {"basic", "bearer"}:
        return {"type": said}
    raise NotConverted(
        f"the security scheme {name} is HTTP {said or 'of no name'}, which is not supported; put a gateway "
        "that speaks it before the service, and give its address as `api_url`"
    )
