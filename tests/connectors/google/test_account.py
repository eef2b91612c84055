"""The robot account's key, the person's sign-in, and what Google's refusals mean."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pydantic import ValidationError

import connectors
from connectors.google.account import FILES, MAIL, GoogleRobot, GoogleUser
from runner.connector import Call, OutgoingRequest
from runner.errors import ConnectionRejected, OutcomeUnknown, Rejected, Unavailable
from tests.servers.google_service import CLIENT, PEM, PERSON, ROBOT, SHEET_ID, GoogleService

MakeCall = Callable[..., Call]
Act = Callable[..., Awaitable[Any]]


def robot_of(google: GoogleService, **fields: Any) -> GoogleRobot:
    return GoogleRobot.model_validate({"key": json.dumps(google.key_file), "api_url": google.url} | fields)


async def test_a_key_is_exchanged_for_a_token_of_an_hour(google: GoogleService, make_call: MakeCall) -> None:
    now = time.time()

    tokens = await robot_of(google).obtain(make_call().http, now)

    (claims,) = google.claims
    assert (claims["iss"], claims["scope"]) == (ROBOT, FILES)
    assert "sub" not in claims
    assert tokens.access_token.get_secret_value() in google.tokens
    assert tokens.expires_at == now + 3599
    assert tokens.refresh_ends_at is None


async def test_a_robot_account_acts_in_the_name_of_its_subject(
    google: GoogleService, make_call: MakeCall
) -> None:
    await robot_of(google, subject=PERSON).obtain(make_call().http, time.time())
    await robot_of(google, subject=PERSON, scope="a b").obtain(make_call().http, time.time())

    assert [one["sub"] for one in google.claims] == [PERSON, PERSON]
    assert [one["scope"] for one in google.claims] == [f"{FILES} {MAIL}", "a b"]


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (("unauthorized_client", "Client is unauthorized."), "allow the client 1234567890 in Domain-wide"),
        (("access_denied", ""), "all of these scopes: https://www.googleapis.com/auth/spreadsheets"),
        (("invalid_grant", "Invalid JWT: Token must be a short-lived token"), "clock is wrong"),
        (("invalid_scope", "x is not a valid audience"), "invalid_scope"),
    ],
)
async def test_a_refused_key_says_what_to_do(
    google: GoogleService, make_call: MakeCall, error: tuple[str, str], says: str
) -> None:
    google.refused = [error]

    with pytest.raises(ConnectionRejected, match=says):
        await robot_of(google).obtain(make_call().http, time.time())


async def test_a_token_endpoint_that_fails_is_only_unavailable(
    google: GoogleService, make_call: MakeCall
) -> None:
    google.reply(500, body="oops")
    google.reply(500, json={"error": "internal_failure"})
    google.reply(503, body="")
    google.reply(429, json={"error": "rate_limit_exceeded"}, headers={"Retry-After": "3"})

    for _ in range(4):
        with pytest.raises(Unavailable):
            await robot_of(google).obtain(make_call().http, time.time())


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("{", "paste the whole key file"),
        ('{"type": "authorized_user"}', "is not the key of a service account"),
        ('{"type": "service_account"}', "client_email and private_key is missing"),
        (json.dumps({"type": "service_account", "client_email": "a", "private_key": "b"}), "cannot be read"),
    ],
)
def test_a_key_that_cannot_be_one_is_refused_and_not_shown(key: str, says: str) -> None:
    with pytest.raises(ValidationError, match=says) as caught:
        GoogleRobot.model_validate({"key": key})

    assert "authorized_user" not in str(caught.value)


def test_a_key_is_shown_nowhere(google: GoogleService, robot: GoogleRobot) -> None:
    token = next(iter(google.tokens))

    assert PEM not in repr(robot)
    assert "PRIVATE KEY" not in repr(robot) + str(robot.model_dump()) + robot.model_dump_json()
    assert {PEM, json.dumps(PEM)[1:-1], token} <= robot.secret_texts()


def test_credentials_go_to_google_alone(google: GoogleService) -> None:
    plain = GoogleRobot.model_validate({"key": google.key_file})

    assert set(plain.bound_hosts()) == {
        "sheets.googleapis.com", "www.googleapis.com", "gmail.googleapis.com", "docs.googleapis.com",
    }  # fmt: skip
    assert robot_of(google).bound_hosts() == ["127.0.0.1"]


async def test_a_connection_says_with_whom_to_share(
    google: GoogleService, robot: GoogleRobot, make_call: MakeCall
) -> None:
    said = await robot.test(make_call(robot))

    assert f"Google lets {ROBOT} in; for each sheet or calendar, share it with {ROBOT}" in said
    google.fail(403, "SERVICE_DISABLED", "Drive API has not been used", newer="PERMISSION_DENIED")
    assert "Drive does not take part" in await robot.test(make_call(robot))
    google.tokens.clear()
    with pytest.raises(ConnectionRejected, match="Invalid Credentials"):
        await robot.test(make_call(robot))


async def test_a_person_signs_in_with_offline_access(google: GoogleService, person: GoogleUser) -> None:
    address = person.authorize_address(state="s", verifier="v" * 43, redirect_uri="https://h.example/back")

    assert address.startswith("https://accounts.google.com/o/oauth2/v2/auth?")
    assert "access_type=offline" in address
    assert "prompt=consent" in address
    assert "gmail.send" in address
    assert CLIENT[1] not in address
    assert google.requests[0].body.decode().count("client_secret=") == 1


async def test_a_sign_in_that_has_ended_names_the_seven_days(
    google: GoogleService, person: GoogleUser, make_call: MakeCall
) -> None:
    google.refused = [("invalid_grant", "Token has been expired or revoked.")]

    with pytest.raises(ConnectionRejected, match="Testing, Google ends every sign-in after seven days"):
        await person.obtain(make_call().http, time.time())


async def test_a_sign_in_in_testing_is_told_before_it_ends(
    google: GoogleService, person: GoogleUser, make_call: MakeCall
) -> None:
    google.refresh_ends_in = 604_799
    renewed = person.with_tokens(await person.obtain(make_call().http, 1_700_000_000))
    good = await person.test(make_call(person))

    said = await renewed.test(make_call(renewed))

    assert good.startswith("Google lets us in")
    assert "seven days" not in good
    assert "it ends this sign-in on 2023-11-21: while the app's publishing status is Testing" in said


@pytest.mark.parametrize(
    ("status", "reason", "newer", "meaning", "says"),
    [
        (400, "", "INVALID_ARGUMENT", Rejected, "Google: No"),
        (401, "authError", "", ConnectionRejected, "No"),
        (403, "userRateLimitExceeded", "", Unavailable, "No"),
        (403, "rateLimitExceeded", "", Unavailable, "No"),
        (403, "SERVICE_DISABLED", "PERMISSION_DENIED", ConnectionRejected, "APIs & Services, Library"),
        (403, "accessNotConfigured", "", ConnectionRejected, "switch it on"),
        (403, "ACCESS_TOKEN_SCOPE_INSUFFICIENT", "PERMISSION_DENIED", ConnectionRejected, "scope"),
        (403, "", "PERMISSION_DENIED", Rejected, f"share it with {ROBOT}"),
        (403, "storageQuotaExceeded", "", Rejected, "shared drive"),
        (404, "", "NOT_FOUND", Rejected, f"share it with {ROBOT}"),
        (429, "RATE_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED", Unavailable, "No"),
        (500, "", "INTERNAL", OutcomeUnknown, "No"),
        (503, "", "UNAVAILABLE", Unavailable, "No"),
        (504, "", "DEADLINE_EXCEEDED", OutcomeUnknown, "No"),
    ],
)
async def test_each_refusal_has_its_meaning(
    google: GoogleService, act: Act, status: int, reason: str, newer: str, meaning: type[Exception], says: str
) -> None:
    google.fail(status, reason, newer=newer)

    with pytest.raises(meaning, match=says) as caught:
        await act("google_sheets.clear", spreadsheet=SHEET_ID, range="Orders!A2:B")

    assert type(caught.value) is meaning


async def test_a_limit_says_when_to_come_back(google: GoogleService, act: Act) -> None:
    google.fail(429, "RATE_LIMIT_EXCEEDED", newer="RESOURCE_EXHAUSTED")

    with pytest.raises(Unavailable) as caught:
        await act("google_sheets.clear", spreadsheet=SHEET_ID, range="Orders!A2:B")

    assert (caught.value.retry_after_seconds, caught.value.cause) == (7, "429")


async def test_what_is_not_googles_answer_is_an_unknown_outcome(google: GoogleService, act: Act) -> None:
    google.reply(200, json=[1])
    google.reply(200, body="<html>")
    google.reply(502, body="<html>")

    for _ in range(3):
        with pytest.raises(OutcomeUnknown):
            await act("google_sheets.clear", spreadsheet=SHEET_ID, range="Orders!A2:B")


@pytest.mark.parametrize("kind", ["google", "google_oauth"])
def test_every_service_takes_both_kinds(kind: str) -> None:
    assert connectors.connection_model(kind) is not None
    for name, info in connectors.catalogue_actions().items():
        if name.startswith(("google_", "gmail.")):
            assert kind in info.connection_kinds
            assert info.connection_required


def test_a_robot_without_its_token_says_so(google: GoogleService) -> None:
    with pytest.raises(ConnectionRejected, match="no token"):
        robot_of(google).apply(OutgoingRequest("GET", f"{google.url}/v4/x"))
