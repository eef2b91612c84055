from __future__ import annotations

import re

import pytest

from tests.api.house import FROM_HERE, World
from web.api.routes import PREFIX
from web.attempts import IN_TOTAL, PER_ADDRESS

DAY = 86400.0


async def test_looking_at_a_link_does_not_spend_it(world: World) -> None:
    """Messengers and mail programs open links to preview them."""
    link = await world.link()
    for _ in range(3):
        answer = await world.app.test_client().get(f"/start/{link}")
        assert answer.status_code == 200
        assert "Set-Cookie" not in answer.headers
        text = await answer.get_data(as_text=True)
        assert re.search("<button[^>]*>Sign in</button>", text)
    assert (await world.app.test_client().post(f"/start/{link}", headers=FROM_HERE)).status_code == 303


async def test_the_button_signs_in_once(world: World) -> None:
    link = await world.link()
    browser = world.app.test_client()
    answer = await browser.post(f"/start/{link}", headers=FROM_HERE)
    assert answer.headers["Location"] == "/"
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert f"Max-Age={14 * 86400}" in cookie
    assert link not in cookie
    assert (await browser.get("/")).status_code == 200

    again = await world.app.test_client().post(f"/start/{link}", headers=FROM_HERE)
    assert again.status_code == 403
    assert "Set-Cookie" not in again.headers
    assert "hookline user link" in await again.get_data(as_text=True)


async def test_a_link_whose_time_is_over_says_how_to_get_another(world: World) -> None:
    link = await world.link()
    world.clock.later = DAY
    answer = await world.app.test_client().post(f"/start/{link}", headers=FROM_HERE)
    assert answer.status_code == 403
    assert "hookline user link" in await answer.get_data(as_text=True)


async def test_another_site_cannot_press_the_button(world: World) -> None:
    link = await world.link()
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {}):
        assert (await world.app.test_client().post(f"/start/{link}", headers=headers)).status_code == 403
    assert (await world.app.test_client().post(f"/start/{link}", headers=FROM_HERE)).status_code == 303


@pytest.mark.parametrize("shape", ["{}", "http://localhost:8000/start/{}", "  {}\n"])
async def test_a_link_that_is_pasted_is_opened_and_not_used_up(world: World, shape: str) -> None:
    browser = world.app.test_client()
    link = await world.link()
    answer = await browser.post("/signin", form={"token": shape.format(link)}, headers=FROM_HERE)
    assert answer.headers["Location"] == f"/start/{link}"
    assert (await browser.post(f"/start/{link}", headers=FROM_HERE)).status_code == 303


@pytest.mark.parametrize("shape", ["{}", "  {}\n", "Authorization: Bearer {}"])
async def test_a_token_can_be_pasted(world: World, shape: str) -> None:
    token = (await world.token("viewer"))["Authorization"].removeprefix("Bearer ")
    browser = world.app.test_client()
    form = {"token": shape.format(token), "next": "/runs?q=1"}
    answer = await browser.post("/signin", form=form, headers=FROM_HERE)
    assert answer.headers["Location"] == "/runs?q=1"
    assert (await browser.get("/")).status_code == 200


async def test_an_api_token_signs_in_with_its_own_role_for_half_a_day(world: World) -> None:
    token = (await world.token("viewer"))["Authorization"].removeprefix("Bearer ")
    browser = world.app.test_client()
    answer = await browser.post("/signin", form={"token": token}, headers=FROM_HERE)
    assert "Max-Age=43200" in answer.headers["Set-Cookie"]
    assert "a viewer" in await (await browser.get("/")).get_data(as_text=True)
    world.clock.later = 43200
    assert (await browser.get("/")).status_code == 303


async def test_all_that_is_wrong_is_answered_alike(world: World) -> None:
    used = await world.link()
    await world.house.people.spend_link(used)
    session = await world.house.people.issue("session", name="ada", role="admin", seconds=DAY)
    answers = []
    for token in (used, session, "hl_" + "A" * 43, "nonsense", "", "<script>alert(1)</script>"):
        answer = await world.app.test_client().post("/signin", form={"token": token}, headers=FROM_HERE)
        answers.append((answer.status_code, await answer.get_data(as_text=True)))
    assert len(set(answers)) == 1
    assert answers[0][0] == 403


