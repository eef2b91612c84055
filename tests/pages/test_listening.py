"""The command that tries a workflow: accepted as it stands, once its secret is in the shell."""

from __future__ import annotations

import shlex

import pytest

from runner.inbound.providers import provider_infos
from runner.language.catalogue import Catalogue
from runner.language.load import load
from runner.language.workflow import Webhook
from web.listening import curl_of

pytestmark = pytest.mark.both_stores

URL = "https://hooks.example.com/hooks/token"
BODY = ["-H", "content-type: application/json", "-d", '{"hello": "world"}']


def _webhook(keys: str) -> Webhook:
    text = f"name: x\ntrigger: {{webhook: {keys}}}\nsteps: [{{stop: x}}]\n"
    loaded = load(text, path="x", slug="x", catalogue=Catalogue({}, providers=provider_infos()))
    assert loaded.workflow, loaded.faults
    assert loaded.workflow.webhook
    return loaded.workflow.webhook


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("{}", ["curl", *BODY, URL]),
        ("{methods: [GET]}", ["curl", URL]),
        ("{methods: [DELETE]}", ["curl", "-X", "DELETE", URL]),
        ("{verify: {token: {header: X-Key, secret: KEY}}}", ["curl", *BODY, "-H", "x-key: $KEY", URL]),
        ("{verify: {token: {query: a&b, secret: KEY}}}", ["curl", *BODY, f"{URL}?a%26b=$KEY"]),
        ("{verify: {basic: {user: ada, secret: PW}}}", ["curl", *BODY, "-u", "ada:$PW", URL]),
    ],
)
def test_it_has_what_the_sender_must_show(keys: str, words: list[str]) -> None:
    webhook = _webhook(keys)
    line = curl_of(URL, webhook.methods, webhook.verification)
    assert line is not None
    assert shlex.split(line) == words


def test_nothing_of_a_file_is_filled_in_by_the_shell() -> None:
    webhook = _webhook("""{verify: {basic: {user: '$(id)`id`"x', secret: PW}}}""")
    line = curl_of(URL, webhook.methods, webhook.verification)
    assert line is not None
    assert r'-u "\$(id)\`id\`\"x:$PW"' in line


def test_what_only_the_sender_can_sign_has_none() -> None:
    for keys in ("{verify: {provider: shopify, secret: S}}", "{verify: {hmac: {header: X-Sig, secret: S}}}"):
        webhook = _webhook(keys)
        assert curl_of(URL, webhook.methods, webhook.verification) is None
