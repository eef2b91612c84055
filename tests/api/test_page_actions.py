"""Everything that a page can do, the API can: each form of the pages has an operation that does the same."""

from __future__ import annotations

import re

from tests.api.house import World
from web.api.openapi import ROUTES
from web.api.routes import PREFIX
from web.auth import PUBLIC, RIGHTS_OF

SAME = {
    "set_own_password": ("set_my_password",),
    "end_one_session": ("end_session",),
    "add_person": ("add_user",),
    "change_person": ("change_user",),
    "disable_person": ("change_user",),
    "remove_person": ("remove_user",),
    "link_person": ("link_user",),
    "add_token": ("create_token",),
    "end_token": ("revoke_token",),
    "write_run_case": ("write_case",),
    "cancel_run": ("cancel_run",),
    "replay_run": ("replay_run",),
    "begin_new_workflow": ("begin_workflow",),
    "pause_workflow": ("pause_workflow",),
    "resume_workflow": ("resume_workflow",),
    "release_workflow": ("release_workflow",),
    "duplicate_workflow": ("begin_workflow",),  # `copy_of`
    "rename_workflow": ("rename_workflow",),
    "delete_workflow": ("delete_workflow",),
    "restore_workflow": ("restore_workflow",),
    "return_workflow": ("return_to_version",),
    "start_run": ("run_workflow",),
    "see_failure": ("see_problem",),
    "try_failure": ("try_problem",),
    "dismiss_failure": ("dismiss_problem",),
    "replay_failure": ("plan_replay", "start_replay"),
    "start_replay": ("start_replay",),
    "pause_replay": ("pause_replay",),
    "stop_replay": ("stop_replay",),
    "answer_approval": ("answer_approval",),
    "recheck_events": ("recheck_events",),
    "recheck_event": ("recheck_events",),  # of its workflow
    "replay_event": ("replay_event",),
    "release_event": ("release_event",),
    "make_connection": ("set_connection",),
    "replace_connection": ("set_connection",),
    "test_one": ("test_connection",),
    "connect_one": ("connect_connection",),
    "delete_one": ("delete_connection",),
    "make_secret": ("set_secret",),
    "set_secret": ("set_secret",),
    "delete_one_secret": ("delete_secret",),
}
OF_THE_BROWSER = {
    "signin_form": "gives this browser a session; a program has a token",
    "start_form": "as signin_form; the first admin is made where the link was printed, with the command line",
    "signout": "takes this browser's cookie; `end_session` ends any session",
    "set_look": "a cookie of this browser",
    "put_away": "a cookie of this browser",
}


def _forms(world: World) -> set[str]:
    """The endpoints of all pages' forms."""
    return {
        rule.endpoint
        for rule in world.app.url_map.iter_rules()
        if "POST" in (rule.methods or ()) and not rule.rule.startswith(PREFIX)
    }


async def test_each_form_of_the_pages_has_its_operation(world: World) -> None:
    assert _forms(world) == SAME.keys() | OF_THE_BROWSER.keys()
    assert not SAME.keys() & OF_THE_BROWSER.keys()
    operations = {route.name for route in ROUTES}
    assert {name for names in SAME.values() for name in names} <= operations


async def test_a_form_and_its_operation_ask_for_the_same_right(world: World) -> None:
    rights = world.app.extensions[RIGHTS_OF]
    by_name = {route.name: route.role for route in ROUTES}
    for form, names in SAME.items():
        assert form not in PUBLIC
        assert {by_name[name] for name in names} == {rights[form]}, form


async def test_every_operation_says_in_a_sentence_what_it_does(world: World) -> None:
    document = await world.get(f"{PREFIX}/openapi.json")
    for path, item in document["paths"].items():
        for method, operation in item.items():
            summary = operation["summary"]
            assert re.fullmatch(r"[A-Z][^\n]{8,160}\.", summary), f"{method} {path}: {summary}"
            assert ". " not in summary, f"{method} {path}: {summary}"
            assert re.fullmatch("[a-z_]+", operation["operationId"])
            assert not operation.get("description", ".").startswith(" ")


async def test_the_description_says_where_it_is_served_and_who_may_ask(world: World) -> None:
    document = await world.get(f"{PREFIX}/openapi.json")
    assert document["servers"] == [{"url": world.house.public_url + PREFIX}]
    assert document["security"] == [{"token": []}, {"session": []}]
    token, session = (document["components"]["securitySchemes"][one] for one in ("token", "session"))
    assert (token["type"], token["scheme"]) == ("http", "bearer")
    assert (session["type"], session["in"]) == ("apiKey", "cookie")
    browser = await world.signed_in("viewer")
    assert (await browser.get(f"{PREFIX}/me")).status_code == 200
    assert browser.cookie_jar is not None
    assert [cookie.name for cookie in browser.cookie_jar] == [session["name"]]


async def test_a_refusal_of_a_method_names_those_that_are_described(world: World) -> None:
    document = await world.get(f"{PREFIX}/openapi.json")
    headers = await world.token("admin")
    client = world.app.test_client()
    for path, item in document["paths"].items():
        if path == "/events/recheck":  # is /events/{id} too
            continue
        address = PREFIX + path.replace("{", "").replace("}", "")
        described = {method.upper() for method in item} | {"OPTIONS"} | ({"HEAD"} if "get" in item else set())
        answer = await client.trace(address, headers=headers)
        assert answer.status_code == 405, path
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert set(answer.headers["Allow"].split(", ")) == described, path
        answer = await client.options(address, headers=headers)
        assert set(answer.headers["Allow"].split(", ")) == described, path


async def test_head_has_the_headers_of_get(world: World) -> None:
    headers = {**await world.token(), "Accept-Encoding": "br"}
    client = world.app.test_client()
    for path in ("/runs", "/workflows", "/workflows/orders", "/catalogue", "/schema/workflow", "/me"):
        got = await client.get(PREFIX + path, headers=headers)
        answer = await client.head(PREFIX + path, headers=headers)
        assert answer.status_code == got.status_code == 200
        assert answer.headers["Content-Type"] == got.headers["Content-Type"]
        if "ETag" in got.headers:
            assert answer.headers["ETag"].removeprefix("W/") == got.headers["ETag"].removeprefix("W/")


async def test_what_is_still_the_same_is_not_sent_again(world: World) -> None:
    client, headers = world.app.test_client(), await world.token()
    for path in ("/catalogue", "/schema/workflow"):
        for way in ({}, {"Accept-Encoding": "br"}):
            mark = (await client.get(PREFIX + path, headers={**headers, **way})).headers["ETag"]
            for known in (mark, f'"other", {mark}', "*"):
                asking = {**headers, **way, "If-None-Match": known}
                answer = await client.get(PREFIX + path, headers=asking)
                assert answer.status_code == 304, known
                assert await answer.get_data() == b""
                assert answer.headers["ETag"].removeprefix("W/") == mark.removeprefix("W/")
