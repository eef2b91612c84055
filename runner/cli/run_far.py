"""`hookline run --live --server URL`: a run that a server elsewhere makes, watched to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.cli.far import told
from runner.cli.inputs import read_inputs
from runner.cli.showing import note
from runner.engine.runs import ENDED
from runner.values import Json

if TYPE_CHECKING:
    from runner.cli.api import Api

OVER = frozenset({*(one.value for one in ENDED), "waiting"})


async def run_there(api: Api, slug: str, payload: bytes, given: tuple[str, ...]) -> Json:
    """
    The run, started by the workflow's `manual` trigger with the object in *payload* and the inputs *given*
    as `K=V`, once it ended or waits.

    Raises:
        SettingsError: these are no inputs, or not those that it takes.
        NotFound, MoveRefused: there is no such workflow, or it is not started by hand.
        HooklineError: as `Api.send`.
    """
    source = (await api.get("workflows", slug))["source"]
    inputs = read_inputs(payload, given, _schema(source or ""))
    started = await api.post("workflows", slug, "run", inputs=inputs)
    run_id = str(started["id"])
    while True:
        async with api.streamed("live", kinds="run", run=run_id) as lines:
            async for _name, _item in told(lines):
                run = await api.get("runs", run_id)
                if run["status"] in OVER:
                    return run
        note(f"The line to {api.server} broke off; the run {run_id} goes on there.")


def _schema(source: str) -> Json:
    """The JSON Schema of the inputs that a workflow's text asks for; an empty one where it asks for none."""
    import yaml

    found: Json = yaml.safe_load(source)  # a version that is live: it was checked
    for name in ("trigger", "manual", "inputs"):
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}
