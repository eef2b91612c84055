"""`command.run`, with real processes on this host and over a real SSH server."""

from __future__ import annotations

import asyncio
import shlex
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import connectors
from connectors.ssh.access import SshConnection
from connectors.ssh.there import quoted
from runner.connector import Call, Command, hiding
from runner.errors import ConnectionRejected, OutcomeUnknown, Rejected, TimedOut, Unavailable
from runner.settings_commands import refusal
from tests.servers.ssh_server import PASSWORD, SshServer, ssh_server

MakeCall = Callable[..., Call]
Run = Callable[..., Any]
ECHO = "import sys; print(sys.argv[1:])"
ANY = "(?s).*"


def python(
    name: str, code: str, *words: str, on: tuple[str, ...] = ("local", "web-1"), **more: Any
) -> Command:
    return Command(name, (sys.executable, "-c", code, *words), on=on, **more)


COMMANDS = {
    one.name: one
    for one in (
        python("echo", ECHO, "--to={a}", "{b}", arguments={"a": ANY, "b": "-?(?s:.*)"}),
        python("surroundings", "import os; print(dict(os.environ), os.getcwd())", environment={"A": "b c"}),
        python("fails", "import sys; print('out'); sys.exit('why it failed')"),
        python("odd", "import sys; sys.exit(3)", success=(0, 3)),
        python("later", "import sys; sys.exit(75)"),
        python("dies", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"),
        python("talks", "print('x' * 100_000, end='the end')", output_bytes=1000),
        python("here-only", "print(1)", on=("local",)),
        python("slow", "import time; time.sleep(60)", timeout_seconds=0.5),
        Command("nothing", ("/nonexistent/program",)),
        Command("folder", ("/tmp",)),
        Command("elsewhere", ("/bin/pwd",), directory="/nonexistent"),
    )
}


def at(make_call: MakeCall, connection: str | None, commands: Mapping[str, Command] = COMMANDS) -> MakeCall:
    """Calls that may run *commands* over the connection of that name."""

    def command(name: str) -> Command:
        if why := refusal(commands, name, connection):
            raise Rejected(why)
        return commands[name]

    return lambda *given: replace(make_call(*given), command=command)


async def ran(
    make_call: MakeCall, connection: SshConnection | None, seconds: float, name: str, **inputs: Any
) -> Any:
    action = connectors.action("command.run")
    assert action
    given = action.read_input({"name": name, **inputs})
    return (await action.function(make_call(connection, seconds), connection, given)).model_dump()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[SshServer]:
    async with ssh_server(tmp_path) as one:
        yield one


def to(server: SshServer, **fields: Any) -> SshConnection:
    given = {
        "host": "127.0.0.1", "port": server.port, "user": "ann", "password": PASSWORD,
        "host_key": server.fingerprint,
    }  # fmt: skip
    return SshConnection.model_validate(given | fields)


@pytest.fixture(params=["here", "there"])
def run(request: pytest.FixtureRequest, make_call: MakeCall, server: SshServer) -> Run:
    """What runs a command by its name, on this host and over SSH."""
    connection = to(server) if request.param == "there" else None
    call = at(make_call, "web-1" if connection else None)

    async def one(name: str, seconds: float = 20, **inputs: Any) -> Any:
        return await ran(call, connection, seconds, name, **inputs)

    return one


@pytest.mark.parametrize(
    "text",
    [
        "main", "a b", "", "$HOME `id` $(id) ${IFS}", "'; id; '", '"; id; "', "a&b|c>d<e*?[x]", "=ls",
        "~root", "--option", "-", "ü ☃", "#", "%PATH%", "!!", "{x}",
    ],
)  # fmt: skip
async def test_an_argument_is_one_argument_whatever_it_holds(run: Run, text: str) -> None:
    done = await run("echo", arguments={"a": text, "b": text})

    assert done["stdout"] == f"{[f'--to={text}', text]!r}\n"
    assert (done["exit_status"], done["stderr"], done["cut"]) == (0, "", False)


async def test_numbers_and_booleans_are_written_as_json_has_them(run: Run) -> None:
    assert (await run("echo", arguments={"a": 7, "b": True}))["stdout"] == "['--to=7', 'true']\n"


async def test_only_what_is_allowed_is_run(run: Run) -> None:
    with pytest.raises(Rejected, match=r'this server allows no command "ech"; did you mean echo'):
        await run("ech")
    with pytest.raises(Rejected, match="the command echo: b is missing; echo has no argument c"):
        await run("echo", arguments={"a": "x", "c": "x"})


async def test_another_exit_status_than_a_good_one_fails_with_the_end_of_what_was_said(run: Run) -> None:
    with pytest.raises(Rejected, match=r"the command fails ended with 1: why it failed$"):
        await run("fails")
    with pytest.raises(Unavailable, match="the command later ended with 75"):
        await run("later")
    with pytest.raises(OutcomeUnknown, match=r"the command dies was ended by (SIG)?KILL"):
        await run("dies")
    assert (await run("odd"))["exit_status"] == 3


async def test_of_a_long_output_the_end_is_kept(run: Run) -> None:
    done = await run("talks")

    assert done["stdout"] == "x" * 993 + "the end"
    assert done["cut"] is True


async def test_a_secret_is_hidden_before_an_output_is_cut(run: Run) -> None:
    with hiding(lambda: frozenset({"x" * 600 + "the end"})):
        done = await run("talks")

    assert done["stdout"].endswith("•••")
    assert "the end" not in done["stdout"]


async def test_what_takes_too_long_is_ended(run: Run) -> None:
    with pytest.raises(
        TimedOut, match=r"the command slow took longer than 0\.5 s and (was|its host was asked)"
    ):
        await run("slow")


def test_it_is_repeated_after_a_crash_only_where_the_step_says_that_it_may() -> None:
    action = connectors.action("command.run")
    assert action
    assert action.crash_rule(action.read_input({"name": "x"})) == "stop"
    assert action.crash_rule(action.read_input({"name": "x", "repeatable": True})) == "repeat"


# --- on this host --------------------------------------------------------------------------------


async def here(make_call: MakeCall, name: str, seconds: float = 20, **commands: Command) -> Any:
    return await ran(at(make_call, None, commands or COMMANDS), None, seconds, name)


async def test_a_command_on_this_host_sees_the_environment_that_is_listed_and_no_other(
    make_call: MakeCall,
) -> None:
    done = await here(make_call, "surroundings")

    # the interpreter sets the last two itself
    environment = done["stdout"].rpartition("} ")[0] + "}"
    names = {one.partition(":")[0].strip(" {'") for one in environment.split(", ")}
    assert "'A': 'b c'" in environment
    assert names <= {"A", "LC_CTYPE", "__CF_USER_TEXT_ENCODING"}
    assert done["stdout"].endswith(" /\n")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nothing", r"cannot be started: No such file or directory \(/nonexistent/program\)"),
        ("folder", r"cannot be started: Permission denied \(/tmp\)"),
        ("elsewhere", r"cannot be started: No such file or directory \(/bin/pwd in /nonexistent\)"),
    ],
)
async def test_what_cannot_be_started_is_said(make_call: MakeCall, name: str, says: str) -> None:
    with pytest.raises(Rejected, match=f"the command {name} {says}; mend \\[commands\\]"):
        await here(make_call, name)


