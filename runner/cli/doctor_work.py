"""What a doctor looks at in what goes on: workflows, connections, what waits, who runs, whom is told."""

from __future__ import annotations

import asyncio
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from runner.cli.keeping import terms_of
from runner.engine.checking import check_files
from runner.engine.findings import Finding, bytes_in_words, error, ok, warning
from runner.engine.library import workflow_files
from runner.engine.reach import out_of_reach
from runner.engine.standing import described
from runner.store.examining import Examination
from runner.store.vitals import StoredGauge

if TYPE_CHECKING:
    from runner.cli.house import Rooms
    from runner.engine.checking import Checked
    from runner.engine.vitals import Reading
    from runner.language.faults import Fault

DAY_SECONDS = 86400.0
BEHIND_SECONDS = 60.0
AHEAD_SECONDS = 60.0  # by which the last run may be in the future: several nodes' clocks differ
MOST_NAMES = 5
UNUSED_BYTES = 1 << 30  # in a PostgreSQL's files: new rows take them
ASK_SECONDS = 4.0
ALIVE = b'{"status":"alive"}'  # what /healthz says


async def examine_work(rooms: Rooms) -> Sequence[Finding]:
    """All of it. Raises StoreUnavailable."""
    now = time.time()
    reading = await StoredGauge(rooms.store, rooms.keeping).read(now)
    asked = Examination(rooms.store)
    orphans = await asked.orphans()
    return [
        *await _workflows(rooms),
        _connections(rooms, now),
        _problems(reading),
        _senders(reading),
        *_space(rooms, reading),
        _backlog(rooms, reading, now),
        _held(reading),
        *await _nodes(rooms, reading, orphans),
        await _notify(rooms, asked),
        await _keeping(rooms, asked, now),
        *await _newest(asked, now),
    ]


async def _workflows(rooms: Rooms) -> list[Finding]:
    """Their files as they are on the disk, and whom they let in."""
    from runner.cli.house import catalogue

    folder, settings = rooms.library.folder, rooms.settings
    files = workflow_files(folder)
    if not files:
        return [ok("Workflows", f"There are none in {folder} yet.")]
    known = catalogue(rooms.vault, settings.server, settings.commands, shelf=rooms.shelf)
    checked = await asyncio.to_thread(check_files, files, known, overrides=settings.vars.of)
    return [_files(checked, len(files)), _verified(checked)]


def _files(checked: Checked, count: int) -> Finding:
    errors = [one for one in checked.faults if one.severity == "error"]
    files = f"{count:,} file{'' if count == 1 else 's'}"
    if errors:
        broken = len({one.path for one in errors})
        first = f"{_place(errors[0])}: {errors[0].message.rstrip('.')}"
        more = f" ({len(errors) - 1:,} more)" if len(errors) > 1 else ""
        return error("Workflows", f"{files}, {broken:,} with errors. {first}{more}.", "hookline check")
    if checked.faults:
        first = f"{_place(checked.faults[0])}: {checked.faults[0].message.rstrip('.')}"
        sentence = f"{files}, {len(checked.faults):,} warnings. {first}."
        return warning("Workflows", sentence, "hookline check")
    return ok("Workflows", f"{files}, none with faults.")


def _place(fault: Fault) -> str:
    return f"{fault.path.rpartition('/')[2]}, line {fault.line}"


def _verified(checked: Checked) -> Finding:
    open_to_all = [
        workflow.slug
        for workflow in checked.workflows
        if (webhook := workflow.webhook)
        and webhook.verification is None
        and not webhook.allow_ips
        and webhook.client_certificate is None
    ]
    if not open_to_all:
        return ok("Senders known", "Every webhook knows its sender.")
    sentence = f"Whoever has its address may start {names(open_to_all)}: nothing verifies the sender."
    return warning("Senders known", sentence, "Add verify to the webhook: hookline verify shows how.")


def _connections(rooms: Rooms, now: float) -> Finding:
    vault = rooms.vault
    found = [
        described(name, kind, vault.open_connection(name), vault.standing(name), now)
        for name, kind in sorted(vault.connection_kinds().items())
    ]
    bad = [one for one in found if one["state"] in ("refused", "expired", "unknown")]
    ending = [one for one in found if one["state"] == "expiring"]
    if bad or ending:
        one = (bad or ending)[0]
        count = len(bad or ending) - 1
        sentence = f"{one['name']}: {one['sentence']}{f'; {count} more' if count else ''}."
        mend = f"hookline connections connect {one['name']}, or set it anew"
        return error("Connections", sentence, mend) if bad else warning("Connections", sentence, mend)
    return ok("Connections", f"{len(found):,}, none refused." if found else "There are none yet.")


def _problems(reading: Reading) -> Finding:
    count = sum(reading.problems.values())
    if not count:
        return ok("Problems", "None is open.")
    sentence = f"{count:,} {'is' if count == 1 else 'are'} open."
    return warning("Problems", sentence, "hookline problems list --status open")


def _senders(reading: Reading) -> Finding:
    if not reading.silent:
        return ok("Senders heard", "None is silent that is expected to send.")
    sentence = f"Nothing comes for {names(reading.silent)}."
    return warning("Senders heard", sentence, "See at the service whether it still sends to this address.")


