"""
`[commands]` of `hookline.toml`: the commands that workflows may run by name, on this host or on one
that an SSH connection reaches. Only who writes that file can allow one.

    [commands.deploy]
    run = ["/usr/local/bin/deploy", "--to", "production", "{branch}"]
    arguments = {branch = "[a-z0-9][a-z0-9/._-]{0,99}"}   # RE2; it has to match the whole text
    on = "local"                      # or a connection of kind ssh, or a list of such; "local" by default
    about = "Roll out a branch"
    timeout = "10m"                   # the step's own bound holds too; 1m by default
    output_bytes = 65536              # of stdout and of stderr, of which the end is kept
    environment = {PATH = "/usr/bin:/bin"}   # all that there is of one on this host
    directory = "/srv/app"            # on this host; "/" by default
    success = [0]                     # the exit statuses that are good

There is no shell: each word of `run` is one argument, whatever is put in for `{branch}`. A text that
would make a word begin with `-` is refused unless its own pattern begins with `-`, and so is one that
does not fit its pattern. An SSH server hands the words to its user's shell, for which they are quoted.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from runner.values import duration_seconds

if TYPE_CHECKING:
    from runner.values import Json

SECTION = "commands"
LOCAL = "local"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_-]*)\}")
# what no quotes of a shell hold for all of them: a line break ends csh's, a backslash works in fish's
UNQUOTABLE = re.compile(r"[\x00-\x1f\x7f\\]")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
LONGEST_ARGUMENT = 8192  # characters; a system takes some 128 KiB in one argument
MOST_OUTPUT_BYTES = 384 * 1024  # two of them have to fit into a step's output
DEFAULT_OUTPUT_BYTES = 64 * 1024
DEFAULT_SECONDS = 60.0
KEYS = (
    "run", "arguments", "on", "about", "timeout", "output_bytes", "environment", "directory", "success",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Command:
    """One allowed command; `arguments` has the pattern of each placeholder of `run`."""

    name: str
    run: tuple[str, ...]
    arguments: Mapping[str, str] = field(default_factory=dict)
    on: tuple[str, ...] = (LOCAL,)
    about: str = ""
    timeout_seconds: float = DEFAULT_SECONDS
    output_bytes: int = DEFAULT_OUTPUT_BYTES
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: str = ""
    success: tuple[int, ...] = (0,)

    def words(self, given: Mapping[str, str]) -> list[str]:
        """
        The command with *given* put in: as many words as `run` has.

        Raises:
            ValueError: an argument is missing, unknown or not allowed; all of them are named.
        """
        faults = [f"{name} is missing" for name in self.arguments if name not in given]
        faults += [self.unknown(name) for name in given if name not in self.arguments]
        faults += [wrong for name, text in given.items() if (wrong := self.wrong(name, text))]
        if faults:
            raise ValueError("; ".join(faults))
        return [self._word(one, given) for one in self.run]

    def unknown(self, name: str) -> str:
        """The sentence for an argument that there is not."""
        near = difflib.get_close_matches(name, self.arguments, n=1)
        has = f"its arguments are {', '.join(self.arguments)}" if self.arguments else "it takes no arguments"
        return f"{self.name} has no argument {name}; {f'did you mean {near[0]}?' if near else has}"

    def wrong(self, name: str, text: str) -> str | None:
        """What is wrong with the argument *name* as *text*, or None."""
        pattern = self.arguments.get(name)
        if pattern is None:
            return None
        if len(text) > LONGEST_ARGUMENT:
            return f"{name} has {len(text):,} characters; an argument may have {LONGEST_ARGUMENT:,}"
        if "\0" in text or not _fits(pattern, text):
            return f"{name} does not fit the pattern that hookline.toml sets for it: {pattern}"
        if text.startswith("-") and not pattern.startswith("-") and self._leads(name):
            return f"{name} begins with -, which would be an option; its pattern has to begin with - for that"
        return None

    def _leads(self, name: str) -> bool:
        """Whether a word can begin with the argument: what stands before it may be empty."""
        heads = (re.match(rf"(?:{PLACEHOLDER.pattern})+", word) for word in self.run)
        return any(head and f"{{{name}}}" in head[0] for head in heads)

    def _word(self, word: str, given: Mapping[str, str]) -> str:
        return PLACEHOLDER.sub(lambda found: given.get(found[1], found[0]), word)


Commands: TypeAlias = Mapping[str, Command]
"""By name."""


def refusal(commands: Commands, name: str, connection: str | None) -> str | None:
    """Why the command *name* may not be run over *connection* (None: on this host), or None."""
    found = commands.get(name)
    if found is None:
        if not commands:
            return "this server allows no commands; [commands] in its hookline.toml names those that may run"
        near = difflib.get_close_matches(name, commands, n=1)
        known = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(commands))}"
        return f'this server allows no command "{name}"; {known}'
    if connection is None and LOCAL not in found.on:
        return f"the command {name} runs over a connection: {' or '.join(found.on)}"
    if connection is not None and (connection == LOCAL or connection not in found.on):
        others = [one for one in found.on if one != LOCAL]
        where = f"over {' or '.join(others)}" if others else "on this host, without a connection"
        return f"the command {name} may not run over {connection}; it runs {where}"
    return None


def read_commands(document: Mapping[str, Json], file: str, faults: list[str]) -> dict[str, Command]:
    """What `[commands]` of the TOML *document* called *file* allows; what is wrong goes into *faults*."""
    section = document.get(SECTION, {})
    if not isinstance(section, dict):
        faults.append(f"{file}: {SECTION}: {section!r} is not a table of commands")
        return {}
    found = {}
    for name, value in section.items():
        where = f"{file}: {SECTION}.{name}"
        if not NAME.fullmatch(name):
            faults.append(f"{where}: a command's name is small letters, digits, - and _, such as deploy")
        elif not isinstance(value, dict):
            faults.append(f'{where}: write a table: [{SECTION}.{name}] with run = ["/path/to/it"]')
        elif command := _command(name, value, where, faults):
            found[name] = command
    return found


def _command(name: str, given: Mapping[str, Json], where: str, faults: list[str]) -> Command | None:
    before = len(faults)
    for key in given:
        if key not in KEYS:
            near = difflib.get_close_matches(key, KEYS, n=1)
            faults.append(f"{where}: there is no key {key}{f'; did you mean {near[0]}?' if near else ''}")

    def read(key: str, default: Any, reader: Callable[[Json], Any]) -> Any:
        if key not in given:
            return default
        try:
            return reader(given[key])
        except (TypeError, ValueError) as error:
            faults.append(f"{where}.{key}: {error}")
            return default

    command = Command(
        name,
        run=read("run", (), _texts),
        arguments=read("arguments", {}, _patterns),
        on=read("on", (LOCAL,), _places),
        about=read("about", "", _text),
        timeout_seconds=read("timeout", DEFAULT_SECONDS, _seconds),
        output_bytes=read("output_bytes", DEFAULT_OUTPUT_BYTES, _bytes),
        environment=read("environment", {}, _environment),
        directory=read("directory", "", _text),
        success=read("success", (0,), _statuses),
    )
    if len(faults) == before:
        faults += [f"{where}{one}" for one in _judged(command)]
    return command if len(faults) == before else None


def _judged(command: Command) -> Sequence[str]:
    """What is wrong with values that are of the right kind."""
    faults = []
    if not command.run:
        return ['.run: it is missing; write the program and its arguments: ["/usr/local/bin/deploy"]']
    if PLACEHOLDER.search(command.run[0]):
        faults.append(".run: the program itself is named, it is not put in")
    if any("\0" in one for one in command.run) or command.run[0].startswith("-"):
        faults.append(f".run: {command.run[0]!r} is no program")
    used = dict.fromkeys(name for one in command.run for name in PLACEHOLDER.findall(one))
    faults += [
        f'.arguments: {name} has no pattern; write for example {name} = "[a-z0-9][a-z0-9-]*"'
        for name in used
        if name not in command.arguments
    ]
    faults += [
        f".arguments: `run` has no {{{name}}}, so it would go nowhere"
        for name in command.arguments
        if name not in used
    ]
    if LOCAL in command.on and not command.run[0].startswith("/"):
        faults.append(f".run: {command.run[0]!r} is no path from the root, and no PATH is searched here")
    is_remote = set(command.on) != {LOCAL}
    if is_remote and any(UNQUOTABLE.search(one) for one in (*command.run, *command.environment.values())):
        faults.append(": over SSH no word holds a line break, another control character or a backslash")
    if command.directory and not command.directory.startswith("/"):
        faults.append(f".directory: {command.directory!r} is no path from the root")
    if command.directory and LOCAL not in command.on:
        faults.append(".directory: it is for commands on this host; over SSH the user's own folder is it")
    return faults


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    import re2  # noqa: PLC0415 - most servers allow no commands

    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options)


def _fits(pattern: str, text: str) -> bool:
    try:
        return _compiled(pattern).fullmatch(text) is not None
    except UnicodeEncodeError:  # half a character (a lone surrogate)
        return False


def _text(value: Json) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(f"{value!r} is not a text")
    return value


def _texts(value: Json) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(one, str) for one in value):
        raise ValueError(f'{value!r} is not a list of texts, such as ["/usr/local/bin/deploy", "{{branch}}"]')
    return tuple(value)


def _places(value: Json) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or not value or not all(isinstance(one, str) and one for one in value):
        raise ValueError(f'{value!r} is not "local", the name of a connection, or a list of them')
    return tuple(dict.fromkeys(value))


def _patterns(value: Json) -> dict[str, str]:
    found = _mapping(value, 'branch = "[a-z0-9][a-z0-9-]*"')
    for name, pattern in found.items():
        try:
            _compiled(pattern)
        except Exception as error:  # noqa: BLE001 - re2.error, which is imported late
            raise ValueError(f"{name}: {pattern!r} is no pattern of RE2: {_sentence(error)}") from None
    return found


def _sentence(error: Exception) -> str:
    said = error.args[0] if error.args else type(error).__name__
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)


def _environment(value: Json) -> dict[str, str]:
    found = _mapping(value, 'PATH = "/usr/bin:/bin"')
    if wrong := [name for name in found if not VARIABLE.fullmatch(name)]:
        raise ValueError(f"{wrong[0]!r} is not the name of a variable")
    return found


def _mapping(value: Json, such_as: str) -> dict[str, str]:
    is_good = isinstance(value, dict) and all(
        isinstance(one, str) and "\0" not in one for one in value.values()
    )
    if not is_good:
        raise ValueError(f"{value!r} is not a table of names and texts, such as {{{such_as}}}")
    return dict(value)


def _seconds(value: Json) -> float:
    seconds = duration_seconds(_text(value))
    if not 0 < seconds < math.inf:
        raise ValueError(f"{value!r} is no time; write for example 5m")
    return seconds


def _bytes(value: Json) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= MOST_OUTPUT_BYTES:
        raise ValueError(f"{value!r} is not a whole number from 1 to {MOST_OUTPUT_BYTES}")
    return value


def _statuses(value: Json) -> tuple[int, ...]:
    is_good = isinstance(value, list) and value and all(type(one) is int and 0 <= one <= 255 for one in value)
    if not is_good:
        raise ValueError(f"{value!r} is not a list of exit statuses from 0 to 255, such as [0, 3]")
    return tuple(value)
