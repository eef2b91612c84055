"""
A real MariaDB for tests: the system's `mariadbd`, else Debian's, laid out beside us without installing it.
Its data stand in a temporary folder.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.servers.certificates import Identity, issue
from tests.servers.debian import environment, unpacked
from tests.servers.raw_peer import unused_port

READY_SECONDS = 60
PASSWORD = "pässwörd-of-the-shop"  # beyond ASCII: it goes over the wire in UTF-8
USERS = f"""
CREATE USER shop@'127.0.0.1' IDENTIFIED BY '{PASSWORD}', shop@localhost IDENTIFIED BY '{PASSWORD}';
GRANT ALL ON shop.* TO shop@'127.0.0.1', shop@localhost;
CREATE USER reader@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';
CREATE DATABASE shop;
GRANT SELECT ON shop.* TO reader@'127.0.0.1';
"""
SCRIPTS = (
    "mysql_system_tables.sql", "mysql_performance_tables.sql", "mysql_system_tables_data.sql",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class MariaServer:
    """A server on 127.0.0.1 with the database `shop` and its users; `authority` signed its certificate."""

    port: int
    authority: Identity
    process: subprocess.Popen[bytes]


@contextlib.contextmanager
def mariadb_server(*, encrypted: bool = True) -> Iterator[MariaServer]:
    """
    A server that answers, ended afterwards.

    Raises:
        LookupError: there is none to be had; the message says why.
    """
    program, share, variables = _found()
    with tempfile.TemporaryDirectory(prefix="hookline-mariadb-") as name:
        folder = Path(name)
        data = folder / "data"
        data.mkdir()
        common = [
            str(program), "--no-defaults", f"--datadir={data}", f"--lc-messages-dir={share}",
            f"--character-sets-dir={share / 'charsets'}", f"--tmpdir={folder}",
            "--innodb-buffer-pool-size=8M", "--innodb-flush-log-at-trx-commit=0",
            *(["--user=root"] if os.geteuid() == 0 else []),
        ]  # fmt: skip
        _fill(common, share, variables)
        authority = issue(folder, "authority")
        server = issue(folder, "server", authority)
        tls = [f"--ssl-cert={server.certificate_path}", f"--ssl-key={server.key_path}"] if encrypted else []
        port = unused_port()
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [*common, f"--port={port}", "--bind-address=127.0.0.1", f"--socket={folder / 'socket'}",
                 f"--pid-file={folder / 'pid'}", "--skip-name-resolve", *tls],
                stdout=log, stderr=log, env=os.environ | variables,
            )  # fmt: skip
        try:
            _wait(port, process, folder / "log")
            yield MariaServer(port, authority, process)
        finally:
            process.terminate()
            process.wait()


def _found() -> tuple[Path, Path, dict[str, str]]:
    """The server, the folder of its messages and scripts, and the environment that it needs."""
    system = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if system:
        for share in ("/usr/share/mysql", "/usr/share/mariadb", "/usr/local/share/mariadb"):
            if (Path(share) / SCRIPTS[0]).exists():
                return Path(system), Path(share), {}
    place = unpacked("mariadb-server-core")
    shares = [one.parent for one in place.glob(f"usr/share/*/{SCRIPTS[0]}")]
    return place / "usr/sbin/mariadbd", shares[0], environment(place)


def _fill(common: list[str], share: Path, variables: dict[str, str]) -> None:
    """The system's tables, as mariadb-install-db makes them, and our users."""
    scripts = "\n".join((share / one).read_text(encoding="utf-8") for one in SCRIPTS)
    text = f"CREATE DATABASE mysql;\nUSE mysql;\n{scripts}\nFLUSH PRIVILEGES;\n{USERS}"
    done = subprocess.run(
        [*common, "--bootstrap", "--default-storage-engine=InnoDB"],
        input=text.encode(), capture_output=True, check=False, env=os.environ | variables,
        timeout=READY_SECONDS,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr.decode(errors="replace")[-4000:])


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
            if sock.recv(4):  # its greeting
                return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(log.read_text(errors="replace")[-4000:])
        time.sleep(0.02)
