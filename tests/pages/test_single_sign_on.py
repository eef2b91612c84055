from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import RSAKey
from quart import Quart
from quart.typing import TestClientProtocol as Browser

from runner.engine.audit import SIGN_IN_FAILED, DeedsWanted
from runner.engine.single_sign_on import CALLBACK, RENEWED_SECONDS, SingleSignOn
from runner.outbound import Outbound
from runner.settings import Oidc
from tests.api.house import HERE, WORKFLOW, World, open_world
from tests.api.templates import app_of
from tests.servers.authorization_server import CLIENT, SECRET
from tests.servers.openid_provider import OpenID

SETTINGS = Oidc(client_id=CLIENT, client_secret=SECRET, name="Example ID")


@dataclass
class Meeting:
    """A house, a provider, and the way between them."""

    world: World
    provider: OpenID
    outbound: Outbound
    later: float = 0.0  # seconds that the house's clock is ahead

    def app(self, **settings: Any) -> Quart:
        """The house's application with these settings."""
        chosen = replace(SETTINGS, **{"issuer": self.provider.url, **settings})
        way = SingleSignOn(
            chosen, self.outbound, callback=HERE + CALLBACK, clock=lambda: time.time() + self.later
        )
        return app_of(replace(self.world.house, single_sign_on=way))


@pytest.fixture
async def meeting(tmp_path: Path) -> AsyncIterator[Meeting]:
    provider = OpenID(clock=time.time, redirect_uri=HERE + CALLBACK)
    outbound = Outbound(allow=("127.0.0.1/32",))
    async with open_world(tmp_path, workflows={"orders": WORKFLOW}) as world, provider:
        try:
            await world.user("admin")
            yield Meeting(world, provider, outbound)
        finally:
            await outbound.close()


async def _gone(browser: Browser, path: str = "/signin/oidc?next=/runs?q%3D1") -> str:
    """Where the browser is sent."""
    answer = await browser.get(path)
    assert answer.status_code == 303
    return str(answer.headers["Location"])


async def _came_back(meeting: Meeting, browser: Browser) -> tuple[int, str, str]:
    """Status, Location and page after the person has allowed it there."""
    back = meeting.provider.consent(await _gone(browser))
    answer = await browser.get(back.removeprefix(HERE))
    return (
        answer.status_code,
        answer.headers.get("Location", ""),
        str(await answer.get_data(as_text=True)),
    )


async def _ann(meeting: Meeting) -> Any:
    found = await meeting.world.house.users.by_email("ann@example.com")
    return found[0] if found else None


async def test_the_browser_is_sent_with_pkce_state_and_nonce(meeting: Meeting) -> None:
    browser = meeting.app().test_client()
    query = parse_qs(urlsplit(await _gone(browser)).query)
    assert query["code_challenge_method"] == ["S256"]
    assert query["redirect_uri"] == [HERE + CALLBACK]
    assert {"state", "nonce", "code_challenge"} <= query.keys()
    page = await (await browser.get("/signin")).get_data(as_text=True)
    assert "Sign in with Example ID" in page
    plain = await (await meeting.world.app.test_client().get("/signin")).get_data(as_text=True)
    assert "Example ID" not in plain
    assert (await meeting.world.app.test_client().get("/signin/oidc")).status_code == 404


async def test_an_account_of_an_allowed_domain_becomes_a_viewer_and_stays_the_same(meeting: Meeting) -> None:
    app = meeting.app(allowed_domains=("example.com",))
    browser = app.test_client()
    status, location, _page = await _came_back(meeting, browser)
    assert (status, location) == (303, "/runs?q=1")
    assert (await browser.get("/runs")).status_code == 200
    ann = await _ann(meeting)
    assert (ann.email, ann.name, ann.role, ann.has_password) == (
        "ann@example.com",
        "Ann Example",
        "viewer",
        False,
    )
    meeting.provider.says |= {"email": "ann.married@example.com", "name": "Another"}
    assert (await _came_back(meeting, app.test_client()))[0] == 303
    assert len(await meeting.world.house.users.all()) == 2  # known by the account, whatever its email
    deeds = (await meeting.world.house.audit_log.page(DeedsWanted(who=ann.id))).items
    assert [one["verb"] for one in deeds] == ["signed in", "signed in", "added"]
    assert meeting.provider.asked[0]["code_verifier"]


