"""
The operator's log on stderr: one line a record, whatever is in it, as text or as JSON.

What a record says beside its message (`extra`) is a field of its line, and so are the ids of what its task is
about (`runner.engine.about`). `action` names what happened; `runner/operating/log_actions.py` has them all.
Levels go by who must act: an error is for the operator now, a warning for somebody in office hours, an info
tells what changed.
"""

from __future__ import annotations

import contextlib
import json
import logging
import time
from collections.abc import Iterator, Mapping

from runner.engine.about import ABOUT, NOTHING
from runner.engine.tracing import CURRENT

FIELDS = ("action", "workflow", "event", "run", "step", "chore", "connector", "runs", "events")
OURS = ("hookline", "runner", "web", "connectors")


class Lines(logging.Formatter):
    """`2026-05-03T14:00:26.120Z WARNING runner.engine.worker: … action=stale_fence run=01… node=7-3f…`."""

    default_msec_format = "%s.%03dZ"
    default_time_format = "%Y-%m-%dT%H:%M:%S"

    def __init__(self, process: Mapping[str, str] = NOTHING) -> None:
        """*process* has what is the same in each line, such as the node."""
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self.converter = time.gmtime
        self.process = process

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        """The message with what its record says beside it."""
        words = [f"{name}={value}" for name, value in fields_of(record, self.process).items()]
        return " ".join([super().formatMessage(record), *words])

    def format(self, record: logging.LogRecord) -> str:
        """As `logging.Formatter.format`, a traceback on the same line."""
        return super().format(record).replace("\r", "\\r").replace("\n", "\\n")


class JsonLines(Lines):
    """`{"time", "level", "logger", "message", …}` a line; `traceback` where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as an object; what is no text is written as one."""
        line = {
            "time": self.formatTime(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **fields_of(record, self.process),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def fields_of(record: logging.LogRecord, process: Mapping[str, str]) -> dict[str, object]:
    """What *record* says of itself, what its task is about, the trace that it belongs to, and the process."""
    own = {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
    here = CURRENT.get()
    traced = {"trace": here.trace_id} if here is not None else {}
    return {**ABOUT.get(), **own, **traced, **process}


@contextlib.contextmanager
def silenced(name: str) -> Iterator[None]:
    """While inside, the logger *name* says nothing: who asks for it says it in another way."""
    logger = logging.getLogger(name)
    logger.addFilter(_nothing)
    try:
        yield
    finally:
        logger.removeFilter(_nothing)


def _nothing(_record: logging.LogRecord) -> bool:
    return False


_PROCESS: dict[str, str] = {}  # of this process, in each of its lines


def name_process(**fields: str) -> None:
    """Let each line from now on say *fields* of this process, such as its node."""
    _PROCESS.update(fields)


def set_up(*, is_verbose: bool, is_json: bool = False) -> None:
    """Log to stderr: ours from INFO on (DEBUG if verbose), others' from WARNING on (INFO)."""
    handler = logging.StreamHandler()
    handler.setFormatter((JsonLines if is_json else Lines)(_PROCESS))
    logging.basicConfig(level=logging.INFO if is_verbose else logging.WARNING, handlers=[handler], force=True)
    for name in OURS:
        logging.getLogger(name).setLevel(logging.DEBUG if is_verbose else logging.INFO)
