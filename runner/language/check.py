"""
What is judged about a file that can be read: its actions against the catalogue, and each
reference against what can be seen from its place.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from runner.language.command_checks import ACTION, check_command
from runner.language.fixes import mended, renamed, replaced, within
from runner.language.functions import FUNCTIONS
from runner.language.shapes import place as path_text
from runner.language.suggest import did_you_mean, nearest, one_of, surely
from runner.language.traps import Mend, dashed_name
from runner.language.visibility import leaf, offset_in, place_in
from runner.language.waiting_checks import check_resume

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from runner.language.catalogue import ActionInfo
    from runner.language.faults import Fix, Severity
    from runner.language.nodes import Node
    from runner.language.reading import Reader
    from runner.language.shapes import Reference
    from runner.language.visibility import Declared, Use
    from runner.language.workflow import Place

BEFORE_RUN = ("payload", "event", "vars", "run")
ALWAYS = (*BEFORE_RUN, "steps", "outcomes")
ELSEWHERE = {  # roots that stand in some places only
    "item": "it stands inside `for_each`, or has the name that `as` gives",
    "index": "it stands inside `for_each` and `repeat`",
    "previous": "it stands inside `repeat`",
    "error": "it stands inside `on_error` and `on_failure`",
}
ONLY_VARS = "use `vars`, or a function such as now()"
SECRETS_STAND = "secrets stand only in {{ … }} under an action's `with`"
UNESCAPED = re.compile(  # no filter that makes text safe
    r"\{\{(?:(?!\}\}|\|\s*(?:escape|safe_html|escape_html|strip_tags|urlencode)\b).)*\}\}", re.DOTALL
)
WORDS = {
    **dict.fromkeys(("None", "none", "nil", "NULL", "Null", "undefined"), "null"),
    **dict.fromkeys(("True", "TRUE"), "true"),
    **dict.fromkeys(("False", "FALSE"), "false"),
}
OUR_NAME = re.compile("`([a-z.]+)`")
DIALECTS = {  # what other products call it
    "trigger": "`payload` is the body, `event` the request",
    "body": "`payload`", "data": "`payload`", "json": "`payload`", "input": "`payload`",
    "inputs": "`payload`", "request": "`event`", "headers": "`event.headers`", "query": "`event.query`",
    "github": "`payload`, `event` and `run`", "env": "`vars`", "variables": "`vars`", "nodes": "`steps`",
    "states": "`payload` or the output of a step", "needs": "`steps`", "loop": "`index`",
}  # fmt: skip


def check_action(reader: Reader, node: Node, info: ActionInfo | None, where: str) -> None:
    """Judge an action's step: the action, its inputs, its connection. *node* has the key `action`."""
    assert isinstance(node.value, dict)
    action = node.value["action"]
    if info is None:
        name = str(action.value)
        hint = did_you_mean(name, reader.catalogue.actions) or one_of(reader.catalogue.actions)
        fix = replaced(action, surely(name, reader.catalogue.actions))
        reader.fault(action.place, f"{where}.action", "unknown-action", f'no action "{name}"', hint, fix=fix)
        return
    check_inputs(reader, node, info, where)
    check_connection(reader, node, info, where)
    if info.name == ACTION:
        check_command(reader, node, where)


def check_inputs(reader: Reader, node: Node, info: ActionInfo, where: str) -> None:
    """Missing, unknown and wrong constant inputs; a `with` that is one template is known at run time only."""
    assert isinstance(node.value, dict)
    inputs = node.value.get("with")
    given = inputs.value if inputs is not None else {}
    if not isinstance(given, dict):
        return
    meant = {nearest(one, info.inputs) for one in given if one not in info.inputs}
    for name in sorted(info.required - meant):
        if name not in given or _is_null(given[name]):
            place = node.keys.get("with", action_place(node))
            about = str(info.inputs[name].get("description", ""))
            reader.fault(
                place, f"{where}.with", "missing-input", f"{info.name} needs `{name}`", about.rstrip(".")
            )
    for name, value in given.items():
        assert inputs is not None
        place_name = f"{where}.with.{name}"
        if name not in info.inputs:
            hint = did_you_mean(name, info.inputs) or one_of(info.inputs)
            fix = renamed(inputs, name, surely(name, info.inputs))
            message = f"{info.name} has no input `{name}`"
            reader.fault(inputs.keys[name], place_name, "unknown-input", message, hint, fix=fix)
        elif is_constant(value) and not _is_null(value):
            wrong = info.check_literal(name, value.plain())
            if wrong:
                reader.fault(
                    value.place,
                    place_name,
                    "input-type",
                    f"`{name}`: {wrong}",
                    str(info.inputs[name].get("description", "")).rstrip("."),
                )