async def test_without_an_allowed_domain_only_who_is_a_user_already_comes_in(meeting: Meeting) -> None:
    for domains in ((), ("example.org", "ample.com")):
        app = meeting.app(allowed_domains=domains)
        status, _location, page = await _came_back(meeting, app.test_client())
        assert status == 403
        assert "ann@example.com is not among the people of this server" in page
    assert await _ann(meeting) is None
    editor = await meeting.world.user("editor")
    meeting.provider.says["email"] = editor.email
    browser = meeting.app().test_client()
    assert (await _came_back(meeting, browser))[0] == 303
    assert (await (await browser.get("/api/v1/me")).get_json())["key"] == editor.id


async def test_an_email_that_is_not_verified_opens_nothing(meeting: Meeting) -> None:
    admin = await meeting.world.user("admin")
    meeting.provider.says |= {"email": admin.email, "email_verified": False}
    app = meeting.app(allowed_domains=("example.com",))
    status, _location, page = await _came_back(meeting, app.test_client())
    assert status == 403
    assert "no email that its provider has verified" in page


async def test_another_account_with_the_email_of_somebody_does_not_take_them_over(meeting: Meeting) -> None:
    app = meeting.app(allowed_domains=("example.com",))
    assert (await _came_back(meeting, app.test_client()))[0] == 303
    meeting.provider.says["sub"] = "mallory"
    status, _location, page = await _came_back(meeting, app.test_client())
    assert status == 403
    assert "signs in with another account" in page


async def test_somebody_disabled_does_not_come_in(meeting: Meeting) -> None:
    app = meeting.app(allowed_domains=("example.com",))
    assert (await _came_back(meeting, app.test_client()))[0] == 303
    await meeting.world.house.users.change((await _ann(meeting)).id, is_disabled=True)
    assert (await _came_back(meeting, app.test_client()))[0] == 403


async def test_roles_follow_the_claim_that_says_them(meeting: Meeting) -> None:
    app = meeting.app(
        allowed_domains=("example.com",), role_claim="groups", admins=("ops",), editors=("dev", "qa")
    )
    for groups, role in ((["dev"], "editor"), (["x", "ops"], "admin"), ("qa", "editor"), (None, "viewer")):
        meeting.provider.says["groups"] = groups
        assert (await _came_back(meeting, app.test_client()))[0] == 303
        assert (await _ann(meeting)).role == role


async def test_what_the_id_token_leaves_out_is_asked_for(meeting: Meeting) -> None:
    meeting.provider.says = {"sub": "ann-1"}
    meeting.provider.tells = {"sub": "ann-1", "email": "ann@example.com", "email_verified": True}
    app = meeting.app(allowed_domains=("example.com",))
    assert (await _came_back(meeting, app.test_client()))[0] == 303
    assert (await _ann(meeting)).name == "ann"
    meeting.provider.tells["sub"] = "somebody-else"
    assert (await _came_back(meeting, app.test_client()))[0] == 403


