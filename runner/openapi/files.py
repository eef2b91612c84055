"""
The file of a connector, `connectors/<name>.yaml` beside the workflows: what stands where, and what is
wrong with it.

A file may hold hundreds of actions, of which a server uses a few: reading it finds the lines of each
action and schema, and only those that are asked for are read as YAML. For that each of them begins two
spaces in, under `actions` or `schemas`, and all that belongs to it stands deeper.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import jsonschema_rs

from runner.language.faults import Fault
from runner.language.nodes import Node
from runner.language.schema_sentences import sentence, true_path
from runner.language.source import compose
from runner.language.suggest import did_you_mean, one_of
from runner.language.visibility import leaf
from runner.openapi.forms import checker_of, known_words, schema_checker
from runner.openapi.frame import WAY_OUT, Frame, Piece
from runner.openapi.names import NAME
from runner.openapi.operations import PLACEHOLDER, STYLES
from runner.openapi.shaping import LINEAR, PREFIX, references
from runner.values import Json

FOLDER = "connectors"
SUFFIX = ".yaml"
MOST_BYTES = 8 * 1024 * 1024
MOST_FAULTS = 100


class FileFaulty(Exception):
    """A part of the file cannot be used; `faults` say why."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))


class ConnectorFile:
    """
    One file as it was read. `head` is what stands before the actions; `faults` are those of the whole,
    with which nothing of it can be used.
    """

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.name = path.stem
        self.faults: list[Fault] = []
        self.actions: dict[str, Piece] = {}
        self.schemas: dict[str, Piece] = {}
        self._schemas: dict[str, Json] = {}
        self.head = self._head(text)

    def entry(self, verb: str) -> dict[str, Json]:
        """
        The entry of an action, found good.

        Raises:
            KeyError: there is none of that name. FileFaulty: it cannot be used.
        """
        piece = self.actions[verb]
        node = self._node(piece)
        faults = [*self._misshapen("action", node, piece.line - 1, f"actions.{verb}")]
        if not faults:
            faults += self._judged(verb, node, piece.line - 1)
        if faults:
            raise FileFaulty(faults)
        found: dict[str, Json] = node.plain()
        return found

    def schema(self, name: str) -> Json:
        """
        A shared schema.

        Raises:
            FileFaulty: there is none of that name, or it is none.
        """
        if name not in self._schemas:
            if name not in self.schemas:
                raise FileFaulty([self._fault(1, 1, "schemas", f'there is no schema "{name}"')])
            piece = self.schemas[name]
            node = self._node(piece)
            if faults := list(self._no_schema(node, piece.line - 1, f"schemas.{name}")):
                raise FileFaulty(faults)
            self._schemas[name] = node.plain()
        return self._schemas[name]

    def all_faults(self) -> list[Fault]:
        """Every fault of the file, each piece looked at."""
        if self.faults:
            return self.faults
        found: list[Fault] = []
        for name, piece in self.schemas.items():
            try:
                schema = self.schema(name)
            except FileFaulty as faulty:
                found += faulty.faults
                continue
            found += self._lost(schema, self._node(piece), piece.line - 1, f"schemas.{name}")
        for verb in self.actions:
            try:
                self.entry(verb)
            except FileFaulty as faulty:
                found += faulty.faults
            if len(found) > MOST_FAULTS:
                break
        return sorted(dict.fromkeys(found))[:MOST_FAULTS]

    # --- the head -----------------------------------------------------------------------------

    def _head(self, text: str) -> dict[str, Json]:
        if not NAME.fullmatch(self.name):
            better = re.sub("[^a-z0-9]+", "_", self.name.lower()).strip("_") or "shop"
            message = f'"{self.name}" cannot be the name of a connector: it has a-z, 0-9 and _'
            self.faults.append(self._fault(1, 1, "", message, f"name the file {better}{SUFFIX}"))
        if len(text.encode(errors="surrogatepass")) > MOST_BYTES:
            message = f"the file is larger than {MOST_BYTES // 1024**2} MiB"
            self.faults.append(self._fault(1, 1, "", message, "keep the actions that are used"))
            return {}
        frame = Frame(re.split("\r\n|\r|\n", text.removeprefix("\ufeff")))
        self.actions, self.schemas = frame.sections["actions"], frame.sections["schemas"]
        for one in frame.slips:
            self.faults.append(self._fault(one.line, one.column, one.where, one.message, one.hint))
        if not self.faults and not self.actions:
            hint = "write each under `actions`, two spaces in"
            self.faults.append(self._fault(1, 1, "", "the file has no actions", hint))
        source = compose("\n".join(frame.lines[: frame.head_end]), path=str(self.path))
        errors = [one for one in source.faults if one.severity == "error"]
        self.faults += errors
        if source.root is None or errors:
            return {}
        self.faults += self._misshapen("head", source.root, 0, "")
        head: dict[str, Json] = source.root.plain()
        if not self.faults:
            self.faults += self._of_head(head, source.root)
        return {} if self.faults else head

    def _of_head(self, head: Mapping[str, Json], root: Node) -> list[Fault]:
        """What one part of the head says of another."""
        found = []
        for name in PLACEHOLDER.findall(head.get("url", "")):
            if name not in head.get("variables", {}):
                place = leaf(root, ("url",)).place
                message = f"`{name}` is to be filled in, and no variable"
                hint = f"write {name}: {{default: …}} under `variables`"
                found.append(self._fault(place.line, place.column, "url", message, hint))
        for kind, one in head.get("connections", {}).items():
            place = leaf(root, ("connections", kind)).place
            uses = one["uses"]
            if kind != self.name and not kind.startswith(f"{self.name}_"):
                message = f"the kind `{kind}` must be called {self.name}, or {self.name}_ and a word"
                found.append(self._fault(place.line, place.column, "connections", message))
            if len(uses) > 1 and len({use.get("as", "") for use in uses} - {""}) < len(uses):
                message = f"`{kind}` uses several: each needs `as`, a name of its own"
                found.append(self._fault(place.line, place.column, "connections", message))
            if sum(use["type"] == "oauth2" for use in uses) > 1:
                message = f"`{kind}` may use oauth2 once"
                found.append(self._fault(place.line, place.column, "connections", message))
        return found

    # --- the pieces ---------------------------------------------------------------------------

    def _node(self, piece: Piece) -> Node:
        source = compose(piece.text, path=str(self.path))
        faults = [
            replace(one, line=one.line + piece.line - 1, fix=None)
            for one in source.faults
            if one.severity == "error"
        ]
        if source.root is None or faults:
            raise FileFaulty(faults)
        root = source.root.value
        assert isinstance(root, dict)
        if list(root) != [piece.name]:
            fault = self._fault(piece.line, 1, piece.name, "this is no entry by itself", WAY_OUT)
            raise FileFaulty([fault])
        return root[piece.name]

    def _misshapen(self, form: str, node: Node, offset: int, where: str) -> Iterable[Fault]:
        """What the form of the file does not allow."""
        plain = node.plain()
        for error in list(checker_of(form).iter_errors(plain))[:MOST_FAULTS]:
            path = true_path(plain, error.instance_path)
            place = leaf(node, path).place
            said = sentence(error)
            facts = error.kind.as_dict()
            hint = ""
            if error.kind.name == "required":
                said = f"`{facts['property']}` is missing"
            elif error.kind.name == "additionalProperties":
                names = [str(one) for one in facts["unexpected"]]
                keys = leaf(node, path).keys
                place = keys.get(names[0], place)
                known = known_words(form, path)
                said = f"there is no `{names[0]}` here"
                hint = did_you_mean(names[0], known) or (one_of(known) if known else "")
            inner = ".".join(map(str, path))
            at = ".".join(one for one in (where, inner) if one)
            yield self._fault(place.line + offset, place.column, at, said, hint)

    def _no_schema(self, node: Node, offset: int, where: str) -> Iterable[Fault]:
        """Why the value at *node* is no JSON Schema."""
        plain = node.plain()
        for error in list(schema_checker().iter_errors(plain))[:5]:
            path = true_path(plain, error.instance_path)
            place = leaf(node, path).place
            at = ".".join([where, *map(str, path)])
            yield self._fault(
                place.line + offset, place.column, at, f"this is no schema: it {sentence(error)}"
            )
            return
        try:
            jsonschema_rs.Draft202012Validator(_alone(plain), pattern_options=LINEAR)
        except (ValueError, jsonschema_rs.ValidationError) as error:
            said = str(error).splitlines()[0]
            yield self._fault(
                node.place.line + offset, node.place.column, where, f"this is no schema: {said}"
            )

    def _lost(self, schema: Json, node: Node, offset: int, where: str) -> Iterable[Fault]:
        for name in sorted(references(schema) - self.schemas.keys()):
            hint = did_you_mean(name, self.schemas) or f"references are written {PREFIX}NAME"
            message = f'there is no schema "{name}"'
            yield self._fault(node.place.line + offset, node.place.column, where, message, hint)

    def _judged(self, verb: str, node: Node, offset: int) -> list[Fault]:
        """What one part of an action says of another."""
        entry = node.plain()
        found: list[Fault] = []
        where = f"actions.{verb}"

        def fault(path: tuple[str, ...], message: str, hint: str = "") -> None:
            place = leaf(node, path).place
            at = ".".join([where, *path])
            found.append(self._fault(place.line + offset, place.column, at, message, hint))

        inputs = entry.get("inputs", {})
        path = str(entry["request"]).partition(" ")[2]
        placeholders = PLACEHOLDER.findall(path)
        given = {one.get("name", name) for name, one in inputs.items() if one["in"] == "path"}
        for name in placeholders:
            if name not in given:
                fault(
                    ("request",), f"{{{name}}} is no input", f"write {name}: {{in: path, …}} under `inputs`"
                )
        for name, one in inputs.items():
            here = ("inputs", name)
            if one["in"] == "path" and one.get("name", name) not in placeholders:
                fault(here, f"the path of `request` has no {{{one.get('name', name)}}}")
            if "style" in one and one["in"] in STYLES and one["style"] not in STYLES[one["in"]] | {"json"}:
                fault((*here, "style"), f"what stands in {one['in']} has no style {one['style']}")
            if one["in"] == "body" and "body" not in entry:
                fault(here, "`body` says how it is written, and is missing")
            schema = leaf(node, (*here, "schema"))
            found.extend(self._no_schema(schema, offset, f"{where}.inputs.{name}.schema"))
            found.extend(self._lost(one["schema"], schema, offset, f"{where}.inputs.{name}.schema"))
        if "output" in entry:
            output = leaf(node, ("output",))
            found.extend(self._no_schema(output, offset, f"{where}.output"))
            found.extend(self._lost(entry["output"], output, offset, f"{where}.output"))
        if entry.get("body", {}).get("whole") and sum(one["in"] == "body" for one in inputs.values()) != 1:
            fault(("body",), "a body that is sent whole is one input")
        kinds = self.head.get("connections", {})
        for kind in entry.get("connections", ()):
            if kind not in kinds:
                hint = did_you_mean(kind, kinds) or (one_of(kinds) if kinds else "the file has none")
                fault(("connections",), f"there is no connection kind `{kind}` in this file", hint)
        return found

    def _fault(self, line: int, column: int, where: str, message: str, hint: str = "") -> Fault:
        return fault_in(self.path, line, column, where, message, hint)


def fault_in(path: Path, line: int, column: int, where: str, message: str, hint: str = "") -> Fault:
    """A fault of a connector's file."""
    return Fault(str(path), line, column, where, "connector-file", "error", message, hint)


def connector_files(folder: Path) -> list[Path]:
    """The connector files beside the workflows in *folder*, sorted."""
    return sorted((folder / FOLDER).glob(f"*{SUFFIX}"))


def _alone(schema: Json) -> Json:
    """*schema* so that it can be compiled by itself: what it refers to may be anything."""
    if isinstance(schema, dict):
        return {name: _alone(one) for name, one in schema.items() if name != "$ref"}
    return [_alone(one) for one in schema] if isinstance(schema, list) else schema
