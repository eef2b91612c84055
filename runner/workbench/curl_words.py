"""
A curl command line as what it says: words as a POSIX shell reads them, options as curl does.

Sources: the curl manual (curl.se/docs/manpage.html), POSIX.1-2017 (2.2, quoting), Bash (ANSI-C quoting).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TypeAlias

from runner.errors import SettingsError
from runner.language.suggest import did_you_mean

MOST_CHARACTERS = 256 * 1024
VARIABLE = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))")
ESCAPES = {
    "a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
}  # fmt: skip
NUMBERED = re.compile(r"x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|([0-7]{1,3})")
# A variable of the shell stands between these until it is known what becomes of it: noncharacters.
OPEN, CLOSE = "\ufdd2", "\ufdd3"

Pair: TypeAlias = tuple[str, str]

WITH_VALUE = {
    "-X": "--request", "-H": "--header", "-d": "--data", "-F": "--form", "-u": "--user", "-A": "--user-agent",
    "-e": "--referer", "-b": "--cookie", "-T": "--upload-file", "-m": "--max-time", "-o": "--output",
    "-w": "--write-out", "-x": "--proxy", "-D": "--dump-header", "-c": "--cookie-jar", "-E": "--cert",
    "-r": "--range", "-y": "--speed-time", "-Y": "--speed-limit", "-K": "--config", "-U": "--proxy-user",
    "-z": "--time-cond", "-C": "--continue-at", "-Q": "--quote",
}  # fmt: skip
LONG_WITH_VALUE = frozenset({
    *WITH_VALUE.values(), "--data-ascii", "--data-raw", "--data-binary", "--data-urlencode", "--json",
    "--form-string", "--oauth2-bearer", "--url", "--url-query", "--connect-timeout", "--retry",
    "--retry-delay", "--retry-max-time", "--cacert", "--capath", "--key", "--cert-type", "--max-redirs",
    "--resolve", "--interface", "--aws-sigv4", "--limit-rate", "--ciphers", "--noproxy", "--unix-socket",
    "--max-filesize", "--trace", "--trace-ascii", "--stderr", "--expect100-timeout", "--keepalive-time",
})  # fmt: skip
ALONE = {
    "-G": "--get", "-I": "--head", "-L": "--location", "-k": "--insecure", "-s": "--silent",
    "-S": "--show-error", "-v": "--verbose", "-i": "--include", "-O": "--remote-name", "-f": "--fail",
    "-g": "--globoff", "-N": "--no-buffer", "-#": "--progress-bar", "-J": "--remote-header-name",
    "-0": "--http1.0", "-4": "--ipv4", "-6": "--ipv6", "-1": "--tlsv1", "-q": "--disable", "-n": "--netrc",
    "-a": "--append", "-Z": "--parallel",
}  # fmt: skip
LONG_ALONE = frozenset({
    *ALONE.values(), "--compressed", "--http1.1", "--http2", "--http3", "--http2-prior-knowledge", "--basic",
    "--fail-with-body", "--location-trusted", "--ssl", "--ssl-reqd", "--tlsv1.2", "--tlsv1.3",
    "--no-keepalive", "--path-as-is", "--tcp-nodelay", "--raw", "--post301", "--post302", "--post303",
    "--no-progress-meter",
    "--retry-all-errors", "--retry-connrefused", "--anyauth", "--digest", "--ntlm", "--negotiate",
})  # fmt: skip


@dataclass
class Command:
    """
    What a command line says. A variable of the shell (`$TOKEN`) stands in texts between OPEN and CLOSE.
    `data` are pieces of a body with the option that gave each, `parts` of `--form` likewise.
    """

    url: str = ""
    method: str = ""
    headers: list[Pair] = field(default_factory=list)
    data: list[Pair] = field(default_factory=list)
    parts: list[Pair] = field(default_factory=list)
    query: list[str] = field(default_factory=list)
    user: str | None = None
    bearer: str | None = None
    cookie: str | None = None
    upload: str | None = None
    seconds: str | None = None
    flags: set[str] = field(default_factory=set)
    others: dict[str, str] = field(default_factory=dict)


def read_command(text: str) -> Command:
    """
    Read a curl command line, with or without `curl` at its beginning.

    Raises:
        SettingsError: it is none, or holds an option that curl does not have.
    """
    if len(text) > MOST_CHARACTERS:
        raise SettingsError(f"the command is longer than {MOST_CHARACTERS} characters")
    words = words_of(text)
    while words and words[0] in ("$", "%", ">", "curl", "curl.exe"):
        words.pop(0)
    command = Command()
    while words:
        word = words.pop(0)
        if word in ("|", ">", ">>", ";", "&&", "||", "2>&1", "&", "<", "<<", "<<<"):
            break  # what becomes of the answer is the shell's
        if not word.startswith("-") or word == "-":
            _take_url(command, word)
        else:
            for name, value in _options(word, words):
                _take(command, name, value)
    if not command.url:
        raise SettingsError("there is no address in it; write curl 'https://…'")
    return command


def _options(word: str, rest: list[str]) -> list[tuple[str, str]]:
    """The options that *word* holds, each with its value ("" where it takes none)."""
    if word.startswith("--"):
        name, joined, value = word.partition("=")
        name = name if joined and name in LONG_WITH_VALUE else word
        if name in LONG_WITH_VALUE:
            return [(name, value if joined and name != word else _next(name, rest))]
        if name in LONG_ALONE or name.removeprefix("--no-") != name:
            return [(name, "")]
        raise _unknown(word)
    found = []
    letters = word[1:]
    while letters:
        short, letters = f"-{letters[0]}", letters[1:]
        if short in WITH_VALUE:
            found.append((WITH_VALUE[short], letters or _next(short, rest)))
            break
        if short not in ALONE:
            raise _unknown(short)
        found.append((ALONE[short], ""))
    return found


def _next(name: str, rest: list[str]) -> str:
    if not rest:
        raise SettingsError(f"{name} needs a value; is the line whole?")
    return rest.pop(0)


def _unknown(name: str) -> SettingsError:
    shown = plain(name)[:60]
    hint = did_you_mean(shown, [*LONG_WITH_VALUE, *LONG_ALONE])
    return SettingsError(f"curl has no option {shown}{f'; {hint}' if hint else ''}")


def _take_url(command: Command, word: str) -> None:
    if command.url:
        raise SettingsError("there are two addresses in it; a step has one. Is a text without its quotes?")
    command.url = word


def _take(command: Command, name: str, value: str) -> None:
    match name:
        case "--request":
            command.method = value
        case "--header":
            header, colon, text = value.partition(":")
            if colon:  # `Name;` is a header without a value, `Name:` takes one away
                command.headers.append((header.strip(), text.strip()))
        case "--data" | "--data-ascii" | "--data-raw" | "--data-binary" | "--data-urlencode" | "--json":
            command.data.append((name, value))
        case "--form" | "--form-string":
            command.parts.append((name, value))
        case "--user":
            command.user = value
        case "--oauth2-bearer":
            command.bearer = value
        case "--cookie":
            command.cookie = value
        case "--upload-file":
            command.upload = value
        case "--max-time":
            command.seconds = value
        case "--url":
            _take_url(command, value)
        case "--url-query":
            command.query.append(value)
        case "--user-agent":
            command.headers.append(("User-Agent", value))
        case "--referer":
            command.headers.append(("Referer", value))
        case _ if name in LONG_WITH_VALUE:
            command.others[name] = value
        case _:
            command.flags.add(name)


def words_of(text: str) -> list[str]:
    """
    The words of a command line as a POSIX shell splits it, with `$'…'`, and with variables marked.

    Raises:
        SettingsError: a quotation mark has no other.
    """
    words: list[str] = []
    word: list[str] | None = None
    position = 0
    while position < len(text):
        one = text[position]
        if one.isspace():
            if word is not None:
                words.append("".join(word))
                word = None
            position += 1
            continue
        word = [] if word is None else word
        if text.startswith("$'", position):
            piece, position = _ansi(text, position + 2)
        elif one == "'":
            end = _closing(text, "'", position + 1)
            piece, position = text[position + 1 : end], end + 1
        elif one == '"':
            piece, position = _double(text, position + 1)
        elif one in "\\^" and text[position + 1 : position + 2] in ("\n", "\r"):
            # the line goes on (`^`: on Windows)
            position += 3 if text.startswith("\r\n", position + 1) else 2
            if not word:
                word = None
            continue
        elif one == "\\":
            piece, position = text[position + 1 : position + 2], position + 2
        elif match := VARIABLE.match(text, position):
            piece, position = marked(match), match.end()
        else:
            piece, position = one, position + 1
        word.append(piece)
    if word is not None:
        words.append("".join(word))
    return words


def _closing(text: str, mark: str, start: int) -> int:
    end = text.find(mark, start)
    if end < 0:
        raise SettingsError(
            f"the quotation mark {mark} before {plain(text[start : start + 20])!r} has no other"
        )
    return end


def _double(text: str, start: int) -> tuple[str, int]:
    piece: list[str] = []
    position = start
    while position < len(text) and text[position] != '"':
        if text[position] == "\\" and text[position + 1 : position + 2] in ("\n", '"', "\\", "$", "`"):
            following = text[position + 1]
            piece.append("" if following == "\n" else following)
            position += 2
        elif match := VARIABLE.match(text, position):
            piece.append(marked(match))
            position = match.end()
        else:
            piece.append(text[position])
            position += 1
    return "".join(piece), _closing(text, '"', position) + 1


def _ansi(text: str, start: int) -> tuple[str, int]:
    piece: list[str] = []
    position = start
    while position < len(text) and text[position] != "'":
        if text[position] != "\\":
            piece.append(text[position])
            position += 1
        elif match := NUMBERED.match(text, position + 1):
            digits, base = (match[4], 8) if match[4] else (match[1] or match[2] or match[3], 16)
            code = int(digits, base)
            piece.append(chr(code) if code < 0x110000 else "?")
            position = match.end()
        else:
            following = text[position + 1 : position + 2]
            piece.append(ESCAPES.get(following, following))
            position += 2
    return "".join(piece), _closing(text, "'", position) + 1


def marked(match: re.Match[str]) -> str:
    """A variable as it stands in a `Command`."""
    return f"{OPEN}{match[1] or match[2]}{CLOSE}"


def plain(text: str) -> str:
    """*text* with its variables as they were written."""
    return text.replace(OPEN, "$").replace(CLOSE, "")
