"""`hookline backtest`: a changed file against a real store that real runs made."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.home import Home
from tests.engine.world import opened

TEXT = """
title: "Order {{ payload.id }}"
redact: [payload.mail]
steps:
  - filter: payload.total >= `50`
  - id: tell
    action: http.request
    on_error: continue
    retry: {attempts: 1}
    with: {method: POST, url: "http://127.0.0.1:9/", json: {text: "Order {{ payload.id }} of {{ payload.mail }}", key: "{{ secrets.KEY }}"}}
"""  # noqa: E501 - read by its lines
HERE = ("--data", "data", "--workflows", "workflows")


async def shop(folder: Path) -> Home:
    """A folder whose workflow had orders of 20, 60 and 80."""
    async with opened(folder, secrets={"KEY": "planted-key-0123"}) as world:
        await world.workflow("order", TEXT)
        for number, total in enumerate((20, 60, 80), start=1):
            await world.send("order", {"id": number, "total": total, "mail": "planted@example.com"})
        await world.quiet()
    home = Home(folder)
    (folder / "live.yaml").write_text((folder / "workflows" / "order.yaml").read_text())
    return home


def changed(home: Home, old: str, new: str) -> None:
    text = (home.folder / "live.yaml").read_text()
    assert old in text
    (home.folder / "order.yaml").write_text(text.replace(old, new))


async def test_a_file_is_held_against_past_events_in_every_format(tmp_path: Path) -> None:
    home = await shop(tmp_path)
    secret = {"HOOKLINE_SECRET_KEY": "planted-key-0123"}
    status, out, err = await home.process("backtest", "live.yaml", "--slug", "order", *HERE, **secret)
    assert (status, out) == (0, "3 past events: 3 same\n"), err

    changed(home, "`50`", "`70`")
    status, out, err = await home.process("backtest", "order.yaml", *HERE, "--fail-on", "filtered", **secret)
    assert status == 1, err
    assert "filtered  Order 2" in out
    assert "payload.total was 60; it must be at least 70" in out
    assert out.endswith("3 past events: 2 same, 1 now filtered\n")

    changed(home, "of {{ payload.mail", "for {{ payload.mail")
    status, out, err = await home.process("backtest", "order.yaml", *HERE, "--format", "json", **secret)
    report = json.loads(out)
    assert (status, report["summary"]["differs"], report["summary"]["same"]) == (0, 2, 1), err
    assert report["events"][0]["differences"][0]["after"]["request"]["body"]["text"] == "Order 3 for •••"
    assert "planted" not in out

    status, out, err = await home.process(
        "backtest", "order.yaml", *HERE, "--format", "markdown", "--last", "1", "--fail-on", "fail", **secret
    )
    assert status == 0, err
    assert out.startswith("### Backtest of `order`\n\n1 past events: **0 same, 1 differ**.\n")
    assert "planted" not in out


async def test_what_cannot_be_tried_says_why(tmp_path: Path) -> None:
    home = await shop(tmp_path)
    changed(home, "filter:", "filtre:")
    status, _out, err = await home.process("backtest", "order.yaml", *HERE)
    assert status == 1
    assert "filtre" in err
    (tmp_path / "other.yaml").write_text("name: Other\n")
    assert (await home.process("backtest", "other.yaml", *HERE))[0] == 2
    assert (await home.process("backtest", "live.yaml", "--events", "x", "--last", "1", *HERE))[0] == 2
