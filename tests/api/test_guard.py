from __future__ import annotations

import re
from pathlib import Path

import pytest

from runner.engine.runs import Status
from tests.api.house import FROM_HERE, WORKFLOW, World, open_world
from web.api.routes import PREFIX
from web.auth import PUBLIC
from web.paths import own_path

JSON = {"Content-Type": "application/json"}
ELSEWHERE = {"Origin": "https://evil.example"}


async def test_every_address_is_closed_to_strangers_but_a_short_list(world: World) -> None:
    """Deny by default: the whole map is walked, so that a new route cannot be forgotten."""
    stranger = world.app.test_client()
    open_to_all = set()
    for rule in world.app.url_map.iter_rules():
        path = re.sub("<[^>]+>", "x", rule.rule)
        for method in sorted(rule.methods or ()):
            answer = await getattr(stranger, method.lower())(path, headers=FROM_HERE)
            if rule.endpoint in PUBLIC:
                open_to_all.add(rule.endpoint)
            elif path.startswith("/api") or path == "/metrics":  # what programs ask
                assert answer.status_code == 401, f"{method} {path}"
                assert answer.headers["Content-Type"] == "application/problem+json"
                assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            else:
                assert answer.status_code == 303, f"{method} {path}"
                assert answer.headers["Location"].startswith("/signin")
    assert open_to_all == PUBLIC


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/runs/healthz", "/api/v1/runs/signin", "/api/v1/start/x", "/api/v1/static/style.css",
        "/api/v1//runs", "/API/v1/runs", "/api/v1/runs/", "/runs/signin", "/healthz/", "/healthz/x",
        "/static/../runs", "/static/%2e%2e/app.py", "/signin/x", "/start", "//runs", "/nothing",
        "/favicon.ico",
    ],
)  # fmt: skip
async def test_no_beginning_or_end_of_an_address_opens_a_door(world: World, path: str) -> None:
    """Kestra's CVE-2026-49869: whatever ended with /configs was open."""
    answer = await world.app.test_client().get(path)
    assert answer.status_code in {401, 303, 404}
    assert (answer.status_code == 404) == path.startswith("/static/")


async def test_a_token_opens_the_api_and_a_wrong_one_does_not(world: World) -> None:
    client = world.app.test_client()
    token = (await world.token("viewer"))["Authorization"].removeprefix("Bearer ")
    for header in (f"Bearer {token}", f"bearer  {token}"):
        assert (await client.get(f"{PREFIX}/runs", headers={"Authorization": header})).status_code == 200
    for header in (
        "",
        "Bearer",
        "Bearer hl_x",
        f"Basic {token}",
        token,
        f"Bearer {token}x",
        f"Token {token}",
    ):
        answer = await client.get(f"{PREFIX}/runs", headers={"Authorization": header})
        assert answer.status_code == 401
        assert "invalid_token" in answer.headers["WWW-Authenticate"]


async def test_a_wrong_token_does_not_fall_back_to_the_session(world: World) -> None:
    browser = await world.signed_in()
    assert (await browser.get(f"{PREFIX}/runs")).status_code == 200
    answer = await browser.get(f"{PREFIX}/runs", headers={"Authorization": "Bearer hl_x"})
    assert answer.status_code == 401


async def test_a_token_in_the_address_is_none(world: World) -> None:
    token = (await world.token())["Authorization"].removeprefix("Bearer ")
    answer = await world.app.test_client().get(f"{PREFIX}/runs?token={token}&access_token={token}")
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({**FROM_HERE, **JSON}, 200, id="our own page"),
        pytest.param({"Sec-Fetch-Site": "same-origin", **JSON}, 200, id="the browser's word"),
        pytest.param({**ELSEWHERE, **JSON}, 403, id="another origin"),
        pytest.param({**FROM_HERE, "Sec-Fetch-Site": "cross-site", **JSON}, 403, id="cross-site"),
        pytest.param({**FROM_HERE, "Sec-Fetch-Site": "same-site", **JSON}, 403, id="same site only"),
        pytest.param({"Origin": "null", **JSON}, 403, id="a sandboxed frame"),
        pytest.param({"Origin": "http://localhost.evil.example", **JSON}, 403, id="a longer host"),
        pytest.param({"Origin": "http://[", **JSON}, 403, id="no origin at all"),
        pytest.param(JSON, 403, id="no word"),
        pytest.param({**FROM_HERE, "Content-Type": "text/plain"}, 415, id="what a form can send"),
        pytest.param(FROM_HERE, 415, id="no type"),
    ],
)
async def test_a_session_acts_only_for_our_own_pages(
    world: World, headers: dict[str, str], status: int
) -> None:
    run_id = await world.made.run(Status.QUEUED)
    browser = await world.signed_in("editor")
    answer = await browser.post(f"{PREFIX}/runs/{run_id}/cancel", data=b"{}", headers=headers)
    assert answer.status_code == status
    run = await world.get(f"{PREFIX}/runs/{run_id}")
    assert run["status"] == ("cancelled" if status == 200 else "queued")


async def test_a_page_acts_only_with_its_forms_token(world: World) -> None:
    run_id = await world.made.run(Status.QUEUED)
    browser = await world.signed_in("editor")
    for form in ({}, {"form_token": ""}, {"form_token": "é"}, {"form_token": "0" * 64}):
        answer = await browser.post(f"/runs/{run_id}/cancel", form=form, headers=FROM_HERE)
        assert answer.status_code == 403
    assert (await world.get(f"{PREFIX}/runs/{run_id}"))["status"] == "queued"


async def test_the_way_back_is_one_of_our_own_addresses() -> None:
    for path in ("/", "/runs", "/runs/x?q=a%20b", "/runs?q=//x"):
        assert own_path(path) == path
    elsewhere: tuple[str | None, ...] = (
        None, "", "//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "runs",
        "/\t/evil.example", "/x\r\nSet-Cookie: a=b", "/ruins\\x", "/" + "x" * 2000,
    )  # fmt: skip
    assert {own_path(path) for path in elsewhere} == {"/"}


async def test_every_answer_carries_the_headers_of_safety(world: World) -> None:
    browser = await world.signed_in()
    for path in (
        "/",
        "/nothing",
        f"{PREFIX}/runs",
        f"{PREFIX}/nothing",
        "/signin",
        "/healthz",
        "/static/style.css",
    ):
        headers = (await browser.get(path)).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert (headers["Cache-Control"] == "no-store") == (not path.startswith("/static"))


async def test_a_method_that_is_not_taken_says_which_are(world: World) -> None:
    answer = await world.app.test_client().delete(f"{PREFIX}/runs", headers=await world.token())
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]
    assert (await answer.get_json())["status"] == 405


async def test_a_body_beyond_all_need_is_refused(world: World) -> None:
    headers = await world.token()
    answer = await world.app.test_client().post(
        f"{PREFIX}/runs/x/replay", data=b" " * 70_000, headers=headers
    )
    assert answer.status_code == 413


async def test_over_tls_the_cookie_stays_on_tls(tmp_path: Path) -> None:
    async with open_world(tmp_path, public_url="https://hooks.example", workflows={"a": WORKFLOW}) as world:
        link = await world.link()
        answer = await world.app.test_client().post(
            f"/start/{link}", headers={"Origin": "https://hooks.example"}
        )
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith("__Host-hookline=hl_")
        assert "Secure" in cookie
        assert "Domain" not in cookie
