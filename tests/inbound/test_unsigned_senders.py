"""Senders that show a shared secret instead of a signature: Microsoft Graph, CloudEvents."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.inbound.providers import PROVIDERS
from runner.inbound.providers.provider import Identity, Trust
from runner.inbound.request import Request
from runner.inbound.verdict import Passed, Refused, Reply, Verdict
from runner.inbound.verify import shake_hands, verify
from tests.inbound import signers
from tests.inbound.signers import NOW, URL

GRAPH = PROVIDERS["microsoft-graph"]
EVENTS = PROVIDERS["cloudevents"]
ONE = {
    "subscriptionId": "s1",
    "clientState": "hunter2",
    "changeType": "updated",
    "resource": "users/1/messages/2",
    "resourceData": {"@odata.etag": 'W/"3"', "@odata.type": "#Microsoft.Graph.Message"},
}


def code(verdict: Verdict) -> str:
    assert isinstance(verdict, Refused), verdict
    return verdict.code


class TestMicrosoftGraph:
    def judged(self, body: Any, *secrets: str) -> Verdict:
        request = signers.request(json.dumps(body).encode(), {})
        return verify(request, GRAPH, Trust(secrets), now=NOW, fetched={})

    def test_every_client_state_is_compared(self) -> None:
        assert self.judged({"value": [ONE]}, "hunter2") == Passed("clientState")
        assert isinstance(self.judged({"value": [ONE, ONE]}, "old", "hunter2"), Passed)
        for wrong in ("hunter", "hunter22", "Hunter2", "hünter2", "\u0660"):
            for values in ([ONE | {"clientState": wrong}], [ONE, ONE | {"clientState": wrong}]):
                assert code(self.judged({"value": values}, "hunter2")) == "mismatch"

    @pytest.mark.parametrize(
        "values", [[], [{}], [ONE, {}], [None], [ONE | {"clientState": None}], [ONE | {"clientState": ""}],
                   [ONE | {"clientState": ["hunter2"]}], [ONE] * 1001]
    )  # fmt: skip
    def test_one_without_a_client_state_refuses_all(self, values: list[Any]) -> None:
        assert code(self.judged({"value": values}, "hunter2")) in ("missing", "malformed")

    @pytest.mark.parametrize(
        "body", [None, [], "x", {}, {"value": None}, {"value": {"clientState": "hunter2"}}]
    )
    def test_what_is_no_notification_is_refused(self, body: Any) -> None:
        assert code(self.judged(body, "hunter2")) == "missing"

    def test_no_secret_is_refused(self) -> None:
        for secrets in ((), ("",)):
            assert code(self.judged({"value": [ONE | {"clientState": ""}]}, *secrets)) == "no_secret"

    def test_rich_notifications_say_what_was_not_verified(self) -> None:
        verdict = self.judged({"value": [ONE], "validationTokens": ["eyJ…"]}, "hunter2")
        assert isinstance(verdict, Passed)
        assert "not verified" in verdict.by

    def test_what_it_signs_passes(self) -> None:
        request = signers.request(json.dumps({"value": [ONE | {"clientState": "old"}]}).encode(), {})
        trust = Trust(("new",))
        signed = GRAPH.schemes[0].sign(request, trust, now=NOW)
        assert isinstance(verify(signed, GRAPH, trust, now=NOW, fetched={}), Passed)

    def shaken(self, query: str, method: str = "POST") -> Reply | None:
        request = Request(method, f"{URL}?{query}", {}, b"")
        return shake_hands(GRAPH.unsigned, request, Trust())

    def test_its_question_is_answered(self) -> None:
        reply = self.shaken("validationToken=Validation%3A+a%2Bb%20c")
        assert reply is not None
        assert (reply.status, reply.body) == (200, b"Validation: a+b c")
        assert reply.headers["content-type"].startswith("text/plain")

    def test_the_token_cannot_act(self) -> None:
        reply = self.shaken("validationToken=%3Cscript%3Ealert(1)%3C/script%3E")
        assert reply is not None
        assert b"<" not in reply.body
        assert reply.headers["x-content-type-options"] == "nosniff"

    def test_what_is_no_question_is_none(self) -> None:
        for query in (
            "",
            "validationToken=",
            "validationtoken=x",
            "a=validationToken=x",
            f"validationToken={'x' * 2001}",
        ):
            assert self.shaken(query) is None
        assert self.shaken("validationToken=x", "GET") is None

    def test_what_a_notification_is(self) -> None:
        def identity(*values: Any) -> Identity:
            return GRAPH.identify(signers.request(b"", {}), {"value": list(values)})

        assert identity(ONE) == Identity("updated", (), 's1:users/1/messages/2:W/"3"')
        assert identity(ONE | {"id": "n1"}) == Identity("updated", (), "n1")
        assert identity(ONE, ONE | {"changeType": "deleted"}) == Identity("updated", ("deleted",))
        assert identity({"lifecycleEvent": "reauthorizationRequired"}).type == "reauthorizationRequired"
        assert identity() == Identity()
        assert GRAPH.identify(signers.request(b"", {}), [1]) == Identity()


PAID = {"specversion": "1.0", "type": "order.paid", "source": "/shop/1", "id": "A1"}


class TestCloudEvents:
    def judged(
        self, headers: dict[str, str], *, query: str = "", secrets: tuple[str, ...] = ("t0k3n",)
    ) -> Verdict:
        request = Request("POST", URL + query, headers, b"{}")
        return verify(request, EVENTS, Trust(secrets), now=NOW, fetched={})

    def test_the_token_in_either_place(self) -> None:
        assert isinstance(self.judged({"authorization": "Bearer t0k3n"}), Passed)
        assert isinstance(self.judged({"authorization": "bearer t0k3n"}, secrets=("old", "t0k3n")), Passed)
        assert isinstance(self.judged({}, query="?access_token=t0k3n"), Passed)

    @pytest.mark.parametrize(
        ("headers", "query"),
        [
            ({"authorization": "Bearer t0k3"}, ""),
            ({"authorization": "Bearer "}, ""),
            ({"authorization": "t0k3n"}, ""),
            ({"authorization": "Basic t0k3n"}, ""),
            ({"authorization": "Bearer x"}, "?access_token=t0k3n"),
            ({}, "?access_token="),
            ({}, "?access_token=t0k3n%00"),
            ({}, "?Access_Token=t0k3n"),
            ({}, ""),
        ],
    )
    def test_anything_else_is_refused(self, headers: dict[str, str], query: str) -> None:
        assert isinstance(self.judged(headers, query=query), Refused)

    def test_no_secret_is_refused(self) -> None:
        for secrets in ((), ("",)):
            assert code(self.judged({"authorization": "Bearer "}, secrets=secrets)) == "no_secret"

    def shaken(self, headers: dict[str, str], method: str = "OPTIONS", **options: Any) -> Reply | None:
        return shake_hands(EVENTS.unsigned, Request(method, URL, headers, b""), Trust(options=options))

    def test_consent_is_given(self) -> None:
        reply = self.shaken({"webhook-request-origin": "eventgrid.azure.net"})
        assert reply is not None
        assert (reply.status, reply.visit) == (200, None)
        assert reply.headers == {"webhook-allowed-origin": "eventgrid.azure.net", "allow": "POST"}
        asked = {"webhook-request-origin": "a.example", "webhook-request-rate": "120",
                 "webhook-request-callback": "http://169.254.169.254/"}  # fmt: skip
        reply = self.shaken(asked)
        assert reply is not None
        assert reply.headers["webhook-allowed-rate"] == "*"
        assert reply.visit is None

    def test_an_origin_that_is_not_listed_gets_no_consent(self) -> None:
        listed: dict[str, Any] = {"origins": ["a.example"]}
        for origin in ("b.example", "a.example.evil.com", "xa.example", "A.EXAMPLE", "a.example, b.example"):
            reply = self.shaken({"webhook-request-origin": origin}, **listed)
            assert reply is not None
            assert (reply.status, "webhook-allowed-origin" in reply.headers) == (405, False)
        agreed = self.shaken({"webhook-request-origin": "a.example"}, **listed)
        assert agreed is not None
        assert agreed.status == 200

    def test_an_origin_cannot_write_a_header(self) -> None:
        for origin in ("a\r\nset-cookie: x", "a\x00", "ä.example", "a" * 256):
            reply = self.shaken({"webhook-request-origin": origin})
            assert reply is not None
            assert "webhook-allowed-origin" not in reply.headers

    def test_another_options_request_is_no_handshake(self) -> None:
        assert self.shaken({"origin": "https://a.example"}) is None
        assert self.shaken({"webhook-request-origin": "a.example"}, "POST") is None

    def test_event_grids_own_question_is_answered_after_its_token(self) -> None:
        body = [{"id": "1", "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
                 "data": {"validationCode": "512d38b6"}}]  # fmt: skip
        headers = {"aeg-event-type": "SubscriptionValidation"}
        request = signers.request(json.dumps(body).encode(), headers)
        assert shake_hands(EVENTS.unsigned, request, Trust()) is None
        reply = shake_hands(EVENTS.signed, request, Trust())
        assert reply is not None
        assert json.loads(reply.body) == {"validationResponse": "512d38b6"}
        others: list[Any] = [[], [{}], {}, [{"data": {"validationCode": 5}}]]
        for other in others:
            request = signers.request(json.dumps(other).encode(), headers)
            assert shake_hands(EVENTS.signed, request, Trust()) is None

    def test_what_an_event_is_in_every_mode(self) -> None:
        none = signers.request(b"", {})
        binary = signers.request(b"", {"ce-type": "order.paid", "ce-source": "/shop/1", "ce-id": "A1"})
        expected = Identity("order.paid", (), "/shop/1 A1")
        assert EVENTS.identify(none, PAID) == expected
        assert EVENTS.identify(binary, {"type": "other"}) == expected
        assert EVENTS.identify(none, [PAID]) == expected
        batch = [PAID, PAID | {"type": "order.sent", "id": "A2"}]
        assert EVENTS.identify(none, batch) == Identity("order.paid", ("order.sent",))
        grid = [{"id": "1", "topic": "/t", "eventType": "Storage.BlobCreated"}]
        assert EVENTS.identify(none, grid) == Identity("Storage.BlobCreated", (), "/t 1")


@given(
    payload=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["value", "clientState", "id", "type", "source", "resourceData", "data"]), inner
        ),
        max_leaves=12,
    ),
    headers=st.dictionaries(
        st.sampled_from(["ce-type", "ce-id", "authorization", "aeg-event-type", "webhook-request-origin"]),
        st.text(max_size=20),
    ),
    query=st.text(max_size=20),
)  # fmt: skip
def test_hostile_requests_never_raise(payload: Any, headers: dict[str, str], query: str) -> None:
    for provider in (GRAPH, EVENTS):
        for method in ("POST", "OPTIONS"):
            request = Request(method, f"{URL}?{query}", headers, json.dumps(payload).encode())
            verdict = verify(request, provider, Trust(("a-secret-nobody-guesses",)), now=NOW, fetched={})
            assert isinstance(verdict, Refused)
            assert isinstance(provider.identify(request, payload), Identity)
            shake_hands((*provider.unsigned, *provider.signed), request, Trust())
