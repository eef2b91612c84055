"""The keys of a webhook: who may send, what is let in, and what is said where a file gets them wrong."""
# ruff: noqa: E501 - a table is read by its lines

from __future__ import annotations

import math
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from runner.inbound.providers import provider_infos, provider_of
from runner.language.faults import Fault
from runner.language.keys import BLOCKS
from runner.language.load import Loaded, load
from runner.language.verification import Verification, signed_parts
from runner.language.workflow import ClientCertificate, RateLimit, Webhook
from tests.language.small_catalogue import CATALOGUE

STEPS = "steps: [filter: payload]\n"


def read(key: str, *, catalogue: Any = CATALOGUE) -> Loaded:
    """A file whose webhook has *key*; that stands in line 4 from column 5."""
    text = f"name: x\ntrigger:\n  webhook:\n    {key}\n{STEPS}"
    return load(text, path="workflows/x.yaml", slug="x", catalogue=catalogue)


def webhook(key: str) -> Webhook:
    found = read(key)
    assert found.workflow, "\n".join(map(str, found.faults))
    assert found.workflow.webhook
    return found.workflow.webhook


def verification(text: str) -> Verification | None:
    return webhook(f"verify: {text}").verification


def only(key: str) -> Fault:
    faults = read(key).faults
    assert len(faults) == 1, "\n".join(map(str, faults))
    return faults[0]


