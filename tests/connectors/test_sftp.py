"""`sftp.*`, against a real SFTP server."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from pydantic import ValidationError

import connectors
from connectors.ssh.access import SshConnection, pins
from runner.connector import Call
from runner.errors import ConnectionRejected, OutcomeUnknown, Rejected, Unavailable
from runner.outbound import Outbound
from tests.connectors.acting import Acting
from tests.connectors.conftest import MemoryFiles
from tests.servers.raw_peer import RawPeer, hang, unused_port
from tests.servers.ssh_server import PASSWORD, SshServer, ssh_server

MakeCall = Callable[..., Call]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[SshServer]:
    (tmp_path / "files").mkdir()
    async with ssh_server(tmp_path / "files") as one:
        yield one


def to(server: SshServer, **fields: Any) -> SshConnection:
    given = {
        "host": "127.0.0.1", "port": server.port, "user": "ann", "password": PASSWORD,
        "host_key": server.fingerprint,
    }  # fmt: skip
    return SshConnection.model_validate(given | fields)


@pytest.fixture
def act(server: SshServer, make_call: MakeCall) -> Acting:
    return Acting("sftp", make_call, to(server))


async def test_a_file_goes_up_and_comes_down_again(
    act: Acting, server: SshServer, files: MemoryFiles
) -> None:
    content = bytes(range(256)) * 2000
    kept = await files.save(content, filename="a.csv", content_type="text/csv")

    up = await act("upload", path="in/new/a.csv", file=kept, make_directories=True)
    down = await act("download", path="in/new/a.csv")

    assert up == {"path": "in/new/a.csv", "size": len(content)}
    assert server.files() == ["in/new/a.csv"]  # nothing is left of what was written first
    assert down["file"] == {**kept, "content_type": "text/csv"}
    assert down["size"] == len(content)
    assert down["modified_at"].endswith("Z")


@pytest.mark.parametrize("knows_posix", [True, False])
async def test_a_file_that_is_there_is_replaced_or_left_alone(
    act: Acting, server: SshServer, *, knows_posix: bool
) -> None:
    server.renames = knows_posix
    await act("upload", path="a.txt", file="first")
    await act("upload", path="a.txt", file="second")

    assert (server.folder / "a.txt").read_text() == "second"
    for direct in (False, True):
        with pytest.raises(Rejected):
            await act("upload", path="a.txt", file="third", overwrite=False, direct=direct)
    assert (server.folder / "a.txt").read_text() == "second"
    assert server.files() == ["a.txt"]


async def test_a_directory_is_listed_by_name(act: Acting, server: SshServer) -> None:
    for name in ("b.csv", "a.csv", "c.txt", "sub/d.csv"):
        await act("upload", path=f"in/{name}", file="x" * 3, make_directories=True)

    found = await act("list", path="in", pattern="*.csv")
    two = await act("list", path="in", limit=2)
    only = await act("list", path="in", type="directory")

    assert [(one["path"], one["type"], one["size"]) for one in found["entries"]] == [
        ("in/a.csv", "file", 3), ("in/b.csv", "file", 3),
    ]  # fmt: skip
    assert found["more"] is False
    assert ([one["name"] for one in two["entries"]], two["more"]) == (["a.csv", "b.csv"], True)
    assert [(one["name"], one["size"]) for one in only["entries"]] == [("sub", None)]
    assert [one["name"] for one in (await act("list"))["entries"]] == ["in"]


async def test_what_is_deleted_is_gone_and_may_have_been(act: Acting, server: SshServer) -> None:
    await act("upload", path="in/a.csv", file="x", make_directories=True)

    with pytest.raises(Rejected, match=r"in cannot be deleted: .*is the directory empty"):
        await act("delete", path="in")
    assert (await act("delete", path="in/a.csv"))["deleted"] is True
    assert (await act("delete", path="in/a.csv"))["deleted"] is False
    assert (await act("delete", path="in"))["deleted"] is True
    assert list(server.folder.iterdir()) == []


async def test_a_file_is_moved_but_onto_none_unless_that_is_wanted(act: Acting, server: SshServer) -> None:
    await act("upload", path="a", file="a")
    await act("upload", path="b", file="b")

    with pytest.raises(Rejected, match="b is there already"):
        await act("move", path="a", to="b")
    await act("move", path="a", to="b", overwrite=True)
    await act("move", path="b", to="done/2024/b", make_directories=True)

    assert server.files() == ["done/2024/b"]
    assert (server.folder / "done/2024/b").read_text() == "a"
    with pytest.raises(Rejected, match="No such file"):
        await act("move", path="a", to="c")


async def test_directories_are_made_once(act: Acting) -> None:
    assert (await act("make_directory", path="a/b/c"))["created"] is True
    assert (await act("make_directory", path="a/b/c"))["created"] is False


async def test_what_is_there_can_be_chosen(act: Acting) -> None:
    for name in ("in/one.csv", "in/two.csv", "in/sub/x"):
        await act("upload", path=name, file="x", make_directories=True)

    assert await act.choose("list.path") == ([("in", "in/")], None)
    assert (await act.choose("download.path", "in/"))[0] == [
        ("in/one.csv", "in/one.csv"), ("in/sub", "in/sub/"), ("in/two.csv", "in/two.csv"),
    ]  # fmt: skip
    assert (await act.choose("download.path", "in/T"))[0] == [("in/two.csv", "in/two.csv")]


@pytest.mark.parametrize(
    "path", ["../x", "in/../../x", "in/..", "./x", "", " ", "/", "in/", "a\0b", "a\ud800"]
)
@pytest.mark.parametrize("verb", ["upload", "download", "delete", "move", "make_directory"])
async def test_a_path_never_leads_out_of_where_it_stands(act: Acting, verb: str, path: str) -> None:
    more: dict[str, Any] = {"upload": {"file": "x"}, "move": {"to": "x"}}.get(verb, {})
    with pytest.raises(Rejected, match="path"):
        await act(verb, path=path, **more)


async def test_with_a_folder_all_paths_are_below_it(server: SshServer, make_call: MakeCall) -> None:
    (server.folder / "mine").mkdir()
    (server.folder / "theirs").write_text("x")
    act = Acting("sftp", make_call, to(server, folder="/mine"))

    await act("upload", path="/a", file="x")

    assert server.files() == ["mine/a", "theirs"]
    assert [one["path"] for one in (await act("list"))["entries"]] == ["a"]
    with pytest.raises(Rejected, match="would lead to another place"):
        await act("download", path="/../theirs")


async def test_a_file_that_is_too_long_or_a_directory_is_not_read(act: Acting, server: SshServer) -> None:
    with (server.folder / "long").open("wb") as file:
        file.truncate(10 * 1024 * 1024 + 1)
    (server.folder / "sub").mkdir()

    with pytest.raises(Rejected, match="more than 10,485,760 bytes"):
        await act("download", path="long")
    with pytest.raises(Rejected, match=r"sub is a directory; sftp\.list"):
        await act("download", path="sub")
    with pytest.raises(Rejected, match="No such file"):
        await act("download", path="nowhere")


@pytest.mark.parametrize(
    ("fails", "says"),
    [("denied", "as the test wants it; ann has no right to do this there"), ("failure", "as")],
)
async def test_what_the_server_refuses_has_not_been_done(
    act: Acting, server: SshServer, fails: str, says: str
) -> None:
    server.fails = fails

    with pytest.raises(Rejected, match=f"127.0.0.1:{server.port} said: {says}"):
        await act("upload", path="a", file="x")

    assert server.files() == []  # and nothing is left of what was written first


def test_what_is_done_after_a_crash_depends_on_whether_twice_is_once() -> None:
    def rule(name: str, **inputs: Any) -> str:
        action = connectors.action(f"sftp.{name}")
        assert action
        return action.crash_rule(action.read_input(inputs))

    assert rule("upload", path="a", file="x") == "repeat"
    assert rule("upload", path="a", file="x", overwrite=False) == "stop"
    assert rule("move", path="a", to="b") == "stop"
    assert {rule(one, path="a") for one in ("download", "list", "delete", "make_directory")} == {"repeat"}


async def test_a_connection_that_breaks_leaves_open_only_what_may_have_happened(
    act: Acting, server: SshServer
) -> None:
    server.drops = True

    with pytest.raises(OutcomeUnknown, match="the connection broke before the answer"):
        await act("upload", path="a", file="x")


async def test_a_server_that_does_not_answer_in_time(
    act: Acting, server: SshServer, make_call: MakeCall
) -> None:
    server.hangs = True
    with pytest.raises(OutcomeUnknown, match="did not answer within 1 s"):
        await act("upload", timeout_seconds=1, path="a", file="x")
    async with RawPeer(hang) as peer:
        silent = Acting("sftp", make_call, to(server, port=peer.port))
        with pytest.raises(Unavailable, match=r"did not answer within 0\.3 s"):
            await silent("list", timeout_seconds=0.3)
    away = Acting("sftp", make_call, to(server, port=unused_port()))
    with pytest.raises(Unavailable, match=r"no connection to 127\.0\.0\.1"):
        await away("list")


async def test_a_call_that_is_cancelled_ends_though_the_server_is_silent(
    act: Acting, server: SshServer
) -> None:
    server.hangs = True
    task = asyncio.create_task(act("upload", timeout_seconds=60, path="a", file="x"))
    await server.began.wait()

    task.cancel()
    async with asyncio.timeout(10):
        with pytest.raises(asyncio.CancelledError):
            await task

    assert "a" not in server.files()


async def test_an_address_that_is_not_allowed_is_not_called(server: SshServer) -> None:
    outbound = Outbound()  # loopback is not allowed
    call = Call(
        http=outbound.for_call(connection=None, idempotency_key=None, timeout_seconds=5),
        files=MemoryFiles(),
        connect=lambda host, port: outbound.connect(host, port, timeout_seconds=5),
        idempotency_key="",
        timeout_seconds=5,
    )
    with pytest.raises(Rejected, match=r"127\.0\.0\.1 is not a public address"):
        await to(server).test(call)
    assert server.tried == []
    await outbound.close()


# --- the connection ------------------------------------------------------------------------------


async def test_a_key_or_a_password_lets_in(server: SshServer, make_call: MakeCall) -> None:
    sealed = server.client_key.export_private_key("openssh", passphrase="locked", rounds=50).decode()
    for fields in (
        {"password": PASSWORD},
        {"password": None, "private_key": server.private_key},
        {"password": None, "private_key": sealed, "passphrase": "locked"},
        {"password": "wrong", "private_key": server.private_key},
    ):
        said = await to(server, **fields).test(make_call())
        assert said.startswith(f"127.0.0.1:{server.port} (AsyncSSH")
        assert said.endswith("lets ann in")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"password": "wrong-one"}, "does not let ann in"),
        ({"user": "bob"}, "does not let bob in"),
        ({"password": None, "private_key": "OTHER"}, "does not let ann in"),
        ({"private_key": "SEALED"}, "cannot be read: .*assphrase"),
        ({"private_key": "SEALED", "passphrase": "wrong"}, "cannot be read: Incorrect passphrase"),
        (
            {"private_key": "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n-----END OPENSSH PRIVATE KEY-----"},
            "cannot be read",
        ),
    ],
)
async def test_what_is_wrong_with_a_connection_is_said_without_its_secrets(
    server: SshServer, make_call: MakeCall, fields: dict[str, Any], says: str
) -> None:
    made = {
        "OTHER": lambda: asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode(),
        "SEALED": lambda: server.client_key.export_private_key(
            "openssh", passphrase="locked", rounds=50
        ).decode(),
    }
    connection = to(server, **{name: made[one]() if one in made else one for name, one in fields.items()})

    with pytest.raises(ConnectionRejected, match=says) as caught:
        await connection.test(make_call())

    for text in (*connection.secret_texts(), "wrong-one"):
        assert text not in str(caught.value)
        assert text not in repr(connection)


async def test_the_key_that_a_server_shows_is_said_where_it_is_not_the_known_one(
    server: SshServer, make_call: MakeCall
) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").get_fingerprint()

    with pytest.raises(ConnectionRejected) as unknown:
        await to(server, host_key="unknown").test(make_call())
    with pytest.raises(ConnectionRejected) as changed:
        await to(server, host_key=other).test(make_call())

    assert f"shows the host key {server.fingerprint} (ssh-ed25519)" in str(unknown.value)
    assert "is not known yet" in str(unknown.value)
    assert f"knows {other}: it may be another machine" in str(changed.value)
    assert server.fingerprint in str(changed.value)
    assert server.tried == []  # nothing was sent there


async def test_a_host_key_is_a_fingerprint_or_a_line_of_known_hosts(
    server: SshServer, make_call: MakeCall
) -> None:
    public = server.host_key.export_public_key("openssh").decode().strip()
    for text in (
        server.fingerprint,
        f"256 {server.fingerprint} root@files (ED25519)",
        public,
        f"files.example.com,10.0.0.1 {public}",
        f"|1|abc=|def= {public}\n# another\n\nSHA256:{'A' * 43}",
    ):
        assert "lets ann in" in await to(server, host_key=text).test(make_call())
        assert server.fingerprint in pins(text)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"host_key": ""}, "is empty"),
        ({"host_key": "MD5:aa:bb"}, "neither a fingerprint"),
        ({"host_key": "ssh-ed25519 ***"}, "no key in base64"),
        ({"host_key": "@cert-authority * ssh-ed25519 AAAA"}, "@cert-authority is not for us"),
        ({"password": None}, "give a private_key, or a password"),
        ({"passphrase": "x"}, "a passphrase is for a private_key"),
        ({"private_key": "PuTTY-User-Key-File-3: ssh-ed25519"}, "puttygen"),
        ({"private_key": "ssh-ed25519 AAAA"}, "is no private key"),
        ({"host": "*.example.com"}, r"holds no \*"),
        ({"folder": "/a/../b"}, "is no folder"),
    ],
)
def test_a_connection_that_cannot_work_is_not_taken(fields: dict[str, Any], says: str) -> None:
    base = {"host": "h.example", "user": "ann", "password": "p", "host_key": "unknown"}
    with pytest.raises(ValidationError, match=says):
        SshConnection.model_validate(base | fields)


def test_without_the_library_it_is_said_what_to_install() -> None:
    code = (
        "import sys; sys.modules['asyncssh'] = None\n"
        "import connectors; assert connectors.action('sftp.list') and connectors.action('command.run')\n"
        "from connectors.ssh.access import driver\n"
        "try: driver()\nexcept Exception as e: print(e)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "pip install 'hookline[ssh]'" in shown.stdout
