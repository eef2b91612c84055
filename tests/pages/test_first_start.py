from __future__ import annotations

import pytest

from runner.errors import MoveRefused
from tests.api.house import ADAS, FROM_HERE, World
from tests.pages.forms import posted

FORM = {"name": "Ada Lovelace", "email": " Ada@Example.COM ", "password": ADAS}


async def _first_link(world: World) -> str:
    return await world.house.people.issue("link", name="first", role="admin", seconds=86400)


async def test_the_first_link_creates_the_admin_and_signs_in(world: World) -> None:
    link = await _first_link(world)
    browser = world.app.test_client()
    page = await (await browser.get(f"/start/{link}")).get_data(as_text=True)
    assert "Create admin and start" in page
    assert "at least 12" in page.lower()
    answer = await browser.post(f"/start/{link}", form=FORM, headers=FROM_HERE)
    assert answer.status_code == 303
    assert (await browser.get("/settings/people")).status_code == 200
    (user,) = await world.house.users.all()
    assert (user.email, user.name, user.role) == ("ada@example.com", "Ada Lovelace", "admin")

    found = await world.house.users.by_email("ada@example.com")
    assert found
    assert found[1]
    assert found[1].startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    database = b"".join(path.read_bytes() for path in world.folder.parent.glob("data/hookline.db*"))
    assert ADAS.encode() not in database
    signed_in = await world.app.test_client().post(
        "/signin", form={"email": "ADA@example.com", "password": ADAS}, headers=FROM_HERE
    )
    assert signed_in.status_code == 303


async def test_what_is_wrong_with_the_form_stands_at_its_field_and_the_link_stays(world: World) -> None:
    link = await _first_link(world)
    form = {"name": "<b>Ada</b>", "email": "ada", "password": "eleven chrs"}
    answer = await world.app.test_client().post(f"/start/{link}", form=form, headers=FROM_HERE)
    page = await answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "A password has at least 12 characters." in page
    assert "Write an email address such as ada@example.com." in page
    assert "&lt;b&gt;Ada&lt;/b&gt;" in page
    assert "eleven chrs" not in page
    assert await world.house.users.is_empty()
    answer = await world.app.test_client().post(f"/start/{link}", form=FORM, headers=FROM_HERE)
    assert answer.status_code == 303


async def test_there_is_one_first_admin_however_many_links_there_are(world: World) -> None:
    links = [await _first_link(world) for _ in range(3)]
    statuses: list[int] = []
    for link in links:
        form = {**FORM, "email": f"{len(statuses)}@example.com"}
        answer = await world.app.test_client().post(f"/start/{link}", form=form, headers=FROM_HERE)
        statuses.append(answer.status_code)
    assert statuses == [303, 403, 403]
    assert len(await world.house.users.all()) == 1


async def test_a_first_link_is_worth_nothing_once_somebody_is_there(world: World) -> None:
    await world.user("viewer")
    link = await _first_link(world)  # as if it had been printed at the same moment
    browser = world.app.test_client()
    assert (await browser.get(f"/start/{link}")).status_code == 403
    assert (await browser.post(f"/start/{link}", form=FORM, headers=FROM_HERE)).status_code == 403
    assert len(await world.house.users.all()) == 1


async def test_a_link_of_a_person_sets_the_first_password(world: World) -> None:
    browser = await world.signed_in("admin")
    page = await posted(
        browser, "/settings/people", {"name": "Grace", "email": "grace@example.com", "role": "viewer"}
    )
    link = page.partition("http://localhost/start/")[2].partition("<")[0]
    opened = await (await world.app.test_client().get(f"/start/{link}")).get_data(as_text=True)
    assert "Welcome, <bdi>Grace</bdi>" in opened
    hers = world.app.test_client()
    none = await hers.post(f"/start/{link}", headers=FROM_HERE)
    assert none.status_code == 422
    answer = await hers.post(f"/start/{link}", form={"password": "a new password"}, headers=FROM_HERE)
    assert answer.status_code == 303
    assert (await hers.get("/settings")).status_code == 200
    assert (await hers.get("/settings/people")).status_code == 403
    assert (await hers.post(f"/start/{link}", headers=FROM_HERE)).status_code == 403


async def test_a_link_of_somebody_disabled_or_removed_is_worth_nothing(world: World) -> None:
    await world.user("admin")
    user = await world.user("viewer")
    link = await world.link("viewer")
    await world.house.users.change(user.id, is_disabled=True)
    assert (await world.app.test_client().get(f"/start/{link}")).status_code == 403
    await world.house.users.remove(user.id)
    assert (await world.app.test_client().get(f"/start/{link}")).status_code == 403


async def test_the_last_admin_stays(world: World) -> None:
    admin = await world.user("admin")
    users = world.house.users
    with pytest.raises(MoveRefused, match="only admin"):
        await users.remove(admin.id)
    with pytest.raises(MoveRefused, match="only admin"):
        await users.change(admin.id, role="editor")
    with pytest.raises(MoveRefused, match="only admin"):
        await users.change(admin.id, is_disabled=True)
    assert (await users.show(admin.id)).role == "admin"
