"""
From nodes to values by the table of keys: each wrong value is a fault, the rest is read on.

A `Reader` reads one file. It knows no steps: `steps.py` and `load.py` say what is read when,
and what can be referred to there.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from runner.language import quoting
from runner.language.expression_parser import ExpressionFault
from runner.language.expressions import compile_expression, compile_shape
from runner.language.fixes import mended, renamed, within
from runner.language.keys import BLOCKS
from runner.language.manual import read_own_kinds
from runner.language.scalars import Unread, at, described, fits, mend
from runner.language.shapes import ShapeFault
from runner.language.shapes import place as path_text
from runner.language.slips import slips
from runner.language.suggest import did_you_mean, nearest, one_of, surely
from runner.language.templates import compile_template
from runner.language.visibility import Site, Use, View, leaf, place_in
from runner.language.webhook_values import WebhookValueReader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import NoReturn

    from runner.language.catalogue import Catalogue
    from runner.language.expressions import Expression, ExpressionShape
    from runner.language.faults import Fix
    from runner.language.kinds import Block, Key, Kind
    from runner.language.nodes import Node
    from runner.language.reads import Read
    from runner.language.templates import TemplateShape
    from runner.language.workflow import Place

OTHER_NAME = re.compile("`([a-z_]+)`")  # another product's key that means just this one of ours
FOREIGN_BRACES = re.compile(r"\s*\$\{\{\s*(.*?)\s*\}\}\s*", re.DOTALL)
FOREIGN_ROOT = re.compile(r"\$\{\{\s*(?:github|env|inputs|needs|matrix|jobs|secrets|steps\.\w+\.outputs)\b")


class Reader(WebhookValueReader):
    """
    Reads values of one file. `view` is what the place being read may refer to; `uses` collects
    every expression with what it saw.
    """

    def __init__(self, path: str, catalogue: Catalogue) -> None:
        super().__init__(path)
        self.catalogue = catalogue
        self.view = View()
        self.uses: list[Use] = []
        self.readers: dict[str, Callable[[Node, str, Kind], Any]] = {
            "text": self.text, "texts": self.texts, "id": self.id, "word": self.word,
            "boolean": self.plain, "count": self.count, "number": self.number, "status": self.status,
            "duration": self.duration, "size": self.size, "methods": self.methods, "zone": self.zone,
            "vars": self.plain, "expression": self.expression,
            "expressions": self.expressions, "template": self.template, "templates": self.node,
            "inputs": self.node, "cases": self.node, "rounds": self.node, "steps": self.node,
            "branches": self.node,
            "off": self.plain, "causes": self.causes, "paths": self.paths, "secret": self.secret,
            "secrets": self.secrets, "one_or_more": self.one_or_more, "events": self.events,
            "networks": self.networks, "rate": self.rate, "origins": self.origins, "field": self.field,
            "fingerprint": self.fingerprint, "signed": self.signed, "url": self.url,
            "verify": self.node, "json_schema": self.node, "value": self.node,
            "own_kinds": partial(read_own_kinds, self),
        }  # fmt: skip

    def block(
        self, node: Node, block: Block, where: str, views: Mapping[str, View] | None = None
    ) -> dict[str, Any]:
        """
        The values of a mapping by key, each read by its kind; those with faults are left out.
        Lists of steps, cases, branches and shapes of templates come as nodes. *views* has the
        keys that see something else than the rest.
        """
        usual = self.view
        if not isinstance(node.value, dict):
            self.fault(node.place, where, "type", f"this must be {block.noun}; it is {described(node)}")
            return {}
        read: dict[str, Any] = {}
        for name, value in node.value.items():
            key = block.keys.get(name)
            if key is None:
                self.unknown(name, node.keys[name], block, at(where, name), mapping=node)
                continue
            self.view = (views or {}).get(name, usual)
            try:
                read[name] = self.value(value, key, at(where, name), node.keys[name])
            except Unread:
                continue
            finally:
                self.view = usual
        for key in block.keys.values():
            if key.required and key.name not in node.value:
                hint = f"add it: {key.about[0].lower()}{key.about[1:].rstrip('.')}"
                self.fault(node.place, where, "missing-key", f"`{key.name}` is missing in {block.noun}", hint)
        return read

    def unknown(
        self, name: str, place: Place, block: Block, where: str, *, mapping: Node | None = None
    ) -> None:
        """
        A key that does not stand here: of a later version, of another product, or misspelt. *mapping* is
        what it stands in.
        """
        if name in block.later:
            self.fault(
                place,
                where,
                "not-in-this-version",
                f"`{name}` is part of the language, but not of this version",
                "leave it out until it is: ignoring it in silence would do something else than the file says",
            )
        elif name in block.elsewhere:
            better = OTHER_NAME.fullmatch(block.elsewhere[name])
            self.fault(
                place,
                where,
                "unknown-key",
                f"`{name}` is not known here",
                f"in Hookline: {block.elsewhere[name]}",
                fix=renamed(mapping, name, better[1]) if mapping and better else None,
            )
        elif name in block.beside:
            message = f"`{name}` does not belong to {block.noun}"
            self.fault(place, where, "misplaced-key", message, f"it stands beside `{block.beside[name]}`")
        else:
            hint = did_you_mean(name, [*block.keys, *block.later]) or one_of(block.keys)
            fix = renamed(mapping, name, surely(name, block.keys)) if mapping else None
            self.fault(place, where, "unknown-key", f"`{name}` is not known here", hint, fix=fix)

    def value(self, node: Node, key: Key, where: str, key_place: Place) -> Any:
        """
        The value by the first kind of *key* that fits.

        Raises:
            Unread: none fits, or it has faults of its own.
        """
        kind = next((one for one in key.kinds if fits(one, node)), None)
        if kind is not None and kind.reads == "block":
            return self.one_block(node, key, where)
        if kind is not None:
            return self.readers[kind.reads](node, where, kind)
        place = key_place if node.value is None and not node.raw else node.place
        noun = ", or ".join(one.noun for one in key.kinds)
        hint, fix = mend(node, key)
        message = f"`{key.name}` must be {noun}; it is {described(node)}"
        self.fault(place, where, "type", message, hint, fix=fix)
        raise Unread

    def one_block(self, node: Node, key: Key, where: str) -> tuple[str, Node, dict[str, Any]]:
        """The block among the kinds of *key* that knows most of the keys: its name, node and values."""
        assert isinstance(node.value, dict)
        names = [one.words[0] for one in key.kinds if one.reads == "block"]
        best = max(names, key=lambda name: _likeness(node, BLOCKS[name]))
        return best, node, self.block(node, BLOCKS[best], where)

    def node(self, node: Node, _where: str, _kind: Kind) -> Node:
        """The node itself, for whoever knows what stands in it."""
        return node

    def expression(self, node: Node, where: str, _kind: Kind) -> Expression:
        """A compiled JMESPath."""
        source = node.value if isinstance(node.value, str) else node.raw
        try:
            compiled = compile_expression(source)
        except ExpressionFault as fault:
            self.fault(
                place_in(node, 1, fault.column),
                where,
                fault.code,
                fault.message,
                fault.hint,
                fix=mended(node, fault.mend),
            )
            raise Unread from None
        self.slips(node, where, compiled)
        self.uses.append(
            Use(node, where, "expression", self.view, tuple(compiled.references), compiled.reads)
        )
        return compiled

    def slips(self, node: Node, where: str, compiled: Expression) -> None:
        """Warn of what compiles and is most likely not meant; *node* has the text of *compiled*."""
        for one in slips(compiled, where.rpartition(".")[2]):
            place, fix = place_in(node, 1, one.column), mended(node, one.mend)
            self.fault(place, where, one.code, one.message, one.hint, severity="warning", fix=fix)

    def expressions(self, node: Node, where: str, _kind: Kind) -> ExpressionShape:
        """A shape whose leaf texts are JMESPath."""
        try:
            shape = compile_shape(node.plain())
        except ShapeFault as fault:
            self.leaves(node, where, fault)
        reads: list[Read] = []
        for path, one in shape.leaves():
            self.slips(leaf(node, path), at(where, path_text(path)), one)
            reads += (replace(each, path=path) for each in one.reads)
        self.uses.append(Use(node, where, "expression", self.view, tuple(shape.references), tuple(reads)))
        return shape

    def template(
        self, node: Node, where: str, _kind: Kind | None = None, *, html: frozenset[str] | None = None
    ) -> TemplateShape:
        """
        A compiled text or shape of texts. With *html* (the inputs to escape) it is the inputs
        of an action: secrets may stand there, and null leaves an input out.
        """
        self.foreign_braces(node, where)
        try:
            shape = compile_template(node.plain(), html=html or frozenset(), drop_null=html is not None)
        except ShapeFault as fault:
            self.leaves(node, where, fault)
        site: Site = "template" if html is None else "inputs"
        self.uses.append(Use(node, where, site, self.view, tuple(shape.references), shape.reads))
        return shape

    def leaves(self, node: Node, where: str, shape: ShapeFault) -> NoReturn:
        """Note the faults of a shape's leaves, each with its place in the file; always raises Unread."""
        for one in shape.faults:
            text = leaf(node, one.path)
            self.fault(
                place_in(text, one.line, one.column),
                at(where, path_text(one.path)),
                one.code,
                one.message,
                one.hint,
                fix=mended(text, one.mend),
            )
        raise Unread

    def foreign_braces(self, node: Node, where: str) -> None:
        """`${{ … }}` is how GitHub Actions writes it; before a price the dollar is meant."""
        rest = [(node, where)]
        while rest:
            one, place = rest.pop()
            if isinstance(one.value, dict):
                rest.extend((value, at(place, key)) for key, value in one.value.items())
            elif isinstance(one.value, list):
                rest.extend((value, f"{place}[{index}]") for index, value in enumerate(one.value))
            elif isinstance(one.value, str) and "${{" in one.value:
                whole = FOREIGN_BRACES.fullmatch(one.value)
                if whole or FOREIGN_ROOT.search(one.value):
                    better = f"{{{{ {whole[1]} }}}}" if whole else "{{ … }}"
                    self.fault(
                        one.place_at(one.value.index("${{")),
                        place,
                        "dialect",
                        "`${{ }}` is written {{ }} here; the $ would stay in the text",
                        f"write {quoting.quoted(better)}",
                        severity="warning",
                        fix=_without_dollar(one),
                    )


def _without_dollar(node: Node) -> Fix | None:
    """The mend of the first `${{`, where no price can be meant."""
    assert isinstance(node.value, str)
    found = FOREIGN_ROOT.search(node.value)
    return within(node, found.start(), found.start() + 1, "") if found else None


def _likeness(node: Node, block: Block) -> tuple[int, int]:
    """How many keys of a mapping *block* knows, and how many look like one that it knows."""
    known = sum(key in block.keys for key in node.keys)
    return known, sum(nearest(key, block.keys) is not None for key in node.keys)
