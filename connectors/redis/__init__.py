"""
Redis and Valkey: keys, counters, hashes, lists, streams, messages, and `redis.command` for the rest that only
works on data.

Left out is what stops the server or others (KEYS, FLUSHALL, scripts, blocking reads, CONFIG). Sources: Redis'
documentation, "Commands".
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from connectors.redis.access import MENDS, RedisConnection, Word, session
from connectors.redis.commands import READING, REPEATABLE
from connectors.redis.models import (
    Added,
    Answer,
    Command,
    Delete,
    Deleted,
    Entry,
    Expire,
    Found,
    HashGet,
    HashSet,
    Heard,
    Increment,
    Length,
    ListPop,
    ListPush,
    Number,
    Popped,
    Publish,
    Reading,
    Set,
    Stored,
    StreamAdd,
    Value,
    Values,
)
from connectors.redis.values import ReadAs, answered, kept, read
from runner.connector import (
    AfterCrash,
    Call,
    Choice,
    Choices,
    Connector,
    Json,
    Rejected,
    duration_seconds,
    in_brief,
)

redis = Connector("redis", title="Redis", summary="Keys, lists and messages of a Redis or Valkey server.")
redis.connection("redis")(RedisConnection)
redis.explains(MENDS)

SCANNED = 1_000  # keys looked at for a portion of choices


@redis.action(
    example="action: redis.get\nconnection: cache\nwith:\n  key: order:{{ payload.id }}\n  read_as: json\n"
)
async def get(call: Call, connection: RedisConnection, input: Reading) -> Value:  # noqa: A002 - the contract of an action
    """Read the value of a key."""
    async with session(call, connection, changes=False) as database:
        found = await database.run("GET", input.key)
    return Value(value=read(found, input.read_as, in_brief(input.key)), exists=found is not None)


def _set_rule(given: Set) -> AfterCrash:
    # made again it would find what it has set itself, and say that somebody else was first
    return "stop" if given.only_if == "absent" else "repeat"


@redis.action(
    after_crash=_set_rule,
    example="""\
action: redis.set
connection: cache
with:
  key: order:{{ payload.id }}
  value: "{{ payload }}"
  ttl: 1d
""",
)
async def set(call: Call, connection: RedisConnection, input: Set) -> Stored:  # noqa: A001, A002 - the contract of an action
    """Set the value of a key, for a time or forever, and only where there is none if that is said."""
    words: list[Word] = ["SET", input.key, kept(input.value)]
    if input.ttl:
        words += ["PX", _milliseconds(input.ttl)]
    words += {"always": [], "absent": ["NX"], "present": ["XX"]}[input.only_if]
    async with session(call, connection, changes=True) as database:
        return Stored(stored=await database.run(*words) is not None)


@redis.action(example="action: redis.delete\nconnection: cache\nwith:\n  keys: order:{{ payload.id }}\n")
async def delete(call: Call, connection: RedisConnection, input: Delete) -> Deleted:  # noqa: A002 - the contract of an action
    """Take keys away, whatever they hold."""
    keys = input.keys if isinstance(input.keys, list) else [input.keys]
    async with session(call, connection, changes=True) as database:
        return Deleted(deleted=await database.run("DEL", *keys))


@redis.action(
    after_crash="stop",
    example="""\
action: redis.increment
connection: cache
with:
  key: orders-of-{{ payload.customer }}
  ttl: 1h
""",
)
async def increment(call: Call, connection: RedisConnection, input: Increment) -> Number:  # noqa: A002 - the contract of an action
    """Add to a number, from 0."""
    add: list[Word] = ["INCRBY" if isinstance(input.by, int) else "INCRBYFLOAT", input.key, input.by]
    async with session(call, connection, changes=True) as database:
        if input.ttl:
            begin: list[Word] = ["SET", input.key, 0, "PX", _milliseconds(input.ttl), "NX"]
            _begun, value = await database.run_all([begin, add])
        else:
            value = await database.run(*add)
    return Number(value=value if isinstance(value, int) else float(value))


@redis.action(
    example="action: redis.expire\nconnection: cache\nwith:\n  key: session:{{ payload.id }}\n  ttl: 30m\n"
)
async def expire(call: Call, connection: RedisConnection, input: Expire) -> Found:  # noqa: A002 - the contract of an action
    """Let a key go after a time."""
    async with session(call, connection, changes=True) as database:
        done = await database.run("PEXPIRE", input.key, _milliseconds(input.ttl))
    return Found(exists=done == 1)


@redis.action(
    example="""\
action: redis.hash_get
connection: cache
with:
  key: user:{{ payload.user }}
  fields: [name, plan]
""",
)
async def hash_get(call: Call, connection: RedisConnection, input: HashGet) -> Values:  # noqa: A002 - the contract of an action
    """Read fields of a hash, or all of them."""
    async with session(call, connection, changes=False) as database:
        if input.fields:
            found = await database.run("HMGET", input.key, *input.fields)
            pairs = list(zip(input.fields, found, strict=True))
        else:
            found = await database.run("HGETALL", input.key)
            names = [one.decode("utf-8", "replace") for one in found[::2]]
            pairs = list(zip(names, found[1::2], strict=True))
    values = {name: read(value, input.read_as, in_brief(f"{input.key}.{name}")) for name, value in pairs}
    return Values(values=values, exists=any(value is not None for _, value in pairs))


@redis.action(
    example="""\
action: redis.hash_set
connection: cache
with:
  key: user:{{ payload.user }}
  values: {name: "{{ payload.name }}", plan: pro}
