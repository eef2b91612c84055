"""
What any client on the network may send to the way in: nonsense, lies, bombs, and nothing at all.

A real server, raw sockets on loopback. Whatever is sent, the answer is no 5xx but a 503 that asks
the sender to come back (and 501 or 505, where the sender speaks a protocol that is none of ours),
the next good request is answered, and memory stays within a bound.
"""

from __future__ import annotations

import contextlib
import json
import random
import re
import socket
import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cli.home import Home
from tests.receiving.http_attacks import ATTACKS, HOST, MEBIBYTE, PATH, announcing, chunked, request, typed
from tests.servers.hookline_process import Running, serving

# What all of this may leave behind, and what the process may have had at any moment. The sizes that
# are accepted are set below; one body of them exists a few times while it is read.
MOST_LEFT = 48 * MEBIBYTE
MOST_AT_ONCE = 96 * MEBIBYTE
MAX_FILE = 2 * MEBIBYTE
SHORT = "0.3"  # seconds for headers and for a body
WAIT_SECONDS = 10.0  # never reached: the server ends what takes too long
STATUS = re.compile(rb"(?:\A|\r\n\r\n|[^\r\n])HTTP/1\.1 ([0-9]{3}) ")
NOT_OURS = {501, 505}  # RFC 9112 sections 6.1 and 2.3
WORKFLOW = f"""\
name: Fuzzed
trigger:
  webhook:
    methods: [GET, POST, PUT]
    max_body: 64 KiB
    max_file: {MAX_FILE}
steps:
  - filter: "`false`"
"""


