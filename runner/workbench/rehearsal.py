"""
A rehearsal: the real engine with everything evaluated and nothing called.

The actions are stand-ins that note their call and give null, secrets are placeholders, and there
is no way out, so that no mistake of a connector or of ours can send anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

from pydantic import RootModel

from runner.errors import Rejected
from runner.language.workflow import Action as ActionStep
from runner.language.workflow import ForEach, Group, Parallel, Step, Switch, Workflow

if TYPE_CHECKING:
    import socket

    from runner.connector import Action, Call, Connection, Http, Input, Places, Reply


class Nothing(RootModel[None]):
    """What an action that was not called gives: null."""


class StandIns:
    """
    A stand-in for each action that *find* knows. `called` has the action's name by the
    Idempotency-Key of each call, in their order.
    """

    def __init__(self, find: Callable[[str], Action | None]) -> None:
        self.called: dict[str, str] = {}
        self._find = find

    def action(self, name: str) -> Action | None:
        """The action *name*, its inputs checked as ever, without its effect."""
        real = self._find(name)
        if real is None:
            return None

        async def note(call: Call, _connection: Connection | None, _given: Input) -> Nothing:
            self.called[call.idempotency_key] = name
            return Nothing(None)

        return replace(real, function=note)


class Placeholders:
    """A safe without secrets: each one that *workflow* names is its own name."""

    def __init__(self, workflow: Workflow) -> None:
        self._names = secret_names(workflow)

    def secrets(self) -> Mapping[str, str]:
        """A placeholder by name."""
        return {name: f"{{{{ secrets.{name} }}}}" for name in self._names}

    def secret_values(self) -> frozenset[str]:
        """Nothing needs masking."""
        return frozenset()

    def connection_for(self, action: Action, name: str | None) -> None:
        """No connection is needed where nothing is called."""


class NoWayOut:
    """See `runner.engine.turn.Outbound`: whatever would leave is refused."""

    def for_call(
        self,
        *,
        connection: Connection | None,  # noqa: ARG002 - the port's
        idempotency_key: str | None,  # noqa: ARG002
        timeout_seconds: float,  # noqa: ARG002
        places: Places | None = None,  # noqa: ARG002
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
        for step in _all_steps([*workflow.steps, *workflow.on_failure])
        if isinstance(step.body, ActionStep) and step.body.inputs
        for name in step.body.inputs.secret_names
    )


def _all_steps(steps: Sequence[Step]) -> Iterator[Step]:
    """*steps* and those inside them, at any depth."""
    for step in steps:
        yield step
        match step.body:
            case Group(inner) | ForEach(steps=inner):
                yield from _all_steps(inner)
            case Switch(cases):
                for case in cases:
                    yield from _all_steps(case.steps)
            case Parallel(branches):
                for branch in branches.values():
                    yield from _all_steps(branch)
        if not isinstance(step.on_error, str):
            yield from _all_steps(step.on_error)
