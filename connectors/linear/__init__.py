"""
Linear: issues and comments, by its GraphQL API and an API key.

Linear lets us choose the id of what we make: it is made of the call's idempotency key, so that an
issue or a comment that is made again after a crash is found instead.
Sources: linear.app/developers: "Getting started" (keys), "Rate limiting", "Pagination"; the public
schema (github.com/linear/linear, schema.graphql) and its SDK's list of error types.
"""

from __future__ import annotations

from connectors.linear import actions, lists  # the lists are those of the actions' inputs
from connectors.linear.access import LinearConnection, linear

__all__ = ["LinearConnection", "actions", "linear", "lists"]
