"""From nodes to plain values of the kinds in `kinds.py`: each wrong one is a fault with its mend."""

from __future__ import annotations

import re
import zoneinfo
from typing import TYPE_CHECKING, Any

from runner.language import quoting
from runner.language.faults import Fault, Fix, Severity
from runner.language.fixes import replaced
from runner.language.kinds import ID_PATTERN, METHODS, Key, Kind
from runner.language.paths import ValuePath, read_path
from runner.language.suggest import did_you_mean, nearest, one_of, surely
from runner.values import duration_seconds

if TYPE_CHECKING:
    from typing import NoReturn

    from runner.language.nodes import Node
    from runner.language.workflow import Place

MAX_FAULTS = 1000  # of one file
SIZE = re.compile(r"([0-9]+) ?(B|KiB|MiB|GiB)")
SIZE_UNITS = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
COMPUTED_WAIT = "a duration is constant; write wait: {until: \"{{ date_add(now(), '2d') }}\"}"
NOT_A_DURATION = "write for example 30s, 15m, 2h or 7d"


class Unread(Exception):
    """A value could not be read; its fault is noted."""


class TooManyFaults(Exception):
    """So much is wrong that the rest is not worth judging."""


class ScalarReader:
    """Reads values that refer to nothing; `faults` has everything that is wrong with them."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.faults: list[Fault] = []

    def fault(
        self,
        place: Place,
        where: str,
        code: str,
        message: str,
        hint: str = "",
        *,
        severity: Severity = "error",
        fix: Fix | None = None,
    ) -> None:
        """
        Note what is wrong, and what mends it for certain.

        Raises:
            TooManyFaults: MAX_FAULTS are noted; nobody reads more, and each suggestion takes time.
        """
        if len(self.faults) >= MAX_FAULTS:
            raise TooManyFaults
        self.faults.append(
            Fault(self.path, place.line, place.column, where, code, severity, message, hint, fix)
        )

    def refuse(
        self, node: Node, where: str, code: str, message: str, hint: str = "", *, fix: Fix | None = None
    ) -> NoReturn:
        """
        Note a fault of a value.

        Raises:
            Unread: always.
        """
        self.fault(node.place, where, code, message, hint, fix=fix)
        raise Unread

    def plain(self, node: Node, _where: str, _kind: Kind) -> Any:
        """Any JSON value."""
        return node.plain()

    def text(self, node: Node, where: str, _kind: Kind) -> Any:
        """A text that says something."""
        if not str(node.value).strip():
            self.refuse(node, where, "value", "the text is empty")
        return node.value

    def id(self, node: Node, where: str, _kind: Kind) -> Any:
        """An id; `first-name` would be a subtraction in JMESPath."""
        if not re.fullmatch(ID_PATTERN, str(node.value)):
            better = re.sub("[^a-z0-9_]+", "_", str(node.value).lower()).strip("_")
            better = f"_{better}" if better[:1].isdigit() else better
            self.refuse(
                node,
                where,
                "id",
                f'"{node.value}" is no id: it has a-z, 0-9 and _, and does not begin with a digit',
                f"write {better}" if better else "",
            )
        return node.value

    def word(self, node: Node, where: str, kind: Kind) -> Any:
        """One of a few words."""
        if node.value not in kind.words:
            self.refuse(
                node,
                where,
                "value",
                f'"{node.value}" is not {kind.noun}',
                did_you_mean(str(node.value), kind.words),
                fix=replaced(node, surely(str(node.value), kind.words)),
            )
        return node.value

    def texts(self, node: Node, where: str, _kind: Kind) -> tuple[str, ...]:
        """A list of texts."""
        assert isinstance(node.value, list)
        return tuple(str(one.value) for one in node.value if self.is_text(one, where))

    def items(self, node: Node, where: str) -> list[Node]:
        """The items of a list that *fits* has seen."""
        assert isinstance(node.value, list)
        if not node.value:
            self.refuse(node, where, "value", "the list is empty", "leave the key out")
        return node.value

    def is_text(self, node: Node, where: str) -> bool:
        """Whether an item of a list is a text; if not, the fault is noted."""
        if not isinstance(node.value, str):
            hint, fix = mend(node, None)
            message = f"this must be a text; it is {described(node)}"
            self.fault(node.place, where, "type", message, hint, fix=fix)
        return isinstance(node.value, str)

    def count(self, node: Node, where: str, kind: Kind) -> Any:
        """A whole number from 1."""
        if not isinstance(node.value, int) or node.value < 1:
            self.refuse(node, where, "value", f"{node.raw} is not {kind.noun}")
        return node.value

    def number(self, node: Node, where: str, kind: Kind) -> Any:
        """A number from 1."""
        assert isinstance(node.value, (int, float))
        if node.value < 1:
            self.refuse(node, where, "value", f"{node.raw} is not {kind.noun}")
        return float(node.value)

    def status(self, node: Node, where: str, kind: Kind) -> Node:
        """An HTTP status, or a template that gives one."""
        number = isinstance(node.value, int) and 200 <= node.value <= 599
        if not number and not (isinstance(node.value, str) and "{{" in node.value):
            self.refuse(node, where, "value", f"{node.raw} is not {kind.noun}")
        return node

    def duration(self, node: Node, where: str, _kind: Kind) -> float:
        """A duration in seconds; nothing takes no time."""
        try:
            seconds = duration_seconds(str(node.value))
        except ValueError:
            is_computed = where.endswith(".wait") and "{{" in str(node.value)
            hint = COMPUTED_WAIT if is_computed else NOT_A_DURATION
            self.refuse(node, where, "duration", f'"{node.value}" is not a duration', hint)
        if seconds <= 0:
            self.refuse(node, where, "duration", "a duration must be longer than nothing")
        return seconds

    def size(self, node: Node, where: str, _kind: Kind) -> int:
        """A size in bytes."""
        if isinstance(node.value, int) and node.value > 0:
            return node.value
        found = SIZE.fullmatch(str(node.value))
        if not found or int(found[1]) == 0:
            self.refuse(
                node,
                where,
                "size",
                f"{node.raw} is not a size",
                "write for example 512 KiB, 1 MiB, or a number of bytes",
            )
        return int(found[1]) * SIZE_UNITS[found[2]]

    def methods(self, node: Node, where: str, _kind: Kind) -> tuple[str, ...]:
        """HTTP methods, each once."""
        found: dict[str, None] = {}
        for index, one in enumerate(self.items(node, where)):
            place = f"{where}[{index}]"
            if one.value not in METHODS:
                better = nearest(str(one.value).upper(), METHODS)
                self.fault(
                    one.place,
                    place,
                    "value",
                    f"{one.raw or described(one)} is not an HTTP method",
                    f"write {better}" if better else one_of(METHODS),
                    fix=replaced(one, surely(str(one.value).upper(), METHODS)),
                )
            elif one.value in found:
                self.fault(one.place, place, "value", f"{one.value} is given twice")
            found[str(one.value)] = None
        return tuple(found)

    def zone(self, node: Node, where: str, _kind: Kind) -> Any:
        """A name of the IANA database."""
        try:
            zoneinfo.ZoneInfo(str(node.value))
        except (KeyError, ValueError, OSError):  # no such file, not a name, a folder
            known = zoneinfo.available_timezones()
            self.refuse(
                node,
                where,
                "zone",
                f'"{node.value}" is no time zone',
                did_you_mean(str(node.value), known) or "write for example UTC or Europe/Athens",
                fix=replaced(node, surely(str(node.value), known)),
            )
        return node.value

    def causes(self, node: Node, where: str, _kind: Kind) -> frozenset[str]:
        """What is tried again: words, and statuses as text."""
        causes: set[str] = set()
        for index, one in enumerate(self.items(node, where)):
            text = str(one.value)
            if text in {"network", "timeout", "5xx"} or re.fullmatch("[45][0-9]{2}", text):
                causes.add(text)
            else:
                hint = (
                    did_you_mean(text, ("network", "timeout", "5xx"))
                    or "write network, timeout, 429, 5xx or a status"
                )
                self.fault(
                    one.place,
                    f"{where}[{index}]",
                    "value",
                    f"{one.raw or described(one)} is not a fault that can pass",
                    hint,
                )
        return frozenset(causes)

    def paths(self, node: Node, where: str, _kind: Kind) -> tuple[tuple[ValuePath, Node, str], ...]:
        """Paths to values, each with its node and place; what they begin with is the caller's to judge."""
        found = []
        for index, one in enumerate(self.items(node, where)):
            place = f"{where}[{index}]"
            if self.is_text(one, place):
                try:
                    found.append((read_path(str(one.value)), one, place))
                except ValueError as error:
                    self.fault(one.place, place, "path", str(error))
        return tuple(found)


