"""
Slack: messages, reactions, files and people, by a bot's token; messages by an incoming webhook too.

Slack says no with HTTP 200 and `{"ok": false, "error": …}`; incoming webhooks answer with a status
and a word. Sources: docs.slack.dev, the pages of the methods auth.test, chat.postMessage, chat.update,
chat.delete, conversations.open, conversations.replies, conversations.list, reactions.add,
reactions.remove, files.getUploadURLExternal, files.completeUploadExternal, users.lookupByEmail and
users.list (arguments, scopes, errors), "Sending messages using incoming webhooks" (errors), "Handling
user interaction" (response_url).
"""

from __future__ import annotations

# importing these registers their actions, in this order
from connectors.slack import messages, reactions, files, people  # isort: skip
from connectors.slack.connection import SlackConnection, slack
from connectors.slack.errors import CREDENTIALS, LATER, MENDS, UNKNOWN

__all__ = [
    "CREDENTIALS",
    "LATER",
    "MENDS",
    "UNKNOWN",
    "SlackConnection",
    "files",
    "messages",
    "people",
    "reactions",
    "slack",
]

slack.explains(CREDENTIALS, MENDS)
