"""
From an OpenAPI document to the file of a connector: which operations become actions, what they are
called, and why others do not.

An action is called as its operation's `operationId` in lower case with `_` between the words
(`pets/list-all` → `pets_list_all`), else by its method and path (`get_pets_by_id`); of several with one
name the later ones get a number. An input has the name that the document gives it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

from runner.errors import SettingsError
from runner.language.suggest import did_you_mean, one_of
from runner.openapi.document import Document, NotConverted
from runner.openapi.names import NAME, snake, unique
from runner.openapi.operations import PLACEHOLDER, Operation, action_of, crash_rule, operations
from runner.openapi.security import Security, Way
from runner.openapi.shaping import Shaper, sentence_of
from runner.openapi.writing import written
from runner.values import Json

MOST_ACTIONS = 2000
LONGEST_NAME = 40
BASE = re.compile(r"https?://[^/?#@\s]+(/[^?#\s]*)?")
MANY = 100  # actions from which on a choice is recommended


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    What is asked for. *address* is where the document came from (an address or a file's name), *only*
    and *tags* choose operations (all where both are empty), *idempotency_header* is one that the service
    takes although the document does not say so, *url* stands in place of the document's address.
    """

    name: str | None = None
    address: str = ""
    only: Sequence[str] = ()
    tags: Sequence[str] = ()
    idempotency_header: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Converted:
    """The connector's file as text, and what was made of the document. `skipped` are (operation, reason)."""

    name: str
    text: str
    actions: tuple[str, ...]
    kinds: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Json]:
        """`{name, actions, connection_kinds, not_converted, notes}`."""
        return {
            "name": self.name,
            "actions": [f"{self.name}.{one}" for one in self.actions],
            "connection_kinds": list(self.kinds),
            "not_converted": [{"operation": one, "reason": why} for one, why in self.skipped],
            "notes": list(self.notes),
        }


def convert(document: Document, wanted: Wanted) -> Converted:
    """
    Make the file.

    Raises:
        SettingsError: nothing can be made of it, or what is asked for is not there.
    """
    return _Conversion(document, wanted).run()


@dataclass
class _Conversion:
    document: Document
    wanted: Wanted
    notes: list[str] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)

    def run(self) -> Converted:
        name, info = self.name(), self.info()
        chosen = self.chosen()
        base, variables = self.base(chosen)
        shaper, security = (
            Shaper(self.document),
            Security(self.document, _absolute(base, self.wanted.address)),
        )
        entries: dict[str, dict[str, Json]] = {}
        ways: dict[str, list[Way]] = {}
        for operation in chosen:
            try:
                entry = action_of(self.document, shaper, operation)
                ways_in, is_needed = security.of(operation.given)
                self.place(entry, operation, base)
            except NotConverted as reason:
                self.skipped.append((operation.label, str(reason)))
                continue
            self.know_key(entry)
            action = unique(snake(operation.id) or "action", entries)
            entries[action], ways[action] = entry, ways_in
            if not is_needed:
                entry["connection_required"] = False
        if not entries:
            first = self.skipped[0] if self.skipped else None
            raise SettingsError(
                "the document has no operation"
                if first is None
                else f"no action can be made of this document; {first[0]}: {first[1]}"
            )
        kinds, names = security.kinds(name)
        for action, entry in entries.items():
            own = [names[one] for one in ways[action]]
            if own != list(kinds):
                entry["connections"] = own
        self.notes += security.notes
        self.say_more(base, kinds, entries)
        head = {**info, **({"url": base} if base else {}), **({"variables": variables} if variables else {})}
        if kinds:
            head["connections"] = kinds
        schemas = {one: shaper.schemas[one] for one in sorted(shaper.reached(list(entries.values())))}
        text = written(head, {one: _ordered(entry) for one, entry in entries.items()}, schemas)
        return Converted(
            name, text, tuple(entries), tuple(kinds), tuple(self.skipped), tuple(dict.fromkeys(self.notes))
        )

    def name(self) -> str:
        """The connector's name: the one asked for, or the title's."""
        if self.wanted.name is not None:
            if not NAME.fullmatch(self.wanted.name) or len(self.wanted.name) > LONGEST_NAME:
                raise SettingsError(
                    f'"{self.wanted.name}" cannot name a connector: it has a-z, 0-9 and _, begins with a '
                    f"letter, and has at most {LONGEST_NAME} of them"
                )
            return self.wanted.name
        found = snake(str(self.info()["title"]))[:LONGEST_NAME].strip("_")
        if not found:
            raise SettingsError("the document's title makes no name; give one with --name")
        return found

    def info(self) -> dict[str, Json]:
        """The file's first lines."""
        given = self.document.root.get("info")
        info: Mapping[str, Json] = given if isinstance(given, dict) else {}
        title = sentence_of(info.get("title"), 80) or "An API"
        summary = sentence_of(info.get("summary") or info.get("description")) or title
        made_from = {"title": title, "version": str(info.get("version", ""))[:80]}
        if self.wanted.address:
            made_from["address"] = self.wanted.address
        return {"title": title, "summary": summary, "made_from": made_from}

    def chosen(self) -> list[Operation]:
        """The operations that are asked for."""
        try:
            found = operations(self.document)
        except NotConverted as reason:
            raise SettingsError(str(reason)) from None
        only, tags = self.wanted.only, self.wanted.tags
        if only or tags:
            found = _chosen(found, only, tags)
        if len(found) > MOST_ACTIONS:
            raise SettingsError(
                f"the document has {len(found):,} operations, and a connector at most {MOST_ACTIONS:,}; "
                "choose with --only and --tag"
            )
        return found

    def base(self, chosen: Sequence[Operation]) -> tuple[str | None, dict[str, Json]]:
        """The address that all of a path stands behind, and what is to be filled in."""
        if self.wanted.url is not None:
            if not BASE.fullmatch(self.wanted.url):
                raise SettingsError(f"{self.wanted.url} is no address such as https://api.example.com/v1")
            return self.wanted.url.rstrip("/"), {}
        servers = self.servers(self.document.root)
        usable = [one for one in servers if one is not None]
        if usable:
            if len(servers) > 1:
                others = ", ".join(url for url, _ in usable[1:6])
                self.notes.append(f"the document names other addresses too; `api_url` takes one: {others}")
            return usable[0]
        own = Counter(
            found[0] for one in chosen for found in self.servers(one.given) or self.servers(one.item) if found
        )
        if own:
            return own.most_common(1)[0][0], {}
        self.notes.append("the document says not where the service is: each connection has to give `api_url`")
        return None, {}

    def servers(self, given: Mapping[str, Json]) -> list[tuple[str, dict[str, Json]] | None]:
        """The addresses under `servers`, each with its variables; None for one that leads nowhere."""
        found: list[tuple[str, dict[str, Json]] | None] = []
        for one in given.get("servers") or ():
            url = one.get("url") if isinstance(one, dict) else None
            if not isinstance(url, str):
                continue
            variables = _variables(url, one.get("variables"))
            if variables is None:
                found.append(None)
                continue
            url = _absolute(url, self.wanted.address) or ""
            tried = url
            for name, variable in variables.items():
                tried = tried.replace(f"{{{name}}}", str(variable["default"]))
            found.append((url.rstrip("/"), variables) if BASE.fullmatch(tried) else None)
        return found

    def place(self, entry: dict[str, Json], operation: Operation, base: str | None) -> None:
        """An operation may have another address than the rest."""
        own = self.servers(operation.given) or self.servers(operation.item)
        found = own[0] if own else None
        if self.wanted.url is not None or found is None or found[0] == base:
            return
        url, variables = found
        for name, variable in variables.items():
            url = url.replace(f"{{{name}}}", str(variable["default"]))
        if url != base:
            entry["url"] = url

    def know_key(self, entry: dict[str, Json]) -> None:
        """A header that the service is known to take."""
        header = self.wanted.idempotency_header
        if header is not None and "idempotency_header" not in entry and entry["after_crash"] == "stop":
            method = str(entry["request"]).partition(" ")[0]
            entry["idempotency_header"] = header
            entry["after_crash"], entry["why"] = crash_rule(method, header)

    def say_more(self, base: str | None, kinds: Mapping[str, Json], entries: Mapping[str, Any]) -> None:
        """What a person should know who uses the file."""
        if base is not None and base.startswith("http://"):
            self.notes.append(f"{base} is not encrypted: credentials can be read on their way")
        if not kinds:
            self.notes.append(
                "the document names no credentials: connections of the kinds basic, bearer, header, query "
                "and oauth2 are taken, whose `hosts` say where they go"
            )
        if len(entries) > MANY and not (self.wanted.only or self.wanted.tags):
            self.notes.append(
                f"{len(entries)} actions are many to review; --only and --tag keep those that are used"
            )


