"""`mysql.*`, against a real MariaDB."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import asyncmy
import pytest
import uvloop
from pydantic import ValidationError

import connectors
from connectors.mysql.access import MysqlConnection
from connectors.mysql.sql import marked
from connectors.mysql.values import to_json
from runner.connector import Call
from runner.errors import ConnectionRejected, OutcomeUnknown, Rejected, TimedOut, Unavailable
from runner.outbound import Outbound
from tests.connectors.acting import Acting
from tests.servers.cutting_proxy import cutting_proxy
from tests.servers.mariadb import PASSWORD, MariaServer, mariadb_server
from tests.servers.raw_peer import RawPeer, hang, unused_port

MakeCall = Callable[..., Call]
ORDERS = """
CREATE TABLE orders (
    id INT AUTO_INCREMENT PRIMARY KEY, email VARCHAR(100) UNIQUE, total DECIMAL(20, 4), paid BOOL DEFAULT 0,
    extra JSON, made DATETIME(3), seen TIMESTAMP(6) NULL, day DATE, body VARBINARY(50), note TEXT,
    rate DOUBLE, kind ENUM('a', 'b')
) CHARACTER SET utf8mb4
"""
TABLES = (
    "DROP TABLE IF EXISTS orders, counts, `we``ird`, plain",
    ORDERS,
    "CREATE TABLE counts (name VARCHAR(20), day DATE, n BIGINT UNSIGNED, UNIQUE KEY (name, day))",
    "CREATE TABLE `we``ird` (`a b` INT, `c``d` TEXT)",
    "CREATE TABLE plain (a INT) ENGINE = MyISAM",
)


@pytest.fixture(scope="module")
def server() -> Iterator[MariaServer]:
    try:
        with mariadb_server() as one:
            yield one
    except LookupError as reason:
        pytest.skip(str(reason))


def to(server: MariaServer, **fields: Any) -> MysqlConnection:
    base = {
        "host": "127.0.0.1", "port": server.port, "database": "shop", "user": "shop", "password": PASSWORD,
        "tls": "none",
    }  # fmt: skip
    return MysqlConnection.model_validate(base | fields)


@pytest.fixture
async def act(server: MariaServer, make_call: MakeCall) -> Acting:
    await directly(server, *TABLES)
    return Acting("mysql", make_call, to(server))


async def client(server: MariaServer) -> Any:
    """A connection without our connector."""
    return await asyncmy.connect(
        host="127.0.0.1", port=server.port, user="shop", password=PASSWORD.encode(), database="shop"
    )


async def directly(server: MariaServer, *statements: str) -> None:
    """Run statements without our connector."""
    wire = await client(server)
    for one in statements:
        await wire.query(one)
    await wire.ensure_closed()


async def rows(act: Acting, columns: str = "id, email") -> Any:
    return (await act("query", sql=f"SELECT {columns} FROM orders ORDER BY id"))["rows"]


async def test_rows_are_read_up_to_the_limit_and_it_is_said_that_there_are_more(act: Acting) -> None:
    for tail in ("", " LIMIT 5"):
        read = await act("query", sql=f"SELECT seq AS n FROM seq_1_to_5{tail}", limit=3)
        assert read == {"rows": [{"n": 1}, {"n": 2}, {"n": 3}], "count": 3, "more": True}
    all_of_them = await act(
        "query", sql="SELECT seq AS n FROM seq_1_to_5 WHERE seq <= ?", params=[3], limit=3
    )
    assert all_of_them["more"] is False


async def test_every_kind_of_value_goes_in_and_comes_back_as_json(act: Acting, files: Any) -> None:
    kept = await files.save(b"\x00\xff", filename="a", content_type="x/y")
    row = {
        "email": "ann@example.com", "total": "19.90", "paid": True, "extra": {"deep": [1, None, "ü"]},
        "made": "2024-03-01T12:00:00.250+02:00", "seen": "2024-03-01T12:00:00Z",
        "day": "2024-02-29T23:00:00Z", "body": kept, "note": "'; DROP TABLE orders; -- \\ \0 💥",
        "rate": 0.1, "kind": "b",
    }  # fmt: skip

    inserted = await act("insert", table="orders", values=row)
    found = await act("find", table="orders", where={"id": inserted["last_id"]})

    assert inserted == {"rows_affected": 1, "last_id": 1}
    assert found["rows"] == [
        row | {
            "id": 1, "total": 19.9, "paid": 1, "extra": '{"deep":[1,null,"ü"]}', "body": "AP8=",
            "made": "2024-03-01T10:00:00.250000", "seen": "2024-03-01T12:00:00+00:00", "day": "2024-02-29",
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "gives"),
    [
        ("CAST('12345678901234.25' AS DECIMAL(30, 2))", "12345678901234.25"),
        ("CAST(1.5 AS DECIMAL(3, 1))", 1.5),
        ("18446744073709551615", 18446744073709551615),
        ("-9223372036854775807", -9223372036854775807),
        ("CAST(0.1 AS FLOAT)", 0.1),
        ("1e300", 1e300),
        ("CAST('0000-00-00' AS DATE)", None),
        ("CAST('2024-01-01 10:00' AS DATETIME)", "2024-01-01T10:00:00"),
        ("CAST('0001-01-01' AS DATE)", "0001-01-01"),
        ("TIME('-838:59:58.5')", "-838:59:58.500000"),
        ("TIME('10:00')", "10:00:00"),
        ("x'00ff'", "AP8="),
        ("'ü💥'", "ü💥"),
        ("TRUE", 1),
        ("NULL", None),
        ("''", ""),
        ("CAST('::1' AS INET6)", "::1"),
        ("@@SESSION.time_zone", "+00:00"),
    ],
)
async def test_what_json_has_no_form_for_is_written_down(act: Acting, expression: str, gives: Any) -> None:
    assert (await act("query", sql=f"SELECT {expression} AS x"))["rows"] == [{"x": gives}]


def test_what_only_mysql_has_is_written_down_too() -> None:
    assert to_json('{"a": [1]}', 245) == {"a": [1]}  # its JSON has a type of its own
    assert to_json(b"\x01\x01", 16) == 257  # BIT(9)


@pytest.mark.parametrize(
    ("value", "gives"),
    [
        (12, 12), (2**64 - 1, 2**64 - 1), (10**30, str(10**30)), (0.5, 0.5), ("ü", "ü"), (True, 1),
        ({"a": [1]}, '{"a":[1]}'), ([1, "x"], '[1,"x"]'), (None, None), ("", ""),
    ],
)  # fmt: skip
async def test_a_parameter_is_what_json_says(act: Acting, value: Any, gives: Any) -> None:
    read = await act("query", sql="SELECT ? AS x", params=[value])

    assert read["rows"] == [{"x": gives}]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"total": "x"}, r"Incorrect decimal value: 'x'.*\(1366\)"),
        ({"total": 1e17}, r"Out of range value.*\(1264\)"),
        ({"email": "x" * 101}, r"Data too long for column 'email'.*\(1406\)"),
        ({"made": "tomorrow"}, r"\(1292\); a time is written as 2024-03-01 12:00:00, in UTC"),
        ({"kind": "z"}, r"Data truncated for column 'kind'.*\(1265\)"),
        ({"body": "#"}, "body holds bytes, and the value is neither base64 nor a file"),
        ({"body": 5}, "body holds bytes"),
        ({"extra": "{"}, r"\(4025\)"),
        ({"nope": 1}, "orders has no column nope; there are id, email, total"),
        ({"id": None, "email": 5, "day": True}, r"Incorrect date value.*\(1292\)"),
    ],
)
async def test_a_value_that_does_not_fit_is_refused_and_nothing_is_cut(
    act: Acting, values: Any, says: str
) -> None:
    with pytest.raises(Rejected, match=says):
        await act("insert", table="orders", values=values)
    assert await rows(act) == []


def test_names_stand_for_values_but_not_in_texts_and_comments() -> None:
    sql = "SELECT ':a', \":a\", 'it''s \\' :a', `:a`, @x := 1, :a, :b, :a -- :a\n # :a\n/* :a */ , 5--:b"

    assert marked(sql, {"a": 1, "b": 2, "c": 3}) == (
        "SELECT ':a', \":a\", 'it''s \\' :a', `:a`, @x := 1, ?, ?, ? -- :a\n # :a\n/* :a */ , 5--?",
        [1, 2, 1, 2],
    )
    with pytest.raises(Rejected, match="the SQL has :nope, but params has no nope; given are: a"):
        marked("SELECT :nope", {"a": 1})


async def test_a_value_never_becomes_sql(act: Acting) -> None:
    evil = "x'; DROP TABLE orders; -- \\"
    await act("insert", table="orders", values={"email": evil})
    read = await act("query", sql="SELECT id FROM orders WHERE email = :email", params={"email": evil})

    assert read["rows"] == [{"id": 1}]
    assert (await act("find", table="orders", where={"email": evil}))["count"] == 1
    with pytest.raises(Rejected, match="has no table"):
        await act("insert", table="orders` (id) VALUES (1); --", values={"id": 2})
    with pytest.raises(Rejected, match="has no column"):
        await act("insert", table="orders", values={"id`) VALUES (9); --": 2})
    with pytest.raises(Rejected, match="1054"):
        await act("find", table="orders", order_by=["id` DESC; --"])
    assert await rows(act) == [{"id": 1, "email": evil}]


async def test_names_of_any_kind_are_quoted(act: Acting) -> None:
    await act("insert", table="we`ird", values={"a b": 1, "c`d": "x"})
    changed = await act("update", table="shop.we`ird", where={"A B": 1}, values={"c`d": "y"})

    assert changed["rows_affected"] == 1
    assert (await act("find", table="we`ird", columns=["c`d"]))["rows"] == [{"c`d": "y"}]
    for name in ("", "a\0", "a ", "x" * 65):
        with pytest.raises(Rejected, match="cannot be the name of a table or column"):
            await act("find", table="orders", columns=[name])


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO orders (id) VALUES (1)", "DROP TABLE orders", "INSERT INTO plain VALUES (1)",
        "TRUNCATE orders", "ALTER TABLE orders DROP note", "RENAME TABLE orders TO other",
        "DELETE FROM orders", "CREATE TABLE other (a INT)",
        "BEGIN NOT ATOMIC COMMIT; INSERT INTO plain VALUES (1); END",
    ],
)  # fmt: skip
async def test_a_reading_step_can_change_nothing(act: Acting, sql: str) -> None:
    with pytest.raises(Rejected, match=r"\(1792\); mysql.query only reads; use mysql.execute"):
        await act("query", sql=sql)
    with pytest.raises(Rejected, match="one statement at a time"):
        await act("query", sql=f"COMMIT; {sql}")
    assert await rows(act, "id, note") == (await act("find", table="plain"))["rows"] == []


@pytest.mark.parametrize("sql", ["SHOW TABLES", "EXPLAIN SELECT 1", "VALUES (1), (2)", "DESCRIBE orders"])
async def test_whatever_gives_rows_can_be_read(act: Acting, sql: str) -> None:
    assert (await act("query", sql=sql, limit=1))["count"] == 1


@pytest.mark.parametrize("verb", ["query", "execute"])
@pytest.mark.parametrize("sql", ["-- nothing", "COMMIT", "DO 1", "SET @a = 1"])
async def test_what_gives_no_rows_ends_at_once(act: Acting, verb: str, sql: str) -> None:
    assert (await act(verb, sql=sql, timeout_seconds=5))["rows"] == []


async def test_no_file_is_read_for_the_server(act: Acting) -> None:
    with pytest.raises(Rejected, match="local infile"):
        await act("execute", sql="LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE orders (note)")


async def test_changes_are_counted_and_their_rows_given(act: Acting) -> None:
    made = await act(
        "execute",
        sql="INSERT INTO orders (email) VALUES (:a), (:b) RETURNING id",
        params={"a": "a", "b": "b"},
    )
    changed = await act("execute", sql="UPDATE orders SET paid = 1 WHERE id > ?", params=[0])
    same = await act("execute", sql="UPDATE orders SET paid = 1 WHERE id > ?", params=[0])
    other = await act("execute", sql="CREATE TABLE other (a INT)")
    await act("execute", sql="DROP TABLE other")

    assert made["rows"] == [{"id": 1}, {"id": 2}]
    assert (made["rows_affected"], changed["rows_affected"], same["rows_affected"]) == (2, 2, 0)
    assert other == {"rows_affected": 0, "last_id": None, "rows": []}


async def test_rows_go_in_together_or_not_at_all(act: Acting) -> None:
    three = [{"email": one, "total": 1} for one in "abc"]
    assert await act("insert", table="orders", values=three) == {"rows_affected": 3, "last_id": 1}

    with pytest.raises(Rejected, match=r"Duplicate entry 'a' for key 'email' \(1062\)"):
        await act("insert", table="orders", values=[{"email": "d"}, {"email": "a"}])
    with pytest.raises(Rejected, match=r"values\[1\] has other columns than values\[0\], which has email"):
        await act("insert", table="orders", values=[{"email": "d"}, {"total": 1}])
    left = await act("insert", table="orders", values=[{"email": "d"}, {"email": "a"}], leave_existing=True)

    assert left["rows_affected"] == 1
    assert [one["email"] for one in await rows(act)] == ["a", "b", "c", "d"]
    with pytest.raises(Rejected, match=r"\(1366\)"):  # leaving what is there is no leave to cut values
        await act("insert", table="orders", values={"total": "x"}, leave_existing=True)


async def test_a_row_is_inserted_or_gets_the_new_values(act: Acting) -> None:
    async def upsert(n: int) -> int:
        row = {"name": "a", "day": "2024-05-06T00:00:00Z", "n": n}
        done = await act("upsert", table="counts", values=row, keys=["DAY", "name"])
        return int(done["rows_affected"])

    assert [await upsert(1), await upsert(1), await upsert(2)] == [1, 0, 2]
    assert (await act("find", table="counts"))["rows"] == [{"name": "a", "day": "2024-05-06", "n": 2}]
    only_keys = {"name": "a", "day": "2024-05-06"}
    kept = await act("upsert", table="counts", values=only_keys, keys=["name", "day"])
    assert kept["rows_affected"] == 0
    with pytest.raises(Rejected, match="no primary or unique key of exactly name; there are: day, name"):
        await act("upsert", table="counts", values=only_keys, keys=["name"])
    with pytest.raises(Rejected, match="values: the key column day is missing"):
        await act("upsert", table="counts", values={"name": "a"}, keys=["name", "day"])


async def test_rows_are_found_and_changed_by_their_values(act: Acting) -> None:
    emails = ["a", "b", "c"]
    await act(
        "insert", table="orders", values=[{"email": one, "made": "2024-01-01T00:00:00Z"} for one in emails]
    )

    async def found(**inputs: Any) -> list[Any]:
        read = await act("find", table="orders", columns=["email"], **inputs)
        return [one["email"] for one in read["rows"]]

    assert await found(where={"email": ["a", "c"]}, order_by=["-email"]) == ["c", "a"]
    assert (
        await found(where={"note": None, "made": "2024-01-01T01:00:00+01:00"}, order_by=["paid", "id"])
        == emails
    )
    assert await found(where={"email": "x"}) == []
    assert (await act("find", table="orders", limit=2))["more"] is True
    with pytest.raises(Rejected, match=r"where\.email: the list is empty"):
        await act("find", table="orders", where={"email": []})

    changed = await act(
        "update", table="orders", where={"email": ["a", "b"]}, values={"note": None, "paid": True}
    )
    assert changed == {"rows_affected": 2, "last_id": None}
    assert await found(where={"paid": True}, order_by=["id"]) == ["a", "b"]
    with pytest.raises(Rejected, match="at least 1"):  # never all rows by mistake
        await act("update", table="orders", where={}, values={"paid": True})


def test_what_is_done_after_a_crash_depends_on_whether_twice_is_once() -> None:
    def rule(name: str, **inputs: Any) -> str:
        action = connectors.action(name)
        assert action
        return action.crash_rule(action.read_input(inputs))

    assert rule("mysql.query", sql="SELECT 1") == "repeat"
    assert rule("mysql.execute", sql="x") == "stop"
    assert rule("mysql.execute", sql="x", repeatable=True) == "repeat"
    assert rule("mysql.insert", table="t", values={"a": 1}) == "stop"
    assert rule("mysql.insert", table="t", values=[{"a": 1}], leave_existing=True) == "repeat"
    assert rule("mysql.upsert", table="t", values={"a": 1}, keys=["a"]) == "repeat"
    assert rule("mysql.update", table="t", values={"a": 1}, where={"a": 1}) == "repeat"


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"sql": "SELECT ? AS x"}, "the SQL has 1 parameters, and params has 0"),
        ({"sql": "SELECT 1 AS x", "params": [1]}, "has 0 parameters, and params has 1"),
        ({"sql": "SELEC 1"}, r"error in your SQL syntax.*\(1064\); one statement at a time"),
        ({"sql": " "}, r"Query was empty \(1065\)"),
        ({"sql": "SELECT 1 AS a, 2 AS a"}, 'two columns are called "a"'),
        ({"sql": "SELECT nope FROM orders"}, r"Unknown column 'nope' .*\(1054\)"),
        ({"sql": "SELECT 1 FROM nope"}, r"Table 'shop.nope' doesn't exist \(1146\)"),
        ({"sql": "SELECT ? AS x", "params": [0] * 65_536}, "65,536 parameters; a statement takes 65,535"),
    ],
)
async def test_what_is_wrong_with_a_statement_is_said(act: Acting, inputs: Any, says: str) -> None:
    with pytest.raises(Rejected, match=says):
        await act("query", **inputs)


async def test_a_right_that_the_user_lacks_is_named(
    act: Acting, server: MariaServer, make_call: MakeCall
) -> None:
    reader = Acting("mysql", make_call, to(server, user="reader"))
    assert (await reader("find", table="orders"))["rows"] == []
    with pytest.raises(Rejected, match=r"INSERT command denied to user 'reader'.*the user needs that right"):
        await reader("insert", table="orders", values={"email": "a"})


async def test_what_is_too_large_ends_the_call(act: Acting) -> None:
    huge = "SELECT REPEAT('x', 10000000) AS x FROM seq_1_to_20"
    with pytest.raises(Rejected, match="sent more than 32 MiB; ask for fewer rows or columns"):
        await act("query", sql=huge, timeout_seconds=30)


async def test_a_slow_statement_ends_in_time_and_has_done_nothing(act: Acting) -> None:
    slow = "INSERT INTO orders (email) SELECT 'a' FROM seq_1_to_1 WHERE SLEEP(20) = 0"
    with pytest.raises(Unavailable, match=r"max_statement_time exceeded.*\(1969\); nothing was changed"):
        await act("execute", timeout_seconds=0.8, sql=slow)
    assert await rows(act) == []


async def test_a_lock_that_is_held_too_long_is_waited_for_another_time(
    act: Acting, server: MariaServer
) -> None:
    await act("insert", table="orders", values={"email": "a"})
    holder = await client(server)
    await holder.query("UPDATE orders SET paid = 1 WHERE id = 1")
    # the lock's bound is in whole seconds: 1 of the 1.8 that the statement has
    with pytest.raises(Unavailable, match=r"Lock wait timeout exceeded.*\(1205\); nothing was changed"):
        await act("update", table="orders", where={"id": 1}, values={"note": "x"}, timeout_seconds=2)
    await holder.ensure_closed()


async def test_what_the_server_says_decides_what_is_done_next(act: Acting) -> None:
    async def signalled(number: int, text: str = "boom") -> BaseException:
        sql = f"SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = {number}, MESSAGE_TEXT = '{text}'"
        with pytest.raises((Rejected, Unavailable, OutcomeUnknown)) as caught:
            await act("execute", sql=sql)
        assert text in str(caught.value) or number in {1180, 1927}
        return caught.value

    for number in (1040, 1205, 1213, 1226, 1317, 1836, 3024):
        assert type(await signalled(number)) is Unavailable
    standby = "The MariaDB server is running with the --read-only option"
    assert type(await signalled(1290, standby)) is Unavailable
    for number in (1290, 1062, 1452, 1048, 1045, 1644):
        assert type(await signalled(number)) is Rejected
    for number in (1180, 1927):
        assert type(await signalled(number)) is OutcomeUnknown


async def test_a_day_that_there_is_not_is_said(act: Acting) -> None:
    sql = "SET STATEMENT sql_mode = 'ALLOW_INVALID_DATES' FOR SELECT CAST('2024-02-31' AS DATE) AS x"
    with pytest.raises(Rejected, match=r"has no form here: .*cast it in the SQL"):
        await act("query", sql=sql)


async def test_a_connection_that_is_killed_while_a_statement_runs_leaves_the_outcome_open(
    act: Acting, server: MariaServer
) -> None:
    with pytest.raises(OutcomeUnknown, match="the connection broke while a statement ran"):
        await act("execute", sql="KILL CONNECTION_ID()")
    with pytest.raises(Unavailable, match="the connection broke; nothing was changed"):
        await act("query", sql="KILL CONNECTION_ID()")


async def test_a_connection_that_breaks_during_the_commit_leaves_the_outcome_open(
    act: Acting, server: MariaServer, make_call: MakeCall
) -> None:
    async with cutting_proxy(server.port, b"COMMIT") as proxy:
        proxy.cuts = True
        through = Acting("mysql", make_call, to(server, port=proxy.port))
        with pytest.raises(OutcomeUnknown, match="the connection broke during the commit"):
            await through("insert", table="orders", values={"email": "a"})
    assert [one["email"] for one in await rows(act)] == ["a"]  # it had happened


async def test_a_server_that_is_away_or_silent_is_unavailable(
    server: MariaServer, make_call: MakeCall
) -> None:
    away = Acting("mysql", make_call, to(server, port=unused_port()))
    with pytest.raises(Unavailable, match=r"no connection to 127\.0\.0\.1"):
        await away("query", sql="SELECT 1 AS x")
    for tls in ("none", "verify"):
        async with RawPeer(hang) as peer:
            silent = Acting("mysql", make_call, to(server, port=peer.port, tls=tls))
            with pytest.raises(Unavailable, match=r"did not answer within 0.3 s"):
                await silent("query", timeout_seconds=0.3, sql="SELECT 1 AS x")


async def test_a_change_that_is_not_answered_may_have_happened(
    act: Acting, server: MariaServer, make_call: MakeCall
) -> None:
    async with cutting_proxy(server.port, b"COMMIT") as proxy:
        proxy.silences = True
        through = Acting("mysql", make_call, to(server, port=proxy.port))
        with pytest.raises(TimedOut, match="did not answer within 1 s"):
            await through("insert", table="orders", values={"email": "a"}, timeout_seconds=1)


async def test_a_call_that_is_cancelled_leaves_no_task_behind(act: Acting) -> None:
    before = asyncio.all_tasks()
    task = asyncio.create_task(act("query", sql="SELECT SLEEP(20) AS x"))
    running = "SELECT 1 AS x FROM information_schema.PROCESSLIST WHERE INFO = 'SELECT SLEEP(20) AS x'"
    while not (await act("query", sql=running))["rows"]:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    while asyncio.all_tasks() - before:
        await asyncio.sleep(0)


async def test_a_user_or_database_that_is_not_there_is_the_connections_fault(
    server: MariaServer, make_call: MakeCall
) -> None:
    for fields, number in (
        ({"user": "nobody_here"}, 1045), ({"password": "wr0ng-passwörd"}, 1045), ({"database": "nope"}, 1044),
        ({"password": ""}, 1045),
    ):  # fmt: skip
        connection = to(server, **fields)
        with pytest.raises(
            ConnectionRejected, match=rf"\({number}\); mend user, password or database"
        ) as caught:
            await connection.test(make_call(connection))
        for secret in (PASSWORD, "wr0ng-passwörd"):
            assert secret not in str(caught.value) + repr(connection)


async def test_the_test_says_who_we_are(server: MariaServer, make_call: MakeCall) -> None:
    connection = to(server)

    said = await connection.test(make_call(connection))

    assert said.startswith(f"the database shop at 127.0.0.1:{server.port} (1")
    assert said.endswith("lets shop@127.0.0.1 in")


@pytest.mark.parametrize(
    "greeting",
    [
        b"220 mail.example.com ESMTP\r\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x05\x00\x00\x00\x0aabcd",
        b"\0" * 9,
    ],
)
async def test_what_speaks_another_protocol_is_the_connections_fault(
    server: MariaServer, make_call: MakeCall, greeting: bytes
) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        await reader.read()

    async with RawPeer(greet) as peer:
        connection = to(server, port=peer.port)
        with pytest.raises(ConnectionRejected, match="does not speak as MySQL does; mend host or port"):
            await connection.test(make_call(connection, 5))


async def test_a_server_that_is_full_is_tried_again(server: MariaServer, make_call: MakeCall) -> None:
    async def full(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = b"\xff\x10\x04Too many connections"
        writer.write(len(said).to_bytes(3, "little") + b"\0" + said)
        await reader.read()

    async with RawPeer(full) as peer:
        connection = to(server, port=peer.port)
        with pytest.raises(Unavailable, match=r"Too many connections \(1040\); nothing was changed"):
            await connection.test(make_call(connection))


async def test_a_password_is_never_sent_in_the_clear(server: MariaServer, make_call: MakeCall) -> None:
    heard = bytearray()

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        low, high = b"\xdf\xf7", b"\x0f\0"  # of what it can; TLS is not among it
        greeting = (
            b"\x0a8.0.30\0" + (1).to_bytes(4, "little") + b"s" * 8 + b"\0"
            + low + b"\x2d\x02\0" + high + b"\x15" + b"\0" * 10
            + b"t" * 12 + b"\0" + b"mysql_native_password\0"
        )  # fmt: skip
        writer.write(len(greeting).to_bytes(3, "little") + b"\0" + greeting)
        heard.extend(await reader.read(4096))
        switch = b"\xfemysql_clear_password\0"
        writer.write(len(switch).to_bytes(3, "little") + b"\2" + switch)
        heard.extend(await reader.read(4096))

    async with RawPeer(ask) as peer:
        connection = to(server, port=peer.port)
        with pytest.raises(ConnectionRejected, match="asks for the password itself"):
            await connection.test(make_call(connection))
    assert b"shop" in heard
    assert PASSWORD.encode() not in heard


async def test_no_address_is_connected_to_that_the_guard_does_not_let_pass(server: MariaServer) -> None:
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
        MysqlConnection.model_validate({"host": host, "database": "d", "user": "u"})


async def test_tables_and_their_columns_can_be_chosen(act: Acting) -> None:
    assert ("we`ird", "we`ird") in (await act.choose("insert.table"))[0]
    assert await act.choose("find.table", "RDER") == ([("orders", "orders")], None)
    assert await act.choose("find.columns", "M", table="counts") == ([("name", "name")], None)
    assert await act.choose("upsert.keys") == ([], None)


async def test_the_certificate_is_checked_against_the_host_that_the_connection_names(
    server: MariaServer, make_call: MakeCall
) -> None:
    encrypted = "SHOW STATUS LIKE 'Ssl_version'"
    own = server.authority.pem

    for fields in ({"tls": "verify", "ca_certificate": own}, {"tls": "unverified"}):
        through = Acting("mysql", make_call, to(server, **fields))
        assert (await through("query", sql=encrypted))["rows"] == [
            {"Variable_name": "Ssl_version", "Value": "TLSv1.3"}
        ]
        huge = "SELECT REPEAT('x', 10000000) AS x FROM seq_1_to_20"
        with pytest.raises(Rejected, match="sent more than 32 MiB"):
            await through("query", sql=huge, timeout_seconds=30)
    for fields in ({}, {"host": "localhost", "ca_certificate": own}):
        connection = to(server, **{"tls": "verify", **fields})
        with pytest.raises(ConnectionRejected, match=r"cannot be trusted: .*mend the host, tls or ca"):
            await connection.test(make_call(connection))
    with pytest.raises(ConnectionRejected, match="ca_certificate is not a certificate in PEM"):
        await Acting("mysql", make_call, to(server, tls="verify", ca_certificate="x"))(
            "query", sql="SELECT 1"
        )


async def test_a_server_without_encryption_is_not_used_where_it_is_wanted(make_call: MakeCall) -> None:
    try:
        with mariadb_server(encrypted=False) as server:
            for tls in ("verify", "unverified"):
                connection = to(server, tls=tls)
                with pytest.raises(
                    ConnectionRejected, match=r"does not agree on encryption .*set tls to none"
                ):
                    await connection.test(make_call(connection))
    except LookupError as reason:
        pytest.skip(str(reason))


def test_the_loop_that_the_server_runs_on_does_as_well(server: MariaServer) -> None:
    async def ask(connection: MysqlConnection) -> str:
        outbound = Outbound(allow=["127.0.0.0/8"])
        call = Call(
            http=outbound.for_call(connection=None, idempotency_key=None, timeout_seconds=5),
            files=None,  # type: ignore[arg-type]
            connect=lambda host, port: outbound.connect(host, port, timeout_seconds=5),
            idempotency_key="",
            timeout_seconds=5,
        )
        said = await connection.test(call)
        await outbound.close()
        return said

    for fields in ({}, {"tls": "verify", "ca_certificate": server.authority.pem}):
        assert uvloop.run(ask(to(server, **fields))).endswith("lets shop@127.0.0.1 in")


def test_without_the_driver_it_is_said_what_to_install() -> None:
    code = (
        "import sys; sys.modules['asyncmy'] = None\n"
        "import connectors; connectors.action('mysql.query')\n"
        "from connectors.mysql.access import driver\n"
        "try: driver()\nexcept Exception as e: print(e)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "pip install 'hookline[mysql]'" in shown.stdout