# fmt: off
VERIFY = [
    ("shopify", "missing-key", "4:13", "", "Shopify needs `secret`; write {provider: shopify, secret: SHOPIFY_SECRET}"),
    ("paypal", "missing-key", "4:13", "", "PayPal needs `webhook_id`; write {provider: paypal, webhook_id: …}"),
    ("shoppify", "unknown-provider", "4:13", "", 'did you mean "shopify"?'),
    ("acme", "unknown-provider", "4:13", "", "write {hmac: {…}}; known here: github, shopify"),
    ("hmac", "verify", "4:13", "", "write {hmac: {header: X-Signature, secret: ORDERS_SECRET}}"),
    ("true", "type", "4:13", "", "must be none, a provider's name, or a mapping"),
    ("[github]", "type", "4:13", "", "it is a list"),
    ("{}", "missing-key", "4:13", "", "{provider: github, secret: GITHUB_SECRET}"),
    ("{secret: TOKEN}", "missing-key", "4:13", "", "nothing says how requests are verified"),
    ("{provider: none}", "unknown-provider", "4:24", ".provider", "write `verify: none`"),
    ("{provider: hmac, secret: TOKEN}", "unknown-provider", "4:24", ".provider", "`verify: {hmac: {…}}`"),
    ("{provider: gihtub, secret: TOKEN}", "unknown-provider", "4:24", ".provider", 'did you mean "github"?'),
    ("{provider: 5, secret: TOKEN}", "type", "4:24", ".provider", "it is the number 5"),
    ("{provider: github}", "missing-key", "4:13", "", "`secret` is missing in `verify` with github; add it: the name of the secret"),
    ("{provider: github, secret: TOKEN, webhook_id: x}", "unknown-key", "4:47", ".webhook_id", "known here: provider, secret, tolerance"),
    ("{provider: github, secret: TOKEN, hmac: {}}", "unknown-key", "4:47", ".hmac", "stands alone, without a provider"),
    ("{provider: github, secret: TOKEN, tolerance: 300}", "type", "4:58", ".tolerance", "write the unit: 300s"),
    ("{provider: paypal}", "missing-key", "4:13", "", "`webhook_id` is missing in `verify` with paypal; add it: the webhook's id"),
    ("{provider: paypal, webhook_id: x, webhok_id: x}", "unknown-key", "4:47", ".webhok_id", 'did you mean "webhook_id"?'),
    ("{provider: meta, secret: TOKEN, strict: 'yes'}", "type", "4:53", ".strict", "must be true or false"),
    ("{provider: github, secret: [TOKEN, 5]}", "type", "4:48", ".secret[1]", "it is the number 5"),
    ("{provider: github, secret: []}", "value", "4:40", ".secret", "the list is empty"),
    ("{provider: github, secret: NOBODYS}", "secret-not-held", "4:40", ".secret", "hookline secrets set NOBODYS"),
    ("{provider: github, secret: [TOKEN, TOKN]}", "secret-not-held", "4:48", ".secret[1]", 'did you mean "TOKEN"?'),
    ("{provider: meta, secret: TOKEN, verify_token: OTHER}", "secret-not-held", "4:59", ".verify_token", "OTHER"),
    ("{provider: github, secret: whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD}", "secret-value", "4:40", ".secret", "write the secret's name, never its value"),
    ("{provider: github, secret: whsec_abcdef0123456789abcd}", "secret-value", "4:40", ".secret", "looks like a secret itself"),
    ("{provider: github, secret: a3f0c9d1e77b52b4c60af12d88e3459b}", "secret-value", "4:40", ".secret", "never its value"),
    ("{provider: github, secret: my secret}", "secret-value", "4:40", ".secret", "letters, digits and _"),
    ("{hmac: {header: X-S, secret: TOKEN}, token: {header: X-T, secret: TOKEN}}", "verify", "4:50", ".token", "in one way"),
    ("{hmac: {header: X-S, secret: TOKEN}, secret: TOKEN}", "misplaced-key", "4:50", ".secret", "inside `hmac`"),
    ("{hmac: {secret: TOKEN}}", "missing-key", "4:20", ".hmac", "write `header: X-Signature`"),
    ("{hmac: {header: X-S, query: s, secret: TOKEN}}", "verify", "4:34", ".hmac.query", "in one place"),
    ("{hmac: {header: X-S}}", "missing-key", "4:20", ".hmac", "`secret` is missing"),
    ("{hmac: {header: X-S, secret: TOKEN, algorithm: md5}}", "value", "4:60", ".hmac.algorithm", "sha256 or sha1 or sha384 or sha512"),
    ("{hmac: {header: X-S, secret: TOKEN, encoding: base46}}", "value", "4:59", ".hmac.encoding", 'did you mean "base64"?'),
    ("{hmac: {header: X-S, secret: TOKEN, signed: '{{ bdy }}'}}", "signed", "4:57", ".hmac.signed", "{{ body }}, {{ timestamp }}, {{ id }}, {{ url }}"),
    ("{hmac: {header: X-S, secret: TOKEN, signed: '{{ payload.id }}'}}", "signed", "4:57", ".hmac.signed", "`payload.id` is nothing that can be signed"),
    ("{hmac: {header: X-S, secret: TOKEN, signed: '{% if x %}{{ body }}'}}", "signed", "4:57", ".hmac.signed", "cannot be read"),
    ("{hmac: {header: X-S, secret: TOKEN, signed: plain}}", "signed", "4:57", ".hmac.signed", "nothing of the request"),
    ("{hmac: {header: X-S, secret: TOKEN, signed: '{{ url }}'}}", "signed", "4:57", ".hmac.signed", "whoever has seen one signature"),
    ("{hmac: {header: X-S, secret: TOKEN, signed: '{{ timestamp }}{{ body }}'}}", "signed", "4:49", ".hmac.signed", "add `timestamp: {header: X-Timestamp}`"),
    ("{hmac: {header: X-S, secret: TOKEN, timestamp: {header: X-T}}}", "signed", "4:49", ".hmac.timestamp", "proves nothing"),
    ("{hmac: {header: X-S, secret: TOKEN, tolerance: 5m}}", "verify", "4:49", ".hmac.tolerance", "no timestamp"),
    ("{hmac: {header: X-S, secret: TOKEN, separator: ','}}", "verify", "4:49", ".hmac.separator", "add its `prefix`"),
    ("{hmac: {header: X-S, secret: TOKEN, signed: '{{ timestamp }}{{ body }}', timestamp: {header: X-T, prefix: t=}}}", "verify", "4:111", ".hmac.timestamp.prefix", "leave it out"),
    ("{hmac: {field: 'a[]', secret: TOKEN}}", "path", "4:28", ".hmac.field", "one value"),
    ("{hmac: {header: X-S, secret: TOKEN, algo: sha1}}", "unknown-key", "4:49", ".hmac.algo", "`algorithm`"),
    ("{token: {secret: TOKEN}}", "missing-key", "4:21", ".token", "nothing says where the token is"),
    ("{basic: {username: a, secret: TOKEN, user: a}}", "unknown-key", "4:22", ".basic.username", "`user`"),
    ("{basic: {secret: TOKEN}}", "missing-key", "4:21", ".basic", "`user` is missing"),
    ("{jwt: {}}", "verify", "4:19", ".jwt", "exactly one of the two"),
    ("{jwt: {jwks: 'https://a.example/k', secret: TOKEN}}", "verify", "4:19", ".jwt", "exactly one of the two"),
    ("{jwt: {jwks: 'http://a.example/k'}}", "url", "4:26", ".jwt.jwks", "https only"),
]
OTHERS = [
    ("events: orders/create", "type", "4:13", "events", "write [orders/create]"),
    ("{verify: websub, events: []}", "value", "4:30", "events", "the list is empty"),
    ("{verify: websub, events: [5]}", "type", "4:31", "events[0]", "it is the number 5"),
    ("{verify: websub, events: ['pull*request']}", "value", "4:31", "events[0]", "pull_request.*"),
    ("{verify: websub, events: ['*_created.x']}", "value", "4:31", "events[0]", "`*` stands at the end"),
    ("events: [push]", "events", "4:5", "events", "nothing tells an event's type"),
    ("on_mismatch: reject", "on-mismatch", "4:5", "on_mismatch", "add `schema`"),
    ("{schema: {}, on_mismatch: accept}", "value", "4:31", "on_mismatch", "reject or accept_and_record"),
    ("split: payload.events[", "expression", "4:26", "split", "ends too early"),
    ("split: steps.a", "before-run", "4:18", "split", "before any step runs"),
    ("{split: payload.events, answer: result}", "split", "4:29", "answer", "nobody can wait"),
    ("{split: payload.events, answer: {wait: 5s}}", "split", "4:29", "answer", "`for_each`"),
    ("allow_ips: 203.0.113.7", "type", "4:16", "allow_ips", "write [203.0.113.7]"),
    ("allow_ips: [203.0.113.7/24]", "network", "4:17", "allow_ips[0]", "write 203.0.113.0/24"),
    ("allow_ips: [hooks.example.com]", "network", "4:17", "allow_ips[0]", "names are not looked up"),
    ("client_certificate: {}", "missing-key", "4:25", "client_certificate", "`subject`, `san` or `fingerprint`"),
    ("client_certificate: {cn: a}", "unknown-key", "4:26", "client_certificate.cn", "`subject`"),
    ("client_certificate: {fingerprint: a3f0}", "fingerprint", "4:39", "client_certificate.fingerprint", "openssl x509"),
    (f"client_certificate: {{fingerprint: '{'a3' * 20}'}}", "fingerprint", "4:39", "client_certificate.fingerprint", "SHA-1"),
    ("rate_limit: 100", "type", "4:17", "rate_limit", "such as 100/1m"),
    ("rate_limit: 100 a minute", "rate", "4:17", "rate_limit", "write for example 100/1m or 10/s"),
    ("rate_limit: 0/1m", "rate", "4:17", "rate_limit", "`enabled: false`"),
    ("rate_limit: 5/0s", "rate", "4:17", "rate_limit", "100/1m"),
    ("cors: https://a.example", "origin", "4:11", "cors", "write [https://a.example]"),
    ("cors: [https://a.example/]", "origin", "4:12", "cors[0]", "write https://a.example"),
    ("cors: [a.example]", "origin", "4:12", "cors[0]", "write https://a.example"),
    ("cors: ['*']", "origin", "4:12", "cors[0]", 'write `cors: "*"`'),
    ("expect_every: 30s", "duration", "4:5", "expect_every", "write 1m or more"),
    ("expect_every: daily", "duration", "4:19", "expect_every", "write for example 30s"),
    ("secret: TOKEN", "unknown-key", "4:5", "secret", "`verify: {provider: …, secret: NAME}`"),
    ("auth: basic", "unknown-key", "4:5", "auth", "`verify: {basic: …}`"),
]
SCHEMA = [
    ("{type: strng}", "schema", "4:20", ".type", "must be one of"),
    ("{properties: {a: {minimum: '1'}}}", "schema", "4:40", ".properties.a.minimum", "must be a number, and is a text"),
    ("{required: id}", "schema", "4:24", ".required", "must be a list, and is a text"),
    ("{minLength: -1}", "schema", "4:25", ".minLength", "must be at least 0"),
    ("{properties: {a: {pattern: '(a'}}}", "schema", "4:40", ".properties.a.pattern", "no regular expression"),
    ("{pattern: '(?=a)b'}", "schema", "4:23", ".pattern", "linear time"),
    ("{patternProperties: {'(?!x)': {}}}", "schema", "4:43", ".patternProperties.(?!x)", "linear time"),
    ("{properties: {a: {$ref: 'https://a.example/s.json'}}}", "schema", "4:37", ".properties.a.$ref", "nothing is fetched"),
    ("{$ref: 'file:///etc/passwd'}", "schema", "4:20", ".$ref", "nothing is fetched"),
    ("{$ref: '#/$defs/a'}", "schema", "4:20", ".$ref", "put it under `$defs`"),
    ("{$schema: 'http://json-schema.org/draft-07/schema#'}", "schema", "4:23", ".$schema", "2020-12"),
    ("{requird: [a]}", "schema-word", "4:14", ".requird", 'did you mean "required"?'),
    ("{properties: {a: {nullable: true}}}", "schema-word", "4:31", ".properties.a.nullable", "write `type: [string, 'null']`"),
    ("{format: e-mail}", "schema-word", "4:22", ".format", 'did you mean "email"?'),
]
# fmt: on
WARNINGS = {"secret-not-held", "events", "on-mismatch", "schema-word"}
ALSO_WARNINGS = "whoever has seen one signature"
TABLE = [
    *(
        (f"verify: {text}", code, place, f"verify{where}", words)
        for text, code, place, where, words in VERIFY
    ),
    *OTHERS,
    *(
        (f"schema: {text}", code, place, f"schema{where}", words)
        for text, code, place, where, words in SCHEMA
    ),
]


