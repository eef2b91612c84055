from __future__ import annotations

import re

from runner.engine.audit import Deed, DeedsWanted
from tests.api.house import FROM_HERE, World
from tests.pages.forms import posted, sent

MARKUP = '<img src=x onerror="alert(1)">'


async def test_an_admin_adds_changes_disables_and_removes_a_person(world: World) -> None:
    admin = await world.signed_in("admin")
    form = {"name": f"Grace {MARKUP}", "email": "Grace@Example.com", "role": "viewer", "may_run": "yes"}
    page = await posted(admin, "/settings/people", form)
    assert "<img" not in page
    assert "may run" in page
    found = await world.house.users.by_email("grace@example.com")
    assert found
    grace = found[0]
    assert (grace.role, grace.may_run, grace.has_password) == ("viewer", True, False)

    await posted(
        admin, f"/settings/people/{grace.id}", {"name": "Grace Hopper", "role": "editor"}, status=303
    )
    assert (await world.house.users.show(grace.id)).role == "editor"
    await posted(admin, f"/settings/people/{grace.id}/disable", {"is_disabled": "yes"}, status=303)
    assert (await world.house.users.show(grace.id)).is_disabled
    page = await posted(admin, f"/settings/people/{grace.id}/link", {}, status=409)
    assert "is disabled; enable them first" in page
    await posted(admin, f"/settings/people/{grace.id}/disable", {"is_disabled": "no"}, status=303)
    await posted(admin, f"/settings/people/{grace.id}/remove", {}, status=303)
    assert await world.house.users.by_email("grace@example.com") is None
    log = await (await admin.get("/settings/audit?q=grace")).get_data(as_text=True)
    for deed in ("added user", "changed user", "removed user"):
        assert deed in log


async def test_what_cannot_be_said_stands_on_the_page(world: World) -> None:
    admin = await world.signed_in("admin")
    ada = await world.user("admin")
    page = await posted(
        admin, "/settings/people", {"name": "A", "email": ada.email, "role": "viewer"}, status=409
    )
    assert f"{ada.email} is somebody&#39;s already." in page.replace("Ada.admin", "ada.admin")
    page = await posted(admin, "/settings/people", {"name": "", "email": "x", "role": "viewer"}, status=422)
    assert "Write a name." in page
    page = await posted(admin, f"/settings/people/{ada.id}", {"name": "Ada", "role": "viewer"}, status=409)
    assert "This is the only admin" in page
    await posted(admin, "/settings/people", {"name": "A", "email": "a@b.c", "role": "root"}, status=400)
    assert (await admin.get("/settings/people/nobody")).status_code == 404


async def test_a_token_is_shown_once_and_can_be_taken_back_with_its_sessions(world: World) -> None:
    admin = await world.signed_in("admin")
    page = await posted(admin, "/settings/tokens", {"name": "deploy", "role": "viewer", "days": "30"})
    found = re.search("hl_[A-Za-z0-9_-]{43}", page)
    assert found
    token = found[0]
    again = await (await admin.get("/settings/tokens")).get_data(as_text=True)
    assert token not in again
    assert "deploy" in again
    bearer = {"Authorization": f"Bearer {token}"}
    stranger = world.app.test_client()
    assert (await stranger.get("/runs", headers=bearer)).status_code == 200
    assert (await stranger.get("/settings/tokens", headers=bearer)).status_code == 403
    browser = world.app.test_client()
    await browser.post("/signin", form={"token": token}, headers=FROM_HERE)
    assert (await browser.get("/runs")).status_code == 200
    (one,) = [one for one in await world.house.people.tokens() if one["name"] == "deploy"]
    await posted(admin, f"/settings/tokens/{one['id']}/revoke", {}, status=303)
    assert (await stranger.get("/runs", headers=bearer)).status_code == 303
    assert (await browser.get("/runs")).status_code == 303
    page = await posted(
        admin, "/settings/tokens", {"name": "x", "role": "viewer", "days": "soon"}, status=422
    )
    assert "Write a whole number of days" in page


