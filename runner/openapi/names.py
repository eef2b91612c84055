"""Names of connectors, actions and shared schemas, made of those in a document."""

from __future__ import annotations

import re
from collections.abc import Collection

NAME = re.compile("[a-z][a-z0-9_]*")
LONGEST = 80
EDGES = (
    re.compile(r"([a-z0-9])([A-Z])"),  # listPets → list_Pets
    re.compile(r"([A-Z]+)([A-Z][a-z])"),  # getHTTPRoute → get_HTTP_Route
)


def snake(text: str) -> str:
    """
    *text* in lower case with `_` between its words, of a-z, 0-9 and _: `listPets`, `pets/list-all` and
    `List pets` become `list_pets`, `pets_list_all`, `list_pets`. Empty where nothing is left.
    """
    for edge in EDGES:
        text = edge.sub(r"\1_\2", text)
    words = re.sub("[^a-z0-9]+", "_", text.lower()).strip("_")
    if words[:1].isdigit():
        words = f"n{words}"
    return words[:LONGEST].rstrip("_")


def unique(name: str, taken: Collection[str]) -> str:
    """*name*, or with the first number behind it that makes it one of its own: `list_pets_2`."""
    number, found = 2, name
    while found in taken:
        found = f"{name}_{number}"
        number += 1
    return found
