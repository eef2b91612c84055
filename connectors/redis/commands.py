"""
The commands that `redis.command` takes: those that work on the data of named keys and end at once. None that
stops the server or others, reads or writes its settings, runs programs, or waits.

Source: Redis' documentation, "Commands" and the categories of "ACL": a test sees to it that none is
@dangerous, @admin, @blocking, @scripting, @pubsub, @connection or @transaction. SETRANGE and SETBIT are left
out too: one number of the data makes them take half a gigabyte.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

Name: TypeAlias = Literal[
    # keys and texts
    "EXISTS", "TTL", "PTTL", "TYPE", "PERSIST", "EXPIREAT", "PEXPIREAT", "MGET", "MSET", "GETDEL", "GETEX",
    "APPEND", "STRLEN", "GETRANGE", "GETBIT", "BITCOUNT", "SCAN",
    # hashes
    "HDEL", "HEXISTS", "HINCRBY", "HINCRBYFLOAT", "HKEYS", "HLEN", "HSETNX", "HSTRLEN", "HVALS", "HSCAN",
    # lists
    "LINDEX", "LLEN", "LPOS", "LRANGE", "LREM", "LSET", "LTRIM", "LMOVE",
    # sets
    "SADD", "SCARD", "SISMEMBER", "SMISMEMBER", "SMEMBERS", "SMOVE", "SPOP", "SRANDMEMBER", "SREM", "SSCAN",
    "SDIFF", "SINTER", "SUNION",
    # sorted sets
    "ZADD", "ZCARD", "ZCOUNT", "ZINCRBY", "ZMSCORE", "ZPOPMAX", "ZPOPMIN", "ZRANGE", "ZRANK", "ZREM",
    "ZREMRANGEBYRANK", "ZREMRANGEBYSCORE", "ZREVRANK", "ZSCORE", "ZSCAN",
    # streams, places, estimates
    "XLEN", "XRANGE", "XREVRANGE", "XDEL", "XTRIM", "XACK", "GEOADD", "GEODIST", "GEOPOS", "GEOSEARCH",
    "PFADD", "PFCOUNT",
]  # fmt: skip

READING = frozenset({
    "EXISTS", "TTL", "PTTL", "TYPE", "MGET", "STRLEN", "GETRANGE", "GETBIT", "BITCOUNT", "SCAN", "HEXISTS",
    "HKEYS", "HLEN", "HSTRLEN", "HVALS", "HSCAN", "LINDEX", "LLEN", "LPOS", "LRANGE", "SCARD", "SISMEMBER",
    "SMISMEMBER", "SMEMBERS", "SRANDMEMBER", "SSCAN", "SDIFF", "SINTER", "SUNION", "ZCARD", "ZCOUNT",
    "ZMSCORE", "ZRANGE", "ZRANK", "ZREVRANK", "ZSCORE", "ZSCAN", "XLEN", "XRANGE", "XREVRANGE", "GEODIST",
    "GEOPOS", "GEOSEARCH",
})  # fmt: skip
"""Those that change nothing. (PFCOUNT may write its cache.)"""

REPEATABLE = frozenset({
    "PERSIST", "EXPIREAT", "PEXPIREAT", "MSET", "HDEL", "LSET", "SADD", "SREM", "SMOVE", "ZADD", "ZREM",
    "ZREMRANGEBYSCORE", "XDEL", "XTRIM", "XACK", "GEOADD", "PFADD", "PFCOUNT",
})  # fmt: skip
"""Those that done twice are done once: the data are the same, though the answer may be another."""
