"""
HubSpot: contacts, deals, notes and other objects of the CRM.

HubSpot knows no idempotency key: after a crash a deal or a note may stand twice; a contact cannot, for
it is found by its email address.
"""

from __future__ import annotations

from connectors.hubspot import actions, lists  # the lists are those of the actions' inputs
from connectors.hubspot.access import HubSpotConnection, hubspot

__all__ = ["HubSpotConnection", "actions", "hubspot", "lists"]