@pytest.mark.parametrize(("key", "code", "place", "where", "words"), TABLE)
def test_a_fault_has_its_place_and_the_way_out(
    key: str, code: str, place: str, where: str, words: str
) -> None:
    fault = only(key)
    assert (fault.code, f"{fault.line}:{fault.column}") == (code, place), str(fault)
    assert fault.where == f"trigger.webhook.{where}"
    assert words in str(fault)
    is_warning = code in WARNINGS or ALSO_WARNINGS in words
    assert fault.severity == ("warning" if is_warning else "error")


def test_a_provider_is_named_with_its_secrets_and_options() -> None:
    assert webhook("methods: [POST]").verification is None
    assert verification("none") is None
    assert verification("websub") == Verification("websub")
    assert verification("{provider: github, secret: TOKEN}") == Verification("github", ("TOKEN",))
    rotated = verification("{provider: github, secret: [TOKEN, NEXT], tolerance: 10m}")
    assert rotated == Verification("github", ("TOKEN", "NEXT"), tolerance_seconds=600.0)
    lax = verification("{provider: github, secret: TOKEN, tolerance: false}")
    assert lax
    assert lax.tolerance_seconds == math.inf


def test_a_provider_s_options_are_read_by_their_kind() -> None:
    text = "{provider: meta, secret: TOKEN, verify_token: TOKEN, topics: [a, b], strict: true}"
    assert verification(text) == Verification(
        "meta",
        ("TOKEN",),
        {"verify_token": "TOKEN", "topics": ["a", "b"], "strict": True},
        frozenset({"verify_token"}),
    )
    one = verification("{provider: meta, secret: TOKEN, topics: a}")
    assert one
    assert (one.options, one.secret_options) == ({"topics": ["a"]}, frozenset())


