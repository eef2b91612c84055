"""The keys under `trigger.schedule` and `trigger.poll`, as `keys.py` has those of the rest of the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.language.kinds import (
    DURATION,
    EXPRESSION,
    INPUTS,
    TEXT,
    ZONE,
    Block,
    Key,
    Kind,
    block,
    named_block,
    word,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

CRON = Kind(
    "text",
    'a cron expression such as "0 9 * * 1-5"',
    {"type": "string", "description": "Minute, hour, day of the month, month, day of the week."},
)

TIMED_TRIGGERS = (
    Key(
        "schedule",
        "Starts a run at set times: by the clock (`cron`) or at a distance (`every`).",
        (block("schedule"),),
        {"cron": "0 9 * * 1-5", "timezone": "Europe/Athens"},
    ),
    Key(
        "poll",
        "Asks a service that has no webhook, again and again, and starts a run for each item that is new.",
        (block("poll"),),
        {
            "action": "http.request",
            "with": {"url": "https://api.example.com/tickets"},
            "every": "5m",
            "items": "body.tickets",
            "id": "id",
        },
    ),
)
"""The keys of `trigger`."""

TIMED_BLOCKS: Mapping[str, Block] = {
    "schedule": named_block(
        "schedule",
        Key(
            "cron",
            "Five fields (minute, hour, day of the month, month, day of the week), or a name such as @daily. "
            "A time that the clock skips comes at the first moment after, one that it repeats comes once; "
            "what begins with `*` follows the hours as they pass.",
            (CRON,),
            "0 9 * * 1-5",
        ),
        Key(
            "every",
            "The time between two firings, counted from when this server first saw the schedule.",
            (DURATION,),
            "15m",
        ),
        Key(
            "timezone",
            "The zone of `cron`; the workflow's by default, which is UTC by default.",
            (ZONE,),
            "Europe/Athens",
        ),
        Key(
            "overlap",
            "What a firing does while the run of the one before has not ended: is skipped and recorded as "
            "dropped (`skip`, the default), or waits for its turn (`queue`).",
            (word("skip", "queue"),),
            "queue",
        ),
        Key(
            "catch_up",
            "What becomes of firings that were missed while no server ran: `none` are made up for, `one` "
            "(the last; the default) or `all` (the last 100, one after another).",
            (word("none", "one", "all"),),
            "all",
        ),
        elsewhere={
            "interval": "`every: 15m`",
            "at": '`cron: "0 9 * * *"` for nine o\'clock',
            "time": '`cron: "0 9 * * *"` for nine o\'clock',
            "expression": "`cron`",
            "tz": "`timezone`",
            "time_zone": "`timezone`",
            "timeZone": "`timezone`",
            "seconds": "`every: 30s`",
            "minutes": "`every: 15m`",
            "hours": "`every: 2h`",
            "days": "`every: 1d`",
            "concurrencyPolicy": "`overlap: skip` or `queue`",
            "catchup": "`catch_up: none`, `one` or `all`",
            "rule": "`cron`, or `every`",
        },
    ),
    "poll": named_block(
        "poll",
        Key(
            "action",
            "The action that lists what there is: `connector.action`.",
            (TEXT,),
            "http.request",
            required=True,
        ),
        Key("connection", "The connection to use, by its name on the server.", (TEXT,), "team-slack"),
        Key(
            "with",
            "The action's inputs; of the names `vars` and `secrets` stand here.",
            (INPUTS,),
            {"url": "https://api.example.com/tickets"},
        ),
        Key("every", "How often; at least 10s.", (DURATION,), "5m", required=True),
        Key(
            "items",
            "Picks the list out of the action's result, which is the current value: `body.tickets`; the "
            "whole result by default. Runs start in the order of the list: where the newest stand first, "
            "`reverse(body.tickets)`.",
            (EXPRESSION,),
            "body.tickets",
        ),
        Key(
            "id",
            "What tells an item from all others; the item is the current value.",
            (EXPRESSION,),
            "id",
            required=True,
        ),
        Key(
            "first",
            "What the first poll does with what is there already: `remember` it and start nothing (the "
            "default), or `run` for each.",
            (word("remember", "run"),),
            "run",
        ),
        elsewhere={
            "interval": "`every: 5m`",
            "url": "`action: http.request`, and `with: {url: …}`",
            "key": "`id: <JMESPath>`",
            "unique": "`id: <JMESPath>`",
            "dedupe_key": "`id: <JMESPath>`",
            "list": "`items: <JMESPath>`",
            "path": "`items: <JMESPath>`",
            "inputs": "`with` holds the action's inputs",
            "cron": "`every: 5m`",
            "retry": "a poll that failed is made again by itself, at growing distances",
        },
    ),
}
