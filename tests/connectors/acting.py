"""Calling a connector's actions and lists of choices in tests, as the engine does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NoReturn

import connectors
from runner.connector import Call, Connection


class Acting:
    """
    The connector *name* over *connection*: `await act("get_record", record="rec1")` gives the output
    as JSON. *always* are inputs of every call.
    """

    def __init__(
        self, name: str, make_call: Callable[..., Call], connection: Connection, **always: Any
    ) -> None:
        self.name = name
        self.make_call = make_call
        self.connection = connection
        self.always = always

    async def __call__(self, verb: str, *, timeout_seconds: float = 10, **inputs: Any) -> Any:
        action = connectors.action(f"{self.name}.{verb}")
        assert action is not None
        given = action.read_input(self.always | inputs)
        call = self.make_call(self.connection, timeout_seconds)
        output = await action.function(call, self.connection, given)
        return output.model_dump(mode="json", by_alias=True)

    async def choose(self, of: str, search: str = "", cursor: str | None = None, **given: Any) -> Any:
        """What can be chosen for "action.input", as (value, label), and the cursor of what follows."""
        chooser = connectors.connector(self.name).choosers[of]
        found = await chooser(self.make_call(self.connection), self.connection, given, search, cursor)
        return [(one.value, one.label) for one in found.items], found.next


async def silence(_received: object) -> NoReturn:
    """The handler of a server that takes a request and never answers."""
    await asyncio.Event().wait()
    raise AssertionError