def test_a_generic_scheme_has_its_defaults_and_headers_in_lower_case() -> None:
    assert verification("{hmac: {header: X-Sig, secret: TOKEN}}") == Verification(
        "hmac",
        ("TOKEN",),
        {
            "algorithm": "sha256",
            "encoding": "hex",
            "signed": "{{ body }}",
            "secret_encoding": "text",
            "header": "x-sig",
        },
    )
    stamped = verification(
        "{hmac: {header: X-Sig, prefix: v1=, separator: ',', signed: '{{ timestamp }}.{{ body }}', secret: TOKEN, "
        "timestamp: {header: x-sig, prefix: t=}, id: {header: X-Id}, tolerance: false}}"
    )
    assert stamped
    assert stamped.options["timestamp"] == {"format": "unix", "header": "x-sig", "prefix": "t="}
    assert (stamped.options["id"], stamped.tolerance_seconds) == ({"header": "x-id"}, math.inf)
    assert verification("{jwt: {jwks: 'https://a.example/k', audience: me, issuer: [a, b]}}") == Verification(
        "jwt", options={"jwks": "https://a.example/k", "audience": ["me"], "issuer": ["a", "b"]}
    )


GENERIC = [
    "{hmac: {header: X-S, secret: TOKEN}}",
    "{hmac: {query: s, algorithm: sha1, encoding: base64, secret: TOKEN, secret_encoding: hex}}",
    "{hmac: {field: a.b, prefix: sha256=, secret: [TOKEN, NEXT]}}",
    "{hmac: {header: X-S, signed: '{{ url }}{{ body }}', secret: TOKEN}}",
    "{hmac: {header: X-S, signed: '{{id}}:{{timestamp}}:{{body}}', secret: TOKEN, timestamp: {query: t}, id: {field: i}}}",
    "{hmac: {header: X-S, prefix: v1=, separator: ';', signed: '{{ timestamp }}.{{ body }}', secret: TOKEN, timestamp: {header: X-S, prefix: ts=, format: unix_ms}}}",
    "{token: {header: X-T, secret: TOKEN}}",
    "{token: {query: t, secret: TOKEN}}",
    "{token: {header: Authorization, prefix: 'Bearer ', secret: TOKEN}}",
    "{basic: {user: a, secret: TOKEN}}",
    "{jwt: {secret: TOKEN, audience: a}}",
    "{jwt: {jwks: 'https://a.example/k', header: X-T, algorithms: [RS256]}}",
]