def at(where: str, key: str) -> str:
    """`steps[2]` and `action` → `steps[2].action`."""
    if not where or not key or key.startswith("["):
        return where + key
    return f"{where}.{key}"


def described(node: Node) -> str:
    """What a value is, for a sentence: "a list", "the number 5"."""
    value = node.value
    if isinstance(value, (list, dict)):
        return "a list" if isinstance(value, list) else "a mapping"
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    return f"the number {node.raw}" if isinstance(value, (int, float)) else "a text"


FITTING: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("text", "id", "word", "duration", "zone", "template"), str),
    **dict.fromkeys(("secret", "rate", "fingerprint", "signed", "field", "url"), str),
    **dict.fromkeys(("texts", "methods", "causes", "steps", "cases", "paths", "events", "networks"), list),
    "own_kinds": list,
    **dict.fromkeys(("secrets", "one_or_more", "origins"), (str, list)),
    "verify": (str, dict),
    "json_schema": (dict, bool),
    **dict.fromkeys(("vars", "block", "branches", "rounds"), dict),
    "boolean": bool,
    "count": int,
    "number": (int, float),
    "status": (int, str),
    "size": (int, str),
    "expression": (str, int, float, bool),
    "inputs": (dict, str),
    "off": bool,
}


def fits(kind: Kind, node: Node) -> bool:
    """Whether the value looks like one of *kind*, so that its own faults are worth telling."""
    value = node.value
    if isinstance(value, bool) and kind.reads in {"count", "number", "status", "size"}:
        return False
    if kind.reads == "off":
        return value is False
    if kind.reads == "value":
        return True
    if kind.reads in {"expressions", "templates"}:
        return value is not None
    return isinstance(value, FITTING[kind.reads])