async def test_sessions_are_seen_and_ended_ones_own_by_anyone_others_by_admins(world: World) -> None:
    admin, viewer, other = (
        await world.signed_in("admin"),
        await world.signed_in("viewer"),
        await world.signed_in("viewer"),
    )
    sessions = {one["email"]: one["id"] for one in await world.house.people.sessions()}
    await posted(viewer, f"/settings/sessions/{sessions['ada.admin@example.com']}/end", {}, status=404)
    assert (await admin.get("/settings")).status_code == 200
    page = await (await viewer.get("/settings")).get_data(as_text=True)
    (end,) = re.findall("/settings/sessions/[0-9a-f]+/end", page)  # not of the one that looks
    await posted(viewer, end, {}, status=303)
    assert (await other.get("/settings")).status_code == 303
    page = await (await admin.get("/settings/sessions")).get_data(as_text=True)
    for one in await world.house.people.sessions():
        assert f"/settings/sessions/{one['id']}/end" in page
        if one["role"] == "viewer":
            await posted(admin, f"/settings/sessions/{one['id']}/end", {"back": "sessions"}, status=303)
    assert (await viewer.get("/settings")).status_code == 303


async def test_the_look_is_a_cookie_of_the_browser(world: World) -> None:
    browser = await world.signed_in("viewer")
    assert 'data-theme="auto"' in await (await browser.get("/settings")).get_data(as_text=True)
    await posted(browser, "/settings/look", {"theme": "dark"}, status=303)
    page = await (await browser.get("/settings")).get_data(as_text=True)
    assert 'data-theme="dark"' in page
    assert 'data-keys="off"' in page
    await posted(browser, "/settings/look", {"theme": "light", "keys": "on"}, status=303)
    page = await (await browser.get("/settings")).get_data(as_text=True)
    assert 'data-theme="light"' in page
    assert "data-keys" not in page
    await posted(browser, "/settings/look", {"theme": '"><b>'}, status=400)


async def test_a_viewer_sees_of_the_settings_what_is_their_own(world: World) -> None:
    page = await (await (await world.signed_in("viewer")).get("/settings")).get_data(as_text=True)
    assert "Appearance" in page
    for others in ("/settings/people", "/settings/tokens", "/settings/audit"):
        assert others not in page


async def test_the_audit_log_is_paged_filtered_and_shows_text_as_text(world: World) -> None:
    admin = await world.signed_in("admin")
    for number in range(60):
        deed = Deed("u1", f"Ada {MARKUP}", "published", "workflow", f"flow-{number}", {"note": MARKUP})
        await world.house.audit_log.note(deed)
    page = await (await admin.get("/settings/audit?kind=workflow")).get_data(as_text=True)
    assert "<img" not in page
    assert page.count("<tr>") == 51
    older = re.search('href="(/settings/audit[^"]*cursor=[^"]*)"', page)
    assert older
    page = await (await admin.get(older[1].replace("&amp;", "&"))).get_data(as_text=True)
    assert page.count("<tr>") == 11
    assert "signed in" not in page
    page = await (await admin.get("/settings/audit?q=FLOW-7")).get_data(as_text=True)
    assert page.count("<tr>") == 2
    assert (await admin.get("/settings/audit?cursor=nonsense")).status_code == 400
    page = await (await admin.get("/settings/audit?q=nothing-of-the-kind")).get_data(as_text=True)
    assert "Nothing of that was done." in page


async def test_what_is_done_to_runs_and_workflows_is_written_down(world: World) -> None:
    await world.post("/api/v1/workflows/orders/pause", {"why": "a look"})
    await world.post("/api/v1/workflows/orders/resume", {})
    await world.post("/api/v1/events/recheck", {})
    deeds = (await world.house.audit_log.page(DeedsWanted(kind="workflow"))).items
    assert [one["verb"] for one in deeds] == ["rechecked", "resumed", "paused"]
    assert deeds[2]["facts"] == {"why": "a look"}
    assert deeds[2]["who"] == {"key": "token:a editor", "name": "a editor"}


async def test_the_audit_log_lets_go_of_what_is_old_and_of_too_many_failures(world: World) -> None:
    log = world.house.audit_log
    await log.note(Deed("u1", "Ada", "published", "workflow", "old"))
    world.clock.later = 100
    await log.note(Deed("u1", "Ada", "published", "workflow", "new"))
    before = world.clock() - 50
    assert await log.let_go(before=before) == 1
    assert await log.let_go(before=before) == 0
    assert [one["name"] for one in (await log.page(DeedsWanted())).items] == ["new"]


async def test_a_form_of_settings_without_its_token_does_nothing(world: World) -> None:
    admin = await world.signed_in("admin")
    form = {"name": "Eve", "email": "eve@example.com", "role": "admin"}
    assert (await admin.post("/settings/people", form=form, headers=FROM_HERE)).status_code == 403
    elsewhere = {"Origin": "https://evil.example"}
    assert (await admin.post("/settings/people", form=form, headers=elsewhere)).status_code == 403
    assert await world.house.users.by_email("eve@example.com") is None
    answer = await sent(admin, "/settings/people", form)
    assert answer.status_code == 200
