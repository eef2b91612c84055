"""The workflows as a list that a person looks through: each with its state, its sentence and what it did."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from runner.engine.sentence import sentence_of
from runner.inbound.providers import PROVIDERS
from runner.values import Json
from web.activity import Activity, hours_of, todays
from web.pages.actions import titled
from web.workflows import workflow_items

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.engine.library import Live
    from web.house import House

State = Literal["live", "paused", "draft", "faults", "off"]

STATES: Mapping[str, str] = {
    "failing": "Failed today",
    "live": "Live",
    "paused": "Paused",
    "draft": "Draft",
    "faults": "Has faults",
    "off": "Turned off",
}
"""What can be asked for, with its word; "failing" says nothing of the state, but of the runs of today."""

PAGE = 50


@dataclass(frozen=True, slots=True)
class Row:
    """`item` is the API's `WorkflowItem`; `sentence` is empty where no version of it is known."""

    item: Json
    state: State
    sentence: str
    activity: Activity

    @property
    def is_kept(self) -> bool:
        """Whether the file has faults while an older version keeps running."""
        return self.state == "faults" and self.item["version"] is not None


@dataclass(frozen=True, slots=True)
class Asked:
    """What narrows the list; `page` counts from 1."""

    text: str = ""
    tag: str = ""
    state: str = ""
    page: int = 1


async def overview(house: House) -> list[Row]:
    """All, those first that need a look, then by name. Raises StoreUnavailable."""
    activity = await todays(house)
    rows = [_row(house, item, activity.get(item["slug"], Activity())) for item in workflow_items(house)]
    return sorted(rows, key=lambda row: (_rank(row), row.item["name"].casefold()))


def narrowed(rows: list[Row], asked: Asked) -> list[Row]:
    """Those that are meant."""
    return [row for row in rows if _fits(row, asked)]


async def with_hours(house: House, rows: list[Row]) -> list[Row]:
    """*rows* with their last 24 hours. Raises StoreUnavailable."""
    since, hours = await hours_of(house, [row.item["slug"] for row in rows])
    return [
        replace(row, activity=replace(row.activity, since=since, hours=tuple(hours[row.item["slug"]])))
        for row in rows
    ]


def sentence(live: Live) -> str:
    """From where to where, with the names of services as people write them."""
    return sentence_of(live.workflow, provider=provider_title, service=titled)


def provider_title(name: str) -> str | None:
    """The title of a provider of webhooks; None for a general scheme."""
    return PROVIDERS[name].title if name in PROVIDERS else None


def state_of(item: Json) -> State:
    """The one that matters most."""
    if any(fault["severity"] == "error" for fault in item["faults"]):
        return "faults"
    if item["version"] is None:
        return "draft"
    if not item["enabled"]:
        return "off"
    return "paused" if item["paused"] else "live"


def _row(house: House, item: Json, activity: Activity) -> Row:
    live = house.library.get(item["slug"])
    return Row(item, state_of(item), sentence(live) if live else "", activity)


def _rank(row: Row) -> int:
    if row.state == "faults":
        return 0
    if row.activity.failed:
        return 1
    return {"live": 2, "paused": 2, "draft": 3, "off": 4}.get(row.state, 2)


def _fits(row: Row, asked: Asked) -> bool:
    item = row.item
    if asked.tag and asked.tag not in item["tags"]:
        return False
    if asked.state == "failing":
        if not row.activity.failed:
            return False
    elif asked.state and row.state != asked.state:
        return False
    words = " ".join(
        (item["name"], item["slug"], item["description"], row.sentence, *item["tags"])
    ).casefold()
    return all(word in words for word in asked.text.casefold().split())
