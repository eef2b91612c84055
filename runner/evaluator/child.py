"""
The evaluator process: reads a request, evaluates, answers, until its input ends.

The kernel bounds it: RLIMIT_AS its memory (a MemoryError, and it lives on to say so), an interval
timer of CPU time whose signal nobody handles (it dies, also in the middle of one C call).
"""

from __future__ import annotations

import resource
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import ExpressionError, LimitExceeded
from runner.evaluator.wire import LENGTH, framed, scope_of, unframed
from runner.language.expressions import compile_expression, compile_shape
from runner.language.templates import compile_template

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runner.language.scope import Scope
    from runner.values import Json

STATM = Path("/proc/self/statm")  # Linux; source: proc(5)


def main() -> None:
    """Serve evaluations."""
    serve(_answered)


def serve(answered: Callable[[bytes], dict[str, Json]]) -> None:
    """
    Serve standard input to standard output: `answered(body)` is the answer to each request, which is
    under CPU time of its own (`within`). The first argument of the process is the headroom in MiB, beside
    what was imported until now.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's, which then ends us
    headroom = int(sys.argv[1]) * 1024 * 1024
    most = _memory() + headroom
    if STATM.exists():
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    while head := requests.read(LENGTH.size):
        size: int = LENGTH.unpack(head)[0]
        try:
            answer = answered(requests.read(size))
        except MemoryError:
            answer = {
                "error": "the evaluation takes too much memory; make less of it at once",
                "kind": "limit",
            }
        answer["is_worn"] = _memory() > most - headroom // 2  # what it keeps would fail the next one
        answers.write(framed(answer))
        answers.flush()


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """The process ends if this takes more than *seconds* of CPU time, ours and the kernel's."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _answered(body: bytes) -> dict[str, Json]:
    try:
        request = unframed(body)
        scope = scope_of(request)
        with within(request["seconds"]):
            return {"value": _result(request, scope)}
    except LimitExceeded as error:
        return {"error": str(error), "kind": "limit"}
    except ExpressionError as error:
        return {"error": str(error), "kind": "expression", "wanted": scope.files and scope.files.wanted}


def _result(request: Json, scope: Scope) -> Json:
    if request["kind"] == "expression":
        return compile_expression(request["source"]).evaluate(scope)
    if request["kind"] == "shape":
        return compile_shape(request["source"]).evaluate(scope)
    shape = compile_template(
        request["source"], html=frozenset(request["html"]), drop_null=request["drop_null"]
    )
    return shape.render(scope)


def _memory() -> int:
    """Bytes of this process's address space; 0 where only the CPU time can be bounded."""
    return int(STATM.read_text().split()[0]) * resource.getpagesize() if STATM.exists() else 0
