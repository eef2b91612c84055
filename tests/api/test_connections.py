"""Connections by the API: how they stand, a test, choices, consents; never a value."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.api.connected import TOKEN
from tests.api.house import World
from web.api.routes import PREFIX

pytestmark = pytest.mark.both_stores

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


async def test_a_connection_is_tried_before_it_is_kept_and_who_set_it_is_remembered(world: World) -> None:
    asked = {"kind": "library", "fields": {"token": "wr0ng-card-number"}, "test": True}
    refused = await world.send("PUT", f"{PREFIX}/connections/new-card", asked)
    problem = await refused.get_json()

    assert refused.status_code == 409
    assert problem["detail"] == "The card ••• is not known."
    await world.get(f"{PREFIX}/connections/new-card", status=404)
    kept = await world.send("PUT", f"{PREFIX}/connections/new-card", {**asked, "fields": {"token": TOKEN}})
    found = await kept.get_json()
    assert (found["said"], found["by"], found["values"]) == ("the card works", "a editor", {})
    assert found["set_at"]
    assert TOKEN not in await kept.get_data(as_text=True)


async def test_of_a_connection_alone_what_is_given_is_replaced(world: World) -> None:
    path = f"{PREFIX}/connections/shop"
    changed = await world.send("PUT", path, {"kind": "oauth2", "fields": {"client_id": "c2"}, "merge": True})
    lacking = await world.send("PUT", path, {"kind": "oauth2", "fields": {"client_id": "c3"}})

    assert changed.status_code == 200
    values = (await world.get(path))["values"]
    assert (values["client_id"], values["token_url"]) == ("c2", "http://127.0.0.1:1/token")
    assert lacking.status_code == 422
    assert "token_url" in (await lacking.get_json())["detail"]


async def test_a_connection_is_deleted_once(world: World) -> None:
    gone = await world.send("DELETE", f"{PREFIX}/connections/card", {})
    again = await world.send("DELETE", f"{PREFIX}/connections/card", {})

    assert (gone.status_code, again.status_code) == (200, 404)
    assert "card" not in {one["name"] for one in (await world.get(f"{PREFIX}/connections"))["items"]}


async def test_secrets_go_in_and_never_come_out(world: World) -> None:
    value = "sh0p-s3cret-value"
    await world.send("PUT", f"{PREFIX}/secrets/SHOP_SECRET", {"value": value, "hosts": ["api.example.com"]})
    wrong = await world.send("PUT", f"{PREFIX}/secrets/9", {"value": value})
    page = await world.get(f"{PREFIX}/secrets")

    assert wrong.status_code == 422
    one = next(one for one in page["items"] if one["name"] == "SHOP_SECRET")
    assert (one["is_set"], one["hosts"], one["by"], one["is_fixed"]) == (
        True,
        ["api.example.com"],
        "a editor",
        False,
    )
    assert value not in str(page)
    assert value not in await wrong.get_data(as_text=True)
    gone = await world.send("DELETE", f"{PREFIX}/secrets/SHOP_SECRET", {})
    again = await world.send("DELETE", f"{PREFIX}/secrets/SHOP_SECRET", {})
    assert (gone.status_code, again.status_code) == (200, 404)


async def test_the_kinds_have_their_fields(world: World) -> None:
    found = await world.get(f"{PREFIX}/connection-kinds")

    assert found["items"][0]["fields"]["properties"]["token"]["format"] == "password"
    assert found["callback"].endswith("/oauth/callback")
