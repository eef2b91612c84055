"""What a part of the benchmark found, as a table for people and as JSON for programs."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """One contender: each figure's name with its unit, and its values, one a round."""

    name: str
    figures: dict[str, list[float]]

    def median(self, figure: str) -> float:
        """The median over the rounds."""
        return statistics.median(self.figures[figure])


@dataclass(frozen=True, slots=True)
class Target:
    """A figure beside what it should be at least, or at most."""

    what: str
    value: float
    bound: float
    is_least: bool = False

    @property
    def is_met(self) -> bool:
        """Whether the figure is on the right side of its bound."""
        return self.value >= self.bound if self.is_least else self.value <= self.bound


@dataclass(frozen=True, slots=True)
class Part:
    """What one part found; `notes` say what a reader has to know beside the figures."""

    title: str
    rows: list[Row]
    targets: list[Target] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    curves: dict[str, Any] = field(default_factory=dict)  # in the JSON alone

    def as_json(self) -> dict[str, Any]:
        """As plain values, with medians and verdicts put in."""
        return {
            "title": self.title,
            "rows": [
                {
                    "name": row.name,
                    "rounds": row.figures,
                    "median": {name: statistics.median(values) for name, values in row.figures.items()},
                }
                for row in self.rows
            ],
            "targets": [{**asdict(target), "is_met": target.is_met} for target in self.targets],
            "notes": self.notes,
            "curves": self.curves,
        }


def table(part: Part) -> str:
    """The rows under their figures: medians, and the spread of the first figure over the rounds."""
    columns: list[str] = []
    for row in part.rows:
        columns += [name for name in row.figures if name not in columns]
    lines = [["", *columns]]
    for row in part.rows:
        cells = [row.name]
        for column in columns:
            values = row.figures.get(column, [])
            cell = number(statistics.median(values)) if values else ""
            if column == columns[0] and len(values) > 1:
                cell += f" ({number(min(values))}–{number(max(values))})"
            cells.append(cell)
        lines.append(cells)
    return "\n".join([part.title, *_aligned(lines), *(f"  {note}" for note in part.notes), ""])


def verdicts(targets: Iterable[Target]) -> str:
    """Each target beside its figure, met or not."""
    lines = [["", "measured", "target", ""]]
    for target in targets:
        bound = f"{'≥' if target.is_least else '≤'} {number(target.bound)}"
        lines.append([target.what, number(target.value), bound, "met" if target.is_met else "NOT MET"])
    return "\n".join(["Targets", *_aligned(lines), ""])


def number(value: float) -> str:
    """Three significant digits, thousands parted: 5,442 · 27.4 · 0.61."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    """Names to the left, figures to the right."""
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
