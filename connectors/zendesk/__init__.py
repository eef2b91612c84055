"""
Zendesk: tickets made, changed, answered and searched.

Zendesk knows Idempotency-Key where a ticket is made, for two hours; a public answer goes to the
requester as an e-mail and is not sent again after a crash.
Sources: developer.zendesk.com: "Security and authentication", "Ticketing: Introduction" (idempotency),
"Tickets", "Tags", "Search", "Groups", "Users", "Rate limits", "Pagination", "Response format and
status codes".
"""

from __future__ import annotations

from connectors.zendesk import actions
from connectors.zendesk.access import ZendeskConnection, zendesk

__all__ = ["ZendeskConnection", "actions", "zendesk"]