async def test_keys_may_change_and_kinds_of_keys_differ(meeting: Meeting) -> None:
    app = meeting.app(allowed_domains=("example.com",))
    meeting.provider.algorithm = "ES256"
    assert (await _came_back(meeting, app.test_client()))[0] == 303
    assert (await _came_back(meeting, app.test_client()))[0] == 303
    assert meeting.provider.asked_for_keys == 1
    meeting.provider.algorithm = "RS256"
    meeting.provider.rotate()
    assert (await _came_back(meeting, app.test_client()))[0] == 403  # strangers cannot make us ask at will
    meeting.later = RENEWED_SECONDS + 1
    assert (await _came_back(meeting, app.test_client()))[0] == 303
    assert meeting.provider.asked_for_keys == 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"nonce": "another"}, "not for what this browser asked"),
        ({"nonce": None}, "not for what this browser asked"),
        ({"aud": ["another-client"]}, "is not the configured audience"),
        ({"aud": [CLIENT, "another-client"]}, "is for others too"),
        ({"iss": "https://evil.example"}, "not the configured issuer"),
        ({"exp": 1_000_000_000}, "before this server"),
        ({"exp": None}, "no `exp` claim"),
        ({"sub": ""}, "does not say whose it is"),
        ({"sub": None}, "does not say whose it is"),
    ],
)
async def test_a_token_that_is_not_for_us_now_is_refused(
    meeting: Meeting, changes: dict[str, Any], said: str
) -> None:
    meeting.provider.changes = changes
    app = meeting.app(allowed_domains=("example.com",))
    status, _location, page = await _came_back(meeting, app.test_client())
    assert status == 403
    assert said in page
    assert await _ann(meeting) is None
    (deed, *_rest) = (await meeting.world.house.audit_log.page(DeedsWanted())).items
    assert deed["verb"] == SIGN_IN_FAILED


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
async def test_a_token_that_no_key_of_the_provider_signed_is_refused(
    meeting: Meeting, algorithm: str
) -> None:
    meeting.provider.algorithm = algorithm
    status, _location, page = await _came_back(
        meeting, meeting.app(allowed_domains=("example.com",)).test_client()
    )
    assert status == 403
    assert "not signed by a key of the provider" in page


async def test_a_token_signed_by_a_key_that_only_has_the_name_is_refused(meeting: Meeting) -> None:
    app = meeting.app(allowed_domains=("example.com",))
    assert (await _came_back(meeting, app.test_client()))[0] == 303
    meeting.provider.keys["RS256"] = RSAKey.generate_key(2048, {"kid": "rsa-1", "use": "sig"})
    assert (await _came_back(meeting, app.test_client()))[0] == 403


async def test_an_answer_counts_for_the_browser_that_asked_alone_and_once(meeting: Meeting) -> None:
    app = meeting.app(allowed_domains=("example.com",))
    asked, other = app.test_client(), app.test_client()
    back = meeting.provider.consent(await _gone(asked)).removeprefix(HERE)
    answer = await other.get(back)  # somebody is led to the end of what another began
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers or "hl_" not in answer.headers["Set-Cookie"]
    await _gone(other)
    assert (await other.get(back)).status_code == 403
    assert (await asked.get(back)).status_code == 303
    assert (await app.test_client().get(back)).status_code == 403
    await _gone(asked)
    assert (await asked.get(back)).status_code == 403


async def test_who_does_not_allow_it_is_told_so_and_another_provider_is_not_heard(meeting: Meeting) -> None:
    app = meeting.app(allowed_domains=("example.com",))
    browser = app.test_client()
    back = meeting.provider.consent(await _gone(browser), allow=False).removeprefix(HERE)
    page = await (await browser.get(back)).get_data(as_text=True)
    assert "it was not allowed there" in page
    back = meeting.provider.consent(await _gone(browser)).removeprefix(HERE)
    assert (await browser.get(f"{back}&iss=https://evil.example")).status_code == 403


async def test_a_provider_that_calls_itself_otherwise_is_not_believed(meeting: Meeting) -> None:
    meeting.provider.issuer = "https://id.example.com"
    answer = await meeting.app().test_client().get("/signin/oidc")
    assert answer.status_code == 502
    assert "calls itself otherwise" in await answer.get_data(as_text=True)


async def test_the_way_out_is_the_guarded_one(meeting: Meeting) -> None:
    closed = Outbound()
    try:
        way = SingleSignOn(
            replace(SETTINGS, issuer=meeting.provider.url), closed, callback=HERE + CALLBACK, clock=time.time
        )
        app = app_of(replace(meeting.world.house, single_sign_on=way))
        assert (await app.test_client().get("/signin/oidc")).status_code == 502
    finally:
        await closed.close()
