"""The `schedule` trigger: from the values of its keys to the model, and what is wrong among them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.language.cron import CronFault, read_cron
from runner.language.scalars import at
from runner.language.timed_keys import TIMED_BLOCKS
from runner.language.workflow import Schedule

if TYPE_CHECKING:
    from runner.language.nodes import Node
    from runner.language.reading import Reader

SHORTEST_SECONDS = 1.0
LONGEST_SECONDS = 10 * 366 * 86400.0
WHERE = "trigger.schedule"


def read_schedule(reader: Reader, values: dict[str, Any]) -> Schedule | None:
    """The schedule among the *values* of a workflow's keys; None where there is none, or a bad one."""
    triggers = values["trigger"][2] if "trigger" in values else {}
    if "schedule" not in triggers:
        return None
    _, node, given = triggers["schedule"]
    if ("cron" in node.keys) == ("every" in node.keys):
        if not node.keys.keys() & TIMED_BLOCKS["schedule"].elsewhere.keys():  # said of these already
            _either(reader, node)
        return None
    every = given.get("every")
    if every is not None and not SHORTEST_SECONDS <= every <= LONGEST_SECONDS:
        message = "a schedule is at least a second and at most ten years long"
        reader.fault(node.keys["every"], at(WHERE, "every"), "duration", message, "write for example 15m")
        return None
    if every is not None and "timezone" in node.keys:
        reader.fault(
            node.keys["timezone"],
            at(WHERE, "timezone"),
            "timezone",
            "`every` is a length of time, the same in every zone",
            "leave `timezone` out, or write `cron`",
            severity="warning",
        )
    cron = _cron(reader, node) if "cron" in given else None
    if cron is None and every is None:
        return None
    return Schedule(
        cron=cron,
        every_seconds=every,
        timezone=given.get("timezone"),
        overlap=given.get("overlap", "skip"),
        catch_up=given.get("catch_up", "one"),
    )


def _either(reader: Reader, node: Node) -> None:
    if "cron" in node.keys:
        message, hint = "a schedule has `cron` or `every`, and this one has both", "leave one of them out"
    else:
        message = "`cron` or `every` is missing in `schedule`"
        hint = 'write `cron: "0 9 * * 1-5"` or `every: 15m`'
    reader.fault(node.keys.get("every", node.place), WHERE, "missing-key", message, hint)


def _cron(reader: Reader, node: Node) -> str | None:
    assert isinstance(node.value, dict)
    written = node.value["cron"]
    try:
        return read_cron(str(written.value))
    except CronFault as fault:
        place = written.place_at(fault.offset)
        reader.fault(place, at(WHERE, "cron"), "cron", fault.message, fault.hint)
        return None
