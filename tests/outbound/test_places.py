"""The way out asks for a place at each destination before anything is sent to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from runner.engine.destinations import FAILURES_TO_OPEN
from runner.engine.places import MOST_DESTINATIONS, Destinations, Places
from runner.errors import ActionError, OutcomeUnknown, Parked, Unavailable
from runner.outbound import Outbound
from tests.servers.http_sink import HttpSink
from tests.servers.raw_peer import RawPeer, hang, unused_port

NOW = 1_000_000.0


class Way:
    """The real way out over real destinations, at a time that the test sets."""

    def __init__(self, outbound: Outbound) -> None:
        self.now = NOW
        self.destinations = Destinations(limit=2, clock=lambda: self.now)
        self.outbound = outbound

    async def call(self, *urls: str, method: str = "POST", places: Places | None = None) -> int:
        """One call of an action that sends to *urls* in turn and takes what they answer."""
        with places or self.destinations.places() as held:
            http = self.outbound.for_call(
                connection=None, idempotency_key=None, timeout_seconds=5, places=held
            )
            for url in urls:
                reply = await http.request(method, url)
                reply.accept()
        return reply.status

    async def shut(self, url: str) -> None:
        """Fail so often that *url*'s circuit opens."""
        for _ in range(FAILURES_TO_OPEN):
            with pytest.raises(ActionError):
                await self.call(url)


@pytest.fixture
async def way() -> AsyncIterator[Way]:
    outbound = Outbound(allow=["127.0.0.0/8"])
    yield Way(outbound)
    await outbound.close()


@pytest.fixture
async def sink() -> AsyncIterator[HttpSink]:
    async with HttpSink() as one:
        yield one


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_open_circuit_sends_nothing(way: Way, sink: HttpSink, method: str) -> None:
    sink.reply(500, times=FAILURES_TO_OPEN)
    await way.shut(sink.url)
    with pytest.raises(Parked, match="does not answer since") as caught:
        await way.call(sink.url, method=method)
    assert caught.value.place == f"127.0.0.1:{sink.port}"
    assert caught.value.is_down
    assert len(sink.requests) == FAILURES_TO_OPEN


async def test_the_other_protocols_ask_too(way: Way) -> None:
    port = unused_port()
    for _ in range(FAILURES_TO_OPEN):
        with pytest.raises(Unavailable), way.destinations.places() as places:
            await way.outbound.connect("127.0.0.1", port, timeout_seconds=5, places=places)
    with pytest.raises(Parked), way.destinations.places() as places:
        await way.outbound.connect("127.0.0.1", port, timeout_seconds=5, places=places)


async def test_a_call_holds_its_place_until_it_ends_however_often_it_sends(way: Way, sink: HttpSink) -> None:
    assert await way.call(sink.url, sink.url, sink.url) == 200
    (circuit,) = [one.circuit for one in way.destinations._known.values()]
    assert circuit.begun == 1
    assert circuit.in_flight == 0


async def test_a_full_destination_takes_no_more_and_holds_no_other_back(way: Way, sink: HttpSink) -> None:
    async with RawPeer(hang) as peer:
        calls = [asyncio.ensure_future(way.call(peer.url)) for _ in range(2)]
        await asyncio.wait_for(peer.connected.wait(), 10)
        with pytest.raises(Parked, match="2 calls under way, as many as it gets") as caught:
            await way.call(peer.url)
        assert not caught.value.is_down
        assert await way.call(sink.url) == 200
        for one in calls:
            one.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        assert way.destinations._known[f"127.0.0.1:{peer.port}"].circuit.in_flight == 0


async def test_a_place_that_is_free_in_no_time_is_waited_for(way: Way, sink: HttpSink) -> None:
    assert await asyncio.gather(*(way.call(sink.url) for _ in range(20))) == [200] * 20


async def test_a_call_that_has_done_something_is_brought_to_its_end(way: Way, sink: HttpSink) -> None:
    dead = f"http://127.0.0.1:{unused_port()}"
    await way.shut(dead)
    with pytest.raises(Unavailable):  # not Parked: the first request may not be sent again for nothing
        await way.call(sink.url, dead)
    with pytest.raises(Parked):
        await way.call(sink.url, dead, method="GET")


async def test_where_a_redirect_leads_is_asked_too(way: Way, sink: HttpSink) -> None:
    dead = f"http://127.0.0.1:{unused_port()}"
    await way.shut(dead)
    sink.reply(302, headers={"Location": dead}, times=2)
    with pytest.raises(Parked):
        await way.call(sink.url, method="GET")
    with pytest.raises(OutcomeUnknown):
        await way.call(sink.url, method="POST")


async def test_a_persons_test_goes_through_and_closes_the_circuit_if_it_succeeds(
    way: Way, sink: HttpSink
) -> None:
    sink.reply(503, times=FAILURES_TO_OPEN)
    await way.shut(sink.url)
    assert await way.call(sink.url, places=way.destinations.places(may_park=False)) == 200
    assert await way.call(sink.url) == 200


async def test_a_call_that_is_new_does_not_overtake_those_that_are_parked(way: Way, sink: HttpSink) -> None:
    place = f"127.0.0.1:{sink.port}"
    way.destinations.found_parked(place)
    with pytest.raises(Parked):
        await way.call(sink.url)
    assert way.destinations.room(place) == 1
    parks = way.destinations.parks(place)
    way.destinations.grant(place, 1, asked=1, parks=parks)
    assert way.destinations.room(place) == 0
    assert await way.call(sink.url, places=way.destinations.places(parked_at=place)) == 200
    way.destinations.grant(place, 0, asked=2, parks=way.destinations.parks(place))
    assert await way.call(sink.url) == 200


async def test_a_woken_run_that_never_comes_blocks_its_place_for_seconds_only(way: Way) -> None:
    place = "127.0.0.1:1"
    way.destinations.found_parked(place)
    way.destinations.grant(place, 1, asked=1, parks=0)
    assert way.destinations.room(place) == 0
    way.now += 3
    assert way.destinations.room(place) == 1


async def test_templated_addresses_do_not_grow_the_memory_without_end(way: Way) -> None:
    for number in range(MOST_DESTINATIONS + 500):
        given = await way.destinations.enter(f"host{number}:443", was_parked=False, must=False)
        way.destinations.leave(given, Unavailable("nobody there"))
    assert len(way.destinations._known) == MOST_DESTINATIONS


async def test_a_caller_that_goes_away_while_it_waits_for_a_place_loses_none(way: Way) -> None:
    first = [await way.destinations.enter("host:443", was_parked=False, must=False) for _ in range(2)]
    waiting = asyncio.ensure_future(way.destinations.enter("host:443", was_parked=False, must=False))
    await asyncio.sleep(0)
    way.destinations.leave(first[0], None)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    way.destinations.leave(first[1], None)
    assert way.destinations._known["host:443"].circuit.in_flight == 0