@pytest.mark.parametrize("text", GENERIC)
def test_what_loads_describes_a_scheme_that_there_is(text: str) -> None:
    """The loader and the schemes are of one mind about their options."""
    found = verification(text)
    assert found
    assert provider_of(found).name == found.provider


@pytest.mark.parametrize("name", sorted(provider_infos()))
def test_every_provider_can_be_named_with_what_it_needs(name: str) -> None:
    info = provider_infos()[name]
    needed = {one.name: "[x]" if one.kind == "texts" else "TOKEN" for one in info.options if one.is_required}
    parts = {"provider": name, "secret": "TOKEN", **needed}
    text = ", ".join(f"{key}: {value}" for key, value in parts.items())
    found = read(f"verify: {{{text}}}", catalogue=replace(CATALOGUE, providers=provider_infos()))
    assert not found.faults, found.faults
    assert found.workflow
    assert found.workflow.webhook
    assert found.workflow.webhook.verification
    assert provider_of(found.workflow.webhook.verification).name == name


def test_options_of_the_schemes_do_not_take_the_names_of_other_keys() -> None:
    """A provider's option of such a name could not be told from the key."""
    for info in provider_infos().values():
        assert not {one.name for one in info.options} & BLOCKS["verify"].keys.keys(), info.name


def test_where_no_providers_are_known_none_is_judged() -> None:
    somewhere = replace(CATALOGUE, providers=None)
    for text in ("acme", "{provider: acme, secret: TOKEN, key: x, several: [a], yes: true}"):
        found = read(f"verify: {text}", catalogue=somewhere)
        assert found.faults == ()
        assert found.workflow


