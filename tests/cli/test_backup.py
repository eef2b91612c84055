"""A backup is all that a server is, at one moment; restored elsewhere it is that server again."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import sqlite3
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.home import Home
from tests.servers.hookline_process import Running, serving
from tests.store.everything import ROWS, fill

KEY = "a key that is long enough for all of this"
WAIT_SECONDS = 30
CATCH = "name: Catch\ntrigger: {webhook: {}}\nsteps:\n  - transform: payload.number\n"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    one = Home(tmp_path / "old")
    one.folder.mkdir()
    one.workflow("catch", CATCH)
    (one.folder / "workflows" / "cases").mkdir()
    (one.folder / "workflows" / "cases" / "first.json").write_text('{"number": 1}', encoding="utf-8")
    (one.folder / "hookline.toml").write_text('timezone = "Europe/Berlin"\n', encoding="utf-8")
    return one


@pytest.fixture
def elsewhere(tmp_path: Path) -> Home:
    one = Home(tmp_path / "new")
    one.folder.mkdir()
    return one


class Sender:
    """
    Sends events as fast as they are answered, from four connections, until it is ended. `is_under_way` is
    set once *enough* are answered.
    """

    def __init__(self, running: Running, *, enough: int) -> None:
        self._enough = enough
        self.is_under_way = threading.Event()
        self._running = running
        self._is_over = threading.Event()
        self.answered: list[str] = []
        self._threads = [threading.Thread(target=self._send) for _ in range(4)]

    def _send(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._running.port)
        while not self._is_over.is_set():
            body = json.dumps({"number": len(self.answered)})
            connection.request(
                "POST", self._running.paths["catch"], body, {"content-type": "application/json"}
            )
            answer = connection.getresponse()
            found = json.loads(answer.read())
            assert answer.status == 200
            self.answered.append(found["event"])
            if len(self.answered) >= self._enough:
                self.is_under_way.set()
        connection.close()

    @contextlib.contextmanager
    def sending(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            for thread in self._threads:
                thread.join()


def ids(path: Path) -> set[str]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return {event_id for (event_id,) in connection.execute("SELECT id FROM events")}


def test_what_was_answered_before_a_backup_began_is_in_it_and_its_server_is_the_same(
    home: Home, elsewhere: Home, tmp_path: Path
) -> None:
    file = tmp_path / "today.tar.gz"
    home("secrets", "set", "TOKEN", stdin="12345")
    with serving(home) as running:
        path, sender = running.paths["catch"], Sender(running, enough=200)
        with sender.sending():
            assert sender.is_under_way.wait(WAIT_SECONDS)
            before = set(sender.answered)
            done = asyncio.run(home.process("backup", str(file), "--with-key", "--json"))
            after = len(sender.answered)
    assert done[0] == 0, done[2]
    said = json.loads(done[1])
    assert after > len(before)  # it did not keep senders waiting
    restored = elsewhere("restore", str(file), "--to-data", ".hookline")
    assert restored.exit_code == 0, restored.stderr
    found = ids(elsewhere.folder / ".hookline" / "hookline.db")
    assert before <= found <= set(sender.answered)
    assert len(found) == said["rows"]["events"]
    assert (elsewhere.folder / "workflows" / "cases" / "first.json").exists()
    assert "Berlin" in (elsewhere.folder / "hookline.toml").read_text(encoding="utf-8")
    assert (elsewhere.folder / ".hookline" / "key").stat().st_mode & 0o777 == 0o600
    with serving(elsewhere) as again:
        assert again.paths["catch"] == path
        sender = Sender(again, enough=1)
        with sender.sending():
            assert sender.is_under_way.wait(WAIT_SECONDS)
    assert elsewhere("secrets", "list", "--json").exit_code == 0  # they open


def test_without_the_key_it_is_said_that_it_is_not_in_it_and_what_that_means(
    home: Home, elsewhere: Home, tmp_path: Path
) -> None:
    file = tmp_path / "today.tar.gz"
    home("secrets", "set", "TOKEN", stdin="12345", HOOKLINE_KEY=KEY)
    said = home("backup", str(file), HOOKLINE_KEY=KEY)
    assert (said.exit_code, "The key is not in it" in said.stderr) == (0, True)
    assert file.stat().st_mode & 0o777 == 0o600
    with tarfile.open(file) as archive:
        assert archive.getnames() == [
            "backup.json", "hookline.db", "hookline.toml", "workflows/cases/first.json",
            "workflows/catch.yaml",
        ]  # fmt: skip
    for key, words in (("", "The key is not here"), ("another " + KEY, "not the one of the backup")):
        target = Home(elsewhere.folder / (key[:3] or "none"))
        target.folder.mkdir()
        said = target("restore", str(file), "--to-data", ".hookline", HOOKLINE_KEY=key)
        assert (said.exit_code, words in said.stderr) == (0, True)
        assert not (target.folder / ".hookline" / "key").exists()
    good = elsewhere("restore", str(file), "--to-data", "data", HOOKLINE_KEY=KEY)
    assert (good.exit_code, "key" in good.stderr) == (0, False)


def test_a_backup_replaces_nothing_and_a_restored_one_neither(
    home: Home, elsewhere: Home, tmp_path: Path
) -> None:
    file = tmp_path / "today.tar.gz"
    assert home("backup", str(file)).exit_code == 2  # there is no database yet
    home("secrets", "set", "TOKEN", stdin="12345")
    assert home("backup", str(file), "--with-key").exit_code == 0
    written = file.read_bytes()
    assert "already" in home("backup", str(file)).stderr
    assert file.read_bytes() == written
    assert sorted(tmp_path.iterdir()) == sorted([file, home.folder, elsewhere.folder])
    assert elsewhere("restore", str(file)).exit_code == 2
    for words in (("--to-data", ".hookline"), ("--to-data", "data")):
        said = home("restore", str(file), *words)
        assert (said.exit_code, "nothing is replaced" in said.stderr) == (1, True)
    assert elsewhere("restore", str(file), "--to-data", "a", "--only-database").exit_code == 0
    assert sorted(path.name for path in elsewhere.folder.iterdir()) == ["a"]
    assert sorted(path.name for path in (elsewhere.folder / "a").iterdir()) == ["hookline.db", "key"]


@pytest.mark.parametrize("place", [0.05, 0.5, 0.97])
def test_a_damaged_backup_is_refused_before_anything_is_written(
    home: Home, elsewhere: Home, tmp_path: Path, place: float
) -> None:
    file = tmp_path / "today.tar.gz"
    asyncio.run(fill(home.folder / ".hookline" / "hookline.db"))
    assert home("backup", str(file)).exit_code == 0
    good = file.read_bytes()
    at = int(len(good) * place)
    for bad in (good[:at], good[:at] + bytes([good[at] ^ 0xFF]) + good[at + 1 :], b"no archive"):
        file.write_bytes(bad)
        said = elsewhere("restore", str(file), "--to-data", ".hookline")
        assert (said.exit_code, "Traceback" in said.stderr) == (1, False)
        assert "damaged" in said.stderr
        assert list(elsewhere.folder.iterdir()) == []
    file.write_bytes(good)
    said = elsewhere("restore", str(file), "--to-data", ".hookline", "--json")
    assert json.loads(said.stdout)["rows"]["runs"] == ROWS


def test_a_backup_with_names_that_lead_out_of_it_is_refused(elsewhere: Home, tmp_path: Path) -> None:
    file = tmp_path / "evil.tar.gz"
    manifest = {"format": 1, "members": [{"name": "workflows/../../x", "size": 0, "sha256": ""}]}
    (tmp_path / "backup.json").write_text(json.dumps(manifest), encoding="utf-8")
    with tarfile.open(file, "w:gz") as archive:
        archive.add(tmp_path / "backup.json", "backup.json")
    said = elsewhere("restore", str(file), "--to-data", ".hookline")
    assert (said.exit_code, "it has a file workflows/../../x" in said.stderr) == (1, True)


def test_a_backup_that_cannot_be_written_says_so(home: Home, tmp_path: Path) -> None:
    home("secrets", "set", "TOKEN", stdin="12345")
    said = home("backup", str(tmp_path / "nowhere" / "today.tar.gz"))
    assert (said.exit_code, "there is no folder" in said.stderr) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