def _chosen(found: list[Operation], only: Sequence[str], tags: Sequence[str]) -> list[Operation]:
    """
    Those of the ids (as the document or the action has them) and tags that are asked for.

    Raises:
        SettingsError: one is not there.
    """
    wanted = {snake(one) for one in only}
    named = {snake(one.id): one.id for one in found}
    if missing := [one for one in only if snake(one) not in named]:
        hint = did_you_mean(snake(missing[0]), named) or one_of(named)
        raise SettingsError(f'the document has no operation "{missing[0]}"; {hint}')
    known = {tag for one in found for tag in one.tags}
    if unknown := [one for one in tags if one not in known]:
        hint = did_you_mean(unknown[0], known) or (one_of(known) if known else "it has none")
        raise SettingsError(f'the document has no tag "{unknown[0]}"; {hint}')
    return [one for one in found if snake(one.id) in wanted or set(tags) & set(one.tags)]


def _absolute(url: str | None, address: str) -> str | None:
    """*url* where it is whole; one that is not is that of the document's own *address*."""
    if url is None:
        return address or None
    if urlsplit(url).scheme:
        return url
    return urljoin(address, url) if address.startswith(("http://", "https://")) else None


def _variables(url: str, given: Json) -> dict[str, Json] | None:
    """What is to be filled in into *url*; None where that cannot be known."""
    found: dict[str, Json] = {}
    for name in PLACEHOLDER.findall(url):
        one = given.get(name) if isinstance(given, dict) else None
        if not isinstance(one, dict) or one.get("default") is None or not NAME.fullmatch(snake(name)):
            return None
        entry: dict[str, Json] = {"default": str(one["default"])}
        if isinstance(one.get("enum"), list) and one["enum"]:
            entry["enum"] = [str(value) for value in one["enum"]]
        if about := sentence_of(one.get("description")):
            entry["description"] = about
        found[name] = entry
    return found


ORDER = (
    "summary", "about", "deprecated", "request", "url", "connections", "connection_required",
    "idempotency_header", "after_crash", "why", "inputs", "body", "output",
)  # fmt: skip


def _ordered(entry: Mapping[str, Json]) -> dict[str, Json]:
    return {key: entry[key] for key in ORDER if key in entry}


def collides(name: str, builtin: Collection[str]) -> None:
    """
    Refuse a name that a connector of this Hookline has.

    Raises:
        SettingsError: *name* is one of *builtin*.
    """
    if name in builtin:
        other = f"{name}_api" if f"{name}_api" not in builtin else f"my_{name}"
        raise SettingsError(f'"{name}" is a connector of Hookline itself; give another name: --name {other}')
