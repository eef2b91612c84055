"""
PagerDuty: alerts to those on call by the Events API v2, notes and who is on call by the REST API.

An alert's dedup_key is its identity: a trigger that is sent again adds to the same alert. Without one
the call's idempotency key is taken, so that a repetition after a crash wakes nobody twice.
Sources: developer.pagerduty.com: "Events API v2 Overview" (status codes, sizes), "Send an Alert
Event", "Send a Change Event", "REST API Overview" (versioning, pagination), "Rate Limiting",
"List all of the on-calls", "Create a note on an incident", "List incidents" (incident_key); "Service
Regions".
"""

from __future__ import annotations

from connectors.pagerduty import actions
from connectors.pagerduty.access import PagerDutyConnection, pagerduty

__all__ = ["PagerDutyConnection", "actions", "pagerduty"]
