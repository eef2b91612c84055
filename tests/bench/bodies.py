"""
GitHub pushes of a wanted size, no two alike: ids, people, texts and files vary from one to the next.

One and the same body would flatter every cache on its way, and one commit repeated compresses and
parses unlike real ones. The same numbers give the same pushes on every machine.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

DIFFERENT = 64  # of each size: more than a load's connections, few enough to stay in memory
PEOPLE = (
    ("ada", "Ada Lovelace"),
    ("grace", "Grace Hopper"),
    ("edsger", "Edsger W. Dijkstra"),
    ("barbara", "Barbara Liskov"),
    ("donald", "Donald Knuth"),
    ("rozsa", "Rózsa Péter"),
    ("yukihiro", "松本 行弘"),
)
VERBS = ("Add", "Fix", "Remove", "Rename", "Speed up", "Document", "Test", "Refuse", "Allow", "Move")
NOUNS = (
    "parser",
    "queue",
    "login page",
    "retry",
    "index",
    "scheduler",
    "cache",
    "importer",
    "window",
    "mailer",
)
REASONS = (
    "It was read twice for each request, which showed under load.",
    'Reported by a customer: "nothing happens" when the name holds a quote.',
    "The old way failed for dates before 1970 and for an empty list.",
    "Follows what the specification says; see the discussion.",
    "No change in behaviour, three hundred lines less → easier to read.",
    "Measured: 41 ms before, 6 ms after (median of nine).",
)
FOLDERS = ("src/core", "src/web", "docs", "tests", "assets/styles", "migrations")
USER_LINKS = """
followers following{/other_user} gists{/gist_id} starred{/owner}{/repo} subscriptions orgs repos
events{/privacy} received_events
"""
REPOSITORY_LINKS = """
forks keys{/key_id} collaborators{/collaborator} teams hooks issues/events{/number} events
assignees{/user} branches{/branch} tags git/blobs{/sha} git/tags{/sha} git/refs{/sha} git/trees{/sha}
statuses/{sha} languages stargazers contributors subscribers subscription commits{/sha}
git/commits{/sha} comments{/number} issues/comments{/number} contents/{+path} compare/{base}...{head}
merges {archive_format}{/ref} downloads issues{/number} pulls{/number} milestones{/number}
notifications{?since,all,participating} labels{/name} releases{/id} deployments
"""


def push_of(size: int, number: int = 0) -> bytes:
    """The *number*-th GitHub push of about *size* bytes; from 6,000 on with all its addresses."""
    chance = random.Random(f"{size}.{number}")
    login, _name = chance.choice(PEOPLE)
    project = f"engine-{chance.randrange(10_000)}"
    full = f"{login}/{project}"
    user_id = chance.randrange(10**8)
    api = "https://api.github.example"
    owner = {
        "login": login,
        "id": user_id,
        "html_url": f"https://github.example/{login}",
        "type": "User",
        "site_admin": False,
    }
    repository: dict[str, Any] = {
        "id": chance.randrange(10**9),
        "name": project,
        "full_name": full,
        "private": chance.random() < 0.5,
        "html_url": f"https://github.example/{full}",
        "default_branch": "main",
    }
    if size >= 6000:  # a small one is what a sender with a field list of its own would send
        owner |= {f"{one.partition('{')[0]}_url": f"{api}/users/{login}/{one}" for one in USER_LINKS.split()}
        repository |= {
            f"{one.partition('{')[0].replace('/', '_')}_url": f"{api}/repos/{full}/{one}"
            for one in REPOSITORY_LINKS.split()
        }
        repository |= {
            "description": None,
            "size": chance.randrange(10**5),
            "stargazers_count": chance.randrange(10**4),
            "has_issues": True,
            "has_wiki": False,
            "pushed_at": 1_763_900_000 + number,
        }
    repository["owner"] = owner
    push: dict[str, Any] = {
        "ref": "refs/heads/main",
        "before": _digest(chance),
        "after": _digest(chance),
        "created": False,
        "forced": False,
        "repository": repository,
        "pusher": {"name": login, "email": f"{user_id}+{login}@users.github.example"},
        "sender": owner,
        "commits": [],
    }
    length = len(_dumped(push))
    while not push["commits"] or length < size:
        commit = _commit(chance, full)
        push["commits"].append(commit)
        length += len(_dumped(commit)) + 1
    return _dumped(push)


def write_bodies(path: Path, size: int, count: int = DIFFERENT) -> Path:
    """Write *count* pushes of about *size* bytes to *path*, one a line; gives *path* back."""
    path.write_bytes(b"\n".join(push_of(size, number) for number in range(count)))
    return path


def _commit(chance: random.Random, full: str) -> dict[str, Any]:
    digest = _digest(chance)
    login, name = chance.choice(PEOPLE)
    person = {"name": name, "email": f"{login}@example.com", "username": login}
    subject = f"{chance.choice(VERBS)} the {chance.choice(NOUNS)} (#{chance.randrange(9000)})"
    reasons = chance.sample(REASONS, chance.randrange(3))
    return {
        "id": digest,
        "tree_id": _digest(chance),
        "distinct": True,
        "message": "\n\n".join([subject, *reasons]),
        "timestamp": f"2026-0{chance.randint(1, 9)}-1{chance.randrange(10)}T0{chance.randrange(10)}:20:41Z",
        "url": f"https://github.example/{full}/commit/{digest}",
        "author": person,
        "committer": person,
        "added": _files(chance, 1),
        "removed": [],
        "modified": _files(chance, 4),
    }


def _files(chance: random.Random, most: int) -> list[str]:
    names = (f"{chance.choice(NOUNS).replace(' ', '_')}_{chance.randrange(100)}.py" for _ in range(most))
    return [f"{chance.choice(FOLDERS)}/{name}" for name in names][: chance.randrange(most + 1)]


def _digest(chance: random.Random) -> str:
    return f"{chance.getrandbits(160):040x}"


def _dumped(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
