"""
What a past run recorded, in place of the same calls now: the same path and the same digest of the rendered
input. Any other call is shown as it would be sent, and what it would give is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from runner.engine.paths import INDEX, without_indices
from runner.engine.runs import RecordStatus, is_unsent
from runner.workbench.cases import Given
from runner.workbench.sending import Sendings

if TYPE_CHECKING:
    from pydantic import BaseModel

    from runner.connector import Action, Input
    from runner.engine.calls import Prepared
    from runner.engine.runs import Record
    from runner.values import Json

CALLS = frozenset({"action", "call"})
ENDED = frozenset({RecordStatus.SUCCEEDED, RecordStatus.FAILED})
OTHER = "its input differs from the recorded one"
NEW = "it was not called then"
SHOWN = "it was only shown then, and not called"


class Recordings(Sendings):
    """
    See `runner.engine.turn.Recordings`. *paths* are those of the workflow that runs, without indices: what is
    recorded elsewhere may be of a step that has another name now. Nothing is taken for calls at *withheld*.
    """

    def __init__(
        self,
        find: Callable[[str], Action | None],
        records: Sequence[Record],
        paths: Collection[str],
        withheld: Collection[str] = (),
    ) -> None:
        super().__init__(find, {}, {})
        self.asked: dict[str, Record] = {}  # every call as it was about to be made, by path
        self.unknown: dict[str, str] = {}  # why no answer is known, by path
        self.renamed: dict[str, str] = {}  # the path under which it was recorded, by that of now
        self._by_path = {one.path: one for one in records if one.kind in CALLS and one.status in ENDED}
        self._withheld = withheld
        self._left = [one for path, one in self._by_path.items() if without_indices(path) not in paths]

    def find(self, asked: Record) -> Record | None:
        """As `runner.engine.turn.Recordings.find`."""
        path = asked.path
        self.asked[path] = asked
        if path in self._withheld:
            return None
        record = self._by_path.get(self.renamed.get(path, path))
        if record is None and (record := self._elsewhere(asked)):
            self._left.remove(record)
            self.renamed[path] = record.path
        if record is None or is_unsent(record) or record.input_digest != asked.input_digest:
            self.unknown[path] = NEW if record is None else SHOWN if is_unsent(record) else OTHER
            return None
        return replace(record, path=path, item_digest=asked.item_digest)

    async def __call__(self, prepared: Prepared) -> BaseModel | None:
        """As `Sendings`; it takes as long as it took."""
        if prepared.path in self._by_path:
            self._ended(self._by_path[prepared.path])
        return await super().__call__(prepared)

    def next(self, path: str, name: str | None = None) -> Given | None:  # noqa: ARG002 - as Answers
        """What a called workflow gave, for one whose call is another one now."""
        record = self._by_path.get(path)
        is_there = record is not None and record.kind == "call" and record.status is RecordStatus.SUCCEEDED
        if record is None or not is_there:
            return None
        self._ended(record)
        return Given(record.output)

    def output(self, real: Action, path: str, given: Input) -> tuple[Json, bool]:
        """What it gave then stands for what it would give, so that later steps can be followed."""
        record = self._by_path.get(path)
        if record is not None and record.status is RecordStatus.SUCCEEDED and not is_unsent(record):
            return record.output, False
        return super().output(real, path, given)

    def _ended(self, record: Record) -> None:
        """What `now()` gives behind it is what it gave then: that alone makes no later call another one."""
        if record.ended_at is not None:
            self.reach(record.ended_at)

    def _elsewhere(self, asked: Record) -> Record | None:
        """What a step that is not there any more recorded of the very same call, in the same round."""
        rounds = INDEX.findall(asked.path)
        return next(
            (
                one for one in self._left
                if one.input_digest == asked.input_digest and INDEX.findall(one.path) == rounds
            ),
            None,
        )  # fmt: skip
