"""
`python -m tests.bench.expressions`: what a filter, a transform and a plain template take, in µs,
beside the jmespath package and Jinja in the same run, which bound nothing. Prints medians over
rounds, and the median of the rounds' ratios.

The package keeps one interpreter, which is its quickest way; Jinja renders to text without a sandbox.
"""

from __future__ import annotations

import json
import statistics
import timeit
from collections.abc import Callable
from typing import Any

import jinja2
import jmespath
from jmespath import visitor

from runner.language.expressions import compile_expression, compile_shape
from runner.language.scope import Scope
from runner.language.templates import compile_template
from tests.bench.__main__ import push_of

ROUNDS = 9
CALLS = 2000
COMMITS = 20

FILTER = "payload.ref == vars.branch"
TRANSFORM = {
    "repository": "payload.repository.full_name",
    "by": "payload.pusher.name",
    "messages": "payload.commits[].message",
    "count": "length(payload.commits)",
}
TEXT = "{{ steps.push.by }}: {{ steps.push.count }} commits to {{ steps.push.repository }}"
SHAPE = {
    "method": "POST",
    "url": "https://example.com/{{ steps.push.repository }}",
    "json": {"text": TEXT, "messages": "{{ steps.push.messages }}", "count": "{{ steps.push.count }}"},
}


def names() -> dict[str, Any]:
    """A scope of a push with 20 commits, and what the transform made of it."""
    push = json.loads(push_of(7000))
    push["commits"] = [push["commits"][0]] * COMMITS
    steps = {"push": compile_shape(TRANSFORM).evaluate(Scope({"payload": push}, 0.0))}
    return {"payload": push, "vars": {"branch": "refs/heads/main"}, "steps": steps}


def rendered(shape: Any, context: dict[str, Any]) -> Any:
    """*shape* with each of Jinja's templates rendered to text."""
    if isinstance(shape, jinja2.Template):
        return shape.render(context)
    return {key: rendered(one, context) for key, one in shape.items()} if isinstance(shape, dict) else shape


def compiled(shape: Any) -> Any:
    """*shape* with each text that is a template compiled by Jinja."""
    if isinstance(shape, dict):
        return {key: compiled(one) for key, one in shape.items()}
    return jinja2.Environment(autoescape=False).from_string(shape) if "{{" in shape else shape


def main() -> None:
    scope = Scope(names(), 0.0)
    interpreter: Any = visitor.TreeInterpreter()
    test, shape = compile_expression(FILTER), compile_shape(TRANSFORM)
    text, deep = compile_template(TEXT), compile_template(SHAPE)
    assert text.is_plain
    assert deep.is_plain
    bare_test = jmespath.compile(FILTER).parsed
    bare_shape = {key: jmespath.compile(one).parsed for key, one in TRANSFORM.items()}
    bare_text, bare_deep = compiled(TEXT), compiled(SHAPE)
    pairs: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
        "filter": (
            lambda: test.evaluate(scope),
            lambda: interpreter.visit(bare_test, scope.names),
        ),
        "transform": (
            lambda: shape.evaluate(scope),
            lambda: {key: interpreter.visit(one, scope.names) for key, one in bare_shape.items()},
        ),
        "text": (lambda: text.render(scope), lambda: bare_text.render(scope.names)),
        "with": (lambda: deep.render(scope), lambda: rendered(bare_deep, scope.names)),
    }
    print(f"{'':12}{'ours, µs':>10}{'bare, µs':>10}{'ratio':>8}")
    for title, both in pairs.items():
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(ROUNDS):
            for each, found in zip(both, times, strict=True):
                found.append(timeit.timeit(each, number=CALLS) / CALLS * 1e6)
        ours, bare = map(statistics.median, times)
        ratio = statistics.median(one / other for one, other in zip(*times, strict=True))
        print(f"{title:12}{ours:10.2f}{bare:10.2f}{ratio:8.2f}")


if __name__ == "__main__":
    main()
