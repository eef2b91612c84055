from __future__ import annotations

import re

from runner.engine.problems import Trouble
from runner.engine.resuming import question_id
from runner.engine.runs import NO_END, Disposition, Gate, Record, RecordStatus, Status
from tests.api.connected import TOKEN
from tests.api.house import World
from tests.api.schema_check import differences
from web.api.openapi import ROUTES
from web.api.routes import PREFIX

TIMED = """name: Timed
trigger:
  schedule: {cron: "0 9 * * *"}
  poll: {action: probe.note, every: 5m, id: id}
steps: [{filter: payload}]
"""
ASKS = "name: Asks\ntrigger: {webhook: {}}\nsteps: [{id: ok, wait_for: {approval: {message: x}}}]\n"
BROKEN = "name: Broken\ntrigger:\n  webhook: {}\nsteps:\n  - action: probe.nte\n"


# whose answers are held against the document where they are made
ELSEWHERE = {
    # test_people.py
    "me", "set_my_password", "list_users", "add_user", "show_user", "change_user", "remove_user", "link_user",
    "list_tokens", "create_token", "revoke_token", "list_sessions", "end_session", "list_audit",
    "list_settings",
    # test_workflow_texts.py
    "show_workflow", "put_workflow", "delete_workflow", "restore_workflow", "rename_workflow",
    "begin_workflow", "list_starters", "put_draft", "drop_draft", "publish", "merge", "review",
    "list_versions", "show_version", "return_to_version", "release_workflow",
    # test_connectors.py
    "make_connector",
    # test_trying.py
    "recent_events", "event_data", "event_fields", "evaluate", "preview", "try_workflow", "send_sample",
    "backtest_events", "backtest",
    "list_samples", "show_sample", "show_catalogue", "workflow_schema",
    # test_doctor.py
    "show_doctor",
    # test_commands.py
    "list_pauses", "pause", "resume", "list_addresses", "change_addresses", "make_letter", "list_state",
    "show_state", "set_state", "delete_state", "forget_events",
    # test_live.py: it has no end
    "live",
    # test_details.py
    "list_exchanges", "count_events", "count_runs", "show_case", "write_case",
    "replay_event", "release_event",
}  # fmt: skip


