from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from runner.engine.people import NewUser
from runner.errors import MoveRefused
from tests.api.house import ADAS, FROM_HERE, World
from tests.api.writers import writer
from web.api.routes import PREFIX
from web.app import make_app
from web.house import Shown

pytestmark = pytest.mark.both_stores


async def test_whoever_asks_hears_who_they_are_and_what_they_may(world: World) -> None:
    deploy = await writer(world, "deploy", "viewer")
    assert await deploy("GET", "/me") == {
        "key": "token:deploy", "name": "deploy", "email": None, "role": "viewer", "may_run": False,
        "rights": ["view"], "is_token": True, "timezone": "UTC", "version": "0.1.0",
    }  # fmt: skip
    browser = await world.signed_in("run")
    me = await (await browser.get(f"{PREFIX}/me")).get_json()
    assert me["rights"] == ["view", "run"]
    assert me["key"] == (await world.user("run")).id
    assert (me["email"], me["is_token"]) == ("ada.run@example.com", False)
    admin = await writer(world, "root", "admin")
    assert (await admin("GET", "/me"))["rights"] == ["view", "run", "edit", "administer"]


async def test_users_are_added_changed_and_removed(world: World) -> None:
    root = await writer(world, "root", "admin")
    made = await root("POST", "/users", {"email": "Grace@Example.com", "role": "viewer"})
    grace = made["user"]
    assert (grace["email"], grace["name"], grace["has_password"]) == ("grace@example.com", "grace", False)
    await root("POST", "/users", {"email": "grace@example.com", "role": "viewer"}, status=409)
    await root("POST", "/users", {"email": "grace", "role": "viewer"}, status=400)
    await root("POST", "/users", {"email": "x@example.com"}, status=400)

    link = made["link"].removeprefix("http://localhost")
    hers = world.app.test_client()
    await hers.post(link, form={"password": ADAS}, headers=FROM_HERE)
    assert (await hers.get(f"{PREFIX}/me")).status_code == 200
    changed = await root("PATCH", f"/users/{grace['id']}", {"may_run": True, "name": "Grace Hopper"})
    assert (changed["may_run"], changed["name"]) == (True, "Grace Hopper")
    assert (await hers.get(f"{PREFIX}/me")).status_code == 401  # another right, another session
    again = await root("POST", f"/users/{grace['id']}/link")
    await hers.post(again["link"].removeprefix("http://localhost"), headers=FROM_HERE)
    assert (await (await hers.get(f"{PREFIX}/me")).get_json())["rights"] == ["view", "run"]

    assert [one["email"] for one in (await root("GET", "/users"))["items"]] == ["grace@example.com"]
    await root("PATCH", f"/users/{grace['id']}", {"is_disabled": True})
    await root("POST", f"/users/{grace['id']}/link", status=409)
    assert (await root("GET", f"/users/{grace['id']}"))["is_disabled"]
    await root("DELETE", f"/users/{grace['id']}")
    await root("GET", f"/users/{grace['id']}", status=404)
    await root("DELETE", f"/users/{grace['id']}", status=404)


async def test_tokens_are_made_listed_and_revoked(world: World) -> None:
    root = await writer(world, "root", "admin")
    made = await root("POST", "/tokens", {"name": "deploy", "role": "editor", "days": 1.5})
    assert made["expires_at"]
    bearer = {"Authorization": f"Bearer {made['token']}"}
    client = world.app.test_client()
    assert (await client.get(f"{PREFIX}/me", headers=bearer)).status_code == 200
    listed = (await root("GET", "/tokens"))["items"]
    assert made["token"] not in str(listed)
    (deploy,) = [one for one in listed if one["name"] == "deploy"]
    assert deploy["made_by"] == "root"
    assert deploy["used_at"]
    await root("DELETE", f"/tokens/{deploy['id']}")
    await root("DELETE", f"/tokens/{deploy['id']}", status=404)
    assert (await client.get(f"{PREFIX}/me", headers=bearer)).status_code == 401
    for body in ({"name": "x"}, {"name": "x", "role": "viewer", "days": 0}, {"name": "", "role": "viewer"}):
        await root("POST", "/tokens", body, status=400)


