"""
`--server URL`: each command asked of a running server gives what it gives on the same data, told in the same
words, with the same exit status.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import click
import pytest
from click.testing import Result

from runner.cli import hookline
from tests.cli.home import HELLO, Home
from tests.cli.test_help import commands
from tests.servers.hookline_process import serving

LOCAL = {
    "init", "serve", "check", "verify", "test", "schema", "functions", "import curl",
    "connector from-openapi", "login", "logout", "vacuum", "backup", "restore", "worker", "operating",
    "store migrate",
}  # fmt: skip
"""Commands about files, this machine, or the data themselves."""
FAILING = "name: Fails\ntrigger: {webhook: {}}\nsteps: [{fail: it is broken}]\n"
MANUAL = """name: Refund
trigger:
  manual: {public: true, inputs: {type: object, properties: {order: {type: string}, cents: {type: integer}}}}
steps:
  - id: kept
    transform: payload
  - fail: nothing to refund
    if: payload.cents == 0
"""
TIMED = "name: Timed\ntrigger: {schedule: {cron: '0 9 * * *'}}\nsteps: [{stop: fine}]\n"
SIGNED = HELLO.replace("  webhook:", "  webhook:\n    verify: {provider: github, secret: GITHUB}")
SLACK = '{"token": "xoxb-hush", "api_url": "https://slack.example.com/api"}'
VARYING = re.compile(
    r'"(at|by|id|event|used_at|until|created_at|changed_at|expires_at|set_at|made_by|token|url|started_at|ended_at|'
    r'accepted_at|replay_of|attempt|run|answer)": ("[^"]*"|\d+|null)'
)
"""What is another one each time that a command does something."""


@dataclass(frozen=True)
class There:
    """A home that a server serves: asked directly, and by its address."""

    home: Home
    url: str
    token: str
    ids: dict[str, str]

    def near(self, *words: str, stdin: str = "") -> Result:
        """A command on the data itself."""
        return self.home(*self._named(words), stdin=stdin)

    def far(self, *words: str, stdin: str = "", **environment: str) -> Result:
        """The same command, asked of the server."""
        given: dict[str, Any] = {"HOOKLINE_TOKEN": self.token, **environment}
        return self.home(*self._named(words), "--server", self.url, stdin=stdin, **given)

    def _named(self, words: tuple[str, ...]) -> list[str]:
        found = list(words)
        for name, identity in self.ids.items():
            found = [word.replace(f"{{{name}}}", identity) for word in found]
        return found


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[There]:
    home = Home(tmp_path_factory.mktemp("server"))
    texts = {"hello": HELLO, "fails": FAILING, "refund": MANUAL, "timed": TIMED, "signed": SIGNED}
    texts |= dict.fromkeys(("near-one", "far-one", "near-two", "far-two"), HELLO)
    for slug, text in texts.items():
        home.workflow(slug, text)
    done = [
        home("run", "hello", "--live", "--json", "--payload", "-", stdin='{"name": "Ada"}'),
        home("secrets", "set", "SHOP", "--host", "api.example.com", stdin="hush"),
        home("secrets", "set", "GITHUB", stdin="hush"),
        home("connections", "set", "team", "--kind", "slack", stdin=SLACK),
        home("state", "set", "hello", "orders", '{"count": 2}'),
        home("state", "set", "--shared", "everyone", "0"),
        home("user", "add", "ada@example.com", "--role", "admin"),
        home("pause", "--host", "down.example.com", "--why", "it is down"),
    ]
    assert {one.exit_code for one in done} == {0}, [one.output for one in done]
    for _ in range(3):
        failed = home("run", "fails", "--live", "--json")
    token = home("user", "token", "--name", "ci", "--role", "admin").stdout.strip()
    problem = json.loads(home("problems", "list", "--json").stdout)["items"][0]["id"]
    ran = json.loads(done[0].stdout)
    planned = home("runs", "replay", "--where", "workflow=fails", "--plan", "--json")
    ids = {
        "run": ran["id"], "event": ran["event"], "failed": json.loads(failed.stdout)["id"],
        "problem": problem, "replay": json.loads(planned.stdout)["id"],
    }  # fmt: skip
    with serving(home) as running:
        yield There(home, f"http://127.0.0.1:{running.port}", token, ids)


def test_each_command_about_a_servers_data_asks_a_server_too() -> None:
    lacking = {
        " ".join(path[1:])
        for path, command in commands(hookline)
        if not isinstance(command, click.Group)
        and "--server" not in {n for one in command.params for n in one.opts}
    }
    assert lacking <= LOCAL


READS = [
    ("events", "list"),
    ("events", "list", "--workflow", "hello"),
    ("events", "list", "--status", "rejected"),
    ("events", "list", "--where", "payload.name=Ada"),
    ("events", "list", "--since", "1h", "--limit", "300"),
    ("events", "list", "--limit", "2"),
    ("events", "show", "{event}"),
    ("runs", "list"),
    ("runs", "list", "--status", "failed", "--limit", "2"),
    ("runs", "list", "--problem", "{problem}"),
    ("runs", "show", "{run}"),
    ("runs", "show", "{failed}"),
    ("problems", "list"),
    ("problems", "list", "--status", "closed"),
    ("problems", "show", "{problem}"),
    ("replays", "list"),
    ("replays", "list", "--status", "done"),
    ("replays", "show", "{replay}"),
    ("runs", "replay", "--where", "workflow=fails since=1d", "--dry-run", "--first", "2"),
    ("runs", "replay", "{failed}", "--dry-run", "--from", "start", "--stale-after", "2h"),
    ("secrets", "list"),
    ("connections", "list"),
    ("connections", "kinds"),
    ("connections", "export"),
    ("connections", "export", "--plain"),
    ("state", "list", "hello"),
    ("state", "list", "--shared"),
    ("state", "get", "hello", "orders"),
    ("state", "list", "hello", "--limit", "1"),
    ("schedules",),
    ("actions",),
    ("actions", "slack"),
    ("pause",),
    ("url", "hello"),
    ("url", "refund", "--form"),
    ("user", "list"),
    ("events", "forget", "--where", "workflow=hello", "--plan"),
    ("events", "recheck"),
]


@pytest.mark.parametrize("words", READS, ids=" ".join)
def test_what_is_looked_at_is_the_same(there: There, words: tuple[str, ...]) -> None:
    near, far = there.near(*words, "--json"), there.far(*words, "--json")
    assert (far.exit_code, far.stderr) == (near.exit_code, near.stderr)
    assert _json(far.stdout, VOLATILE) == _json(near.stdout, VOLATILE)


@pytest.mark.parametrize("words", READS, ids=" ".join)
def test_people_are_told_the_same(there: There, words: tuple[str, ...]) -> None:
    near, far = there.near(*words), there.far(*words)
    assert (far.exit_code, _plain(far.stdout)) == (near.exit_code, _plain(near.stdout))
    assert _plain(far.stderr) == _plain(near.stderr)
    assert near.stdout or near.stderr


REFUSED = [
    ("events", "show", "nope"),
    ("runs", "show", "nope"),
    ("problems", "show", "nope"),
    ("replays", "show", "nope"),
    ("runs", "replay", "nope"),
    ("runs", "replay", "{run}"),
    ("runs", "cancel", "nope", "{run}"),
    ("replays", "pause", "nope"),
    ("problems", "seen", "nope"),
    ("problems", "dismiss", "nope", "--note", "x"),
    ("actions", "slak"),
    ("resume", "hello"),
    ("url", "hello", "--not-at", "/webhook/x"),
    ("url", "hello", "--also", "/api/x"),
    ("user", "remove", "nobody@example.com"),
    ("user", "role", "ada@example.com", "viewer"),
    ("user", "add", "ada@example.com", "--role", "viewer"),
    ("runs", "list", "--cursor", "nope"),
    ("runs", "list", "--where", "payload"),
    ("connections", "test", "nope"),
    ("connections", "connect", "team"),
    ("connections", "choices", "nope", "slack.post_message.channel"),
    ("events", "send", "timed", "--sample", "push"),
    ("events", "send", "hello", "--sample", "push"),
    ("events", "send", "signed"),
    ("runs", "replay", "--where", "nope=1", "--plan"),
    ("run", "refund", "--live", "--input", "order"),
]


@pytest.mark.parametrize("words", REFUSED, ids=" ".join)
def test_what_cannot_be_is_refused_alike(there: There, words: tuple[str, ...]) -> None:
    near, far = there.near(*words), there.far(*words)
    assert far.exit_code == near.exit_code != 0
    assert _lowered(far.stderr) == _lowered(near.stderr)


WRITES = [
    [
        "secrets set KEY_{side} --host api.example.com < hush",
        "secrets delete KEY_{side}",
        "secrets delete KEY_{side}",
    ],
    [f"connections set chat-{{side}} --kind slack < {SLACK}", "connections delete chat-{side}"],
    [
        """state set hello key-{side} '{"a": [1, 2.5, null]}' --ttl 1h""",
        "state get hello key-{side}",
        "state delete hello key-{side}",
        "state delete hello key-{side}",
    ],
    [
        "state set --shared key-{side} false",
        "state set --shared key-{side} null",
        "state get --shared key-{side}",
    ],
    [
        "pause --connection team --for 1h --why 'a move'",
        "resume --connection team",
        "resume --connection team",
    ],
    ["pause hello", "resume hello"],
    ["pause --host api.example.com", "resume --host API.example.com"],
    ["pause nothing-{side}"],
    ["pause --connection nothing-{side}"],
    ["problems seen {problem}"],
    [
        "user add {side}@example.com --role viewer --may-run",
        "user role {side}@example.com editor",
        "user link {side}@example.com",
        "user remove {side}@example.com",
        "user link {side}@example.com",
    ],
    ["user token --name deploy --role viewer --may-run --days 3"],
    ["user link"],
    ["url nothing-{side}"],
    ["url timed"],
    [
        "url {side}-one --also /webhook/{side}",
        "url {side}-one --rotate --keep 7d",
        "url {side}-one --rotate",
        "url {side}-one --not-at /webhook/{side}",
        "url {side}-one --keep 7d",
    ],
    ["events recheck hello"],
    ["events recheck nothing-{side}"],
    ["events release hello nope"],
    ["runs replay {failed} --from start --as-new"],
    ["runs replay {failed} --plan"],
    ["events send signed --sample push --count 2", "events send signed --sample push --print"],
    ["events forget --where type=nothing.{side} --yes"],
    ["rename {side}-two {side}-three"],
]


@pytest.mark.parametrize("commands", WRITES, ids=[" ".join(words) for words in WRITES])
def test_what_is_done_is_told_alike(there: There, commands: list[str]) -> None:
    near, far = (
        [_said(ask, command.replace("{side}", side)) for command in commands]
        for ask, side in ((there.near, "near"), (there.far, "far"))
    )
    assert far == near


def _said(ask: Callable[..., Result], command: str) -> tuple[int, str, bool]:
    """Exit status, stdout without what is another one each time, and whether people are told something."""
    command, _, stdin = command.partition(" < ")
    done = ask(*shlex.split(command), "--json", stdin=stdin)
    said = VARYING.sub(r'"\1": …', done.stdout)
    for varying in (
        r"01[0-9a-z]{24}",
        r"[0-9a-f]{7,40}(-[0-9a-f]{4,12})*",
        r"\d{4}-\d\d-\d\d[T ][\d:.]+Z?",
        "workflows/",
    ):
        said = re.sub(varying, "", said)
    return done.exit_code, said.replace("far", "near"), bool(done.stderr)


VOLATILE = {"used_at", "signed_in_at"}  # asking by a token changes when it was used


def _json(text: str, without: set[str]) -> Any:
    def left(found: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in found.items() if name not in without}

    return json.loads(text, object_hook=left) if text else None


def _plain(text: str) -> str:
    """*text* without the moment at which the token was used."""
    return re.sub(r"\s+(\d{4}-\d\d-\d\d \d\d:00:00|never)(?= )", " used", text)


def _lowered(text: str) -> str:
    """A sentence of the API begins with a capital where a command's does not."""
    return text.lower()
