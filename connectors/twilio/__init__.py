"""
Twilio: text messages, WhatsApp, calls, and what is known of a number.

Twilio has no idempotency key: after a crash a message may come twice, and a call is not made again.
"""

from __future__ import annotations

from connectors.twilio import lists, messages, voice  # the lists are those of the actions' inputs
from connectors.twilio.access import TwilioConnection, twilio

__all__ = ["TwilioConnection", "lists", "messages", "twilio", "voice"]
