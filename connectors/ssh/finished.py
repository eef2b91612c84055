"""What a command left behind: its exit, and the end of what it said."""

from __future__ import annotations

from dataclasses import dataclass, field

from runner.connector import hidden

MARGIN = 16 * 1024  # bytes that are kept besides: a secret is masked before it is cut in two


@dataclass(slots=True)
class Tail:
    """The last *most* bytes of a stream of any length."""

    most: int
    size: int = 0
    _kept: bytearray = field(default_factory=bytearray)

    def add(self, data: bytes) -> None:
        """Take what came."""
        self.size += len(data)
        self._kept += data
        if len(self._kept) > 2 * (self.most + MARGIN):
            del self._kept[: -(self.most + MARGIN)]

    @property
    def is_cut(self) -> bool:
        """Whether there was more."""
        return self.size > self.most

    def text(self) -> str:
        """The end, as text without secrets; bytes that are none stand as �."""
        kept = bytes(self._kept[-(self.most + MARGIN) :])
        text = hidden(kept.decode("utf-8", "replace"))
        if not self.is_cut:
            return text
        halved = MARGIN if self.size > len(kept) else 0  # where half a secret may stand
        return text[max(halved, len(text) - self.most) :]


@dataclass(frozen=True, slots=True)
class Finished:
    """How a command ended: by its own exit *status*, or (then that is None) by a signal."""

    status: int | None
    signal: str | None
    stdout: Tail
    stderr: Tail
