"""Connections by the API: how they stand, a test, choices, consents; never a value."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.api.connected import TOKEN
from tests.api.house import World
from web.api.routes import PREFIX

CHOICES = f"{PREFIX}/connections/card/choices"


async def test_they_are_listed_with_their_standing_and_without_values(world: World) -> None:
    page = await world.get(f"{PREFIX}/connections")

    states = {one["name"]: (one["kind"], one["state"]) for one in page["items"]}
    assert states == {
        "card": ("library", "untried"),
        "lost": ("library", "untried"),
        "shop": ("oauth2", "unconnected"),
    }
    assert TOKEN not in str(page)


async def test_a_test_says_in_a_sentence_what_is_so_and_it_is_remembered(world: World) -> None:
    good = await world.post(f"{PREFIX}/connections/card/test", {})
    bad = await world.post(f"{PREFIX}/connections/lost/test", {})

    assert good == {"name": "card", "works": True, "said": "the card works"}
    assert bad == {"name": "lost", "works": False, "said": "the card ••• is not known"}
    assert (await world.get(f"{PREFIX}/connections/card"))["state"] == "works"
    lost = await world.get(f"{PREFIX}/connections/lost")
    assert (lost["state"], lost["reason"]) == ("refused", "the card ••• is not known")
    assert lost["refused_since"]
    assert lost["sentence"].startswith(f"refused since {lost['refused_since'][:10]}")


async def test_choices_are_searched_and_come_in_portions(world: World) -> None:
    asked = {"action": "library.put", "input": "shelf"}
    first = await world.post(CHOICES, asked)
    second = await world.post(CHOICES, {**asked, "cursor": first["next"]})
    found = await world.post(CHOICES, {**asked, "search": "poe", "given": {"author": "Sappho"}})

    assert [one["value"] for one in first["items"]] == ["novels", "poems"]
    assert [one["label"] for one in second["items"]] == ["Plays"]
    assert second["next"] is None
    assert found["items"] == [{"value": "poems", "label": "Poems", "note": "Sappho"}]


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        ("card", {"action": "library.put"}, 400, "input is missing"),
        ("card", {"action": "library.put", "input": "author"}, 404, "nothing can be listed"),
        ("card", {"action": "library.take", "input": "shelf"}, 404, "nothing can be listed"),
        ("shop", {"action": "library.put", "input": "shelf"}, 409, "is of kind oauth2, which library.put"),
        ("card", {"action": "library.put", "input": "shelf", "given": []}, 400, "given must be an object"),
        ("crad", {"action": "library.put", "input": "shelf"}, 404, 'did you mean "card"'),
        ("lost", {"action": "library.put", "input": "shelf"}, 409, "the card ••• is not known"),
    ],
)
async def test_what_cannot_be_listed_is_said(
    world: World, path: str, body: dict[str, object], status: int, says: str
) -> None:
    problem = await world.post(f"{PREFIX}/connections/{path}/choices", body, status=status)

    assert says in problem["detail"]


async def test_a_consent_begins_with_an_address_and_only_an_admin_begins_one(world: World) -> None:
    await world.post(f"{PREFIX}/connections/shop/connect", {}, role="editor", status=403)
    begun = await world.post(f"{PREFIX}/connections/shop/connect", {}, role="admin")
    await world.post(f"{PREFIX}/connections/card/connect", {}, role="admin", status=409)

    query = parse_qs(urlsplit(begun["url"]).query)
    assert begun["callback"].endswith("/oauth/callback")
    assert query["redirect_uri"] == [begun["callback"]]
    assert query["code_challenge_method"] == ["S256"]
    assert len(query["state"][0]) >= 43


async def test_a_curl_line_becomes_a_step_and_its_credentials_are_not_repeated(world: World) -> None:
    line = "curl -H 'Authorization: Bearer hush' https://api.example.com/x"
    found = await world.post(f"{PREFIX}/import/curl", {"command": line})

    assert "url: https://api.example.com/x" in found["step"]
    assert found["connection"] == {
        "name": "example",
        "kind": "bearer",
        "fields": {"token": "", "hosts": ["api.example.com"]},
    }
    problem = await world.post(f"{PREFIX}/import/curl", {"command": "curl"}, status=422)
    assert "no address" in problem["detail"]


async def test_a_callback_that_nobody_asked_for_changes_nothing(world: World) -> None:
    browser = world.app.test_client()
    for query in ("", "?code=x", "?state=&code=x", "?state=guess&code=x", "?state=%ff&code=%00"):
        answer = await browser.get(f"/oauth/callback{query}")
        assert answer.status_code == 400
        assert "used already, or is too old" in await answer.get_data(as_text=True)


async def test_a_person_who_says_no_is_told_and_the_address_is_spent(world: World) -> None:
    begun = await world.post(f"{PREFIX}/connections/shop/connect", {}, role="admin")
    state = parse_qs(urlsplit(begun["url"]).query)["state"][0]
    browser = world.app.test_client()
    said = "/oauth/callback?error=access_denied&error_description=<script>no</script>&state=" + state

    first, second = await browser.get(said), await browser.get(said)

    page = await first.get_data(as_text=True)
    assert "shop is not connected: &lt;script&gt;no" in page
    assert "used already" in await second.get_data(as_text=True)
