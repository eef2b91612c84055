"""
The lock against the database of known vulnerabilities (OSV), for `make check`: one that is found fails.
Where the database cannot be reached, this says so in one line and holds up nothing: CI may have no way out.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

LOCK = Path(__file__).parents[2] / "requirements.lock"
UNREACHED = ("ConnectionError", "Timeout", "ProxyError", "SSLError")  # of requests, by which pip-audit asks


def audit(lock: Path, *options: str) -> int:
    """Audit the packages of *lock*, print what was found, and give the exit status."""
    done = subprocess.run(
        [sys.executable, "-m", "pip_audit", "--requirement", str(lock), "--disable-pip", "--no-deps",
         "--vulnerability-service", "osv", "--timeout", "10", "--progress-spinner", "off",
         "--format", "json", *options],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    last = (done.stderr.strip().splitlines() or [""])[-1]
    if not done.stdout and any(name in last for name in UNREACHED):
        print("audit: not done, the database of known vulnerabilities cannot be reached from here")
        return 0
    if not done.stdout:
        print(f"audit: {last}")
        return 1
    packages = json.loads(done.stdout)["dependencies"]
    found = [(one, fault) for one in packages for fault in one.get("vulns", ())]
    for one, fault in found:
        mended = ", ".join(fault["fix_versions"]) or "no release yet"
        print(f"audit: {one['name']} {one['version']} has {fault['id']}; mended in {mended}")
    print(f"audit: {len(packages)} packages, {len(found)} known vulnerabilities")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(audit(LOCK, *sys.argv[1:]))