def test_a_secret_that_looks_like_a_value_is_not_repeated() -> None:
    fault = only("verify: {provider: github, secret: whsec_abcdef0123456789abcd}")
    assert "abcdef" not in str(fault)


def test_ordinary_names_of_secrets_are_taken() -> None:
    for name in ("GITHUB_SECRET", "sk_live", "whsec", "orders_2026", "SHOPIFY_WEBHOOK_SIGNING_SECRET_V2"):
        codes = [one.code for one in read(f"verify: {{provider: github, secret: {name}}}").faults]
        assert codes == ["secret-not-held"], name


def test_signed_is_put_together_of_names_and_texts() -> None:
    assert signed_parts("v0:{{timestamp}}:{{ body }}") == (
        ("v0:", False), ("timestamp", True), (":", False), ("body", True),
    )  # fmt: skip


def test_what_stands_beside_verify_is_read() -> None:
    found = webhook(
        "{allow_ips: [203.0.113.7, '2001:db8::/32'], rate_limit: 100/1m30s, cors: [HTTPS://Shop.Example.com:8443], "
        f"client_certificate: {{subject: orders, fingerprint: 'SHA256:{'A3:' * 31}A3'}}, expect_every: 1d, "
        "verify: websub, events: [orders/create, 'refunds/*'], split: payload.events, "
        "schema: {type: object}, on_mismatch: accept_and_record}"
    )
    assert found.allow_ips == (ip_network("203.0.113.7/32"), ip_network("2001:db8::/32"))
    assert found.rate_limit == RateLimit(100, 90.0)
    assert found.cors == ("https://shop.example.com:8443",)
    assert found.client_certificate == ClientCertificate("orders", None, "a3" * 32)
    assert found.expect_every_seconds == 86400.0
    assert found.events == ("orders/create", "refunds/*")
    assert found.split
    assert found.split.source == "payload.events"
    assert found.schema
    assert (found.schema.schema, found.on_mismatch_rejects) == ({"type": "object"}, False)


def test_a_certificate_that_nobody_could_show_is_a_warning() -> None:
    text = "client_certificate: {subject: orders}"
    assert not read(text).faults  # what the server does is not known
    for takes in (True, False):
        found = read(text, catalogue=replace(CATALOGUE, takes_client_certificates=takes))
        assert found.workflow
        assert [one.code for one in found.faults] == ([] if takes else ["client-certificate"])
    (fault,) = found.faults
    assert (fault.severity, fault.where) == ("warning", "trigger.webhook.client_certificate")
    assert "403" in fault.message
    assert "tls_client_ca" in fault.hint
    assert "trusted_proxies" in fault.hint


def test_without_a_word_everybody_may_send_everything() -> None:
    assert webhook("methods: [POST]") == Webhook()
    assert webhook("{rate_limit: 10/s, cors: '*'}") == Webhook(rate_limit=RateLimit(10, 1.0), cors=("*",))


def test_a_schema_that_grows_without_end_is_refused() -> None:
    definitions = ", ".join(
        f"a{one}: {{allOf: [{{$ref: '#/$defs/a{one + 1}'}}, {{$ref: '#/$defs/a{one + 1}'}}]}}"
        for one in range(30)
    )
    fault = only(f"schema: {{$ref: '#/$defs/a0', $defs: {{{definitions}, a30: {{type: integer}}}}}}")
    assert "judged by more than 100,000 schemas" in fault.message
    chain = ", ".join(f"a{one}: {{$ref: '#/$defs/a{one + 1}'}}" for one in range(300))
    fault = only(f"schema: {{$ref: '#/$defs/a0', $defs: {{{chain}, a300: {{type: integer}}}}}}")
    assert "more than 200" in fault.message


def test_references_inside_a_schema_are_followed() -> None:
    found = webhook(
        "schema: {$id: 'https://a.example/s', $ref: '#/$defs/a', "
        "$defs: {a: {$id: b, properties: {n: {$ref: b}}}}}"
    )
    assert found.schema
    assert found.schema.validator.is_valid({"n": {"n": {}}})
