from __future__ import annotations

import re
import statistics
import time
from html import unescape

from runner.engine.audit import SIGN_IN_FAILED, DeedsWanted
from tests.api.house import ADAS, ADAS_PASSWORD, FROM_HERE, World
from tests.pages.forms import posted, sent
from web.attempts import PER_EMAIL
from web.passwords import HASHER, NOBODYS, Passwords

EMAIL = "ada.admin@example.com"


async def _tried(world: World, email: str, password: str, address: str = "192.0.2.1") -> tuple[int, str]:
    answer = await world.app.test_client().post(
        "/signin", form={"email": email, "password": password, "next": "/runs?q=1"}, headers=FROM_HERE,
        scope_base={"client": (address, 1)},
    )  # fmt: skip
    return answer.status_code, answer.headers.get("Location") or str(await answer.get_data(as_text=True))


async def test_email_and_password_sign_in_and_lead_back(world: World) -> None:
    await world.user("admin")
    assert await _tried(world, EMAIL, ADAS) == (303, "/runs?q=1")
    assert await _tried(world, f"  {EMAIL.upper()} ", ADAS) == (303, "/runs?q=1")


async def test_a_wrong_password_an_unknown_email_and_somebody_disabled_read_alike(world: World) -> None:
    await world.user("admin")
    gone = await world.user("viewer")
    await world.house.users.change(gone.id, is_disabled=True)
    asked = {
        EMAIL: "not the password",
        "nobody@example.com": ADAS,
        gone.email: ADAS,
        "no email": ADAS,
        "": "",
    }
    pages = set()
    for number, (email, password) in enumerate(asked.items()):
        status, page = await _tried(world, email, password, f"192.0.2.{number}")
        assert status == 403
        assert "This email and password do not go together." in page
        pages.add(re.sub(r' value="[^"]*"| autofocus', "", page))
    assert len(pages) == 1


async def test_they_take_alike() -> None:
    """Each compares once, with the same parameters: what the one does the other does."""
    passwords = Passwords()
    kept = await passwords.hash(ADAS)
    known: list[float] = []
    unknown: list[float] = []
    for _ in range(5):
        for times, one in ((known, kept), (unknown, None)):
            began = time.perf_counter()
            assert not (await passwords.check("wrong", one)).is_right
            times.append(time.perf_counter() - began)
    assert not HASHER.check_needs_rehash(NOBODYS)
    assert 0.4 < statistics.median(known) / statistics.median(unknown) < 2.5


async def test_a_password_hashed_with_other_parameters_is_hashed_anew_at_sign_in(world: World) -> None:
    await world.user("admin")
    browser = await world.signed_in("admin")
    assert HASHER.check_needs_rehash(ADAS_PASSWORD)
    assert (await _tried(world, EMAIL, ADAS))[0] == 303
    found = await world.house.users.by_email(EMAIL)
    assert found
    assert found[1]
    assert not HASHER.check_needs_rehash(found[1])
    assert (await _tried(world, EMAIL, ADAS))[0] == 303
    assert (await browser.get("/")).status_code == 200  # nobody is signed out by that


async def test_a_password_is_the_same_from_every_keyboard(world: World) -> None:
    passwords = Passwords()
    kept = await passwords.hash("caf\u00e9 au lait \u2603")
    assert (await passwords.check("cafe\u0301 au lait \u2603", kept)).is_right
    assert not (await passwords.check("cafe au lait \u2603", kept)).is_right
    assert not (await passwords.check("anything", "not a hash")).is_right
    assert not (await passwords.check("\ud800", kept)).is_right


async def test_guessing_one_password_from_many_addresses_is_slowed(world: World) -> None:
    await world.user("admin")
    for number in range(PER_EMAIL):
        assert (await _tried(world, EMAIL, "a guess", f"192.0.2.{number}"))[0] == 403
    status, _page = await _tried(world, EMAIL.upper(), ADAS, "198.51.100.9")
    assert status == 429
    await world.user("viewer")
    assert (await _tried(world, "ada.viewer@example.com", ADAS, "198.51.100.9"))[0] == 303
    world.clock.later = 60
    assert (await _tried(world, EMAIL, ADAS, "198.51.100.9"))[0] == 303


