"""
Discord: messages, reactions and threads by a bot's token; messages by a channel's webhook too; answers
to interactions.

Sources: docs.discord.com, "API Reference" (user agent, uploading files), "Message" (create, edit,
delete, embed limits, reactions, allowed mentions, nonce), "Webhook" (execute, edit), "Channel" (start
thread), "Receiving and Responding" (interactions), "Rate Limits", "Opcodes and Status Codes" (JSON
error codes).
"""

from __future__ import annotations

# importing these registers their actions, in this order
from connectors.discord import messages, threads, interactions, channels  # isort: skip
from connectors.discord.connection import DiscordConnection, discord

__all__ = ["DiscordConnection", "channels", "discord", "interactions", "messages", "threads"]
