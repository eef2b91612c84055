"""When a failed attempt is made again. Pure: the time and the jitter are handed in."""

from __future__ import annotations

from runner.errors import ActionError, OutcomeUnknown, Unavailable
from runner.language.workflow import Retry


def wait_seconds(
    policy: Retry, error: ActionError, *, attempts: int, elapsed_seconds: float, jitter: float
) -> float | None:
    """
    How long to wait after failed attempt number *attempts* (from 1); None: no more.

    Wait before attempt n+1: delay × backoff^(n-1), at most max_delay, of which jitter (0…1)
    takes up to half away; never less than the other side's Retry-After. With the defaults:
    2 s, 4 s, 8 s, … 15 min, for 24 hours.
    """
    if not isinstance(error, Unavailable | OutcomeUnknown) or not _is_wanted(policy, error.cause):
        return None
    if policy.attempts is not None and attempts >= policy.attempts:
        return None
    # the exponent is bounded before the power, so that the thousandth attempt does not overflow
    wait = min(policy.max_delay_seconds, policy.delay_seconds * policy.backoff ** min(attempts - 1, 64))
    if policy.jitter:
        wait *= 1 - jitter / 2
    if isinstance(error, Unavailable) and error.retry_after_seconds is not None:
        wait = max(wait, error.retry_after_seconds)
    if policy.for_seconds is not None and elapsed_seconds + wait > policy.for_seconds:
        return None
    return wait


def _is_wanted(policy: Retry, cause: str) -> bool:
    if policy.on is None:
        return True
    return cause in policy.on or ("5xx" in policy.on and len(cause) == 3 and cause.startswith("5"))
