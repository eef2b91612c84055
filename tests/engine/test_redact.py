"""`redact`: hidden wherever people look, there for the run."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from runner.engine.history import Wanted
from runner.engine.redact import EVERYTHING, Redaction, Seen, Veil, redacted_event
from runner.engine.where import read_where
from runner.language.paths import read_path
from runner.store.queries import Statement
from tests.engine.world import Outside, World, opened

pytestmark = pytest.mark.both_stores

EMAIL = "Ada.Lovelace@example.com"
CARD = 4111111111111111
FLOW = """\
title: "Order of {{ payload.customer.email }}"
redact: [payload.customer.email, "payload.lines[].card", steps.token.value, event.headers.x-key]
steps:
  - id: token
    transform: {value: "sha256(payload.customer.email)"}
  - id: sent
    action: probe.note
    with:
      text: >-
        to {{ payload.customer.email | lower }}, token {{ steps.token.value }},
        card {{ payload.lines[0].card }}
  - filter: payload.customer.email == 'nobody' || payload.lines[0].card == payload.age
"""
PAYLOAD = {"customer": {"email": EMAIL, "city": "London"}, "lines": [{"card": CARD}, {"card": 7}], "age": 36}


@pytest.fixture
async def outside() -> Outside:
    return Outside()


@pytest.fixture
async def world(tmp_path: Path, outside: Outside) -> AsyncIterator[World]:
    async with opened(tmp_path, outside) as one:
        yield one


async def shown(world: World, run_id: str) -> Mapping[str, Any]:
    """All that history shows of a run and its event."""
    run = await world.history.run(run_id)
    return {
        "run": run,
        "event": await world.history.event(run["event"]),
        "runs": (await world.history.runs(Wanted())).as_json(),
        "events": (await world.history.events(Wanted())).as_json(),
    }


async def test_what_is_named_is_hidden_everywhere_and_the_run_has_it(world: World, outside: Outside) -> None:
    await world.workflow("orders", FLOW)
    accepted = await world.send("orders", PAYLOAD)
    await world.turned(accepted.run_id)
    (said,) = outside.notes
    assert EMAIL.lower() in said
    token = said.split("token ")[1][:64]
    seen = await shown(world, accepted.run_id)
    text = json.dumps(seen, ensure_ascii=False)
    for value in (EMAIL, EMAIL.lower(), str(CARD), token):
        assert value not in text
    assert seen["event"]["payload"] == {
        "customer": {"email": "•••", "city": "London"},
        "lines": [{"card": "•••"}, {"card": "•••"}],
        "age": 36,
    }  # fmt: skip
    run = seen["run"]
    assert run["status"] == "filtered"
    assert run["title"] == "Order of •••"
    assert 'payload.customer.email was "•••"' in run["reason"]["sentence"]
    assert run["reason"]["facts"]["seen"]["payload.age"] == 36
    assert run["steps"][1]["input"] == {"text": "to •••, token •••, card •••"}
    assert all("hidden" not in entry for entry in run["trace"])


async def test_an_error_that_names_the_value_hides_it_also_where_it_is_cut(world: World) -> None:
    long = "secret-" + "x7" * 60
    await world.workflow("orders", "redact: [payload.code]\nsteps: [filter: payload.code > `1`]\n")
    accepted = await world.send("orders", {"code": long})
    end = await world.turned(accepted.run_id)
    assert end.reason
    assert long[:40] in end.reason.sentence
    text = json.dumps(await shown(world, accepted.run_id))
    assert long[:12] not in text


async def test_a_new_path_hides_what_is_old_and_taking_it_away_shows_nothing(world: World) -> None:
    plain = "title: 'For {{ payload.name }}'\nsteps: [filter: payload.name]\n"
    await world.workflow("orders", plain)
    old = await world.send("orders", {"name": "Charles"})
    await world.turned(old.run_id)
    assert "Charles" in json.dumps(await shown(world, old.run_id))
    await world.workflow("orders", plain + "redact: [payload.name]\n")
    new = await world.send("orders", {"name": "Charles"})
    await world.turned(new.run_id)
    assert "Charles" not in json.dumps(await shown(world, old.run_id))
    await world.workflow("orders", plain)
    assert "Charles" not in json.dumps(await world.history.run(new.run_id))
    assert "Charles" in json.dumps(await world.history.run(old.run_id))


async def test_a_version_that_is_gone_hides_everything(world: World) -> None:
    await world.workflow("orders", "title: 'For {{ payload.name }}'\nsteps: [filter: payload.name]\n")
    accepted = await world.send("orders", {"name": "Charles"})
    await world.turned(accepted.run_id)
    await world.workflow("orders", "steps: [filter: payload.name]\n")
    await world.store.execute(Statement.of("DELETE FROM versions WHERE version = 1"))
    seen = await shown(world, accepted.run_id)
    assert "Charles" not in json.dumps(seen)
    assert seen["event"]["payload"] == "•••"
    assert seen["run"]["title"] == "•••"
    assert seen["run"]["status"] == "succeeded"


async def test_the_problem_that_a_failed_run_stands_under_does_not_tell(world: World) -> None:
    await world.workflow("orders", "redact: [payload.name]\nsteps: [fail: 'no {{ payload.name }} here']\n")
    await world.ran("orders", {"name": "Charles"})
    rows = await world.store.read(Statement.of("SELECT sentence, cause FROM problems"))
    ((sentence, cause),) = rows
    assert "no ••• here" in sentence
    assert "Charles" not in cause


async def test_lists_are_searched_by_a_field_of_the_payload(world: World) -> None:
    await world.workflow("orders", "steps: [filter: payload]\n")
    ids = [
        (await world.send("orders", {"order": n % 3, "lines": [{"sku": f"S{n}"}]})).run_id for n in range(9)
    ]
    for run_id in ids:
        await world.turned(run_id)

    async def found(*where: str) -> list[str]:
        wanted = Wanted(**read_where(where), limit=2)
        runs: list[str] = []
        while True:
            page = await world.history.runs(wanted)
            runs += [item["id"] for item in page.items]
            if page.next is None:
                return runs
            wanted = Wanted(**read_where(where), limit=2, cursor=page.next)

    assert await found("payload.order=1") == [ids[7], ids[4], ids[1]]
    assert await found("payload.order=1", "payload.lines[].sku=S4") == [ids[4]]
    assert await found("payload.order=x") == []
    assert await found(f"id={ids[3]}", "payload.order=0") == [ids[3]]
    page = await world.history.events(Wanted(**read_where(["payload.lines.sku=S8"])))
    assert [item["runs"][0]["id"] for item in page.items] == [ids[8]]


@pytest.mark.parametrize("text", ["payload.a", "nothing=1", "payload..a=1", "=1"])
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"write for example|nothing to look for"):
        read_where([text])


def test_a_condition_may_hold_any_sign() -> None:
    (condition,) = read_where(['payload."a=b".c=x=y'])["payload"]
    assert condition.holds({"a=b": {"c": "x=y"}})


class TestVeil:
    @pytest.mark.parametrize(
        ("value", "text", "masked"),
        [
            ("secret", "it was SECRET.", "it was •••."),
            ("a b&c", "q=a%20b%26c and a+b%26c", "q=••• and •••"),
            ("O'Brien <o@x.org>", "O&#39;Brien &lt;o@x.org&gt;", "•••"),
            ('say "hi"', r'{"said": "say \"hi\""}', '{"said": "•••"}'),
            (1042, "order 1042 of 1043", "order ••• of 1043"),
            ("Li", "Li is not alive", "••• is not alive"),  # a short one only as a word of its own
            ("x", "x is x", "x is x"),  # nothing can be told apart by one character
            ("İstanbul", "in İSTANBUL", "in •••"),
        ],
    )
    def test_a_value_is_masked_in_texts(self, value: Any, text: str, masked: str) -> None:
        veil = Veil(Redaction((read_path("payload.a"),)), Seen({"a": value}))
        assert veil.text(text) == masked

    def test_numbers_and_flags_are_masked_in_their_place(self) -> None:
        veil = Veil(Redaction((read_path("payload.a"),)), Seen({"a": [1, True, None, {"b": 2}]}))
        assert veil.at(("payload",), {"a": [1, True, None, {"b": 2}], "c": 1}) == {"a": "•••", "c": 1}
        assert veil.at(("payload", "a"), 5) == "•••"

    def test_a_body_without_a_payload_is_hidden_whole(self) -> None:
        veil = Veil(Redaction((read_path("payload.a"),)), Seen(has_payload=False))
        assert redacted_event(AN_EVENT, veil)["body"] == "•••"
        assert redacted_event(AN_EVENT, Veil(EVERYTHING, Seen()))["headers"] == {"x-a": "•••"}

    def test_notes_on_a_body_are_texts_like_others(self) -> None:
        veil = Veil(Redaction((read_path("payload.name"),)), Seen({"name": "Charles"}))
        item = {**AN_EVENT, "payload": {"name": "Charles"}, "notes": ['the key "Charles" stands twice']}
        assert redacted_event(item, veil)["notes"] == ['the key "•••" stands twice']

    def test_a_query_keeps_its_names(self) -> None:
        veil = Veil(Redaction((read_path("event.query.key"),)), Seen(event={"query": {"key": "a"}}))
        assert redacted_event(AN_EVENT, veil)["query"] == "key=•••&b=c"


AN_EVENT: dict[str, Any] = {
    "id": "e", "workflow": "w", "type": None, "delivery_id": None, "path": "", "reason": "broken", "runs": [],
    "query": "key=a&b=c", "headers": {"x-a": "b"}, "gates": [], "body": "{", "unreadable": "no JSON",
    "source_ip": "192.0.2.1",
}  # fmt: skip
