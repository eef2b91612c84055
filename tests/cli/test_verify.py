"""`hookline verify`: one request, or a file of vectors."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any

import pytest

from runner.inbound.providers import PROVIDERS
from tests.cli.home import Home

VECTORS = Path(__file__).parents[3] / "shared" / "fixtures" / "signature-vectors.json"
BODY = '{"action":"opened","issue":{"number":7}}'
SECRET = "a long secret"


def signature(body: str = BODY, secret: str = SECRET) -> str:
    return hmac.digest(secret.encode(), body.encode(), hashlib.sha256).hex()


@pytest.fixture
def body(home: Home) -> Path:
    path = home.folder / "body.json"
    path.write_text(BODY)
    return path


GITHUB = ("verify", "github", "--body", "body.json", "--header", "X-GitHub-Event: issues")


def test_an_accepted_request_is_shown_with_its_type_and_delivery_id(home: Home, body: Path) -> None:
    signed = ("--header", f"X-Hub-Signature-256: sha256={signature()}", "--header", "X-GitHub-Delivery: d-1")
    result = home(*GITHUB, *signed, stdin=f"{SECRET}\n")
    assert result.exit_code == 0
    assert result.stdout == (
        "accepted: proved by X-Hub-Signature-256\n"
        "type: issues.opened\n"
        "found by `events` as well as: issues\n"
        "delivery id: d-1\n"
    )
    told = json.loads(home(*GITHUB, *signed, "--json", stdin=f"{SECRET}\n").stdout)
    assert (told["accepted"], told["type"], told["delivery_id"]) == (True, "issues.opened", "d-1")
    assert told["reason"] == "proved by X-Hub-Signature-256"


def test_any_of_several_secrets_may_match(home: Home, body: Path) -> None:
    signed = ("--header", f"X-Hub-Signature-256: sha256={signature()}")
    assert home(*GITHUB, *signed, stdin=f"the old one\r\n{SECRET}\r\n").exit_code == 0
    assert home(*GITHUB, *signed, stdin=f"the old one\n{SECRET[:-1]}\n").exit_code == 1


@pytest.mark.parametrize(
    ("change", "secret", "reason", "likely"),
    [
        (BODY, f"{SECRET} ", "does not match", "the secret here has white space before or behind it"),
        (f"{BODY}\n", SECRET, "does not match", "such as a newline; pass the raw bytes on"),
        (json.dumps(json.loads(BODY)), SECRET, "does not match", "it was parsed and written anew"),
        (BODY, "", "no secret was read from stdin", "hookline verify … < secret.txt"),
    ],
    ids=["space", "newline", "written anew", "none"],
)
def test_a_refusal_names_the_reason_and_the_likely_mistake(
    home: Home, body: Path, change: str, secret: str, reason: str, likely: str
) -> None:
    body.write_text(change)
    signed = ("--header", f"X-Hub-Signature-256: sha256={signature()}")
    result = home(*GITHUB, *signed, stdin=f"{secret}\n" if secret else "")
    assert result.exit_code == 1
    first, second, *_ = result.stdout.splitlines()
    assert first.startswith("refused: ")
    assert reason in first
    assert second.startswith("likely: ")
    assert likely in second
    assert SECRET not in result.output
    told = json.loads(home(*GITHUB, *signed, "--json", stdin=f"{secret}\n").stdout)
    assert (told["accepted"], told["likely"]) == (False, second.removeprefix("likely: "))


def test_a_request_is_judged_at_its_time(home: Home, body: Path) -> None:
    at = int(time.time()) - 7200
    mac = signature(f"{at}.{BODY}")
    words = ("verify", "stripe", "--body", "body.json", "--header", f"Stripe-Signature: t={at},v1={mac}")
    assert "s old; at most 300 s is accepted" in home(*words, stdin=SECRET).stdout
    for when in ("2h", str(at), time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))):
        assert home(*words, "--at", when, stdin=SECRET).exit_code == 0
    assert home(*words, "--option", "tolerance=3h", stdin=SECRET).exit_code == 0
    assert home(*words, "--option", "tolerance=false", stdin=SECRET).exit_code == 0
    assert home(*words, "--option", "tolerance=soon", stdin=SECRET).exit_code == 2


def test_a_provider_that_signs_the_address_asks_for_it(home: Home) -> None:
    (home.folder / "form.form").write_text("Body=hi")
    url = "https://hooks.example.com/hooks/abc"
    mac = hmac.digest(SECRET.encode(), f"{url}Bodyhi".encode(), hashlib.sha1)
    words = ("verify", "twilio", "--body", "form.form", "--header")
    signed = f"X-Twilio-Signature: {base64.b64encode(mac).decode()}"
    assert home(*words, signed, "--url", url, stdin=SECRET).exit_code == 0
    assert "with --url" in home(*words, signed, stdin=SECRET).stdout
    assert "with --url" not in home(*words, signed, "--url", f"{url}/x", stdin=SECRET).stdout


def test_a_generic_scheme_is_described_by_options(home: Home, body: Path) -> None:
    mac = signature(f"99:{BODY}")
    words = (
        "verify",
        "hmac",
        "--body",
        "body.json",
        "--header",
        f"X-Mac: v1={mac}",
        "--header",
        "X-Time: 99",
    )
    options = ("--option", "header=X-Mac", "--option", "prefix=v1=", "--option", "timestamp.header=X-Time")
    signed = ("--option", "signed={{ timestamp }}:{{ body }}")
    assert home(*words, *options, *signed, "--at", "1970-01-01T00:01:40Z", stdin=SECRET).exit_code == 0
    result = home(*words, "--option", "headr=X-Mac", stdin=SECRET)
    assert result.exit_code == 2
    assert 'did you mean "header"?' in result.stderr


def test_a_handshake_is_shown_with_its_answer(home: Home) -> None:
    url = "https://hooks.example.com/hooks/abc?hub.mode=subscribe&hub.challenge=4711&hub.verify_token=word"
    words = ("verify", "meta-whatsapp", "--url", url, "--option", "verify_token=word")
    result = home(*words, stdin=SECRET)
    assert result.exit_code == 0
    assert "This is a handshake" in result.stdout
    told = json.loads(home(*words, "--json", stdin=SECRET).stdout)
    assert (told["accepted"], told["handshake"]["status"], told["handshake"]["body"]) == (True, 200, "4711")
    wrong = home("verify", "meta-whatsapp", "--url", url, "--option", "verify_token=other", stdin=SECRET)
    assert wrong.exit_code == 1


def test_a_key_that_cannot_be_fetched_is_said(home: Home, body: Path) -> None:
    """The way out of a server is taken, with its guard: nothing private is asked."""
    token = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImEifQ.eyJpc3MiOiJhIn0.AAAA"
    words = ("verify", "jwt", "--body", "body.json", "--header", f"Authorization: Bearer {token}")
    result = home(*words, "--option", "jwks=https://127.0.0.1:9/keys")
    assert result.exit_code == 1
    assert "cannot be fetched" in result.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "give a PROVIDER, or --vectors, or --list"),
        (("github", "--list"), "give a PROVIDER, or --vectors, or --list"),
        (("githb", "--body", "body.json"), 'there is no provider "githb"; did you mean "github"?'),
        (("github", "--body", "none.json"), "does not exist"),
        (("github", "--body", "body.json", "--header", "X"), '--header "X" is not K:V'),
        (("github", "--body", "body.json", "--option", "x"), '--option "x" is not K=V'),
        (("github", "--body", "body.json", "--option", "x=1"), 'the provider "github" has no option `x`'),
        (("paypal", "--body", "body.json"), "PayPal needs --option webhook_id=…"),
    ],
)
def test_wrong_usage_is_said(home: Home, body: Path, words: tuple[str, ...], said: str) -> None:
    result = home("verify", *words, stdin=SECRET)
    assert result.exit_code == 2
    assert said in result.stderr


def test_the_providers_are_listed(home: Home) -> None:
    lines = home("verify", "--list").stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == sorted(PROVIDERS)
    told = json.loads(home("verify", "--list", "--json").stdout)
    assert [one["name"] for one in told["items"]] == sorted(PROVIDERS)
    assert told["next"] is None


def vector(**changes: Any) -> dict[str, Any]:
    """A vector that is accepted, changed."""
    headers = {"X-Hub-Signature-256": f"sha256={signature()}"}
    plain = {"id": "one", "provider": "github", "secret": SECRET, "headers": headers, "body": BODY}
    return {**plain, "body_encoding": "utf-8", "expect": True, **changes}


def judged(home: Home, *vectors: dict[str, Any]) -> tuple[int, list[Any], str]:
    (home.folder / "vectors.json").write_text(json.dumps(vectors))
    result = home("verify", "--vectors", "vectors.json", "--json")
    return result.exit_code, json.loads(result.stdout), result.stderr


def test_a_vector_that_is_judged_as_expected_is_fine(home: Home) -> None:
    lying = vector(id="two", body=f"{BODY} ", expect=False)
    rotated = vector(id="three", secret=["another", SECRET])
    in_hex = vector(id="four", body=BODY.encode().hex(), body_encoding="hex")
    status, found, said = judged(home, vector(), lying, rotated, in_hex)
    assert (status, said) == (0, "")
    assert [(one["id"], one["accepted"]) for one in found] == [
        ("one", True), ("two", False), ("three", True), ("four", True)
    ]  # fmt: skip
    assert set(found[0]) == {"id", "accepted", "reason"}


def test_vectors_that_differ_are_named_and_fail(home: Home) -> None:
    status, found, said = judged(home, vector(), vector(id="two", secret="x"))
    assert status == 1
    assert [one["accepted"] for one in found] == [True, False]
    assert said.startswith("two: refused, but accepted is expected: X-Hub-Signature-256 does not match")
    result = home("verify", "--vectors", "vectors.json")
    assert result.exit_code == 1
    assert [line.split() for line in result.stdout.splitlines()[1:]] == [
        ["github", "2", "1", "1"], ["all", "2", "1", "1"]
    ]  # fmt: skip


def test_without_a_time_a_vector_tests_no_tolerance(home: Home) -> None:
    headers = {"Stripe-Signature": f"t=99,v1={signature(f'99.{BODY}')}"}
    old = vector(provider="stripe", headers=headers)
    assert judged(home, old)[0] == 0
    assert judged(home, {**old, "now": 99 + 300})[0] == 0
    assert judged(home, {**old, "now": 99 + 301, "expect": False})[0] == 0
    assert judged(home, {**old, "now": 99 + 301, "tolerance": 500})[0] == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "vectors.json: "),
        ("{}", "this is no list of vectors"),
        ('[{"id": "a"}]', "item 0 is no vector"),
        ('[{"id": "a", "provider": "githb"}]', 'there is no provider "githb"; did you mean "github"?'),
        ('[{"id": "a", "provider": "github", "body_encoding": "rot13"}]', "the body_encoding is none of"),
    ],
)
def test_a_file_that_is_none_of_vectors_is_wrong_usage(home: Home, text: str, said: str) -> None:
    (home.folder / "vectors.json").write_text(text)
    result = home("verify", "--vectors", "vectors.json", "--json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


@pytest.mark.skipif(not VECTORS.exists(), reason="the shared vectors are not here")
def test_all_shared_vectors_are_judged_as_they_expect(home: Home) -> None:
    result = home("verify", "--vectors", str(VECTORS), "--json")
    assert result.stderr == ""
    assert result.exit_code == 0
    assert len(json.loads(result.stdout)) == len(json.loads(VECTORS.read_text(encoding="utf-8")))
