"""
WhatsApp by Meta's Cloud API: texts, templates, media, read marks.

The Cloud API has no idempotency key: after a crash a message may come twice.
"""

from __future__ import annotations

from connectors.whatsapp import messages  # registers the actions
from connectors.whatsapp.access import WhatsAppConnection, whatsapp

__all__ = ["WhatsAppConnection", "messages", "whatsapp"]