async def test_the_session_changes_at_each_sign_in_and_the_old_one_ends(world: World) -> None:
    browser = await world.signed_in()
    old = (await browser.post(f"/start/{await world.link()}", headers=FROM_HERE)).headers["Set-Cookie"]
    new = (await browser.post(f"/start/{await world.link()}", headers=FROM_HERE)).headers["Set-Cookie"]
    assert old.split(";")[0] != new.split(";")[0]
    stranger = world.app.test_client()
    assert (await stranger.get("/", headers={"Cookie": old.split(";")[0]})).status_code == 303
    assert (await stranger.get("/", headers={"Cookie": new.split(";")[0]})).status_code == 200


async def test_signing_out_ends_the_session_on_the_server(world: World) -> None:
    browser = await world.signed_in("viewer")
    page = await (await browser.get("/")).get_data(as_text=True)
    found = re.search('name="form_token" value="([^"]+)"', page)
    assert found
    cookies = [cookie for cookie in browser.cookie_jar or () if cookie.name == "hookline"]
    assert (await browser.post("/signout", headers=FROM_HERE)).status_code == 403
    answer = await browser.post("/signout", form={"form_token": found[1]}, headers=FROM_HERE)
    assert answer.headers["Location"] == "/signin"
    assert (await browser.get("/")).status_code == 303
    kept = {"Cookie": f"hookline={cookies[0].value}"}
    assert (await world.app.test_client().get("/", headers=kept)).status_code == 303


async def test_a_session_ends_after_fourteen_days(world: World) -> None:
    browser = await world.signed_in()
    world.clock.later = 14 * DAY - 1
    assert (await browser.get("/")).status_code == 200
    world.clock.later = 14 * DAY
    answer = await browser.get("/runs?q=a%20b")
    assert answer.headers["Location"] == "/signin?next=/runs?q%3Da%2520b"


async def test_whoever_is_signed_in_needs_no_sign_in_page(world: World) -> None:
    browser = await world.signed_in()
    assert (await browser.get("/signin?next=/runs")).headers["Location"] == "/runs"
    assert (await browser.get("/signin?next=//evil.example")).headers["Location"] == "/"


async def test_the_way_back_of_a_form_stays_on_this_server(world: World) -> None:
    token = (await world.token("viewer"))["Authorization"].removeprefix("Bearer ")
    form = {"token": token, "next": "https://evil.example/"}
    answer = await world.app.test_client().post("/signin", form=form, headers=FROM_HERE)
    assert answer.headers["Location"] == "/"


async def test_guessing_is_slowed_for_one_address(world: World) -> None:
    browser = world.app.test_client()
    for _ in range(PER_ADDRESS):
        assert (await browser.post("/start/hl_x", headers=FROM_HERE)).status_code == 403
    link = await world.link()
    answer = await browser.post(f"/start/{link}", headers=FROM_HERE)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert (await browser.post("/signin", form={"token": link}, headers=FROM_HERE)).status_code == 429
    world.clock.later = 60
    assert (await browser.post(f"/start/{link}", headers=FROM_HERE)).status_code == 303


async def test_guessing_is_slowed_in_total_and_signing_in_does_not_count(world: World) -> None:
    for number in range(IN_TOTAL):
        where = {"client": (f"192.0.2.{number % 250}", 1)}
        client = world.app.test_client()
        status = (await client.post("/start/hl_x", headers=FROM_HERE, scope_base=where)).status_code
        assert status == 403
        if number == PER_ADDRESS:
            assert (await world.signed_in()) is not None
    answer = await world.app.test_client().post(
        "/start/hl_x", headers=FROM_HERE, scope_base={"client": ("198.51.100.1", 1)}
    )
    assert answer.status_code == 429


async def test_the_sign_in_page_says_what_to_do(world: World) -> None:
    text = await (await world.app.test_client().get("/signin")).get_data(as_text=True)
    assert "hookline serve" in text
    assert "hookline user link" in text
    assert "orders" not in text


async def test_a_token_of_an_api_may_look_at_pages_too(world: World) -> None:
    answer = await world.app.test_client().get("/", headers=await world.token("viewer"))
    assert answer.status_code == 200
    assert (await world.app.test_client().get(f"{PREFIX}/runs")).status_code == 401