def check_connection(reader: Reader, node: Node, info: ActionInfo, where: str) -> None:
    """A connection that is missing, not taken, unknown here or of another kind."""
    assert isinstance(node.value, dict)
    given = node.value.get("connection")
    kinds = " or ".join(info.connection_kinds)
    if given is None:
        if info.connection_required:
            held = reader.catalogue.connections or {}
            fitting = [name for name, kind in held.items() if kind in info.connection_kinds]
            hint = (
                f"write `connection: {fitting[0]}`"
                if fitting
                else f"write `connection:` with the name of one of kind {kinds}"
            )
            reader.fault(
                action_place(node), where, "missing-connection", f"{info.name} needs a connection", hint
            )
        return
    place = f"{where}.connection"
    if isinstance(given.value, str) and "{{" in given.value:
        message = "a connection is named, it is not filled in"
        reader.fault(given.place, place, "connection", message, "use a `switch` with a step for each")
        return
    if not info.connection_kinds:
        reader.fault(
            node.keys["connection"], place, "connection", f"{info.name} takes no connection", "leave it out"
        )
    elif reader.catalogue.connections is not None and isinstance(given.value, str):
        kind = reader.catalogue.connections.get(given.value)
        if kind is None:
            hint = (
                did_you_mean(given.value, reader.catalogue.connections)
                or f"add it to the server, of kind {kinds}"
            )
            reader.fault(
                given.place,
                place,
                "unknown-connection",
                f'this server holds no connection "{given.value}"',
                hint,
                severity="warning",
                fix=replaced(given, surely(given.value, reader.catalogue.connections)),
            )
        elif kind not in info.connection_kinds:
            reader.fault(
                given.place,
                place,
                "connection",
                f'"{given.value}" is a connection of kind {kind}',
                f"{info.name} needs one of kind {kinds}",
            )


def check_html_answer(reader: Reader, node: Node, where: str) -> None:
    """A page in which a sender's markup would run; *node* holds status, headers and body."""
    assert isinstance(node.value, dict)
    headers, body = node.value.get("headers"), node.value.get("body")
    if headers is None or body is None or not isinstance(headers.value, dict):
        return
    kinds = [str(one.value) for name, one in headers.value.items() if name.lower() == "content-type"]
    bare = UNESCAPED.search(body.value) if isinstance(body.value, str) else None
    if bare and any(one.startswith("text/html") for one in kinds):
        hint = "write `| escape`, or `| safe_html` for markup"
        message = "an expression goes into a page unescaped"
        place = body.place_at(bare.start())
        reader.fault(place, f"{where}.body", "html", message, hint, severity="warning")


def check_references(reader: Reader, declared: Mapping[str, Declared], constants: Collection[str]) -> None:
    """Judge every name in every expression; *constants* are the names under `vars`."""
    for use in reader.uses:
        for reference in use.references:
            found = _judge(use, reference, reader, declared, constants)
            if found:
                code, message, hint, mend = found
                node = leaf(use.node, reference.path)
                place = place_in(node, reference.line, reference.column)
                tail = path_text(reference.path)
                where = use.where + (tail if not tail or tail.startswith("[") else f".{tail}")
                severity: Severity = "warning" if code in WARNINGS else "error"
                fix = _fix(node, reference, mend)
                if code == "dashed-name" and isinstance(mend, Mend):
                    place = node.place_at(mend.start + 1)
                reader.fault(place, where, code, message, hint, severity=severity, fix=fix)


