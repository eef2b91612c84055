"""A workflow and its test file, tried as `hookline test` does, without a disk."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import connectors
from runner.evaluator.pool import EvaluatorPool
from runner.inbound.providers import provider_infos
from runner.language.catalogue import Catalogue
from runner.language.faults import Fault
from runner.language.load import load
from runner.language.workflow import Workflow
from runner.workbench.bench import Bench
from runner.workbench.case_reading import LoadedCases, load_cases
from runner.workbench.events import Found
from runner.workbench.trial import Tried, try_case
from runner.workbench.virtual_time import EvaluatorOutside, VirtualTimeLoop

CATALOGUE = Catalogue(connectors.catalogue_actions(), providers=provider_infos())


def workflow(text: str) -> Workflow:
    """A workflow from its text, with a name and a trigger if it has none."""
    trigger = "" if "trigger:" in text else "trigger: {webhook: {}}\n"
    loaded = load(f"name: Flow\n{trigger}{text}", path="flow.yaml", slug="flow", catalogue=CATALOGUE)
    assert loaded.workflow is not None, loaded.faults
    return loaded.workflow


def cases(flow: Workflow, text: str) -> LoadedCases:
    """The cases of a test file's text."""
    return load_cases(text, path="flow.test.yaml", workflow=flow, catalogue=CATALOGUE)


def faults(flow: str, text: str) -> list[Fault]:
    """All that is wrong with a test file."""
    return list(cases(workflow(flow), text).faults)


def tried(flow: str, text: str, files: Mapping[str, bytes] | None = None) -> list[Tried]:
    """What came of each case."""
    found = workflow(flow)
    loaded = cases(found, text)
    assert not loaded.faults, "\n".join(map(str, loaded.faults))

    async def all_of_them() -> list[Tried]:
        evaluator = EvaluatorPool(processes=1)
        bench = Bench(EvaluatorOutside(evaluator), connectors.action)
        try:
            return [await try_case(bench, found, one, Found(files or {}, {})) for one in loaded.cases]
        finally:
            await evaluator.close()

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(all_of_them())


def told(one: Tried) -> list[str]:
    """Where something differs."""
    return [finding.where for finding in one.findings]
