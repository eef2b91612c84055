"""The mixed load of the soak: seven workflows, how each is called, and the senders that call them."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

ANSWER_SECONDS = 30.0  # a sender's patience with one request
PAUSE_SECONDS = 0.25  # before it is sent again
MOST_ATTEMPTS = 400  # of one event: a server that is away for longer is a finding
MOST_AT_ONCE = 300  # events that are being sent
FORM = """
name: {slug}
trigger: {{webhook: {webhook}}}
steps:
  - id: number
    transform: {number}
  - id: told
    action: http.request
    retry: {retry}
    with:
      method: POST
      url: http://127.0.0.1:{port}/{slug}
      timeout_seconds: 5
      headers: {{X-Event-Id: "{slug}-{{{{ steps.number }}}}"}}
      json: {{id: "{{{{ steps.number }}}}", filler: "{{{{ event.received_at }}}}"}}
"""
RESPOND = """
  - respond: {body: {event: "{{ event.id }}", number: "{{ steps.number }}"}}
"""
PATIENT = "{for: 1h, delay: 200ms, max_delay: 5s}"
BRIEF = "{attempts: 2, delay: 100ms}"


@dataclass(frozen=True, slots=True)
class Kind:
    """One workflow: where it sends, and how it is called."""

    slug: str
    destination: str
    webhook: str = "{}"
    number: str = "payload.id"
    retry: str = PATIENT
    may_fail: bool = False  # a run that failed is how this one may end
    has_respond: bool = False

    def text(self, port: int) -> str:
        """Its file."""
        text = FORM.format(
            slug=self.slug, webhook=self.webhook, number=self.number, retry=self.retry, port=port
        )
        return text + (RESPOND if self.has_respond else "")

    def request(self, number: int) -> dict[str, Any]:
        """What a sender hands to aiohttp for the event *number*."""
        if self.slug == "get":
            return {"method": "GET", "params": {"id": str(number), "note": "a b&c"}}
        if self.slug == "xml":
            body = f'<?xml version="1.0"?><order id="{number}"><item>Ω</item><item>2</item></order>'
            return {
                "method": "POST",
                "data": body.encode(),
                "headers": {"content-type": "application/xml"},
            }
        return {"method": "POST", "json": {"id": number, "filler": "ü" * 200}}


KINDS = (
    Kind("fast", "fast"),
    Kind("slow", "slow"),
    Kind("away", "flapping"),
    Kind("garbage", "garbage", retry=BRIEF, may_fail=True),
    Kind("result", "fast", webhook="{answer: {wait: 5s}}", has_respond=True),
    Kind("get", "fast", webhook="{methods: [GET]}"),
    Kind("xml", "fast", number='payload.order."@id"'),
)


@dataclass(slots=True)
class Sent:
    """What senders did and heard. `events` are the ids that were named in a 2xx, by number."""

    numbers: dict[int, Kind] = field(default_factory=dict)
    requests: int = 0
    statuses: Counter[str] = field(default_factory=Counter)  # of all answers; "none" where none came
    events: dict[int, set[str]] = field(default_factory=dict)
    nameless: list[int] = field(default_factory=list)  # 2xx without an event's id
    held_back: int = 0  # not begun, since too many were being sent


@dataclass(slots=True)
class Address:
    """Where the server is now, and the path of each workflow."""

    base: str
    paths: Mapping[str, str]


async def send_all(
    address: Address, sent: Sent, chance: random.Random, *, rate: float, seconds: float, most: int
) -> None:
    """Begin *rate* events a second for *seconds*, at most *most*; ends when each was heard of."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    connector = aiohttp.TCPConnector(limit=0)
    sending: set[asyncio.Task[None]] = set()
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        tick = 0
        while (now := loop.time()) < began + seconds and len(sent.numbers) < most:
            tick += 1
            await asyncio.sleep(max(0.0, began + tick / rate - now))
            if len(sending) >= MOST_AT_ONCE:
                sent.held_back += 1
                continue
            number = len(sent.numbers)
            sent.numbers[number] = chance.choice(KINDS)
            task = asyncio.create_task(_send(session, address, sent, number))
            sending.add(task)
            task.add_done_callback(sending.discard)
        await asyncio.gather(*sending)


async def _send(session: aiohttp.ClientSession, address: Address, sent: Sent, number: int) -> None:
    """One event until it is accepted: as a provider does that gets no answer or a 503."""
    kind = sent.numbers[number]
    for _ in range(MOST_ATTEMPTS):
        sent.requests += 1
        try:
            url = address.base + address.paths[kind.slug]
            async with session.request(url=url, **kind.request(number)) as answer:
                sent.statuses[str(answer.status)] += 1
                if answer.status < 300:
                    _note(sent, number, await answer.json())
                    return
        except (aiohttp.ClientError, TimeoutError, ValueError):
            sent.statuses["none"] += 1
        await asyncio.sleep(PAUSE_SECONDS)


def _note(sent: Sent, number: int, said: Any) -> None:
    event = said.get("event") if isinstance(said, dict) else None
    if isinstance(event, str):
        sent.events.setdefault(number, set()).add(event)
    else:
        sent.nameless.append(number)


def write_workflows(folder: Path, ports: Mapping[str, int]) -> None:
    """One file for each kind."""
    folder.mkdir()
    for kind in KINDS:
        (folder / f"{kind.slug}.yaml").write_text(kind.text(ports[kind.destination]))
