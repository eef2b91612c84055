"""`hookline test`: the workflows' tests, with no network and no server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli.options import Place, data_options, example, json_option, workflows_option
from runner.cli.showing import note, print_json
from runner.errors import SettingsError

if TYPE_CHECKING:
    from runner.cli.case_files import CaseFile
    from runner.cli.verdicts import FileVerdict
    from runner.engine.runs import Event


@click.command(
    epilog=example(
        "hookline test workflows",
        "hookline test workflows/order.yaml -k 'big order' --update",
        "hookline test --from-run 01jq6h3v9t0m8e2c5x7k4n1b6d --write",
    )
)
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("-k", "named", metavar="TEXT", help="Only cases with this text in their name.")
@click.option("--update", is_flag=True, help="Write what came into the files, where it differs.")
@click.option(
    "--junit",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    help="Write a report for a CI there too.",
)
@click.option("--from-run", "run_id", metavar="RUN", help="Make a case out of a run of --data instead.")
@click.option("--write", is_flag=True, help="With --from-run: append it to the workflow's test file.")
@workflows_option
@data_options
@json_option
def test(
    place: Place,
    paths: tuple[Path, ...],
    named: str | None,
    update: bool,
    junit: Path | None,
    run_id: str | None,
    write: bool,
    as_json: bool,
) -> None:
    """
    Run the tests of workflows: <slug>.test.yaml beside <slug>.yaml.

    Nothing is called: actions give what a case says, waits and retries take no time, and secrets are
    placeholders. PATH is a file or a folder; ./workflows if none is given. Exit status 1 if a case
    fails or a file has faults.
    """
    from connectors.shelf import Shelf
    from runner.cli.case_files import case_files, read_case_file, recorded_in
    from runner.cli.house import catalogue

    if run_id:
        from runner.cli.from_run import make_case

        return make_case(place, run_id, is_written=write, as_json=as_json)
    if write:
        raise click.UsageError("--write goes with --from-run")
    began = time.perf_counter()
    found = case_files(paths or (place.workflows,))
    known = catalogue(None, shelf=Shelf(*dict.fromkeys(path.parent for path in found)))
    files = [read_case_file(path, known) for path in found]
    if recorded := recorded_in(files):
        events = asyncio.run(_events(place, recorded))
        files = [one.with_events(events) for one in files]
    if named is not None:
        files = [one.only(named) for one in files]
        if not any(one.cases or one.is_bad for one in files):
            raise SettingsError(f'no case has "{named}" in its name')
    verdicts = try_files(files, with_coverage=named is None)
    if update:
        _update(verdicts)
        fresh = [read_case_file(one.file.path, known).with_events(one.file.found.events) for one in verdicts]
        verdicts = try_files([one.only(named or "") for one in fresh], with_coverage=named is None)
    seconds = time.perf_counter() - began
    if junit:
        _report(junit, verdicts)
    _show(verdicts, seconds, as_json=as_json)
    if any(one.failed or one.file.is_bad for one in verdicts):
        raise click.exceptions.Exit(1)
    return None


def try_files(files: Sequence[CaseFile], *, with_coverage: bool = True) -> list[FileVerdict]:
    """Try all cases of *files*, one after another, on a loop of their own."""
    from runner.workbench.virtual_time import VirtualTimeLoop

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(_tried(files, with_coverage=with_coverage))


async def _tried(files: Sequence[CaseFile], *, with_coverage: bool) -> list[FileVerdict]:
    from connectors.shelf import Shelf
    from runner.cli.verdicts import FileVerdict
    from runner.evaluator.pool import EvaluatorPool
    from runner.workbench.bench import Bench
    from runner.workbench.coverage import coverage
    from runner.workbench.trial import try_case
    from runner.workbench.virtual_time import EvaluatorOutside

    evaluator = EvaluatorPool(processes=1)
    shelf = Shelf(*dict.fromkeys(one.path.parent for one in files))
    bench = Bench(EvaluatorOutside(evaluator), shelf.action)
    verdicts = []
    try:
        for file in files:
            if file.is_bad or file.workflow is None:
                verdicts.append(FileVerdict(file))
                continue
            tried = [await try_case(bench, file.workflow, case, file.found) for case in file.cases]
            reached = frozenset[str]().union(*(one.performance.reached for one in tried))
            covered = coverage(file.workflow, reached) if with_coverage else None
            verdicts.append(FileVerdict(file, tried, covered))
    finally:
        await evaluator.close()
    return verdicts


async def _events(place: Place, ids: Collection[str]) -> dict[str, Event]:
    """The recorded events of these ids, as far as they are there."""
    from runner.cli.from_run import whole_events

    async with place.opened() as rooms:
        return await whole_events(rooms, ids)


def _update(verdicts: Sequence[FileVerdict]) -> None:
    """Write new expectations, and say what was written where."""
    from runner.cli.showing import printable
    from runner.cli.verdicts import LONGEST
    from runner.workbench.updating import edits_of, updated
    from runner.workbench.writing import flow

    for verdict in verdicts:
        file = verdict.file
        edits = []
        for tried in verdict.tried:
            if not tried.findings and tried.case.expect:
                continue
            if tried.case.event.recorded and file.workflow and file.workflow.redact:
                note(f"{tried.case.name}: not updated, since it would write redacted values into the file")
                continue
            edits += [(tried, one) for one in edits_of(tried, file.index_of(tried.case))]
        if edits:
            text = updated(file.text, [one for _, one in edits])
            file.path.write_text(text, encoding="utf-8", newline="")
        for tried, one in edits:
            where = ".".join(map(str, one.path[2:]))
            wrote = printable(flow(one.value))
            wrote = wrote if len(wrote) <= LONGEST else f"{wrote[:LONGEST]}…"
            note(f"{file.path}: {printable(tried.case.name)}: wrote {where}: {wrote}")


def _report(junit: Path, verdicts: Sequence[FileVerdict]) -> None:
    from runner.cli.verdicts import write_junit

    try:
        write_junit(junit, verdicts)
    except OSError as error:
        raise SettingsError(f"{junit} cannot be written: {error.strerror}") from error


def _show(verdicts: Sequence[FileVerdict], seconds: float, *, as_json: bool) -> None:
    from runner.cli.check import print_fault
    from runner.cli.verdicts import as_json as in_json
    from runner.cli.verdicts import show_file, summary

    if as_json:
        print_json(in_json(verdicts, seconds))
        return
    for verdict in verdicts:
        for fault in verdict.file.faults:
            print_fault(fault, verdict.file.texts.get(fault.path, ""))
        if not verdict.file.is_bad:
            show_file(verdict)
    click.echo(summary(verdicts, seconds))
