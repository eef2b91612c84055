"""
For those who operate a server: pages that explain how, and the files that they hand out, each as the
package has it. `hookline operating NAME` prints one; /docs/operating shows the pages.
"""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent
# Where their programs look for them: at the top of a checkout. The wheel has them here.
CHECKOUT = HERE.parents[1]
AT_THE_TOP = ("Dockerfile", "compose.yaml")
PAGES = (
    "install", "docker", "two-nodes", "systemd", "reverse-proxy", "seeing", "alerts", "log-lines",
    "upgrading", "backup", "elsewhere", "backtest",
)  # fmt: skip
"""The pages in the order in which a server is set up; each is `<name>.md`, and begins with its title."""


def shipped() -> list[str]:
    """The names of the files that there are beside the pages."""
    here = {path.name for path in HERE.iterdir() if path.is_file() and path.suffix not in {".md", ".py"}}
    return sorted(here | set(AT_THE_TOP))


def text(name: str) -> str:
    """
    What stands in a page or in a shipped file.

    Raises:
        LookupError: there is none of that name.
    """
    if name in PAGES:
        return (HERE / f"{name}.md").read_text(encoding="utf-8")
    if name not in shipped():
        raise LookupError(name)
    path = HERE / name
    return (path if path.exists() else CHECKOUT / name).read_text(encoding="utf-8")
