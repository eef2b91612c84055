"""A calm end: what is in flight is answered, nothing new is taken, the status is 0."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from typing import Any

import pytest

EXPECTING = (
    b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n"
)


def begin_request(address: tuple[str, int]) -> socket.socket:
    """Send a request without its body and wait until the server has taken it up."""
    client = socket.create_connection(address, timeout=20)
    client.sendall(EXPECTING)
    assert read_head(client).startswith(b"HTTP/1.1 100")
    return client


def read_head(client: socket.socket) -> bytes:
    """Read byte by byte up to the end of a head."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = client.recv(1)
        if not byte:
            break
        head += byte
    return head


def read_rest(client: socket.socket) -> bytes:
    """Read until the server closes."""
    read = b""
    while more := client.recv(4096):
        read += more
    return read


def get_pid(address: tuple[str, int]) -> int:
    """Ask which process answers."""
    with socket.create_connection(address, timeout=20) as client:
        client.sendall(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        return int(read_rest(client).rpartition(b"\r\n\r\n")[2].split()[0])


def until_refused(address: tuple[str, int]) -> bool:
    """Connect until nobody listens any more, at most as long as the test may take."""
    while True:
        try:
            socket.create_connection(address, timeout=20).close()
        except ConnectionError:
            return True


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("workers", [0, 2], ids=["one process", "two workers"])
def test_a_request_in_flight_at_sigterm_is_answered_and_new_ones_are_refused(
    start: Callable[..., Any], loop: str, workers: int
) -> None:
    server = start(loop=loop, workers=workers)
    with begin_request(server.address) as client:
        server.process.send_signal(signal.SIGTERM)
        assert until_refused(server.address)
        client.sendall(b"body")
        answer = read_rest(client)
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b" 4")
    assert server.process.wait(timeout=20) == 0
    assert server.said() == ["shut", "down"]


def test_an_idle_connection_does_not_hold_up_the_end(start: Callable[..., Any]) -> None:
    server = start()
    with socket.create_connection(server.address, timeout=20) as idle:
        idle.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        assert read_head(idle).startswith(b"HTTP/1.1 200")
        assert server.end() == 0
        read_rest(idle)


def test_a_killed_worker_is_replaced_and_the_other_goes_on(start: Callable[..., Any]) -> None:
    server = start(workers=2)
    first, second = server.pids
    with begin_request(server.address) as client:
        # The one that has the request is not known before its answer: kill one, and see.
        os.kill(first, signal.SIGKILL)
        _ready, _address, third = server.said()
        try:
            client.sendall(b"body")
            answer = read_rest(client)
        except ConnectionError:
            answer = b""  # it was with the one that was killed
    assert not answer or int(answer.rpartition(b"\r\n\r\n")[2].split()[0]) == second
    assert int(third) not in server.pids
    assert get_pid(server.address) in {second, int(third)}
    assert server.end() == 0


def test_a_worker_that_ends_by_itself_is_replaced(start: Callable[..., Any]) -> None:
    server = start(workers=1)
    with socket.create_connection(server.address, timeout=20) as client:
        client.sendall(b"GET /exit HTTP/1.1\r\nhost: x\r\n\r\n")
        read_rest(client)
    _ready, _address, pid = server.said()
    assert get_pid(server.address) == int(pid)
    assert server.end() == 0


def test_the_death_of_the_supervisor_ends_its_workers(start: Callable[..., Any]) -> None:
    server = start(workers=2)
    server.process.kill()
    server.process.wait()
    assert server.said() == ["shut", "down"]
    assert server.said() == ["shut", "down"]
    assert until_refused(server.address)
