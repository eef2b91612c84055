"""What a server is made of: the locks agree, the bill of materials names all, a vulnerability is found."""

from __future__ import annotations

import http.server
import json
import subprocess
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.packaging.audit import audit
from tests.packaging.locks import ROOT, locked

BAD = "jinja2"


class _Database(http.server.BaseHTTPRequestHandler):
    """A database of vulnerabilities that knows one, of `BAD`; answers as google.github.io/osv.dev says."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        known = [VULNERABILITY] if asked["package"]["name"] == BAD else []
        body = json.dumps({"vulns": known} if known else {}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the library's name
        pass


VULNERABILITY = {
    "id": "GHSA-test-test-test",
    "summary": "A sandbox with a hole.",
    "details": "Only for this test.",
    "published": "2026-01-01T00:00:00Z",
    "modified": "2026-01-01T00:00:00Z",
    "aliases": [],
    "affected": [
        {
            "package": {"name": BAD, "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.1"}]}],
        }
    ],
}


@pytest.fixture
def database() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Database)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1/query"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _lock(folder: Path, *names: str) -> Path:
    lock = folder / "requirements.lock"
    lock.write_text("".join(f"{name}=={locked('requirements.lock')[name]}\n" for name in names))
    return lock


def test_a_known_vulnerability_fails(
    database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asking = ("--osv-url", database, "--cache-dir", str(tmp_path))
    assert audit(_lock(tmp_path, "quart", "jmespath"), *asking) == 0
    assert "audit: 2 packages, 0 known vulnerabilities" in capsys.readouterr().out
    assert audit(_lock(tmp_path, "quart", BAD), *asking) == 1
    said = capsys.readouterr().out
    assert f"{BAD} {locked('requirements.lock')[BAD]} has GHSA-test-test-test; mended in 99.1" in said


def test_without_a_way_out_it_says_so_and_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit(_lock(tmp_path, BAD), "--osv-url", "http://127.0.0.1:1/v1/query") == 0
    assert "cannot be reached from here" in capsys.readouterr().out


def test_a_lock_that_cannot_be_read_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit(tmp_path / "none.lock") == 1
    assert "audit: " in capsys.readouterr().out


def test_what_a_server_gets_is_what_was_tested() -> None:
    tested = locked("requirements.lock")
    for name in ("requirements-server.lock", "requirements-build.lock"):
        assert locked(name).items() <= tested.items()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"].values()
    wanted = [*project["project"]["dependencies"], *(one for extra in extras for one in extra)]
    assert {_name(one) for one in wanted} <= locked("requirements-server.lock").keys()
    build = {_name(one) for one in project["build-system"]["requires"]}
    assert build <= locked("requirements-build.lock").keys()


def test_the_bill_of_materials_names_all_that_a_server_gets() -> None:
    make = ["make", "--silent", "--assume-old=.venv/.installed", "sbom"]  # installs nothing while tests run
    subprocess.run(make, cwd=ROOT, check=True, capture_output=True)
    bill: Any = json.loads((ROOT / "dist" / "hookline.cdx.json").read_text(encoding="utf-8"))
    assert bill["bomFormat"] == "CycloneDX"
    assert bill["metadata"]["component"]["name"] == "hookline"
    found = {one["name"]: one["version"] for one in bill["components"]}
    assert found == locked("requirements-server.lock")
    assert all(one["externalReferences"][0]["hashes"] for one in bill["components"])


def _name(requirement: str) -> str:
    for index, letter in enumerate(requirement):
        if not (letter.isalnum() or letter in "-_."):
            return requirement[:index].lower()
    return requirement.lower()
