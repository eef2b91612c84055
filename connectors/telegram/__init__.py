"""
Telegram: messages, photos and documents of a bot, with buttons and their answers.

A bot cannot list its chats, so that there is nothing to choose from: the id of a chat comes with its
messages (`message.chat.id`), and a public channel has its name. Source: core.telegram.org/bots/api,
"Making requests" (the form of answers), ResponseParameters, sendMessage, editMessageText,
deleteMessage, sendPhoto, sendDocument, answerCallbackQuery, "Formatting options", "Sending files".
"""

from __future__ import annotations

# importing these registers their actions, in this order
from connectors.telegram import messages, files  # isort: skip
from connectors.telegram.connection import TelegramBot, telegram

__all__ = ["TelegramBot", "files", "messages", "telegram"]