class Target:
    """The address under fire."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self._path = running.paths["fuzzed"].encode()

    def send(self, sent: bytes, *, leaves: bool = False) -> list[int]:
        """
        Send bytes, with the real path for PATH, on a connection of their own; the statuses of all
        answers. With *leaves* the connection is cut (RST) without reading.
        """
        with socket.create_connection(("127.0.0.1", self.running.port), WAIT_SECONDS) as client:
            with contextlib.suppress(ConnectionError):  # it may refuse before all is sent
                client.sendall(self.addressed(sent))
            if leaves:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                return []
            return [int(status) for status in STATUS.findall(self.read(client))]

    def addressed(self, sent: bytes) -> bytes:
        """The bytes with the real path in the place of PATH."""
        return sent.replace(PATH, self._path)

    def read(self, client: socket.socket) -> bytes:
        """Read until the server ends the connection."""
        read = b""
        with contextlib.suppress(ConnectionError):
            while more := client.recv(65536):
                read += more
        return read

    def judge(self, statuses: list[int]) -> None:
        """No answer may be a fault of the server."""
        assert not [one for one in statuses if one >= 500 and one != 503 and one not in NOT_OURS], statuses

    def check_alive(self) -> None:
        """A good request is answered."""
        assert self.send(request(b'{"n": 1}', b"content-type: application/json\r\n")) == [200]
        assert self.running.process.poll() is None


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    home = Home(tmp_path_factory.mktemp("fuzz"))
    home.workflow("fuzzed", WORKFLOW)
    limits = {
        "HOOKLINE_LIMITS_HEADER_SECONDS": SHORT,
        "HOOKLINE_LIMITS_BODY_SECONDS": SHORT,
        "HOOKLINE_LIMITS_READING_BYTES": str(8 * MEBIBYTE),
        "HOOKLINE_SERVER_GRACE_SECONDS": "1",
    }
    with serving(home, **limits) as running:
        target = Target(running)
        for _ in range(20):  # what is loaded by the first requests is no growth
            target.check_alive()
        is_linux = sys.platform == "linux"
        before = running.memory()[0] if is_linux else 0
        yield target
        target.check_alive()
        if is_linux:
            now, peak = running.memory()
            assert now - before < MOST_LEFT, f"{(now - before) / MEBIBYTE:.0f} MiB are left behind"
            assert peak - before < MOST_AT_ONCE, f"{(peak - before) / MEBIBYTE:.0f} MiB were had at once"
        log = running.log.read_text(encoding="utf-8")
        assert "Traceback" not in log, log
    assert "Traceback" not in running.log.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ATTACKS)
def test_nonsense_is_refused_and_the_next_request_is_answered(target: Target, name: str) -> None:
    target.judge(target.send(ATTACKS[name]))
    target.check_alive()


def test_senders_that_leave_at_any_moment_leave_nothing(target: Target) -> None:
    whole = request(b"x" * 2000, b"content-type: text/plain\r\n")
    for cut in range(0, len(whole), 97):
        target.send(whole[:cut], leaves=True)
    target.check_alive()


def test_many_slow_senders_are_ended_and_do_not_hold_others(target: Target) -> None:
    half_a_head = b"POST " + PATH + HOST
    half_a_body = request(b"x" * 100)[:-50]
    half_a_chunk = chunked(b"64\r\nxx")
    slow = []
    for number in range(150):
        client = socket.create_connection(("127.0.0.1", target.running.port), WAIT_SECONDS)
        client.sendall(target.addressed((half_a_head, half_a_body, half_a_chunk)[number % 3]))
        slow.append(client)
    target.check_alive()
    for client in slow:
        with client:
            target.judge([int(status) for status in STATUS.findall(target.read(client))])


def test_many_big_bodies_at_once_are_bounded_together(target: Target) -> None:
    """Each is within what the workflow takes; together they are more than is read at one time."""
    announced = announcing(b"%d\r\ncontent-type: application/pdf" % MAX_FILE, b"")
    senders = []
    for _ in range(12):
        client = socket.create_connection(("127.0.0.1", target.running.port), WAIT_SECONDS)
        client.setblocking(False)
        with contextlib.suppress(OSError):
            client.send(target.addressed(announced))
        senders.append(client)
    rest = dict.fromkeys(senders, MAX_FILE)
    piece = b"\0" * 65536
    while any(rest.values()):
        for client in senders:
            if rest[client]:
                try:
                    rest[client] -= client.send(piece[: rest[client]])
                except BlockingIOError:
                    continue
                except OSError:  # refused, or too slow
                    rest[client] = 0
    for client in senders:
        with client:
            client.settimeout(WAIT_SECONDS)
            target.judge([int(status) for status in STATUS.findall(target.read(client))])
    target.check_alive()


LINES = st.sampled_from(
    [
        b"GET ", b"POST ", b"/hooks/", b" HTTP/1.1", b" HTTP/1.0", b"\r\n", b"\n", b"\r\n\r\n",
        b"host: x\r\n", b"\0", b"\xff", b"content-length: 5\r\n", b"content-length: 0\r\n",
        b"transfer-encoding: chunked\r\n",
        b"connection: close\r\n", b"connection: upgrade\r\n", b"upgrade: websocket\r\n", b"{}", b"hello",
        b"expect: 100-continue\r\n", b"5\r\nhello\r\n", b"0\r\n\r\n", b"content-encoding: gzip\r\n", b": ",
        b"content-type: application/json\r\n", b"content-type: multipart/form-data; boundary=b\r\n",
        b"--b\r\n", b" ", b"%", b"\x1f\x8b",
    ]
)  # fmt: skip
TYPES = st.sampled_from(
    [
        b"", b"application/json", b"application/json; charset=utf-16", b"text/csv", b"application/xml",
        b"text/plain", b"a/b", b"application/x-ndjson", b"application/x-www-form-urlencoded",
        b"multipart/form-data; boundary=b", b"multipart/form-data",
    ]
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FUZZ = settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@FUZZ
@given(pieces=st.lists(LINES | st.binary(max_size=20), max_size=14), is_begun=st.booleans())
def test_any_bytes_are_answered_or_refused(target: Target, pieces: list[bytes], is_begun: bool) -> None:
    start = b"POST " + PATH + HOST + b"connection: close\r\n" if is_begun else b""
    target.judge(target.send(start + b"".join(pieces) + b"\r\n\r\n"))


@FUZZ
@given(
    body=st.binary(max_size=60) | VALUES.map(lambda value: json.dumps(value).encode()),
    content_type=TYPES,
    encoding=st.sampled_from([b"", b"gzip", b"deflate", b"br", b"gzip, deflate", b"identity"]),
)
def test_any_body_of_any_type_is_answered_or_refused(
    target: Target, body: bytes, content_type: bytes, encoding: bytes
) -> None:
    statuses = target.send(typed(body, content_type, encoding))
    assert len(statuses) == 1
    target.judge(statuses)


def test_good_requests_with_a_few_changed_bytes_are_answered_or_refused(target: Target) -> None:
    chance = random.Random(4)
    good = request(b'{"n": [1, 2, {"a": "b"}]}', b"content-type: application/json\r\n")
    for _ in range(150):
        changed = bytearray(target.addressed(good))
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(changed))
            if chance.random() < 0.5:
                changed[at] = chance.randrange(256)
            else:
                del changed[at : at + chance.randint(1, 5)]
        target.judge(target.send(bytes(changed) + b"\r\n\r\n"))
    target.check_alive()