def mend(node: Node, key: Key | None) -> tuple[str, Fix | None]:
    """How a value of the wrong type could be meant, and what mends it where that is certain."""
    kinds = {one.reads for one in key.kinds} if key else {"text"}
    value = node.value
    if isinstance(value, (int, float)) and not isinstance(value, bool) and "duration" in kinds:
        return f"write the unit: {node.raw}s", None
    if isinstance(value, str) and kinds & LISTED:
        listed = f"[{node.raw}]"
        return f"write {listed}", replaced(node, listed if node.style not in {"|", ">"} else None)
    if isinstance(value, str) and kinds & {"boolean", "off"} and value.lower() in {"yes", "on", "no", "off"}:
        word = "true" if value.lower() in {"yes", "on"} else "false"
        return f"write {word}", replaced(node, word)
    if value is None and "block" in kinds:
        return "write {} for the defaults", None
    if isinstance(value, dict) and "steps" in kinds:
        return "a list of steps is written with `- ` before each step", None
    if (
        value is not None
        and not isinstance(value, (list, dict, str))
        and kinds & {"text", "template", "id", "word", "secret", "secrets", "one_or_more"}
    ):
        return f"quote it: {quoting.quoted(node.raw)}", replaced(node, quoting.quoted(node.raw))
    return "", None


LISTED = frozenset({"methods", "texts", "causes", "paths", "events", "networks"})
