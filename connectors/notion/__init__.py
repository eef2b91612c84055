"""
Notion: pages of databases, with their properties as plain values.

Notion knows no idempotency key: after a crash a page or a block may stand twice; `after_crash: stop`
on the step asks a person instead. It takes three requests a second on average from one integration.
"""

from __future__ import annotations

from connectors.notion import actions, lists  # the lists are those of the actions' inputs
from connectors.notion.access import VERSION, NotionConnection, notion

__all__ = ["VERSION", "NotionConnection", "actions", "lists", "notion"]
