"""
Chat and embeddings of OpenAI, and of every server that speaks its API (vLLM, Ollama, llama.cpp, Azure's
v1 endpoint, Mistral, Groq, OpenRouter, …): the connection names its address.
"""

from __future__ import annotations

from connectors.openai import chat, embeddings  # they register the actions
from connectors.openai.access import OpenAiConnection, openai

__all__ = ["OpenAiConnection", "chat", "embeddings", "openai"]
