"""
What strace saw, as calls with a beginning and an end in the order of their happening.

`strace -f` writes a line when a call ends, or two when another thread came between. Source: strace(1).
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

CALLS = "fdatasync,fsync,pwrite64,write,writev,sendto,sendmsg"
WHOLE = 1 << 16  # characters shown of each buffer: a page of the log, an answer
LINE = re.compile(r"(?P<thread>\d+) +(?P<at>[\d.]+) (?P<rest>.*)")
BEGUN = re.compile(r"(?P<name>\w+)\((?P<arguments>.*) <unfinished \.\.\.>$")
RESUMED = re.compile(r"<\.\.\. (?P<name>\w+) resumed>(?P<more>.*)\) += (?P<result>-?\d+).*$")
ENDED = re.compile(r"(?P<name>\w+)\((?P<arguments>.*)\) += (?P<result>-?\d+).*$")
SYNC = frozenset({"fdatasync", "fsync"})
SENDING = frozenset({"write", "writev", "sendto", "sendmsg"})


@dataclass(slots=True)
class Call:
    """One system call; `began` and `ended` are places in the trace, `ended` None while it lasts."""

    thread: int
    name: str
    arguments: str
    began: int
    ended: int | None = None
    result: int | None = None

    @property
    def file(self) -> str:
        """What its descriptor is: a path, or `socket:[…]`. Needs `strace -y`."""
        return self.arguments.partition("<")[2].partition(">")[0]

    def is_done_before(self, other: Call) -> bool:
        """Whether it had ended, and well, when *other* began."""
        return self.ended is not None and (self.result or 0) >= 0 and self.ended < other.began


def refusal() -> str | None:
    """Why nothing can be traced here, or None where it can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    tried = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    return None if tried.returncode == 0 else f"strace may not trace here: {tried.stderr.strip()}"


def traced(command: Iterable[str], output: Path) -> list[str]:
    """*command* under strace, which writes to *output*."""
    return [
        "strace",
        "-f",
        "-ttt",
        "-y",
        "-s",
        str(WHOLE),
        "-e",
        f"trace={CALLS}",
        "-o",
        str(output),
        *command,
    ]


def read(path: Path) -> list[Call]:
    """All calls of the trace, in the order in which they began."""
    calls: list[Call] = []
    open_calls: dict[int, Call] = {}
    for place, line in enumerate(path.read_text(errors="replace").splitlines()):
        found = LINE.match(line)
        if not found:
            continue
        thread, rest = int(found["thread"]), found["rest"]
        if begun := BEGUN.match(rest):
            open_calls[thread] = Call(thread, begun["name"], begun["arguments"], place)
            calls.append(open_calls[thread])
        elif resumed := RESUMED.match(rest):
            if call := open_calls.pop(thread, None):
                call.arguments += resumed["more"]
                call.ended, call.result = place, int(resumed["result"])
        elif ended := ENDED.match(rest):
            calls.append(Call(thread, ended["name"], ended["arguments"], place, place, int(ended["result"])))
    return calls


def too_early(calls: list[Call], *, mark: str, answer: str) -> str | None:
    """
    Why the 2xx that holds *answer* was sent too early, or None when the log's flush came before it:
    the log was written with *mark* in it, then flushed, and both had ended when the answer began.
    """
    writes = [
        one for one in calls if one.name == "pwrite64" and one.file.endswith("-wal") and mark in one.arguments
    ]
    if not writes:
        return f"{mark} was never written to the log"
    sent = [one for one in calls if one.name in SENDING and one.file.startswith("socket:")]
    place = next((place for place, one in enumerate(sent) if answer in one.arguments), None)
    if place is None:
        return f"no answer with {answer} was seen"
    # the head may go out before the body, in a call of its own
    heads = [
        one for one in sent[: place + 1] if one.file == sent[place].file and "HTTP/1.1 2" in one.arguments
    ]
    if not heads:
        return f"the answer with {answer} is no 2xx"
    head, written = heads[-1], writes[0]
    if not written.is_done_before(head):
        return f"the answer with {answer} was sent before its event was in the log"
    flushes = (one for one in calls if one.name in SYNC and one.file.endswith("-wal"))
    if not any(written.is_done_before(flush) and flush.is_done_before(head) for flush in flushes):
        return f"the answer with {answer} was sent before the log was flushed"
    return None
