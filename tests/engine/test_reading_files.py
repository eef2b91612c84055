"""`read_text(f)` and `base64(f)`: what an expression reads of a file is fetched when it is missed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import orjson

from runner.engine.accept import accept, new_id
from runner.engine.runs import Disposition, Event, Status, TurnEnd
from tests.engine.world import Outside, World, opened

READING = """
output: steps
steps:
  - if: length(read_text(payload.file)) > 3
    id: lines
    transform: split(read_text(payload.file), ',')
  - id: encoded
    transform: base64(payload.file)
  - parallel:
      here:
        - action: probe.note
          with: {text: "{{ payload.file | read_text | upper }}"}
      evaluator:
        - action: probe.note
          with: {text: "{% for one in read_text(payload.file) | split(',') %}<{{ one }}>{% endfor %}"}
"""


def file_of(content: bytes) -> dict[str, Any]:
    return {
        "filename": "a.csv",
        "content_type": "text/csv",
        "size": len(content),
        "file": hashlib.sha256(content).hexdigest(),
    }


async def sent(world: World, payload: Any, files: dict[str, bytes]) -> TurnEnd:
    live = world.library.get("one")
    assert live
    body = orjson.dumps(payload)
    now = world.clock()
    event = Event(
        id=new_id(now), workflow="one", trigger="webhook", received_at=now,
        disposition=Disposition.ACCEPTED, method="POST", path="", query="", headers={},
        content_type="application/json", size=len(body), source_ip="127.0.0.1", body=body, delivery_id=None,
    )  # fmt: skip
    accepted = await accept(world.door, live, event, payload, files, is_awaited=False)
    return await world.turned(accepted.run_id)


async def test_expressions_and_templates_read_a_file_of_the_event(tmp_path: Path) -> None:
    outside = Outside()
    file = file_of(b"ab,cd")
    async with opened(tmp_path, outside) as world:
        await world.workflow("one", READING)
        end = await sent(world, {"file": file}, {file["file"]: b"ab,cd"})
    assert end.status is Status.SUCCEEDED, end
    assert end.output == {"lines": ["ab", "cd"], "encoded": "YWIsY2Q="}
    assert sorted(outside.notes) == ["<ab><cd>", "AB,CD"]


async def test_what_only_looks_like_a_file_is_not_read(tmp_path: Path) -> None:
    secret = file_of(b"of another event")
    async with opened(tmp_path, Outside()) as world:
        await world.workflow("one", READING)
        await sent(world, {"file": secret}, {secret["file"]: b"of another event"})
        end = await sent(world, {"file": secret}, {})
    assert end.status is Status.FAILED
    assert "the file 'a.csv' cannot be read here" in str(end.reason)
