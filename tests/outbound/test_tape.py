"""What a call sends and hears is noted as it was, but for what says who one is."""

from __future__ import annotations

import pytest

from runner.connector import Connection, OutgoingRequest, SecretStr
from runner.engine.exchanges import Tape, lines_read
from runner.errors import Unavailable
from runner.language.secrets import MASK
from runner.outbound import Outbound
from tests.servers.http_sink import HttpSink
from tests.servers.raw_peer import unused_port


class Token(Connection):
    token: SecretStr = SecretStr("s3cr3t-token")

    def apply(self, request: OutgoingRequest) -> None:
        request.set_header("X-Key", "derived from it")
        request.query.append(("key", "and.this"))


async def test_requests_and_answers_are_noted_without_what_the_connection_added(
    sink: HttpSink, outbound: Outbound
) -> None:
    sink.reply(307, headers={"Location": "/new"})
    tape = Tape()
    http = outbound.for_call(connection=Token(), idempotency_key="evt1.step", timeout_seconds=5, tape=tape)
    await http.post(f"{sink.url}/old?a=1", json={"a": 1})
    (attempt,) = lines_read(tape.taken(1, frozenset()))
    first, second = attempt["exchanges"]
    assert first["url"] == f"{sink.url}/old?a=1&key={MASK}"
    assert first["headers"]["X-Key"] == MASK
    assert first["headers"]["Idempotency-Key"] == "evt1.step"
    assert (first["body"], first["answer"]["status"]) == ('{"a":1}', 307)
    assert (second["method"], second["answer"]["status"]) == ("POST", 200)
    assert sink.requests[0].headers["x-key"] == "derived from it"
    assert "derived" not in str(attempt)


async def test_a_request_without_an_answer_is_noted_too(outbound: Outbound) -> None:
    tape = Tape()
    http = outbound.for_call(connection=None, idempotency_key=None, timeout_seconds=5, tape=tape)
    with pytest.raises(Unavailable):
        await http.get(f"http://127.0.0.1:{unused_port()}/")
    (exchange,) = tape.exchanges
    assert (exchange.method, exchange.status) == ("GET", None)