class Finding(NamedTuple):
    """What is wrong with a reference; `mend` is what certainly stands for its name, or a whole `Mend`."""

    code: str
    message: str
    hint: str
    mend: str | Mend | None = None


def _fix(node: Node, reference: Reference, mend: str | Mend | None) -> Fix | None:
    """*mend* in place of the name, with its quotes, where it stands there."""
    if mend is None or not isinstance(node.value, str):
        return None
    if isinstance(mend, Mend):
        return mended(node, mend)
    start = offset_in(node.value, reference.line, reference.column)
    for name in (f'"{reference.name}"', reference.name):
        if node.value.startswith(name, start):
            return within(node, start, start + len(name), mend)
    return None


WARNINGS = frozenset({"secret-not-held", "inner-root", "dialect"})


def _judge(
    use: Use,
    reference: Reference,
    reader: Reader,
    declared: Mapping[str, Declared],
    constants: Collection[str],
) -> Finding | None:
    """Code, message and way out for a reference that does not hold, or None."""
    name = reference.name
    match reference.kind:
        case "step" | "outcome":
            return _step(use, f"{reference.kind}s", name, declared)
        case "var" if name not in constants:
            hint = did_you_mean(name, constants, before="vars.") or f"add `{name}` under `vars`"
            return Finding("unknown-var", f"`vars.{name}` is not defined", hint, surely(name, constants))
        case "secret":
            return _secret(use, name, reader.catalogue.secrets)
        case "resume":
            found = check_resume(use, name, declared)
            return Finding(*found) if found else None
        case "inner" if name in (*ALWAYS, *use.view.names):
            return Finding(
                "inner-root",
                f"inside the brackets `{name}` is a field of the item",
                f"write `$.{name}` if the name of the file is meant",
                f"$.{name}" if name in ("vars", "steps", "outcomes") else None,
            )
        case "root":
            return _root(use, reference, declared, constants)
        case _:
            return None


def _step(use: Use, root: str, name: str, declared: Mapping[str, Declared]) -> Finding | None:
    view = use.view
    if view.before_run:
        return Finding(
            "before-run",
            f"`{root}.{name}` has no value here: this is rendered before any step runs",
            "use `payload`, `event` or `vars`",
        )
    if view.sees(name):
        return _outputs(use, root, name)
    known = view.visible()
    if name not in declared:
        hint = did_you_mean(name, known, before=f"{root}.") or (
            "add `id` to the step" if not known else one_of(known)
        )
        return Finding("unknown-step", f'no step has the id "{name}"', hint, surely(name, known))
    there = declared[name]
    if use.where == there.where or use.where.startswith(f"{there.where}."):
        return Finding(
            "step-later",
            f"`{root}.{name}` is this step itself, which has not ended",
            "refer to a step above",
        )
    if there.place > use.node.place:
        message = f"`{root}.{name}` stands later, in line {there.place.line}"
        return Finding("step-later", message, "move that step up")
    return Finding(
        "step-hidden",
        f"`{root}.{name}` is inside {_around(there.where)} and not seen from here",
        "refer to the step around it, whose output holds what came of it",
    )


def _outputs(use: Use, root: str, name: str) -> Finding | None:
    """`steps.x.outputs.y` is how GitHub Actions writes it; an output may have such a field, too."""
    if root == "steps" and isinstance(use.node.value, str) and f"steps.{name}.outputs." in use.node.value:
        return Finding(
            "dialect",
            f"`steps.{name}` is the output itself",
            f"write `steps.{name}.<field>` unless the output has a field `outputs`",
        )
    return None


def _around(where: str) -> str:
    """The step that encloses the step at *where*: `steps[1].parallel.sales[0]` → `steps[1]`."""
    parts = where.rsplit(".", 1)[0].split("[")
    return "[".join(parts[:2]).split("]")[0] + "]" if len(parts) > 1 else where


def _secret(use: Use, name: str, held: Collection[str] | None) -> Finding | None:
    if use.site != "inputs":
        return Finding("secret-place", f"`secrets.{name}` cannot stand here", SECRETS_STAND)
    if held is not None and name not in held:
        hint = did_you_mean(name, held, before="secrets.") or "set it on the server"
        message = f'this server holds no secret "{name}"'
        return Finding("secret-not-held", message, hint, surely(name, held))
    return None


