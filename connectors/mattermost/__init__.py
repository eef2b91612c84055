"""
Mattermost: posts, reactions and files by the token of a bot or a person; posts by an incoming webhook too.

Sources: the API reference (api.mattermost.com, version 4: errors, rate limiting, posts, reactions,
files, channels, teams, users) and "Incoming webhooks" (developers.mattermost.com).
"""

from __future__ import annotations

# importing these registers their actions, in this order
from connectors.mattermost import posts, more, choices  # isort: skip
from connectors.mattermost.connection import MattermostConnection, mattermost

__all__ = ["MattermostConnection", "choices", "mattermost", "more", "posts"]
