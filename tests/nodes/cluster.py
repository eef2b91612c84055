"""
Nodes on one PostgreSQL, each a process of its own with a data folder of its own: what is shared is the
database and the key alone.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from tests.bench.servers import HOOKLINE, Process

PATIENCE_SECONDS = 2.0
KEY = "a key that all nodes share, of enough characters"
WORKFLOWS = {
    "plain": """
name: Plain
trigger: {{webhook: {{}}}}
steps:
  - action: http.request
    with: {{method: POST, url: "http://127.0.0.1:{port}/first/all/{{{{ payload.n }}}}"}}
  - action: http.request
    with: {{method: POST, url: "http://127.0.0.1:{port}/second/all/{{{{ payload.n }}}}"}}
""",
    "ordered": """
name: In order for each customer
trigger: {{webhook: {{}}}}
concurrency: {{key: payload.line, limit: 1}}
steps:
  - action: http.request
    with: {{method: POST, url: "http://127.0.0.1:{port}/ordered/{{{{ payload.line }}}}/{{{{ payload.n }}}}"}}
""",
    "limited": """
name: At most three at once
trigger: {{webhook: {{}}}}
concurrency: {{key: "'all'", limit: 3}}
steps:
  - action: http.request
    with: {{method: POST, url: "http://127.0.0.1:{port}/limited/all/{{{{ payload.n }}}}"}}
""",
    "tick": """
name: Every second
trigger: {{schedule: {{every: 1s}}}}
steps:
  - action: http.request
    with: {{method: POST, url: "http://127.0.0.1:{port}/tick/all/1"}}
""",
}


@dataclass(slots=True)
class Node:
    """One process: a `serve`, or a `worker` without an address."""

    name: str
    command: list[str]
    environment: dict[str, str]
    process: Process | None = None
    address: str = ""
    kills: int = 0

    def start(self) -> None:
        """Start it, as a supervisor does again and again while the database is away."""
        self.process = Process(self.command, environment=self.environment)
        self.address = self.process.first_line.removeprefix("ready ")

    def kill(self) -> None:
        """As a power cut does."""
        assert self.process
        self.process.kill()
        self.kills += 1

    def pause(self) -> None:
        """Stop its clock; `go_on` lets it run as if nothing had been."""
        assert self.process
        os.kill(self.process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        assert self.process
        os.kill(self.process.pid, signal.SIGCONT)

    def stop(self) -> int | None:
        """SIGTERM; its exit status, None where it did not run."""
        return self.process.stop() if self.process and self.process.is_running else None


@dataclass(slots=True)
class Cluster:
    """The nodes over *folder* and the database at *url*, whose calls go to *port*."""

    folder: Path
    url: str
    port: int
    nodes: list[Node] = field(default_factory=list)

    def __post_init__(self) -> None:
        workflows = self.folder / "workflows"
        workflows.mkdir()
        for slug, text in WORKFLOWS.items():
            (workflows / f"{slug}.yaml").write_text(text.format(port=self.port))

    def serve(self, name: str, *arguments: str, database_port: int | None = None) -> Node:
        """A node that receives and, but for `--no-execute`, executes."""
        folder = ["--workflows", str(self.folder / "workflows"), "--port", "0"]
        return self._node(name, ["serve", *folder, *arguments], database_port)

    def worker(self, name: str, *, database_port: int | None = None) -> Node:
        """A node that only executes, and reads no files."""
        return self._node(name, ["worker"], database_port)

    def environment(self, database_port: int | None = None) -> dict[str, str]:
        url = self.url
        if database_port is not None:
            parts = urlsplit(url)
            url = urlunsplit(parts._replace(netloc=f"{parts.username}@127.0.0.1:{database_port}"))
        return {
            "HOOKLINE_KEY": KEY,
            "HOOKLINE_STORE_URL": url,
            "HOOKLINE_STORE_PATIENCE_SECONDS": str(PATIENCE_SECONDS),
            "HOOKLINE_NETWORK_ALLOW": "127.0.0.0/8",
            "PYTHONUNBUFFERED": "1",
        }

    def _node(self, name: str, words: list[str], database_port: int | None) -> Node:
        data = ["--data", str(self.folder / name)]
        node = Node(name, [*HOOKLINE, *words, *data], self.environment(database_port))
        self.nodes.append(node)
        return node