""",
)
async def hash_set(call: Call, connection: RedisConnection, input: HashSet) -> Added:  # noqa: A002 - the contract of an action
    """Set fields of a hash."""
    words: list[Word] = ["HSET", input.key]
    for name, value in input.values.items():
        words += [name, kept(value)]
    async with session(call, connection, changes=True) as database:
        answers = await database.run_all([words, *_expiry(input.key, input.ttl)])
    return Added(added=answers[0])


@redis.action(
    after_crash="stop",
    example="""\
action: redis.list_push
connection: cache
with:
  key: jobs
  values: ["{{ payload }}"]
  keep: 1000
""",
)
async def list_push(call: Call, connection: RedisConnection, input: ListPush) -> Length:  # noqa: A002 - the contract of an action
    """Put items at an end of a list."""
    commands: list[list[Word]] = [
        ["RPUSH" if input.side == "right" else "LPUSH", input.key, *map(kept, input.values)]
    ]
    if input.keep:
        ends = (-input.keep, -1) if input.side == "right" else (0, input.keep - 1)
        commands.append(["LTRIM", input.key, *ends])
    async with session(call, connection, changes=True) as database:
        answers = await database.run_all([*commands, *_expiry(input.key, input.ttl)])
    return Length(length=min(answers[0], input.keep or answers[0]))


@redis.action(
    after_crash="stop",  # what it took is nowhere else
    example="action: redis.list_pop\nconnection: cache\nwith:\n  key: jobs\n  read_as: json\n",
)
async def list_pop(call: Call, connection: RedisConnection, input: ListPop) -> Popped:  # noqa: A002 - the contract of an action
    """Take items from an end of a list; it does not wait for any."""
    words: list[Word] = ["LPOP" if input.side == "left" else "RPOP", input.key]
    async with session(call, connection, changes=True) as database:
        found = await database.run(*words, *([input.count] if input.count > 1 else []))
    items = found if isinstance(found, list) else [] if found is None else [found]
    return Popped(values=[_taken(one, input.read_as) for one in items])


@redis.action(
    after_crash="stop",
    example="""\
action: redis.publish
connection: cache
with:
  channel: orders
  message: "{{ payload }}"
""",
)
async def publish(call: Call, connection: RedisConnection, input: Publish) -> Heard:  # noqa: A002 - the contract of an action
    """Send a message to those who listen to a channel now."""
    async with session(call, connection, changes=True) as database:
        return Heard(receivers=await database.run("PUBLISH", input.channel, kept(input.message)))


@redis.action(
    after_crash="stop",
    example="""\
action: redis.stream_add
connection: cache
with:
  key: orders
  values: {id: "{{ payload.id }}", total: "{{ payload.total }}"}
  keep: 10000
""",
)
async def stream_add(call: Call, connection: RedisConnection, input: StreamAdd) -> Entry:  # noqa: A002 - the contract of an action
    """Add an entry to a stream."""
    words: list[Word] = ["XADD", input.key]
    if input.keep:
        words += ["MAXLEN", "~", input.keep]
    words.append("*")
    for name, value in input.values.items():
        words += [name, kept(value)]
    async with session(call, connection, changes=True) as database:
        return Entry(id=(await database.run(*words)).decode())


def _command_rule(given: Command) -> AfterCrash:
    adds = given.command == "ZADD" and any(str(one).upper() == "INCR" for one in given.arguments)
    return "repeat" if given.command in READING | REPEATABLE and not adds else "stop"


@redis.action(
    after_crash=_command_rule,
    example="""\
action: redis.command
connection: cache
with:
  command: ZADD
  arguments: [ranking, "{{ payload.points }}", "{{ payload.player }}"]
""",
)
async def command(call: Call, connection: RedisConnection, input: Command) -> Answer:  # noqa: A002 - the contract of an action
    """Run a command on data, for which there is no action of its own."""
    words: list[Word] = [str(one) if isinstance(one, bool) else one for one in input.arguments]
    async with session(call, connection, changes=input.command not in READING) as database:
        found = await database.run(input.command, *words)
    return Answer(answer=answered(found, input.read_as))


@redis.choices(
    "get.key", "set.key", "increment.key", "expire.key", "hash_get.key", "hash_set.key", "list_push.key",
    "list_pop.key", "stream_add.key", "delete.keys",
)  # fmt: skip
async def keys(
    call: Call,
    connection: RedisConnection,
    _given: Mapping[str, Json],
    search: str | None,
    cursor: str | None,
) -> Choices:
    """Keys that there are, as a SCAN comes upon them."""
    start = cursor if cursor and cursor.isascii() and cursor.isdigit() and len(cursor) < 21 else "0"
    escaped = "".join(f"\\{one}" if one in "*?[]\\" else one for one in search or "")
    async with session(call, connection, changes=False) as database:
        following, found = await database.run("SCAN", start, "MATCH", f"*{escaped}*", "COUNT", SCANNED)
    names = sorted({one.decode("utf-8", "replace") for one in found})
    ends = following == b"0"
    return Choices(
        items=[Choice(value=one, label=one) for one in names], next=None if ends else following.decode()
    )


def _milliseconds(ttl: str) -> int:
    return max(1, round(duration_seconds(ttl) * 1000))


def _expiry(key: str, ttl: str | None) -> list[list[Word]]:
    return [["PEXPIRE", key, _milliseconds(ttl)]] if ttl else []


def _taken(value: bytes, read_as: ReadAs) -> Json:
    """An item that stands nowhere else any more: what cannot be read as was said is given all the same."""
    with suppress(Rejected):
        return read(value, read_as, "an item")
    with suppress(Rejected):
        return read(value, "text", "an item")
    return read(value, "base64", "an item")