def _space(rooms: Rooms, reading: Reading) -> list[Finding]:
    """How much a PostgreSQL takes; of a file that is looked at from outside."""
    if reading.free_bytes is not None:
        return []
    used, files = reading.used_bytes, reading.file_bytes
    said = f"Rows take about {bytes_in_words(used)}, the database's files {bytes_in_words(files)}"
    bound = rooms.settings.retention.max_bytes
    if bound and used > bound:
        mend = "Let a node run: the oldest that have ended go; what has not ended stays until it has."
        return [warning("Space", f"{said}; max_bytes is {bytes_in_words(bound)}.", mend)]
    if files - used > max(UNUSED_BYTES, used):
        sentence = f"{said}: half of that or more is free for new rows, but not for others."
        mend = "Where its disk needs that, stop all nodes, then: hookline vacuum --full"
        return [warning("Space", sentence, mend)]
    return [ok("Space", f"{said}. How much is free on its disk is known on its machine.")]


def _backlog(rooms: Rooms, reading: Reading, now: float) -> Finding:
    limit = rooms.settings.limits.backlog
    said = f"{reading.queued:,} of {limit:,} runs wait"
    late = 0.0 if reading.due_since is None else now - reading.due_since
    if reading.queued >= limit:
        return error(
            "Backlog", f"{said}: new events are refused with 503.", "Start the server, or a worker more."
        )
    if late > BEHIND_SECONDS:
        since = datetime.fromtimestamp(now - late, UTC).strftime("%Y-%m-%d %H:%M UTC")
        sentence = f"{said}; the oldest could have begun at {since}."
        mend = "Start the server, or see what holds it up: hookline runs list --status running"
        return warning("Backlog", sentence, mend)
    return ok("Backlog", f"{said}.")


def _held(reading: Reading) -> Finding:
    if not reading.held:
        return ok("Held events", "There are none.")
    sentence = (
        f"{reading.held:,} {'event waits' if reading.held == 1 else 'events wait'} for somebody to let go."
    )
    return warning(
        "Held events", sentence, "hookline events list --status held; hookline resume lets them go"
    )


async def _nodes(rooms: Rooms, reading: Reading, orphans: int) -> list[Finding]:
    """Who lives, whether their address answers, and what the dead left behind."""
    serving = [one for one in reading.nodes if one]
    count = len(reading.nodes)
    findings = []
    if not count:
        findings.append(warning("Nodes", "No server runs on this data.", "hookline serve"))
    else:
        findings.append(ok("Nodes", f"{count:,} {'runs' if count == 1 else 'run'} on this data."))
    if orphans:
        sentence = f"{orphans:,} run{'' if orphans == 1 else 's'} began in a process that is dead."
        mend = "A running server takes them over within seconds."
        findings.append(warning("Runs of the dead", sentence, mend))
    if serving:
        findings.append(await asyncio.to_thread(_answers, rooms.settings.address))
    return findings


def _answers(address: str) -> Finding:
    """Whether *address* leads to a server of ours from here."""
    try:
        with urllib.request.urlopen(f"{address}/healthz", timeout=ASK_SECONDS) as answer:  # noqa: S310 - ours
            is_ours = answer.read(100) == ALIVE
    except (urllib.error.URLError, OSError, ValueError) as problem:
        why = getattr(problem, "reason", problem)
        sentence = f"{address} does not answer from this machine: {why}."
        mend = (
            "See whether the server listens there."
            if out_of_reach(address)
            else "See whether proxy and DNS lead here, and from outside too: that is what counts."
        )
        return warning("Reached", sentence, mend)
    if not is_ours:
        sentence = f"{address} answers, but it is not this server."
        return warning("Reached", sentence, "Lead the proxy to this server, or set public_url right.")
    return ok("Reached", f"{address} answers.")


async def _notify(rooms: Rooms, asked: Examination) -> Finding:
    name = rooms.settings.notify.connection
    if not name:
        sentence = "Nobody is told when something goes wrong."
        return warning("Notify", sentence, "Set connection in [notify]: a connection of kind slack or smtp.")
    missing = [
        one
        for one in (name, rooms.settings.notify.fallback_connection)
        if one and one not in rooms.vault.connection_kinds()
    ]
    if missing:
        sentence = f"There is no connection {names(missing)}, by which people are told."
        return error("Notify", sentence, f"hookline connections set {missing[0]}")
    if unsent := await asked.unsent():
        at = datetime.fromtimestamp(unsent[0], UTC).strftime("%Y-%m-%d %H:%M UTC")
        sentence = f"A message of {at} could not be sent: {unsent[1].rstrip('.')}."
        return error("Notify", sentence, f"hookline connections test {name}")
    return ok("Notify", f"People are told by {name}.")


async def _keeping(rooms: Rooms, asked: Examination, now: float) -> Finding:
    """Whether what is past its age goes: seen by what is still there."""
    late = [
        workflow
        for workflow, ended_at in (await asked.kept_longest()).items()
        if now - ended_at > (await terms_of(rooms, workflow)).runs_seconds + DAY_SECONDS
    ]
    if not late:
        return ok("Letting go", "Nothing is kept past its age.")
    sentence = f"Runs of {names(late)} are past their age by more than a day."
    return warning("Letting go", sentence, "Let the server run: it lets them go within minutes.")


async def _newest(asked: Examination, now: float) -> list[Finding]:
    newest = await asked.newest()
    if newest is None or newest - now < AHEAD_SECONDS:
        return []
    sentence = f"The last run was accepted {newest - now:,.0f} s in the future: the clock was set back."
    mend = "Let a time service keep it right; schedules go on when the time has come again."
    return [warning("Clock set back", sentence, mend)]


def names(all_of_them: Sequence[str]) -> str:
    """The first few, and how many there are beside them."""
    shown = ", ".join(all_of_them[:MOST_NAMES])
    more = len(all_of_them) - MOST_NAMES
    return f"{shown} and {more:,} more" if more > 0 else shown
