"""
Stripe: customers, checkout, payment links, invoices, refunds.

Every request that changes something carries an Idempotency-Key that is the same for each attempt of the
step: Stripe then does the work once and gives its first answer again, for a day at least.
"""

from __future__ import annotations

from connectors.stripe import actions, lists  # the lists are those of the actions' inputs
from connectors.stripe.access import StripeConnection, stripe

__all__ = ["StripeConnection", "actions", "lists", "stripe"]
