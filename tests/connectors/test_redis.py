"""`redis.*`, against a real Redis."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import uvloop
from pydantic import ValidationError
from redis.asyncio import Redis

import connectors
from connectors.redis.access import RedisConnection
from connectors.redis.commands import READING, REPEATABLE, Name
from runner.connector import Call
from runner.errors import ConnectionRejected, OutcomeUnknown, Rejected, TimedOut, Unavailable
from runner.outbound import Outbound
from tests.connectors.acting import Acting
from tests.servers.certificates import server_tls
from tests.servers.cutting_proxy import cutting_proxy
from tests.servers.raw_peer import RawPeer, hang, unused_port
from tests.servers.redis import PASSWORD, RedisServer, encrypted, redis_server

MakeCall = Callable[..., Call]


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    try:
        with redis_server() as one:
            yield one
    except LookupError as reason:
        pytest.skip(str(reason))


def to(server: RedisServer, **fields: Any) -> RedisConnection:
    base = {"host": "127.0.0.1", "port": server.port, "password": PASSWORD, "tls": "none"}
    return RedisConnection.model_validate(base | fields)


@pytest.fixture
async def direct(server: RedisServer) -> AsyncIterator[Any]:
    """The server without our connector."""
    client = Redis(host="127.0.0.1", port=server.port, password=PASSWORD)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.fixture
async def act(server: RedisServer, direct: Any, make_call: MakeCall) -> Acting:
    return Acting("redis", make_call, to(server))


@pytest.mark.parametrize(
    ("value", "stands", "as_json"),
    [
        ("it's \r\n ü💥", "it's \r\n ü💥", None), ("", "", None), (12, "12", 12), (0.5, "0.5", 0.5),
        (True, "true", True), ({"a": [1, None]}, '{"a":[1,null]}', {"a": [1, None]}), ([], "[]", []),
    ],
)  # fmt: skip
async def test_a_value_is_kept_and_read_as_text_or_json(
    act: Acting, direct: Any, value: Any, stands: str, as_json: Any
) -> None:
    assert await act("set", key="k", value=value) == {"stored": True}

    assert await direct.get("k") == stands.encode()
    assert await act("get", key="k") == {"value": stands, "exists": True}
    if as_json is not None:
        assert (await act("get", key="k", read_as="json"))["value"] == as_json


async def test_what_is_not_there_is_null_and_what_is_no_text_is_base64(act: Acting, direct: Any) -> None:
    assert await act("get", key="nope", read_as="json") == {"value": None, "exists": False}
    await direct.set("k", b"\x00\xff")
    assert (await act("get", key="k", read_as="base64"))["value"] == "AP8="
    with pytest.raises(Rejected, match="k holds bytes that are no text; read them with read_as: base64"):
        await act("get", key="k")
    await direct.set("k", "{")
    with pytest.raises(Rejected, match="k holds no JSON; read it with read_as: text"):
        await act("get", key="k", read_as="json")


async def test_a_key_ends_and_is_set_only_where_that_is_wanted(act: Acting, direct: Any) -> None:
    assert await act("set", key="k", value=1, only_if="present") == {"stored": False}
    assert await act("set", key="k", value=2, only_if="absent", ttl="90m") == {"stored": True}
    assert await act("set", key="k", value=3, only_if="absent") == {"stored": False}
    assert (await direct.get("k"), 5_390_000 < await direct.pttl("k") <= 5_400_000) == (b"2", True)
    assert await act("expire", key="k", ttl="10s") == {"exists": True}
    assert 9_000 < await direct.pttl("k") <= 10_000
    assert await act("expire", key="nope", ttl="10s") == {"exists": False}
    assert await act("set", key="k", value=4) == {"stored": True}
    assert await direct.pttl("k") == -1


async def test_keys_are_taken_away(act: Acting, direct: Any) -> None:
    await direct.mset({"a": 1, "7": 1})

    assert await act("delete", keys=["a", 7, "nope"]) == {"deleted": 2}
    assert await act("delete", keys="a") == {"deleted": 0}


async def test_a_counter_begins_anew_after_its_time(act: Acting, direct: Any) -> None:
    assert await act("increment", key="n") == {"value": 1}
    assert await act("increment", key="n", by=-5) == {"value": -4}
    assert await act("increment", key="f", by=0.5, ttl="1h") == {"value": 0.5}
    assert await act("increment", key="t", by=2, ttl="1h") == {"value": 2}
    await direct.pexpire("t", 60_000)
    assert await act("increment", key="t", ttl="1h") == {"value": 3}
    assert await direct.pttl("t") <= 60_000  # it began with the first
    assert await direct.pttl("n") == -1


async def test_a_hash_is_read_and_set_by_fields(act: Acting, direct: Any) -> None:
    assert await act("hash_set", key="h", values={"a": "x", "ü": {"n": 1}}, ttl="1h") == {"added": 2}
    assert await act("hash_set", key="h", values={"a": "y"}) == {"added": 0}

    assert await direct.hget("h", "a") == b"y"
    assert 0 < await direct.ttl("h") <= 3600
    assert await act("hash_get", key="h") == {"values": {"a": "y", "ü": '{"n":1}'}, "exists": True}
    assert await act("hash_get", key="h", fields=["ü", "b"], read_as="json") == {
        "values": {"ü": {"n": 1}, "b": None}, "exists": True,
    }  # fmt: skip
    assert await act("hash_get", key="nope") == {"values": {}, "exists": False}


async def test_a_list_is_a_queue_from_either_end(act: Acting, direct: Any) -> None:
    assert await act("list_push", key="l", values=["a", {"n": 1}, "c"]) == {"length": 3}
    assert await act("list_push", key="l", values=["z"], side="left", ttl="1h") == {"length": 4}
    assert 0 < await direct.ttl("l") <= 3600

    assert await act("list_pop", key="l") == {"values": ["z"]}
    assert await act("list_pop", key="l", side="right", count=2) == {"values": ["c", '{"n":1}']}
    assert await act("list_push", key="l", values=["b", "c"], keep=2) == {"length": 2}
    assert await act("list_push", key="l", values=["x", "y"], keep=3, side="left") == {"length": 3}
    assert await direct.lrange("l", 0, -1) == [b"y", b"x", b"b"]
    assert await act("list_pop", key="nope") == await act("list_pop", key="nope", count=5) == {"values": []}


async def test_what_was_taken_is_given_whatever_it_is(act: Acting, direct: Any) -> None:
    await direct.rpush("l", b"1", b"{", b"\xff")

    assert await act("list_pop", key="l", count=3, read_as="json") == {"values": [1, "{", "/w=="]}


async def test_a_message_reaches_who_listens_and_a_stream_keeps_it(act: Acting, direct: Any) -> None:
    listener = direct.pubsub()
    await listener.subscribe("orders")
    await listener.get_message(timeout=5)

    assert await act("publish", channel="orders", message={"n": 1}) == {"receivers": 1}
    assert (await listener.get_message(timeout=5))["data"] == b'{"n":1}'
    await listener.aclose()
    assert await act("publish", channel="nobody", message="x") == {"receivers": 0}

    added = await act("stream_add", key="s", values={"id": 7, "what": "ü"}, keep=1000)
    assert await direct.xrange("s") == [(added["id"].encode(), {b"id": b"7", b"what": "ü".encode()})]


async def test_other_commands_run_on_data(act: Acting) -> None:
    async def run(command: str, *arguments: Any, **more: Any) -> Any:
        return (await act("command", command=command, arguments=list(arguments), **more))["answer"]

    assert await run("ZADD", "z", 2.5, "ann", 1, "bob") == 2
    assert await run("ZRANGE", "z", 0, -1, "WITHSCORES") == ["bob", "1", "ann", "2.5"]
    assert await run("SADD", "s", "x", 7) == 2
    assert sorted(await run("SMEMBERS", "s")) == ["7", "x"]
    assert await run("MGET", "nope") == [None]
    assert await run("MSET", "j", '{"a":1}') == "OK"
    assert await run("MGET", "j", read_as="json") == [{"a": 1}]
    with pytest.raises(Rejected, match="wrong number of arguments"):
        await run("ZADD", "z")


@pytest.mark.parametrize(
    "name", ["FLUSHALL", "KEYS", "EVAL", "CONFIG", "zadd", "BLPOP", "SET", "ZADD\r\nFLUSHALL"]
)
async def test_a_command_that_is_not_safe_is_none(act: Acting, name: str) -> None:
    with pytest.raises(Rejected, match=r"redis\.command: command: Input should be"):
        await act("command", command=name, arguments=[])


async def test_the_server_says_itself_that_the_commands_are_safe(direct: Any) -> None:
    unsafe = {"@dangerous", "@admin", "@blocking", "@scripting", "@pubsub", "@connection", "@transaction"}
    for name in get_args(Name):
        (info,) = (await direct.execute_command("COMMAND", "INFO", name)).values()
        categories = {str(one) for one in info["acl_categories"]}
        assert categories, name
        assert not categories & unsafe, name
        assert ("@write" in categories) == (name not in READING - {"PFCOUNT"}) or name == "PFCOUNT", name
    assert not READING & REPEATABLE


async def test_a_key_that_holds_another_kind_is_refused(act: Acting) -> None:
    await act("list_push", key="l", values=["x"])
    for verb, inputs in (
        ("get", {}), ("increment", {}), ("increment", {"ttl": "1h"}), ("hash_set", {"values": {"a": 1}}),
    ):  # fmt: skip
        with pytest.raises(Rejected, match=r"WRONGTYPE .*; the key holds another kind of value"):
            await act(verb, key="l", **inputs)
    await act("set", key="t", value="x")
    with pytest.raises(Rejected, match="not an integer"):
        await act("increment", key="t")


@pytest.mark.parametrize(
    ("verb", "inputs"),
    [
        ("get", {"key": ""}), ("get", {"key": "x" * 1025}), ("set", {"key": "k", "value": 1, "ttl": "0s"}),
        ("set", {"key": "k", "value": 1, "ttl": "soon"}), ("list_push", {"key": "k", "values": []}),
        ("hash_set", {"key": "k", "values": {}}), ("list_pop", {"key": "k", "count": 1001}),
        ("delete", {"keys": []}), ("increment", {"key": "k", "by": "x"}),
    ],
)  # fmt: skip
async def test_inputs_that_cannot_be_are_refused(act: Acting, verb: str, inputs: Any) -> None:
    with pytest.raises(Rejected, match=f"redis.{verb}: "):
        await act(verb, **inputs)


def test_what_is_done_after_a_crash_depends_on_whether_twice_is_once() -> None:
    def rule(name: str, **inputs: Any) -> str:
        action = connectors.action(f"redis.{name}")
        assert action
        return action.crash_rule(action.read_input(inputs))

    assert rule("set", key="k", value=1) == rule("set", key="k", value=1, only_if="present") == "repeat"
    assert rule("set", key="k", value=1, only_if="absent") == "stop"
    assert rule("increment", key="k") == rule("list_push", key="k", values=[1]) == "stop"
    assert rule("list_pop", key="k") == rule("publish", channel="c", message=1) == "stop"
    assert rule("command", command="ZADD", arguments=["z", 1, "a"]) == "repeat"
    assert rule("command", command="ZADD", arguments=["z", "incr", 1, "a"]) == "stop"
    assert rule("command", command="ZRANGE", arguments=["z", 0, -1]) == "repeat"
    assert rule("command", command="ZINCRBY", arguments=["z", 1, "a"]) == "stop"


async def test_what_is_too_large_ends_the_call(act: Acting, direct: Any) -> None:
    await direct.set("k", b"x" * (17 * 1024 * 1024))
    with pytest.raises(Rejected, match="sent more than 16 MiB; ask for less"):
        await act("get", key="k")


async def test_a_server_that_is_away_or_silent_is_unavailable(
    server: RedisServer, make_call: MakeCall
) -> None:
    away = Acting("redis", make_call, to(server, port=unused_port()))
    with pytest.raises(Unavailable, match=r"no connection to 127\.0\.0\.1"):
        await away("get", key="k")
    for tls in ("none", "verify"):
        async with RawPeer(hang) as peer:
            silent = Acting("redis", make_call, to(server, port=peer.port, tls=tls))
            with pytest.raises(Unavailable, match=r"within 0\.3 s; (nothing was changed|set tls)"):
                await silent("increment", key="k", timeout_seconds=0.3)


async def test_a_connection_that_breaks_after_the_command_leaves_the_outcome_open(
    act: Acting, server: RedisServer, make_call: MakeCall, direct: Any
) -> None:
    async with cutting_proxy(server.port, b"INCRBY") as proxy:
        proxy.cuts = True
        through = Acting("redis", make_call, to(server, port=proxy.port))
        with pytest.raises(OutcomeUnknown, match="the connection broke after the command was sent"):
            await through("increment", key="n", by=5)
    assert await direct.get("n") == b"5"  # it had happened, once
    async with cutting_proxy(server.port, b"GET") as proxy:
        proxy.cuts = True
        through = Acting("redis", make_call, to(server, port=proxy.port))
        with pytest.raises(Unavailable, match="the connection broke; nothing was changed"):
            await through("get", key="n")


async def test_a_change_that_is_not_answered_may_have_happened(
    server: RedisServer, make_call: MakeCall
) -> None:
    async with cutting_proxy(server.port, b"INCRBY") as proxy:
        proxy.silences = True
        through = Acting("redis", make_call, to(server, port=proxy.port))
        with pytest.raises(TimedOut, match=r"did not answer within 0.5 s"):
            await through("increment", key="n", timeout_seconds=0.5)


async def test_a_call_that_is_cancelled_leaves_no_task_behind(
    server: RedisServer, make_call: MakeCall
) -> None:
    before = asyncio.all_tasks()
    async with RawPeer(hang) as peer:
        task = asyncio.create_task(Acting("redis", make_call, to(server, port=peer.port))("get", key="k"))
        await peer.connected.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    while asyncio.all_tasks() - before:
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("LOADING Redis is loading the dataset in memory", Unavailable),
        ("BUSY Redis is busy running a script.", Unavailable),
        ("READONLY You can't write against a read only replica.", Unavailable),
        ("OOM command not allowed when used memory > 'maxmemory'.", Unavailable),
        ("MISCONF Redis is configured to save RDB snapshots", Unavailable),
        ("MASTERDOWN Link with MASTER is down", Unavailable),
        ("CLUSTERDOWN Hash slot not served", Unavailable),
        ("NOREPLICAS Not enough good replicas to write.", Unavailable),
        ("ERR max number of clients reached", Unavailable),
        ("NOAUTH Authentication required.", ConnectionRejected),
        ("DENIED Redis is running in protected mode", ConnectionRejected),
        ("NOPERM User ann has no permissions to run the 'get' command", Rejected),
        ("MOVED 3999 127.0.0.1:6381", Rejected),
        ("CROSSSLOT Keys in request don't hash to the same slot", Rejected),
        ("ERR unknown command", Rejected),
    ],
)
async def test_what_the_server_says_decides_what_is_done_next(
    server: RedisServer, make_call: MakeCall, said: str, error: type[Exception]
) -> None:
    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(4096):
            writer.write(f"-{said}\r\n".encode())

    async with RawPeer(say) as peer:
        plain = Acting("redis", make_call, to(server, port=peer.port, password=""))
        with pytest.raises(error, match=said.split(maxsplit=1)[0]) as caught:
            await plain("set", key="k", value=1)
        assert type(caught.value) is error


async def test_who_is_not_let_in_is_the_connections_fault(
    server: RedisServer, make_call: MakeCall, direct: Any
) -> None:
    for fields, says in (
        ({"password": "wr0ng"}, "WRONGPASS"), ({"password": ""}, "NOAUTH"), ({"user": "nobody"}, "WRONGPASS"),
        ({"database": 9}, "mend the database of the connection"),
    ):  # fmt: skip
        connection = to(server, **fields)
        with pytest.raises(ConnectionRejected, match=says) as caught:
            await connection.test(make_call(connection))
        for secret in (PASSWORD, "wr0ng"):
            assert secret not in str(caught.value) + repr(connection)
    await direct.execute_command("ACL", "SETUSER", "ann", "on", f">{PASSWORD}", "~*", "+ping", "+get")
    ann = Acting("redis", make_call, to(server, user="ann"))
    assert await ann.connection.test(make_call()) == f"the Redis at 127.0.0.1:{server.port}/0 lets ann in"
    with pytest.raises(Rejected, match=r"NOPERM .*; the user needs that right: ACL SETUSER"):
        await ann("set", key="k", value=1)


async def test_the_database_is_the_one_that_the_connection_names(
    server: RedisServer, make_call: MakeCall, direct: Any
) -> None:
    await Acting("redis", make_call, to(server, database=1))("set", key="k", value=1)

    assert await direct.get("k") is None


@pytest.mark.parametrize(
    "greeting", [b"220 mail.example.com\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0\0\0\0\r\n", b"*x\r\n"]
)
async def test_what_speaks_another_protocol_is_the_connections_fault(
    server: RedisServer, make_call: MakeCall, greeting: bytes
) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        await reader.read()

    async with RawPeer(greet) as peer:
        connection = to(server, port=peer.port)
        with pytest.raises(ConnectionRejected, match="does not speak as Redis does; mend host or port"):
            await connection.test(make_call(connection, 5))


async def test_no_address_is_connected_to_that_the_guard_does_not_let_pass(server: RedisServer) -> None:
    outbound = Outbound()
    for tls in ("none", "verify"):
        connection = to(server, host="localhost", tls=tls)
        call = Call(
            http=outbound.for_call(connection=None, idempotency_key=None, timeout_seconds=5),
            files=None,  # type: ignore[arg-type]
            connect=lambda host, port: outbound.connect(host, port, timeout_seconds=5),
            idempotency_key="",
            timeout_seconds=5,
        )
        with pytest.raises(Rejected, match="actions may not reach it"):
            await connection.test(call)
    await outbound.close()


@pytest.mark.parametrize("host", ["/tmp", "a,b", "*.example.com", "", "a b", "a@b"])
def test_a_host_is_one_host(host: str) -> None:
    with pytest.raises(ValidationError):
        RedisConnection.model_validate({"host": host})


async def test_keys_can_be_chosen(act: Acting, direct: Any) -> None:
    await direct.mset({"order:1": 1, "order*2": 1, "x": 1})

    assert await act.choose("get.key", "order") == ([("order*2", "order*2"), ("order:1", "order:1")], None)
    assert await act.choose("delete.keys", "*") == ([("order*2", "order*2")], None)
    await direct.mset({f"k{number}": 1 for number in range(3000)})
    items, following = await act.choose("set.key", "k1")
    assert following
    while following:
        more, following = await act.choose("set.key", "k1", following)
        items += more
    assert len(items) == 1111


async def test_the_certificate_is_checked_against_the_host_that_the_connection_names(
    server: RedisServer, make_call: MakeCall, tmp_path: Path, direct: Any
) -> None:
    context, pem = server_tls(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    _context, foreign = server_tls(other)
    async with encrypted(server.port, context) as port:
        for fields in ({"tls": "verify", "ca_certificate": pem}, {"tls": "unverified"}):
            through = Acting("redis", make_call, to(server, port=port, **fields))
            assert await through("set", key="k", value="x" * 100_000) == {"stored": True}
            assert len((await through("get", key="k"))["value"]) == 100_000
        for fields in ({}, {"ca_certificate": foreign}):
            connection = to(server, **{"port": port, "tls": "verify", **fields})
            with pytest.raises(ConnectionRejected, match=r"cannot be trusted: .*mend the host, tls or ca"):
                await connection.test(make_call(connection))
    connection = to(server, tls="verify", ca_certificate="x")
    with pytest.raises(ConnectionRejected, match="ca_certificate is not a certificate in PEM"):
        await connection.test(make_call(connection))


async def test_a_server_without_encryption_is_not_used_where_it_is_wanted(
    server: RedisServer, make_call: MakeCall
) -> None:
    for tls in ("verify", "unverified"):
        connection = to(server, tls=tls)
        with pytest.raises(Unavailable, match=r"did not begin encryption within 0\.3 s; set tls to none"):
            await connection.test(make_call(connection, 0.3))


def test_the_loop_that_the_server_runs_on_does_as_well(server: RedisServer, tmp_path: Path) -> None:
    context, pem = server_tls(tmp_path)

    async def ask() -> list[str]:
        outbound = Outbound(allow=["127.0.0.0/8"])
        call = Call(
            http=outbound.for_call(connection=None, idempotency_key=None, timeout_seconds=5),
            files=None,  # type: ignore[arg-type]
            connect=lambda host, port: outbound.connect(host, port, timeout_seconds=5),
            idempotency_key="",
            timeout_seconds=5,
        )
        async with encrypted(server.port, context) as port:
            over_tls = to(server, port=port, tls="verify", ca_certificate=pem)
            said = [await one.test(call) for one in (to(server), over_tls)]
        await outbound.close()
        return said

    assert all(one.endswith("lets us in") for one in uvloop.run(ask()))


def test_without_the_library_it_is_said_what_to_install() -> None:
    code = (
        "import sys; sys.modules['redis'] = sys.modules['redis.exceptions'] = None\n"
        "import connectors; connectors.action('redis.get')\n"
        "from connectors.redis.access import library\n"
        "try: library()\nexcept Exception as e: print(e)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "pip install 'hookline[redis]'" in shown.stdout
