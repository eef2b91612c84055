from __future__ import annotations

from web.attempts import IN_TOTAL, PER_ADDRESS, WINDOW_SECONDS, Attempts


class Clock:
    """Stands still until told otherwise."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_an_address_has_its_attempts_and_then_waits() -> None:
    clock = Clock()
    attempts = Attempts(clock)
    assert [attempts.begin("192.0.2.1") for _ in range(PER_ADDRESS)] == [0.0] * PER_ADDRESS
    clock.now += 20
    assert attempts.begin("192.0.2.1") == WINDOW_SECONDS - 20
    assert attempts.begin("192.0.2.2") == 0
    clock.now += WINDOW_SECONDS - 20
    assert attempts.begin("192.0.2.1") == 0


def test_one_network_of_ipv6_is_one_address() -> None:
    attempts = Attempts(Clock())
    for number in range(PER_ADDRESS):
        assert attempts.begin(f"2001:db8::{number:x}") == 0
    assert attempts.begin("2001:db8::ffff:1") > 0
    assert attempts.begin("2001:db8:0:1::1") == 0
    assert attempts.begin("fe80::1%eth0") == 0


def test_memory_is_bounded_by_the_total() -> None:
    attempts = Attempts(Clock())
    for number in range(IN_TOTAL * 3):
        attempts.begin(f"host {number}")
    assert len(attempts._by_address) == IN_TOTAL


def test_an_attempt_that_succeeded_does_not_count() -> None:
    attempts = Attempts(Clock())
    for _ in range(IN_TOTAL * 2):
        assert attempts.begin("192.0.2.1") == 0
        attempts.succeeded("192.0.2.1")
    attempts.succeeded("192.0.2.9")
    assert attempts.begin("192.0.2.1") == 0


def test_a_clock_that_is_set_back_locks_nobody_out_for_long() -> None:
    clock = Clock()
    attempts = Attempts(clock)
    for _ in range(PER_ADDRESS):
        attempts.begin("192.0.2.1")
    clock.now -= 500
    assert attempts.begin("192.0.2.1") == 0
