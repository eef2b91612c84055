"""A shop that signs its orders as Shopify does, and the person who opens a server for the first time."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from uuid import uuid4

from playwright.sync_api import expect

from tests.browser.visitor import Visitor
from tests.servers.hookline_process import Running

SECRET = "hush-0f3b9c1d7e5a"  # what the shop signs with
PASSWORD = "correct horse battery"
LONG = 20_000  # milliseconds: the machine may be busy
NETWORK = {"HOOKLINE_NETWORK_ALLOW": "127.0.0.0/8"}


@dataclass(frozen=True)
class Shop:
    """Sends orders, by the client of somebody's browser."""

    person: Visitor
    secret: str = SECRET

    def order(self, url: str, number: int, total: str, *, is_flipped: bool = False) -> int:
        """Send one order, its body changed by one byte after signing if *is_flipped*; the answer's status."""
        body = json.dumps(
            {
                "id": 820_000_000_000 + number,
                "name": f"#{number}",
                "email": "maya@example.com",
                "total_price": total,
                "currency": "EUR",
                "customer": {"first_name": "Maya", "last_name": "Lindqvist"},
            }
        ).encode()
        proof = base64.b64encode(hmac.new(self.secret.encode(), body, hashlib.sha256).digest()).decode()
        sent = body.replace(b"Maya", b"Mayb", 1) if is_flipped else body
        headers = {
            "Content-Type": "application/json",
            "X-Shopify-Topic": "orders/create",
            "X-Shopify-Webhook-Id": str(uuid4()),
            "X-Shopify-Hmac-Sha256": proof,
        }
        return self.person.page.request.post(url, data=sent, headers=headers).status


def begin(person: Visitor, server: Running, picture: str = "") -> None:
    """Open the first-start link that the server printed, and be its admin."""
    link = re.search(r"/start/\S+", server.log.read_text("utf-8"))
    assert link
    page = person.page
    person.go(link[0])
    page.get_by_label("Your name").press_sequentially("Ada Lovelace")
    page.get_by_label("Email").press_sequentially("ada@example.com")
    page.get_by_label("Password").press_sequentially(PASSWORD)
    if picture:
        person.look(picture)
    page.get_by_role("button", name="Create admin and start").click()
    heading = page.get_by_role("heading", name="What should happen by itself?")
    expect(heading).to_be_visible(timeout=LONG)
