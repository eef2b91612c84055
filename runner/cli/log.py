"""The operator's log: one line a record on stderr, whatever is in it."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator

FIELDS = ("action", "workflow", "run", "step", "chore")
OURS = ("hookline", "runner", "web", "connectors")


class Lines(logging.Formatter):
    """`2026-05-03T14:00:26.120Z WARNING runner.engine.worker: … action=stale_fence run=01…`."""

    default_msec_format = "%s.%03dZ"
    default_time_format = "%Y-%m-%dT%H:%M:%S"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self.converter = time.gmtime

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        """The message with what its record says beside it."""
        fields = [f"{name}={getattr(record, name)}" for name in FIELDS if hasattr(record, name)]
        return " ".join([super().formatMessage(record), *fields])

    def format(self, record: logging.LogRecord) -> str:
        """As `logging.Formatter.format`, a traceback on the same line."""
        return super().format(record).replace("\r", "\\r").replace("\n", "\\n")


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


def set_up(*, is_verbose: bool) -> None:
    """Log to stderr: ours from INFO on (DEBUG if verbose), others' from WARNING on (INFO)."""
    handler = logging.StreamHandler()
    handler.setFormatter(Lines())
    logging.basicConfig(level=logging.INFO if is_verbose else logging.WARNING, handlers=[handler], force=True)
    for name in OURS:
        logging.getLogger(name).setLevel(logging.DEBUG if is_verbose else logging.INFO)
