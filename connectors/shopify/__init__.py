"""
Shopify: orders, customers, stock and fulfillments, by the GraphQL Admin API.

Of its mutations that are used here, the adjustment of stock knows an idempotency key; the others do the
same again, or nothing, when they are repeated.
"""

from __future__ import annotations

from connectors.shopify import actions, lists  # the lists are those of the actions' inputs
from connectors.shopify.access import ShopifyApp, ShopifyConnection, shopify

__all__ = ["ShopifyApp", "ShopifyConnection", "actions", "lists", "shopify"]