async def test_every_route_under_api_is_described_and_nothing_else(world: World) -> None:
    document = await world.get(f"{PREFIX}/openapi.json")
    served = {
        (method, re.sub("<([^>]+)>", r"{\1}", rule.rule.removeprefix(PREFIX)))
        for rule in world.app.url_map.iter_rules()
        if rule.rule.startswith("/api")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    described = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    assert described == served
    assert all(rule.startswith(PREFIX) for rule in map(str, world.app.url_map.iter_rules()) if "/api" in rule)


async def test_each_operation_is_whole(world: World) -> None:
    document = await world.get(f"{PREFIX}/openapi.json")
    assert document["openapi"] == "3.1.1"
    names = [one["operationId"] for item in document["paths"].values() for one in item.values()]
    assert len(names) == len(set(names)) == len(ROUTES)
    for item in document["paths"].values():
        for operation in item.values():
            assert operation["summary"].endswith(".")
            assert {"200", "401", "503"} <= operation["responses"].keys()


async def test_every_described_answer_matches_a_real_one(world: World) -> None:
    await world.write("broken", BROKEN)
    await world.write("manual", "name: By hand\ntrigger: {manual: {}}\nsteps: [{stop: 'x'}]\n")
    sent = Record(
        path="action#1", kind="action", status=RecordStatus.FAILED, attempts=2, started_at=world.made.now,
        input={"text": "1"}, error={"type": "rejected", "message": "no"}, ended_at=world.made.now,
    )  # fmt: skip
    trace = [{"path": "action#1", "kind": "action", "status": "failed", "at": 0.0, "ms": 1.5}]
    trouble = Trouble("orders", "action#1", "rejected: no", "action#1 failed: no", None, world.made.now)
    failed = await world.made.run(
        Status.FAILED, records=[sent], trace=trace, output={"a": [1]}, notes=["n"], trouble=trouble
    )
    (problem,) = (await world.house.problems.page()).items
    planned = await world.post(f"{PREFIX}/replays", {"where": "workflow=orders"})
    await world.made.run(Status.WAITING)
    await world.write("asks", ASKS)
    await world.write("timed", TIMED)
    asked = Record(
        path="ok", kind="wait_for", status=RecordStatus.WAITING, attempts=1, started_at=world.made.now,
        due_at=NO_END, input={"message": "Really?"},
    )  # fmt: skip
    asking = await world.made.run(Status.WAITING, workflow="asks", records=[asked])
    queued = await world.made.run(Status.QUEUED)
    gate = Gate("body", "stopped", "the body is not JSON", {"line": 1})
    unread, _ = await world.made.event(
        title=None, disposition=Disposition.REJECTED, gates=[gate], body=b"{", type="t", delivery_id="d"
    )
    ids = {
        "list_events": [""], "list_runs": [""], "list_workflows": [""], "list_actions": [""], "openapi": [""],
        "show_event": [unread, (await world.get(f"{PREFIX}/runs/{failed}"))["event"]],
        "show_run": [failed, queued],
        "cancel_run": [queued],
        "replay_run": [failed],
        "pause_workflow": ["orders"],
        "resume_workflow": ["orders"],
        "list_problems": [""], "show_problem": [problem["id"]], "see_problem": [problem["id"]],
        "dismiss_problem": [problem["id"]], "try_problem": [problem["id"]], "show_health": [""],
        "recheck_events": [""],
        "list_schedules": [""],
        "list_approvals": [""], "answer_approval": [question_id(asking, "ok")],
        "run_workflow": ["manual"], "check_workflow": ["orders"],
        "list_connections": [""], "show_connection": ["card", "shop"], "test_connection": ["card", "lost"],
        "list_choices": ["card"], "connect_connection": ["shop"], "list_connection_kinds": [""],
        "set_connection": ["new-card"], "delete_connection": ["new-card"],
        "list_secrets": [""], "set_secret": ["NEW_SECRET"], "delete_secret": ["NEW_SECRET"],
        "import_curl": [""],
        "find": [""], "list_activity": [""],
        "list_replays": [""], "plan_replay": [""], "show_replay": [planned["id"]],
        "start_replay": [planned["id"]], "pause_replay": [planned["id"]], "stop_replay": [planned["id"]],
    }  # fmt: skip
    bodies = {
        "answer_approval": {"choice": "approve"}, "dismiss_problem": {"note": "a test"},
        "plan_replay": {"where": "workflow=orders"},
        "list_choices": {"action": "library.put", "input": "shelf"},
        "set_connection": {"kind": "library", "fields": {"token": TOKEN}, "test": True},
        "set_secret": {"value": "s3cret"},
        "import_curl": {"command": "curl -u a:b https://x.example"},
        "check_workflow": {"text": "nmae: x\n"},
    }  # fmt: skip
    document = await world.get(f"{PREFIX}/openapi.json")
    checked = 0
    for path, item in document["paths"].items():
        for method, operation in item.items():
            name = operation["operationId"]
            for identity in () if name in ELSEWHERE else ids[name]:
                schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
                address = PREFIX + path.replace("{id}", identity)
                body = bodies.get(operation["operationId"], {})
                if method == "get":
                    answer = await world.get(address)
                else:
                    got = await world.send(method.upper(), address, body, role="admin")
                    answer = await got.get_json()
                    assert got.status_code == 200, (name, answer)
                assert differences(answer, schema, document) == []
                checked += 1
    assert checked == sum(map(len, ids.values()))


async def test_every_error_is_a_described_problem(world: World) -> None:
    document = await world.get(f"{PREFIX}/openapi.json")
    problem = document["components"]["schemas"]["Problem"]
    for path, status in [
        (f"{PREFIX}/nothing", 404),
        (f"{PREFIX}/runs/nothing", 404),
        (f"{PREFIX}/runs?limit=0", 400),
        (f"{PREFIX}/workflows/nothing", 404),
        ("/api/v2/runs", 404),
        ("/api", 404),
    ]:
        answer = await world.app.test_client().get(path, headers=await world.token())
        assert answer.status_code == status
        assert answer.headers["Content-Type"] == "application/problem+json"
        body = await answer.get_json()
        assert differences(body, problem, document) == []
        assert body["status"] == status
