"""The functions of both expression languages: FUNCTIONS holds each under its name."""

from __future__ import annotations

from runner.language import (
    functions_codes,
    functions_data,
    functions_dates,
    functions_documents,
    functions_files,
    functions_formats,
    functions_lists,
    functions_numbers,
    functions_patterns,
    functions_tests,
    functions_text,
)
from runner.language.functions_registry import FUNCTIONS, Function, text_of

__all__ = [
    "FUNCTIONS",
    "Function",
    "functions_codes",
    "functions_data",
    "functions_dates",
    "functions_documents",
    "functions_files",
    "functions_formats",
    "functions_lists",
    "functions_numbers",
    "functions_patterns",
    "functions_tests",
    "functions_text",
    "text_of",
]