def _root(
    use: Use, reference: Reference, declared: Mapping[str, Declared], constants: Collection[str]
) -> Finding | None:
    name = reference.name
    names = {*(BEFORE_RUN if use.view.before_run else ALWAYS), *use.view.names}
    if use.view.only is not None:
        names = set(use.view.only)
        if name in ALWAYS and name not in names:
            message = f"`{name}` has no value here: this is evaluated before there is a run"
            return Finding("before-run", message, ONLY_VARS)
    if name in names or name == "$":
        return None
    if name == "secrets":
        if use.site == "inputs" or any(
            one.kind == "secret" and one.path == reference.path for one in use.references
        ):
            return None
        return Finding("secret-place", "`secrets` cannot stand here", SECRETS_STAND)
    if use.view.before_run and name in ALWAYS:
        if any(one.kind in ("step", "outcome") and one.path == reference.path for one in use.references):
            return None  # said of the step
        return Finding(
            "before-run",
            f"`{name}` has no value here: this is rendered before any step runs",
            "use `payload`, `event` or `vars`",
        )
    return _unknown_name(use, reference, declared, constants, names)


def _unknown_name(
    use: Use,
    reference: Reference,
    declared: Mapping[str, Declared],
    constants: Collection[str],
    names: Collection[str],
) -> Finding:
    """A name of the root that is none: what is likeliest to be meant."""
    name = reference.name
    message = f"there is no `{name}` here"
    text = leaf(use.node, reference.path).value
    source = text if isinstance(text, str) else ""
    if name in ELSEWHERE:
        return Finding("unknown-name", message, ELSEWHERE[name])
    if reference.is_quoted:
        hint = f"double quotes name a field; text stands in single quotes: '{name}'"
        return Finding("double-quotes", message, hint, None if "'" in name else f"'{name}'")
    dashed = dashed_name(source, offset_in(source, reference.line, reference.column))
    if use.site != "expression" and dashed and dashed[0].rpartition("-")[2] == name and source:
        whole, start, end = dashed
        hint = f"for the field write ['{whole}'], to subtract put spaces around the minus"
        mend = Mend(start, end, f"['{whole}']") if source[start] == "." else None
        return Finding("dashed-name", f"`{whole}` would subtract `{name}`, and there is none", hint, mend)
    for root, known in (("steps", declared), ("vars", constants)):
        if name in known:
            return Finding("unknown-name", message, f"did you mean `{root}.{name}`?", f"{root}.{name}")
    if name in WORDS:
        return Finding("unknown-name", message, f"write `{WORDS[name]}`", WORDS[name])
    if name in DIALECTS:
        whole_name = OUR_NAME.fullmatch(DIALECTS[name])
        hint = f"in Hookline: {DIALECTS[name]}"
        return Finding("unknown-name", message, hint, whole_name[1] if whole_name else None)
    if text == name and ".transform" in use.where and reference.path:
        hint = f"""did you mean `payload.{name}`? For the text write "'{name}'", or use `template`"""
        return Finding("text-in-transform", message, hint)
    if name in FUNCTIONS and FUNCTIONS[name].least == 0 and use.site == "expression":
        return Finding("unknown-name", message, f"`{name}` is a function: write `{name}()`", f"{name}()")
    close = nearest(name, names)
    return Finding(
        "unknown-name", message, f"did you mean `{close or f'payload.{name}'}`?", surely(name, names)
    )


def action_place(node: Node) -> Place:
    """The place of the key `action`."""
    return node.keys["action"]


def is_constant(node: Node) -> bool:
    """Whether nothing in the value is filled in at run time."""
    if isinstance(node.value, dict):
        return all(map(is_constant, node.value.values()))
    if isinstance(node.value, list):
        return all(map(is_constant, node.value))
    return not (isinstance(node.value, str) and any(mark in node.value for mark in ("{{", "{%", "{#")))


def _is_null(node: Node) -> bool:
    return node.value is None
