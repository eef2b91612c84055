"""Functions that say what a value is, for both expression languages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.language.arithmetic import is_number as is_a_number
from runner.language.functions_registry import library

if TYPE_CHECKING:
    from runner.values import Json

MAX_ADDRESS = 254  # characters; source: RFC 5321 section 4.5.3.1.3 with its erratum 1690
LOCAL = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*")
LABEL = re.compile(r"\w([\w-]{0,61}\w)?")


@library(is_shallow=True)
def is_number(value: Json) -> bool:
    """
    Say whether this is a number (a text of digits is none).

    Example: is_number(1.5) == true
    Example: is_number('1') == false
    """
    return is_a_number(value)


@library(is_shallow=True)
def is_empty(value: Json) -> bool:
    """
    Say whether this is null, or a text, list or object with nothing in it.

    Example: is_empty('') == true
    Example: is_empty(0) == false
    """
    return value is None or (isinstance(value, (str, list, tuple, dict)) and not value)


@library(is_shallow=True)
def is_email(value: Json) -> bool:
    """
    Say whether this is a text of the form of an email address (whether someone reads it, only a
    message can tell).

    Example: is_email('ada@example.com') == true
    Example: is_email('ada@example') == false
    """
    if not isinstance(value, str) or len(value) > MAX_ADDRESS:
        return False
    local, _, domain = value.rpartition("@")
    labels = domain.split(".")
    is_domain = len(labels) > 1 and all(map(LABEL.fullmatch, labels)) and not labels[-1].isdecimal()
    return is_domain and len(local) <= 64 and LOCAL.fullmatch(local) is not None
