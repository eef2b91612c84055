"""The functions of both expression languages: FUNCTIONS holds each under its name."""

from __future__ import annotations

from runner.language import functions_data, functions_dates, functions_text
from runner.language.functions_registry import FUNCTIONS, Function, text_of

__all__ = ["FUNCTIONS", "Function", "functions_data", "functions_dates", "functions_text", "text_of"]
