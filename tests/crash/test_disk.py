"""
The disk has it before anyone is told: seen from outside, by the system calls of a real server.

A kill cannot show this: what a process wrote survives it without any flush; a power cut is another
thing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import aiohttp
import pytest

from tests.bench.servers import HOOKLINE, Process, hook_path, wait_until
from tests.crash import trace

EVENTS = 20
WORKFLOW = """
name: Kept
trigger: {webhook: {}}
steps:
  - transform: payload.mark
"""
REFUSAL = trace.refusal()


@pytest.mark.skipif(REFUSAL is not None, reason=str(REFUSAL))
async def test_the_flush_of_the_log_has_ended_before_each_2xx_begins(tmp_path: Path) -> None:
    (tmp_path / "workflows").mkdir()
    (tmp_path / "workflows" / "kept.yaml").write_text(WORKFLOW)
    path = await asyncio.to_thread(hook_path, tmp_path, "kept")
    seen = tmp_path / "trace"
    answered: dict[str, str] = {}
    serve = [*HOOKLINE, "serve", "--workflows", str(tmp_path / "workflows"), "--data", str(tmp_path / "data"),
             "--port", "0"]  # fmt: skip
    process = await asyncio.to_thread(Process, trace.traced(serve, seen))
    try:
        url = process.first_line.removeprefix("ready ") + path
        async with aiohttp.ClientSession() as session:
            for number in range(EVENTS):
                mark = f"mark-{number:04d}-of-{EVENTS}"
                async with session.post(url, json={"mark": mark}) as answer:
                    assert answer.status == 200
                    answered[mark] = (await answer.json())["event"]
    finally:
        await asyncio.to_thread(_stop, process)
    calls = trace.read(seen)
    early = [trace.too_early(calls, mark=mark, answer=event) for mark, event in answered.items()]
    assert [one for one in early if one] == []


def test_a_flush_that_comes_after_the_answer_is_seen(tmp_path: Path) -> None:
    write = '7 1.0 pwrite64(5</d/hookline.db-wal>, "..mark-1..", 4096, 32) = 4096'
    begun = "8 1.1 fdatasync(5</d/hookline.db-wal> <unfinished ...>"
    answer = '7 1.2 write(9<socket:[1]>, "HTTP/1.1 200 \\r\\n{\\"event\\": \\"e1\\"}", 60) = 60'
    done = "8 1.3 <... fdatasync resumed>) = 0"
    for lines, said in (
        ([write, begun, done, answer], None),
        ([write, begun, answer, done], "the answer with e1 was sent before the log was flushed"),
        ([begun, done, write, answer], "the answer with e1 was sent before the log was flushed"),
        ([begun, done, answer, write], "the answer with e1 was sent before its event was in the log"),
        ([begun, done, answer], "mark-1 was never written to the log"),
        ([write, begun, done], "no answer with e1 was seen"),
    ):
        (tmp_path / "trace").write_text("\n".join(lines))
        assert trace.too_early(trace.read(tmp_path / "trace"), mark="mark-1", answer="e1") == said


def _stop(process: Process) -> None:
    """End the server under strace, which ends with it."""
    for pid in process.tree()[1:2]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not process.is_running, seconds=30)
    process.kill()  # whatever is left