FAMILY = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN if {stubborn} else signal.SIG_DFL)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open({path!r} + ".new", "w").write(f"{{os.getpid()}} {{child.pid}}")
os.rename({path!r} + ".new", {path!r})
time.sleep({seconds})
"""


def family(folder: Path, *, seconds: float, stubborn: bool = False) -> tuple[Command, Path]:
    """A command that has a child, and the file to which it writes their ids."""
    path, program = folder / "pids", folder / "family.py"
    program.write_text(FAMILY.format(path=str(path), seconds=seconds, stubborn=stubborn))
    return Command("family", (sys.executable, str(program)), timeout_seconds=30), path


async def born(path: Path) -> list[int]:
    async with asyncio.timeout(20):
        while not (pids := pids_in(path)):
            await asyncio.sleep(0.01)
    return pids


def pids_in(path: Path) -> list[int]:
    return [int(one) for one in path.read_text().split()] if path.exists() else []


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2]
    except FileNotFoundError:
        return False
    return not state.startswith("Z")  # whom nobody waits for any more


async def gone(pids: list[int]) -> None:
    async with asyncio.timeout(20):
        while any(map(is_alive, pids)):
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("stubborn", [False, True])
async def test_a_call_that_is_cancelled_ends_the_whole_group(
    make_call: MakeCall, tmp_path: Path, *, stubborn: bool
) -> None:
    command, path = family(tmp_path, seconds=60, stubborn=stubborn)
    task = asyncio.create_task(here(make_call, "family", family=command))
    pids = await born(path)
    assert all(map(is_alive, pids))

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    await gone(pids)


async def test_a_call_that_is_out_of_time_ends_the_whole_group(make_call: MakeCall, tmp_path: Path) -> None:
    command, path = family(tmp_path, seconds=60)
    task = asyncio.create_task(here(make_call, "family", 3.0, family=command))
    pids = await born(path)

    with pytest.raises(TimedOut, match=r"took longer than 2\.85 s"):
        await task

    await gone(pids)


async def test_what_a_command_leaves_behind_ends_with_it_and_is_not_waited_for(
    make_call: MakeCall, tmp_path: Path
) -> None:
    command, path = family(tmp_path, seconds=0)  # its child has the pipes, and would have them for a minute

    done = await here(make_call, "family", family=command)

    assert done["seconds"] < 20
    await gone(await born(path))


async def test_no_file_stays_open(make_call: MakeCall) -> None:
    await here(make_call, "odd")
    before = open_files()
    for name in ("odd", "odd", "nothing"):
        try:
            await here(make_call, name)
        except Rejected:
            continue
    await asyncio.sleep(0)
    assert open_files() == before


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


# --- over SSH ------------------------------------------------------------------------------------


def test_each_word_is_quoted_and_what_shells_read_differently_is_refused() -> None:
    command = Command("x", ("/bin/x",), environment={"A": "b c"})
    words = ["/bin/x", "a-b_c@d:e/f", "it's", "=x"]

    line = quoted(words, replace(command, environment={}))
    assert line == "/bin/x a-b_c@d:e/f 'it'\"'\"'s' '=x'"
    assert shlex.split(line) == words
    assert quoted(words[:1], command) == "env 'A=b c' /bin/x"
    for word in ("a\nb", "a\\b", "a\tb", "a\x7f"):
        with pytest.raises(Rejected, match="no line break, no other control character and no backslash"):
            quoted([word], command)


async def test_a_command_over_ssh_gets_what_is_listed_besides(make_call: MakeCall, server: SshServer) -> None:
    done = await ran(at(make_call, "web-1"), to(server), 20, "surroundings")

    assert "'A': 'b c'" in done["stdout"]
    assert server.commands[0].startswith("env 'A=b c' /")


async def test_it_runs_only_over_the_connection_that_the_configuration_names(
    make_call: MakeCall, server: SshServer
) -> None:
    with pytest.raises(Rejected, match="may not run over web-1; it runs on this host"):
        await ran(at(make_call, "web-1"), to(server), 20, "here-only")
    with pytest.raises(Rejected, match="may not run over web-2"):
        await ran(at(make_call, "web-2"), to(server), 20, "echo", arguments={"a": "", "b": ""})
    assert server.commands == []


async def test_a_host_that_is_another_one_runs_nothing(make_call: MakeCall, server: SshServer) -> None:
    with pytest.raises(ConnectionRejected, match="it may be another machine"):
        await ran(at(make_call, "web-1"), to(server, host_key=f"SHA256:{'A' * 43}"), 20, "odd")
    assert server.commands == []


@pytest.mark.parametrize("way", ["cancelled", "out of time"])
async def test_over_ssh_too_it_is_ended_with_the_call(
    make_call: MakeCall, server: SshServer, tmp_path: Path, way: str
) -> None:
    command, path = family(tmp_path, seconds=60)
    call = at(make_call, "web-1", {"family": replace(command, on=("web-1",))})
    task = asyncio.create_task(ran(call, to(server), 3.0 if way == "out of time" else 60, "family"))
    pids = await born(path)

    if way == "cancelled":
        task.cancel()
    with pytest.raises(asyncio.CancelledError if way == "cancelled" else TimedOut):
        await task

    await gone(pids)  # the server passes the signal on to the group


async def test_a_connection_that_breaks_leaves_the_outcome_open(
    make_call: MakeCall, server: SshServer, tmp_path: Path
) -> None:
    command, path = family(tmp_path, seconds=60)
    call = at(make_call, "web-1", {"family": replace(command, on=("web-1",))})
    task = asyncio.create_task(ran(call, to(server), 60, "family"))
    await born(path)
    server.drop()

    with pytest.raises(OutcomeUnknown, match="the connection"):
        await task