async def test_failed_sign_ins_are_written_down_without_what_was_typed(world: World) -> None:
    await world.user("admin")
    await _tried(world, EMAIL, "hunter2hunter2")
    await _tried(world, "my-password-in-the-wrong-field@example.com", "x")
    deeds = (await world.house.audit_log.page(DeedsWanted())).items
    assert [one["verb"] for one in deeds] == [SIGN_IN_FAILED] * 2
    assert [one["name"] for one in deeds] == ["", EMAIL]
    assert deeds[0]["facts"] == {"address": "192.0.2.1"}
    assert "hunter2" not in str(deeds)
    assert "wrong-field" not in str(deeds)


async def test_changing_the_password_ends_all_sessions_but_gives_this_browser_a_new_one(world: World) -> None:
    here, there = await world.signed_in("admin"), await world.signed_in("admin")
    form = {"current": ADAS, "new": "another good password"}
    answer = await sent(here, "/settings/password", form)
    assert answer.status_code == 303
    assert (await here.get("/settings")).status_code == 200
    assert (await there.get("/settings")).status_code == 303
    assert (await _tried(world, EMAIL, ADAS))[0] == 403
    assert (await _tried(world, EMAIL, "another good password"))[0] == 303


async def test_the_password_is_changed_only_by_who_knows_it(world: World) -> None:
    browser = await world.signed_in("viewer")
    page = await posted(
        browser, "/settings/password", {"current": "a guess", "new": "another good password"}, status=422
    )
    assert "The current password is another one" in page
    page = await posted(browser, "/settings/password", {"current": ADAS, "new": "short"}, status=422)
    assert "at least 12 characters" in page
    assert (await _tried(world, "ada.viewer@example.com", ADAS))[0] == 303


async def test_another_role_ends_the_sessions(world: World) -> None:
    admin, hers = await world.signed_in("admin"), await world.signed_in("editor")
    user = await world.user("editor")
    await sent(admin, f"/settings/people/{user.id}", {"name": "Countess", "role": "editor"})
    assert (await hers.get("/settings")).status_code == 200  # a name is no right
    await sent(admin, f"/settings/people/{user.id}", {"name": "Countess", "role": "viewer"})
    assert (await hers.get("/settings")).status_code == 303


async def test_a_session_that_ended_keeps_the_form_until_its_person_sends_it(world: World) -> None:
    browser = await world.signed_in("viewer")
    sessions = await world.house.people.sessions()
    await world.house.people.end_session(sessions[0]["id"])
    form = {"theme": "dark", "keys": "on", "note": '"><script>alert(1)</script>', "form_token": "old"}
    answer = await browser.post(
        "/settings/look", form=form, headers={**FROM_HERE, "Referer": "http://localhost/settings?x=1"}
    )
    page = await answer.get_data(as_text=True)
    assert answer.status_code == 401
    assert "What you filled in is kept" in page
    assert "<script>alert" not in page
    assert 'name="next" value="/settings?x=1"' in page
    kept = _unescaped(re.search('name="kept" value="([^"]+)"', page))
    assert "old" not in kept

    answer = await browser.post(
        "/signin", headers=FROM_HERE,
        form={"email": "ada.viewer@example.com", "password": ADAS, "next": "/settings?x=1", "kept": kept},
    )  # fmt: skip
    page = await answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "has not been sent" in page
    fields = {name: _unescaped(value) for name, value in re.findall('name="(\\w+)" value="([^"]*)"', page)}
    action = re.search('<form method="post" action="(/settings/look)">', page)
    assert action
    answer = await browser.post(action[1], form=fields, headers=FROM_HERE)
    assert answer.status_code == 303
    assert "hookline_theme=dark" in str(answer.headers.getlist("Set-Cookie"))


async def test_no_form_is_carried_to_another_server(world: World) -> None:
    await world.user("viewer")
    for kept in (
        '{"action":"https://evil.example/","fields":[["a","b"]]}',
        '{"action":"//evil.example/","fields":[]}',
        '{"action":"/settings/look","fields":[["a",1]]}',
        "[]",
        "nonsense",
    ):
        answer = await world.app.test_client().post(
            "/signin", headers=FROM_HERE,
            form={"email": "ada.viewer@example.com", "password": ADAS, "kept": kept},
        )  # fmt: skip
        assert (answer.status_code, answer.headers.get("Location")) == (303, "/")


def _unescaped(value: re.Match[str] | str | None) -> str:
    assert value is not None
    return unescape(value if isinstance(value, str) else value[1])
