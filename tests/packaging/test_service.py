"""The unit of systemd: systemd understands it, little is left open, and the server lives inside it."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path

from runner.operating import HERE
from tests.packaging import confined
from tests.packaging.installed import Installed

UNIT = HERE / "hookline.service"
PROGRAM = "/opt/hookline/bin/hookline"
MOST_EXPOSED = 1.5  # of 10, in systemd's own judgement, which says 9.6 of a unit that sets nothing
WORKFLOW = """
name: All parts
trigger:
  webhook: {answer: result}
steps:
  - id: evaluated
    template: "{% for one in payload.words %}{{ one | upper }} {% endfor %}"
  - id: asked
    action: http.request
    with: {method: GET, url: "{{ payload.url }}"}
  - respond:
      body: {evaluated: "{{ steps.evaluated }}", asked: "{{ steps.asked.status }}"}
"""


def _analyze(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, check=False)


def test_systemd_finds_no_fault_in_it(tmp_path: Path) -> None:
    there = tmp_path / UNIT.name  # where the program that it names exists
    text = UNIT.read_text(encoding="utf-8")
    there.write_text(text.replace(PROGRAM, str(Path(sys.executable).with_name("hookline"))))
    verified = _analyze("verify", str(there))
    assert verified.returncode == 0, verified.stderr
    assert not verified.stderr
    there.write_text(text.replace("StateDirectory=", "StateFolder=").replace(PROGRAM, "/bin/true"))
    assert "StateFolder" in _analyze("verify", str(there)).stderr  # it would say so


def test_little_is_left_open(tmp_path: Path) -> None:
    judged = _analyze("security", "--offline=true", f"--threshold={MOST_EXPOSED * 10:.0f}", str(UNIT))
    assert judged.returncode == 0, judged.stdout
    open_one = tmp_path / "open.service"
    open_one.write_text("[Service]\nExecStart=/bin/true\n")
    assert _analyze("security", "--offline=true", "--threshold=90", str(open_one)).returncode != 0


def test_the_server_does_all_it_does_inside(installed: Installed, folder: Path) -> None:
    installed.run("hookline", "init", folder=folder)
    (folder / "workflows" / "parts.yaml").write_text(WORKFLOW)
    walls = [sys.executable, confined.__file__, str(UNIT)]
    (command,) = confined.values(UNIT, "ExecStart")
    words = [*command.removeprefix(PROGRAM).split(), "--port", "0"]
    allowed = {"HOOKLINE_NETWORK_ALLOW": "127.0.0.0/8,::1/128"}
    with installed.serving(words, folder=folder, prefix=walls, **allowed) as address:
        hook = installed.run("hookline", "url", "parts", folder=folder).stdout.strip()
        there = address.replace("127.0.0.1", "localhost")  # a name, which has to be looked up
        payload = {"words": ["a", "b"], "url": f"{there}/healthz"}
        headers = {"content-type": "application/json"}
        asked = urllib.request.Request(hook, json.dumps(payload).encode(), headers)
        with urllib.request.urlopen(asked, timeout=30) as answer:
            assert json.load(answer) == {"evaluated": "A B ", "asked": 200}
        link = re.search(r"http\S+/start/\S+", (folder / "stderr.txt").read_text(encoding="utf-8"))
        assert link
        start = urllib.parse.urlsplit(link[0])
        form = {"name": "Ada", "email": "ada@example.com", "password": "correct horse battery"}
        browser = http.client.HTTPConnection(start.netloc, timeout=30)
        headers = {"origin": address, "content-type": "application/x-www-form-urlencoded"}
        browser.request("POST", start.path, urllib.parse.urlencode(form), headers)
        signed_in = browser.getresponse()  # her password was hashed with argon2, in C
        assert (signed_in.status, signed_in.headers["location"]) == (303, "/")
        browser.close()


def test_the_walls_are_there(tmp_path: Path) -> None:
    tries = {
        "written and run": "import mmap; mmap.mmap(-1, 4096, prot=7)",
        "a call that takes resources": "import os; os.nice(1)",
        "another family": "import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
    }
    for what, code in tries.items():
        subprocess.run([sys.executable, "-c", code], check=True)
        shut = subprocess.run(
            [sys.executable, confined.__file__, str(UNIT), sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Permission" in shut.stderr or "not permitted" in shut.stderr, what
