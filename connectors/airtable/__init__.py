"""
Airtable: records of tables, by a personal access token.

Airtable knows no idempotency key: after a crash a record may stand twice, unless it is upserted. It
takes five requests a second for a base, and after more of them none for half a minute.
"""

from __future__ import annotations

from connectors.airtable import actions, lists  # the lists are those of the actions' inputs
from connectors.airtable.access import AirtableConnection, airtable

__all__ = ["AirtableConnection", "actions", "airtable", "lists"]
