"""`postgres.*`, against a real PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from pydantic import ValidationError

import connectors
from connectors.postgres.access import PostgresConnection
from connectors.postgres.sql import numbered
from runner.connector import Call
from runner.errors import ConnectionRejected, OutcomeUnknown, Rejected, Unavailable
from runner.outbound import Outbound
from tests.connectors.acting import Acting
from tests.servers.certificates import issue
from tests.servers.cutting_proxy import cutting_proxy
from tests.servers.postgres import PostgresServer, postgres_server
from tests.servers.raw_peer import RawPeer, hang, unused_port

MakeCall = Callable[..., Call]
PASSWORD = "p4ssw0rd-of-the-shop"
TABLES = """
DROP SCHEMA IF EXISTS "Shop" CASCADE; CREATE SCHEMA "Shop";
CREATE TYPE "Shop".pair AS (n int, t text); CREATE TYPE "Shop".colour AS ENUM ('red', 'blue');
CREATE TABLE "Shop".orders (
    id int PRIMARY KEY, email text UNIQUE, total numeric(12, 2), paid bool DEFAULT false, tags text[],
    extra jsonb, made timestamptz, day date, body bytea, "we""ird" text, wait interval
);
"""


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as one:
        yield one


def to(server: PostgresServer, **fields: Any) -> PostgresConnection:
    parts = urlsplit(server.url)
    base = {
        "host": parts.hostname, "port": parts.port or 5432, "database": parts.path[1:], "tls": "none",
        "user": unquote(parts.username or ""), "password": unquote(parts.password or "") or PASSWORD,
    }  # fmt: skip
    return PostgresConnection.model_validate(base | fields)


@pytest.fixture
async def act(server: PostgresServer, make_call: MakeCall) -> AsyncIterator[Acting]:
    await server.execute(TABLES)
    yield Acting("postgres", make_call, to(server))
    await server.execute('DROP SCHEMA "Shop" CASCADE')


async def rows(act: Acting, columns: str = "id, email") -> Any:
    return (await act("query", sql=f'SELECT {columns} FROM "Shop".orders ORDER BY id'))["rows"]


async def test_rows_are_read_up_to_the_limit_and_it_is_said_that_there_are_more(act: Acting) -> None:
    read = await act("query", sql="SELECT n FROM generate_series(1, $1) n", params=[5], limit=3)
    all_of_them = await act("query", sql="SELECT n FROM generate_series(1, $1) n", params=[3], limit=3)

    assert read == {"rows": [{"n": 1}, {"n": 2}, {"n": 3}], "count": 3, "more": True}
    assert all_of_them["more"] is False


async def test_every_kind_of_value_goes_in_and_comes_back_as_json(act: Acting, files: Any) -> None:
    kept = await files.save(b"\x00\xff", filename="a", content_type="x/y")
    row = {
        "id": 1, "email": "ann@example.com", "total": "19.90", "paid": True, "tags": ["a", None, "b,c"],
        "extra": {"deep": [1, None]}, "made": "2024-03-01T12:00:00Z", "day": "2024-02-29", "body": kept,
        'we"ird': "'; DROP TABLE orders; --", "wait": "90m",
    }  # fmt: skip

    inserted = await act("insert", table="Shop.orders", values=row)

    assert inserted == {
        "rows_affected": 1,
        "row": row | {"total": 19.9, "made": "2024-03-01T12:00:00+00:00", "body": "AP8=", "wait": 5400.0},
    }


@pytest.mark.parametrize(
    ("expression", "gives"),
    [
        ("12345678901234.25::numeric", "12345678901234.25"),
        ("'NaN'::numeric", "NaN"),
        ("1e-400::numeric", "1E-400"),
        ("'infinity'::float8", "inf"),
        ("'infinity'::timestamptz", "infinity"),
        ("'-infinity'::date", "-infinity"),
        ("'2024-01-01 10:00'::timestamp", "2024-01-01T10:00:00"),
        ("'10:00'::time", "10:00:00"),
        ("'5b2f6b1e-0d5c-4f4e-8c38-6b6f7a9fd7a1'::uuid", "5b2f6b1e-0d5c-4f4e-8c38-6b6f7a9fd7a1"),
        ("'10.0.0.1'::inet", "10.0.0.1"),
        ("int4range(1, 5)", {"lower": 1, "upper": 5, "bounds": "[)"}),
        ("'empty'::int4range", {"empty": True}),
        ("point(1, 2)", [1.0, 2.0]),
        ("ROW(1, 'a'::text)", [1, "a"]),
        ("""ROW(1, 'a')::"Shop".pair""", {"n": 1, "t": "a"}),
        ("""'red'::"Shop".colour""", "red"),
        ("B'101'", "101"),
        ("ARRAY['{\"a\": 1}'::jsonb]", [{"a": 1}]),
        ("'[1]'::json", [1]),
        ("NULL::jsonb", None),
    ],
)
async def test_what_json_has_no_form_for_is_written_down(act: Acting, expression: str, gives: Any) -> None:
    assert (await act("query", sql=f"SELECT {expression} AS x"))["rows"] == [{"x": gives}]


@pytest.mark.parametrize(
    ("kind", "value", "gives"),
    [
        ("int", "12", 12), ("int", 3.0, 3), ("float8", 2, 2.0), ("numeric", 0.1, 0.1),
        ("bool", "false", False), ('"Shop".colour', "blue", "blue"),
        ("text", 7, "7"), ("text", {"a": 1}, '{"a":1}'), ("jsonb", "x", "x"), ("jsonb", [1], [1]),
        ("date", "2024-05-06T07:08:09Z", "2024-05-06"),
        ("timestamp", "2024-05-06T02:00+02:00", "2024-05-06T00:00:00"),
        ("timestamptz", "2024-05-06", "2024-05-06T00:00:00+00:00"), ("timestamptz", "infinity", "infinity"),
        ("interval", 90, 90.0), ("bytea", "AP8=", "AP8="), ("int[]", [1, "2"], [1, 2]),
        ("time", "10:00", "10:00:00"),
        ("uuid", "5b2f6b1e-0d5c-4f4e-8c38-6b6f7a9fd7a1", "5b2f6b1e-0d5c-4f4e-8c38-6b6f7a9fd7a1"),
        ("int", None, None),
    ],
)  # fmt: skip
async def test_a_value_of_json_fits_the_type(act: Acting, kind: str, value: Any, gives: Any) -> None:
    read = await act("query", sql=f"SELECT $1::{kind} AS x", params=[value])

    assert read["rows"] == [{"x": gives}]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("int", "x"), ("int", 1.5), ("int", True), ("int", 2**40), ("numeric", "x"), ("bool", "yes"),
        ("date", 5), ("date", "tomorrow"), ("text", "a\0b"), ("bytea", "#"), ("int[]", 1), ("uuid", "x"),
        ("interval", "soon"), ("float8", True), ("inet", "x"),
    ],
)  # fmt: skip
async def test_a_value_of_another_type_is_refused(act: Acting, kind: str, value: Any) -> None:
    with pytest.raises(Rejected, match=r"\$1"):
        await act("query", sql=f"SELECT $1::{kind} AS x", params=[value])


async def test_names_stand_for_values_but_not_in_texts_comments_casts_and_slices() -> None:
    sql = "SELECT ':a', \":a\", E'\\':a', $$:a$$, x::a, y[1:a], :a, :b, :a -- :a\n/* :a */"

    assert numbered(sql, {"a": 1, "b": 2, "c": 3}) == (
        "SELECT ':a', \":a\", E'\\':a', $$:a$$, x::a, y[1:a], $1, $2, $1 -- :a\n/* :a */",
        [1, 2],
    )
    with pytest.raises(Rejected, match="the SQL has :nope, but params has no nope; given are: a"):
        numbered("SELECT :nope", {"a": 1})


@pytest.mark.parametrize("sql", ["SHOW timezone", "EXPLAIN SELECT 1", "VALUES (1), (2)", "TABLE pg_roles"])
async def test_whatever_gives_rows_can_be_read(act: Acting, sql: str) -> None:
    assert (await act("query", sql=sql, limit=1))["count"] == 1


@pytest.mark.parametrize("verb", ["query", "execute"])
@pytest.mark.parametrize(
    "sql",
    ["COPY pg_class TO STDOUT", 'COPY "Shop".orders FROM STDIN', " ", "-- nothing", "COMMIT", "NOTIFY x"],
)
async def test_what_gives_no_rows_ends_at_once(act: Acting, verb: str, sql: str) -> None:
    with contextlib.suppress(Rejected):
        assert (await act(verb, sql=sql, timeout_seconds=5))["rows"] == []


async def test_a_value_never_becomes_sql(act: Acting) -> None:
    evil = 'x\'; DROP TABLE "Shop".orders; --'
    await act("insert", table="Shop.orders", values={"id": 1, "email": evil})
    read = await act("query", sql='SELECT id FROM "Shop".orders WHERE email = :email', params={"email": evil})

    assert read["rows"] == [{"id": 1}]
    with pytest.raises(Rejected, match="does not exist"):
        await act("insert", table='Shop"."orders', values={"id": 2})
    with pytest.raises(Rejected, match="42703"):
        await act("insert", table="Shop.orders", values={'id") VALUES (9); --': 2})
    assert await rows(act) == [{"id": 1, "email": evil}]


async def test_a_reading_step_can_change_nothing(act: Acting) -> None:
    with pytest.raises(Rejected, match=r"25006\); postgres.query only reads; use postgres.execute"):
        await act("query", sql='INSERT INTO "Shop".orders (id) VALUES (1)')
    with pytest.raises(Rejected, match="one statement at a time"):
        await act("query", sql="COMMIT; DROP TABLE orders")
    assert await rows(act) == []


async def test_changes_are_counted_and_their_rows_given(act: Acting) -> None:
    made = await act(
        "execute",
        sql='INSERT INTO "Shop".orders (id) SELECT n FROM generate_series(1, :n) n RETURNING id',
        params={"n": 2},
    )
    changed = await act("execute", sql='UPDATE "Shop".orders SET paid = true WHERE id > $1', params=[0])
    gone = await act("execute", sql='DELETE FROM "Shop".orders WHERE id = 7')
    other = await act("execute", sql='CREATE TABLE "Shop".other ()')

    assert made == {"rows_affected": 2, "rows": [{"id": 1}, {"id": 2}]}
    assert changed == {"rows_affected": 2, "rows": []}
    assert gone["rows_affected"] == other["rows_affected"] == 0


async def test_a_row_that_is_there_fails_is_left_or_is_updated(act: Acting) -> None:
    row = {"id": 1, "email": "ann@example.com"}
    await act("insert", table="Shop.orders", values=row)

    with pytest.raises(Rejected, match=r"Key \(id\)=\(1\) already exists.* \(23505\)"):
        await act("insert", table="Shop.orders", values=row)
    left = await act("insert", table="Shop.orders", values=row | {"email": "b"}, on_conflict="ignore")
    same = await act("insert", table="Shop.orders", values={"id": 1}, on_conflict="update", keys=["id"])
    new = await act(
        "insert", table="Shop.orders", values=row | {"paid": True}, on_conflict="update", keys=["id"]
    )

    assert left == {"rows_affected": 0, "row": None}
    assert same["row"]["email"] == "ann@example.com"
    assert (new["rows_affected"], new["row"]["paid"]) == (1, True)
    with pytest.raises(Rejected, match="exactly the columns of a unique constraint"):
        await act("insert", table="Shop.orders", values=row, on_conflict="update", keys=["paid"])


def test_what_is_done_after_a_crash_depends_on_whether_twice_is_once() -> None:
    def rule(name: str, **inputs: Any) -> str:
        action = connectors.action(name)
        assert action
        return action.crash_rule(action.read_input(inputs))

    assert rule("postgres.query", sql="SELECT 1") == "repeat"
    assert rule("postgres.execute", sql="x") == "stop"
    assert rule("postgres.execute", sql="x", repeatable=True) == "repeat"
    assert rule("postgres.insert", table="t", values={"a": 1}) == "stop"
    assert rule("postgres.insert", table="t", values={"a": 1}, on_conflict="ignore") == "repeat"


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"sql": "SELECT $1::int AS x"}, "the SQL has 1 parameters, and params has 0"),
        ({"sql": "SELECT 1 AS x", "params": [1]}, "has 0 parameters, and params has 1"),
        ({"sql": "SELEC 1"}, r"syntax error .*at character 1 of the SQL \(42601\)"),
        ({"sql": "SELECT 1 AS a, 2 AS a"}, 'two columns are called "a"'),
        ({"sql": "SELECT 1/0 AS x"}, r"division by zero \(22012\)"),
        ({"sql": "VACUUM"}, "25001|cannot run in a transaction|25006"),
        (
            {"sql": "SELECT '0044-03-15 BC'::date AS x"},
            "has no form here: .*cast it in the SQL",
        ),
    ],
)
async def test_what_is_wrong_with_a_statement_is_said(act: Acting, inputs: Any, says: str) -> None:
    with pytest.raises(Rejected, match=says):
        await act("query", **inputs)


async def test_a_slow_statement_ends_in_time_and_has_done_nothing(
    act: Acting, server: PostgresServer
) -> None:
    with pytest.raises(Unavailable, match=r"statement timeout.*\(57014\); nothing was changed"):
        await act(
            "execute",
            timeout_seconds=0.8,
            sql='WITH n AS (INSERT INTO "Shop".orders (id) VALUES (1)) SELECT pg_sleep(20)',
        )
    assert await rows(act) == []


async def test_a_deadlock_or_a_server_that_ends_is_tried_again(act: Acting) -> None:
    raising = "DO $$ BEGIN RAISE EXCEPTION 'boom' USING ERRCODE = '%s'; END $$"
    for state in ("40P01", "40001", "53300", "57P01", "55P03", "58030"):
        with pytest.raises(Unavailable):
            await act("execute", sql=raising % state)
    for state in ("28000", "3D000"):
        with pytest.raises(ConnectionRejected):
            await act("execute", sql=raising % state)


async def test_a_backend_that_is_killed_has_changed_nothing(act: Acting) -> None:
    with pytest.raises(Unavailable, match="the connection broke; nothing was changed"):
        await act("execute", sql="SELECT pg_terminate_backend(pg_backend_pid())")


async def test_a_connection_that_breaks_during_the_commit_leaves_the_outcome_open(
    act: Acting, server: PostgresServer, make_call: MakeCall
) -> None:
    async with cutting_proxy(urlsplit(server.url).port or 5432) as proxy:
        proxy.cuts = True
        through = Acting("postgres", make_call, to(server, host="127.0.0.1", port=proxy.port))
        with pytest.raises(OutcomeUnknown, match="the connection broke during the commit"):
            await through("execute", sql='INSERT INTO "Shop".orders (id) VALUES (1)')
    assert [one["id"] for one in await rows(act)] == [1]  # it had happened


async def test_a_server_that_is_away_or_silent_is_unavailable(
    server: PostgresServer, make_call: MakeCall
) -> None:
    away = Acting("postgres", make_call, to(server, host="127.0.0.1", port=unused_port()))
    with pytest.raises(Unavailable, match=r"no connection to 127\.0\.0\.1"):
        await away("query", sql="SELECT 1 AS x")
    for tls in ("none", "verify"):
        async with RawPeer(hang) as peer:
            silent = Acting("postgres", make_call, to(server, host="127.0.0.1", port=peer.port, tls=tls))
            with pytest.raises(Unavailable, match=r"did not answer within 0.3 s"):
                await silent("query", timeout_seconds=0.3, sql="SELECT 1 AS x")


async def test_a_call_that_is_cancelled_leaves_no_task_behind(act: Acting) -> None:
    before = asyncio.all_tasks()
    task = asyncio.create_task(act("query", sql="SELECT pg_sleep(20) AS x"))
    while not (
        await act("query", sql="SELECT 1 AS x FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(20) %'")
    )["rows"]:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    while asyncio.all_tasks() - before:
        await asyncio.sleep(0)


async def test_a_user_or_database_that_is_not_there_is_the_connections_fault(
    server: PostgresServer, make_call: MakeCall
) -> None:
    for fields, says in (({"user": "nobody_here"}, "nobody_here"), ({"database": "nope"}, "nope")):
        connection = to(server, **fields)
        with pytest.raises(ConnectionRejected, match=rf"{says}.*mend user, password or database") as caught:
            await connection.test(make_call(connection))
        assert PASSWORD not in str(caught.value) + repr(connection)


async def test_the_test_says_who_we_are(server: PostgresServer, make_call: MakeCall) -> None:
    connection = to(server)

    said = await connection.test(make_call(connection))

    assert said.endswith(f"lets {connection.user} in")
    assert f"the database {connection.database} at {connection.host}:{connection.port} (PostgreSQL 1" in said


async def test_a_server_without_encryption_is_not_used_where_it_is_wanted(
    server: PostgresServer, make_call: MakeCall
) -> None:
    for tls in ("verify", "unverified"):
        connection = to(server, tls=tls)
        with pytest.raises(ConnectionRejected, match="offers no encryption; set tls to none"):
            await connection.test(make_call(connection))


async def test_no_address_is_connected_to_that_the_guard_does_not_let_pass(server: PostgresServer) -> None:
    outbound = Outbound()
    connection = to(server, host="localhost")
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
        PostgresConnection.model_validate({"host": host, "database": "d", "user": "u"})


async def test_tables_can_be_chosen(act: Acting) -> None:
    assert ("Shop.orders", "Shop.orders") in (await act.choose("insert.table"))[0]
    assert await act.choose("insert.table", "RDER") == ([("Shop.orders", "Shop.orders")], None)


async def test_the_certificate_is_checked_against_the_host_that_the_connection_names(
    server: PostgresServer, make_call: MakeCall, tmp_path: Path
) -> None:
    if server._data is None:
        pytest.skip("the server of TEST_DATABASE_URL is not ours to give a certificate to")
    tls, key = server._data / "server.crt", server._data / "server.key"
    identity = issue(tmp_path, "server")
    for made, placed in ((identity.certificate_path, tls), (identity.key_path, key)):
        shutil.copyfile(made, placed)
        shutil.copystat(server._data / "PG_VERSION", placed)
        owner = (server._data / "PG_VERSION").stat()
        os.chown(placed, owner.st_uid, owner.st_gid)
        placed.chmod(0o600)
    await server.execute("ALTER SYSTEM SET ssl = on", "SELECT pg_reload_conf()")
    plain = to(server)
    act = Acting("postgres", make_call, plain)
    while (await act("query", sql="SELECT current_setting('ssl') AS x"))["rows"] != [{"x": "on"}]:
        pass
    encrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"

    for fields in ({"tls": "verify", "ca_certificate": identity.pem}, {"tls": "unverified"}):
        through = Acting("postgres", make_call, to(server, host="127.0.0.1", **fields))
        assert (await through("query", sql=encrypted))["rows"] == [{"ssl": True}]
    for fields in ({}, {"host": "localhost", "ca_certificate": identity.pem}):
        connection = to(server, **{"tls": "verify", "host": "127.0.0.1", **fields})
        with pytest.raises(ConnectionRejected, match=r"cannot be trusted: .*mend the host, tls or ca"):
            await connection.test(make_call(connection))
    await server.execute("ALTER SYSTEM RESET ssl", "SELECT pg_reload_conf()")


def test_without_the_driver_it_is_said_what_to_install() -> None:
    code = (
        "import sys; sys.modules['asyncpg'] = None\n"
        "import connectors; connectors.action('postgres.query')\n"
        "from connectors.postgres.access import driver\n"
        "try: driver()\nexcept Exception as e: print(e)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "pip install 'hookline[postgres]'" in shown.stdout