async def test_a_session_is_listed_and_ended_by_its_own_and_by_admins(world: World) -> None:
    browser = await world.signed_in("viewer")
    (mine,) = (await (await browser.get(f"{PREFIX}/sessions")).get_json())["items"]
    assert mine["is_this"]
    assert (await browser.get(f"{PREFIX}/sessions?of=everyone")).status_code == 403
    editor, root = await writer(world, "ed"), await writer(world, "root", "admin")
    assert (await editor("GET", "/sessions"))["items"] == []
    await editor("DELETE", f"/sessions/{mine['id']}", status=404)
    assert mine["id"] in [one["id"] for one in (await root("GET", "/sessions?of=everyone"))["items"]]
    await root("DELETE", f"/sessions/{mine['id']}")
    assert (await browser.get(f"{PREFIX}/me")).status_code == 401


async def test_ones_own_password_is_changed_by_the_api_too(world: World) -> None:
    browser = await world.signed_in("viewer")
    body = {"current": ADAS, "new": "another good password"}
    root = await writer(world, "root", "admin")
    await root("POST", "/me/password", body, status=409)
    await root("POST", "/me/password", {"current": ADAS}, status=400)
    await root("POST", "/me/password", {"current": ADAS, "new": "short"}, status=400)
    wrong = await browser.post(
        f"{PREFIX}/me/password", json={**body, "current": "a guess"}, headers=FROM_HERE
    )
    assert wrong.status_code == 403
    right = await browser.post(f"{PREFIX}/me/password", json=body, headers=FROM_HERE)
    assert (right.status_code, await right.get_json()) == (200, {})
    assert (await browser.get(f"{PREFIX}/me")).status_code == 401


async def test_the_audit_log_is_read_by_admins(world: World) -> None:
    root = await writer(world, "root", "admin")
    for name in ("a", "b", "c"):
        await root("POST", "/tokens", {"name": name, "role": "viewer"})
    page = await root("GET", "/audit?limit=2&kind=token&who=token:root")
    assert [one["name"] for one in page["items"]] == ["c", "b"]
    rest = await root("GET", f"/audit?limit=2&kind=token&cursor={page['next']}")
    assert [one["name"] for one in rest["items"]] == ["a"]
    assert rest["next"] is None
    assert (await root("GET", "/audit?q=CREATED"))["items"]
    await root("GET", "/audit?cursor=x", status=400)
    await (await writer(world, "ed"))("GET", "/audit", status=403)


async def test_the_servers_settings_say_what_set_them(world: World) -> None:
    shown = Shown("retention.runs", "Runs are kept", "30d", "HOOKLINE_RETENTION_RUNS")
    world.app = make_app(replace(world.house, settings=(shown,)))
    root = await writer(world, "root", "admin")
    assert (await root("GET", "/settings"))["items"] == [
        {
            "key": "retention.runs",
            "title": "Runs are kept",
            "value": "30d",
            "set_by": "HOOKLINE_RETENTION_RUNS",
        }
    ]


async def test_of_several_who_open_a_link_at_once_one_gets_in(world: World) -> None:
    link = await world.link()
    found = await asyncio.gather(*(world.house.people.spend_link(link) for _ in range(8)))
    assert len([one for one in found if one]) == 1


async def test_two_admins_who_remove_each_other_at_once_leave_one(world: World) -> None:
    users = world.house.users
    both = [await users.add(NewUser(f"{name}@example.com", name, "admin")) for name in ("grace", "alan")]
    ends = await asyncio.gather(*(users.remove(one.id) for one in both), return_exceptions=True)
    assert [type(one) for one in ends if isinstance(one, Exception)] == [MoveRefused]
    assert len(await users.all()) == 1
