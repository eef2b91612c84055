"""
Upkeep: what a process does beside its events, every second or so, each part on its own so that
a failing one never stops the others.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from runner.errors import StoreUnavailable

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Chore:
    """`do` is called every `seconds`, first after the first pause."""

    name: str
    seconds: float
    do: Callable[[], Awaitable[object]]


async def keep_up(chores: Sequence[Chore]) -> None:
    """Do all *chores*, each at its own pace, until cancelled."""
    await asyncio.gather(*(_repeat(chore) for chore in chores))


async def _repeat(chore: Chore) -> None:
    while True:
        await asyncio.sleep(chore.seconds)
        try:
            await chore.do()
        except StoreUnavailable:
            continue  # said by the writer already; the next time may find it back
        except Exception:
            log.exception(
                "upkeep: %s failed",
                chore.name,
                extra={"action": "upkeep_failed", "chore": chore.name},
            )
