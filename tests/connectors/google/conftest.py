from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

import pytest

import connectors
from connectors.google.account import GoogleRobot, GoogleUser
from runner.connector import Call, Choices
from tests.servers.google_service import CLIENT, REFRESH, GoogleService

MakeCall: TypeAlias = Callable[..., Call]
Act: TypeAlias = Callable[..., Awaitable[Any]]


@pytest.fixture
async def google() -> AsyncIterator[GoogleService]:
    async with GoogleService() as one:
        yield one


@pytest.fixture
async def robot(google: GoogleService, make_call: MakeCall) -> GoogleRobot:
    """A robot account that has its token."""
    one = GoogleRobot.model_validate({"key": google.key_file, "api_url": google.url})
    return one.with_tokens(await one.obtain(make_call().http, time.time()))


@pytest.fixture
async def person(google: GoogleService, make_call: MakeCall) -> GoogleUser:
    """A person who has signed in."""
    one = GoogleUser.model_validate({
        "client_id": CLIENT[0], "client_secret": CLIENT[1], "refresh_token": REFRESH,
        "token_url": f"{google.url}/token", "api_url": google.url,
    })  # fmt: skip
    return one.with_tokens(await one.obtain(make_call().http, time.time()))


@pytest.fixture
def act(robot: GoogleRobot, make_call: MakeCall) -> Act:
    """Call an action as the robot account, or as `by`."""

    async def run(name: str, /, by: GoogleRobot | GoogleUser | None = None, **inputs: Any) -> Any:
        action = connectors.action(name)
        assert action is not None
        answer = await action.function(make_call(by or robot), by or robot, action.read_input(inputs))
        return answer.model_dump(by_alias=True)

    return run


@pytest.fixture
def choose(robot: GoogleRobot, make_call: MakeCall) -> Act:
    """What can be chosen for an input, as (value, label, note), and the cursor."""

    async def run(name: str, search: str = "", cursor: str | None = None, **given: Any) -> Any:
        connector, _, rest = name.partition(".")
        chooser = connectors.connector(connector).choosers[rest]
        found: Choices = await chooser(make_call(robot), robot, given, search, cursor)
        return [(one.value, one.label, one.note) for one in found.items], found.next

    return run
