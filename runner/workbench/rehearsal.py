"""
A rehearsal: the real engine with everything evaluated and nothing called.

The actions are stand-ins that note their call and give null, secrets are placeholders, and there
is no way out, so that no mistake of a connector or of ours can send anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

from pydantic import RootModel

from runner.engine.bounds import NO_BOUNDS, Bounds
from runner.engine.paths import steps_by_path
from runner.errors import Rejected
from runner.language.workflow import Action as ActionStep
from runner.language.workflow import Workflow
from runner.workbench.answers import OWN

if TYPE_CHECKING:
    import socket

    from runner.connector import Action, Call, Connection, Http, Input, Places, Reply
    from runner.engine.exchanges import Tape
    from runner.engine.turn import Renew
    from runner.values import Json


class Ahead:
    """A clock that goes with the real one, and can be put forward: what is waited for is there at once."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seconds = 0.0

    def __call__(self) -> float:
        """UTC seconds."""
        return self._clock() + self._seconds

    def to(self, moment: float) -> None:
        """Put it forward to *moment*, if that is to come."""
        self._seconds += max(0.0, moment - self())


def waits_for_time(run: Json) -> bool:
    """Whether *run*, as `History` shows it, goes on by the clock alone: no answer is asked for before."""
    waiting = [step for step in run["steps"] if step["status"] == "waiting" and step["due_at"]]
    first = min(waiting, key=lambda step: step["due_at"], default=None)
    return run["status"] == "waiting" and first is not None and first["kind"] != "wait_for"


class Nothing(RootModel[None]):
    """What an action that was not called gives: null."""


class StandIns:
    """
    A stand-in for each action that *find* knows but for those of `state`, which reach nothing outside.
    `called` has the action's name by the Idempotency-Key of each call, in their order.
    """

    def __init__(self, find: Callable[[str], Action | None]) -> None:
        self.called: dict[str, str] = {}
        self._find = find

    def action(self, name: str) -> Action | None:
        """The action *name*, its inputs checked as ever, without its effect."""
        real = self._find(name)
        if real is None or name.startswith(OWN):
            return real

        async def note(call: Call, _connection: Connection | None, _given: Input) -> Nothing:
            self.called[call.idempotency_key] = name
            return Nothing(None)

        return replace(real, function=note)


class Placeholders:
    """
    A safe without secrets: each one that *workflow* names is its own name, but for those *given*; and
    without connections, but for what *connection* finds by name.
    """

    def __init__(
        self,
        workflow: Workflow,
        given: Mapping[str, str] | None = None,
        connection: Callable[[str], Connection | None] = lambda _name: None,
    ) -> None:
        named = {name: f"{{{{ secrets.{name} }}}}" for name in secret_names(workflow)}
        self._secrets: Mapping[str, str] = {**named, **(given or {})}
        self._connection = connection

    def secrets(self) -> Mapping[str, str]:
        """A placeholder by name."""
        return self._secrets

    def secret_values(self) -> frozenset[str]:
        """Nothing needs masking."""
        return frozenset()

    def bounds(self) -> Bounds:
        """What is not sent is not bound."""
        return NO_BOUNDS

    def connection_for(self, action: Action, name: str | None) -> Connection | None:  # noqa: ARG002 - the port's
        """The one that there is, if there is one: none is needed where nothing is called."""
        return None if name is None else self._connection(name)


class NoWayOut:
    """See `runner.engine.turn.Outbound`: whatever would leave is refused."""

    def for_call(
        self,
        *,
        connection: Connection | None,  # noqa: ARG002 - the port's
        idempotency_key: str | None,  # noqa: ARG002
        timeout_seconds: float,  # noqa: ARG002
        places: Places | None = None,  # noqa: ARG002
        renew: Renew | None = None,  # noqa: ARG002
        bounds: Bounds = NO_BOUNDS,  # noqa: ARG002
        tape: Tape | None = None,  # noqa: ARG002
    ) -> Http:
        """A client that sends nothing."""
        return _Closed()

    async def connect(
        self,
        host: str,  # noqa: ARG002 - the port's
        port: int,  # noqa: ARG002
        *,
        timeout_seconds: float,  # noqa: ARG002
        places: Places | None = None,  # noqa: ARG002
    ) -> socket.socket:
        """Raises Rejected."""
        _refuse()


class _Closed:
    async def request(self, method: str, url: str, **_options: Any) -> Reply:  # noqa: ARG002
        _refuse()

    async def get(self, url: str, **_options: Any) -> Reply:  # noqa: ARG002
        _refuse()

    async def post(self, url: str, **_options: Any) -> Reply:  # noqa: ARG002
        _refuse()


def _refuse() -> NoReturn:
    raise Rejected("a rehearsal sends nothing")


def secret_names(workflow: Workflow) -> frozenset[str]:
    """The secrets that the inputs of *workflow*'s actions name."""
    return frozenset(
        name
        for step in steps_by_path(workflow).values()
        if isinstance(step.body, ActionStep) and step.body.inputs
        for name in step.body.inputs.secret_names
    )
