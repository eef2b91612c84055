"""`hookline doctor` and `hookline vacuum`: what is wrong is found, and the mend it names mends it."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from runner.cli.doctor_machine import file_system
from tests.cli.home import HELLO, Home
from tests.servers.certificates import issue
from tests.servers.postgres import postgres_server

Ran = Callable[..., Any]
VERIFIED = HELLO.replace("answer: result", "answer: result\n    verify: {provider: github, secret: HUB}")


def found(home: Home, *words: str, code: int = 0, **environment: Any) -> dict[str, Any]:
    """The findings by name; *environment* has texts."""
    result = home("doctor", "--json", *words, **environment)
    assert result.exit_code == code, result.output
    said = json.loads(result.stdout)
    counted = [sum(one["state"] == state for one in said["findings"]) for state in ("ok", "warning", "error")]
    assert counted == [said["ok"], said["warning"], said["error"]]
    return {one["name"]: one for one in said["findings"]}


def tls(certificate: Path, key: Path) -> dict[str, Any]:
    """The settings of a server that speaks HTTPS."""
    return {
        "HOOKLINE_SERVER_TLS_CERTIFICATE": str(certificate),
        "HOOKLINE_SERVER_TLS_KEY": str(key),
    }


def database(home: Home) -> Path:
    return home.folder / ".hookline" / "hookline.db"


def changed(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(";".join(statements))


def test_before_the_first_start_nothing_is_made(home: Home) -> None:
    findings = found(home)
    assert findings["Database"]["state"] == findings["Key"]["state"] == "ok"
    assert not (home.folder / ".hookline").exists()


def test_what_runs_well_is_said_to(home: Home, ran: Ran) -> None:
    ran()
    findings = found(home)
    assert "is whole" in findings["Database"]["sentence"]
    for name in ("Key", "Schema", "Space", "Workflows", "Problems", "Backlog", "Held events", "Letting go"):
        assert findings[name]["state"] == "ok", name
    assert findings["Nodes"]["mend"] == "hookline serve"
    text = home("doctor")
    assert "Public address" in text.stdout
    assert "Schema" not in text.stdout
    assert "Schema" in home("doctor", "--all").stdout


def test_settings_that_cannot_be_read_are_an_error(home: Home) -> None:
    (home.folder / "hookline.toml").write_text(
        "pulbic_url = 'https://x.example'\n[limits]\nbacklog = 'many'\n"
    )
    result = home("doctor")
    assert result.exit_code == 1
    assert "there is no setting pulbic_url; did you mean public_url?" in result.stdout
    assert "'many' is not a whole number" in result.stdout


def test_a_key_that_others_read_is_mended_by_the_command_named(home: Home, ran: Ran) -> None:
    ran()
    key = home.folder / ".hookline" / "key"
    key.chmod(0o640)
    mend = found(home, code=1)["Key"]["mend"]
    assert mend == "chmod 600 .hookline/key"
    key.chmod(0o600)
    assert found(home)["Key"]["state"] == "ok"
    assert found(home, HOOKLINE_KEY="x" * 48)["Key"]["state"] == "warning"  # the file is not used then
    assert found(home, code=1, HOOKLINE_KEY="short")["Key"]["state"] == "error"


def test_an_address_that_nobody_reaches_and_a_proxy_that_is_not_trusted(home: Home) -> None:
    assert found(home)["Public address"]["state"] == "warning"
    public: dict[str, Any] = {"HOOKLINE_PUBLIC_URL": "https://hooks.example.com"}
    findings = found(home, **public)
    assert (findings["Public address"]["state"], findings["Proxies"]["state"]) == ("ok", "warning")
    assert found(home, **public, HOOKLINE_SERVER_TRUSTED_PROXIES="10.0.0.5")["Proxies"]["state"] == "ok"
    wide = found(home, **public, HOOKLINE_SERVER_TRUSTED_PROXIES="10.0.0.0/8")["Proxies"]
    assert "10.0.0.0/8" in wide["sentence"]
    assert found(home, HOOKLINE_PUBLIC_URL="http://hooks.example.com")["Public address"]["state"] == "warning"


@pytest.mark.parametrize(("days", "state"), [(90, "ok"), (5, "warning"), (-1, "error")])
def test_a_certificate_is_told_of_before_it_ends(home: Home, tmp_path: Path, days: int, state: str) -> None:
    ours = issue(tmp_path, "ours", lasts=timedelta(days=days))
    findings = found(home, code=int(state == "error"), **tls(ours.certificate_path, ours.key_path))
    assert findings["Certificate"]["state"] == state


def test_a_key_of_another_certificate_is_an_error(home: Home, tmp_path: Path) -> None:
    ours, other = issue(tmp_path, "ours"), issue(tmp_path, "other")
    findings = found(home, code=1, **tls(ours.certificate_path, other.key_path))
    assert "cannot be used with its key" in findings["Certificate"]["sentence"]


def test_a_damaged_database_is_an_error_and_nothing_else_is_asked_of_it(home: Home, ran: Ran) -> None:
    ran()
    changed(database(home), "PRAGMA wal_checkpoint(TRUNCATE)")
    with database(home).open("r+b") as file:
        file.seek(4096 * 2)
        file.write(os.urandom(4096 * 20))
    findings = found(home, code=1)
    assert findings["Database"]["state"] == "error"
    assert "Workflows" not in findings


def test_what_is_no_database_is_said(home: Home) -> None:
    database(home).parent.mkdir()
    database(home).write_bytes(b"no database at all" * 1000)
    assert "not a database" in found(home, code=1)["Database"]["sentence"]


def test_an_older_and_a_newer_schema_are_told_and_left_as_they_are(home: Home, ran: Ran) -> None:
    ran()
    for change, needs, state in ((-1, 1, "warning"), (1, 1, "warning"), (1, 999, "error")):
        with closing(sqlite3.connect(database(home), isolation_level=None)) as connection:
            (known,) = connection.execute("PRAGMA user_version").fetchone()
            connection.execute(f"PRAGMA user_version={known + change}")
            connection.execute(f"UPDATE schema_needs SET version = {needs}")
            assert found(home, code=int(state == "error"))["Schema"]["state"] == state
            assert connection.execute("PRAGMA user_version").fetchone() == (known + change,)
            connection.execute(f"PRAGMA user_version={known}")


def test_a_database_that_never_shrinks_is_mended_by_vacuum(home: Home, ran: Ran) -> None:
    ran()
    changed(
        database(home), "PRAGMA journal_mode=DELETE", "PRAGMA auto_vacuum=NONE", "VACUUM",
        "PRAGMA journal_mode=WAL", "CREATE TABLE filler (x)", "INSERT INTO filler VALUES (zeroblob(4000000))",
        "DROP TABLE filler",
    )  # fmt: skip
    space = found(home)["Space"]
    assert (space["state"], space["mend"]) == ("warning", "Stop the server, then: hookline vacuum")
    result = home("vacuum", "--json")
    assert result.exit_code == 0, result.output
    sizes = json.loads(result.stdout)
    assert sizes["bytes_after"] == database(home).stat().st_size < sizes["bytes_before"] - 3_500_000
    assert found(home)["Space"]["state"] == "ok"
    changed(database(home), "CREATE TABLE filler (x)", "INSERT INTO filler VALUES (zeroblob(4000000))")
    changed(
        database(home), "DROP TABLE filler", "PRAGMA incremental_vacuum", "PRAGMA wal_checkpoint(TRUNCATE)"
    )
    assert database(home).stat().st_size < 2_000_000  # it shrinks by itself from now on
    assert found(home)["Workflows"]["state"] == "ok"


def test_a_file_with_faults_and_a_sender_that_nothing_verifies(home: Home, ran: Ran) -> None:
    ran()
    findings = found(home)
    assert "start hello" in findings["Senders known"]["sentence"]
    home.workflow("hello", VERIFIED)
    findings = found(home, HOOKLINE_SECRET_HUB="s" * 20)
    assert findings["Senders known"]["state"] == findings["Workflows"]["state"] == "ok"
    home.workflow("broken", HELLO.replace("transform:", "trasnform:"))
    broken = found(home, code=1, HOOKLINE_SECRET_HUB="s" * 20)["Workflows"]
    assert "2 files, 1 with errors. broken.yaml, line 7" in broken["sentence"]


def test_a_secret_that_is_missing_is_told(home: Home, ran: Ran) -> None:
    ran()
    home.workflow("hello", VERIFIED)
    assert "HUB" in found(home)["Workflows"]["sentence"]


def test_problems_and_whom_nobody_tells(home: Home, ran: Ran) -> None:
    ran(payload="{}")
    findings = found(home)
    assert "1 is open" in findings["Problems"]["sentence"]
    assert findings["Notify"]["state"] == "warning"
    unknown = found(home, code=1, HOOKLINE_NOTIFY_CONNECTION="team-slack", HOOKLINE_NOTIFY_CHANNEL="#ops")
    assert unknown["Notify"]["mend"] == "hookline connections set team-slack"


def test_what_is_kept_past_its_age_is_told(home: Home, ran: Ran) -> None:
    ran()
    old = time.time() - 40 * 86400
    changed(database(home), f"UPDATE runs SET ended_at = {old}")
    assert "hello" in found(home)["Letting go"]["sentence"]
    assert found(home, HOOKLINE_RETENTION_RUNS="60d")["Letting go"]["state"] == "ok"


def test_a_run_in_the_future_tells_of_a_clock_that_was_set_back(home: Home, ran: Ran) -> None:
    ran()
    assert "Clock set back" not in found(home)
    changed(database(home), f"UPDATE runs SET accepted_at = {time.time() + 5000}")
    assert "the clock was set back" in found(home)["Clock set back"]["sentence"]


async def beside(home: Home, **environment: str) -> dict[str, Any]:
    """The findings of a process beside a server."""
    _code, out, _err = await home.process("doctor", "--json", **environment)
    return {one["name"]: one for one in json.loads(out)["findings"]}


async def test_a_running_server_is_reached_and_not_vacuumed(home: Home) -> None:
    server = await home.start("serve", "--port", "0")
    try:
        assert server.stdout
        address = (await server.stdout.readline()).decode().removeprefix("ready ").strip()
        findings = await beside(home)
        assert findings["Nodes"]["sentence"] == "1 runs on this data."
        assert findings["Reached"]["sentence"] == f"{address} answers."
        code, out, err = await home.process("vacuum")
        assert (code, out) == (1, "")
        assert "stop it first" in err
        elsewhere = await beside(home, HOOKLINE_PUBLIC_URL="http://127.0.0.1:9")
        assert elsewhere["Reached"]["state"] == "warning"
    finally:
        server.terminate()
        await server.communicate()


def test_a_postgresql_that_is_not_there_is_an_error(home: Home) -> None:
    findings = found(home, "--database", "postgresql://nobody@127.0.0.1:9/none", code=1)
    assert "cannot be reached" in findings["PostgreSQL"]["sentence"]


def test_a_postgresql_is_looked_at_as_a_file_is(home: Home) -> None:
    with postgres_server() as server:
        assert home("user", "token", "--database", server.url).exit_code == 0
        findings = found(home, "--database", server.url)
    assert "answers in" in findings["PostgreSQL"]["sentence"]
    assert findings["Backlog"]["state"] == findings["Workflows"]["state"] == "ok"
    assert "File system" not in findings


def test_the_innermost_mount_is_the_one_that_counts(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
        "23 22 0:44 / /srv/a\\040b rw - nfs4 host:/export rw\n"
        "24 22 0:45 / /srv/a\\040b/fast rw master:1 - tmpfs tmpfs rw\n"
        "25 22 0:46 / /srv/a\\040b/fast rw - xfs /dev/vdb rw\n"
    )
    kinds = {
        "/var/lib/hookline": "ext4",
        "/srv/a b/data": "nfs4",
        "/srv/a b/fast/x": "xfs",
        "/srv/a bc": "ext4",
    }
    assert {path: file_system(Path(path), mounts) for path in kinds} == kinds
    assert file_system(tmp_path, tmp_path / "none") is None
