"""Starters: workflows that come along, to begin one's own from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from runner.engine.library import text_of, workflow_files
from runner.language.source import compose
from runner.language.verification import ProviderInfo
from runner.values import Json

OWN = frozenset({"state"})  # connectors that are no service


def starter_items(
    folder: Path, title_of: Callable[[str], str | None], providers: Mapping[str, ProviderInfo]
) -> list[Json]:
    """
    The workflows of *folder* as `{slug, name, title, description, services, text}`, those of a provider
    first. `title_of(connector)` names a service; `title` says what comes in and where it goes.
    """
    items = []
    for path in workflow_files(folder):
        text = text_of(path)
        root = compose(text, path=path.name).root if isinstance(text, str) else None
        if root is not None and isinstance(plain := root.plain(), dict):
            items.append(
                (_provider(plain, providers) is None, _item(path.stem, text, plain, title_of, providers))
            )
    return [item for _, item in sorted(items, key=lambda one: (one[0], one[1]["slug"]))]


def _item(
    slug: str,
    text: Json,
    plain: dict[str, Json],
    title_of: Callable[[str], str | None],
    providers: Mapping[str, ProviderInfo],
) -> dict[str, Json]:
    name = str(plain.get("name", slug))
    provider = _provider(plain, providers)
    connectors = dict.fromkeys(action.partition(".")[0] for action in _actions(plain))
    served = [title for one in connectors if one not in OWN and (title := title_of(one))]
    title = name.replace(" to ", " → ", 1)
    if provider and served and (event := _event(plain)):
        title = f"{provider.title} {event} → {_listed(served)}"
    return {
        "slug": slug,
        "name": name,
        "title": title,
        "description": str(plain.get("description", "")),
        "services": list(dict.fromkeys([*([provider.title] if provider else []), *served])),
        "text": text,
    }


def _provider(plain: Mapping[str, Json], providers: Mapping[str, ProviderInfo]) -> ProviderInfo | None:
    verify = _under(plain, "trigger", "webhook", "verify")
    name = verify.get("provider") if isinstance(verify, dict) else verify
    return providers.get(name) if isinstance(name, str) else None


def _event(plain: Mapping[str, Json]) -> str:
    """`order`, of `orders/create`; empty where it names no types."""
    events = _under(plain, "trigger", "webhook", "events")
    first = events[0] if isinstance(events, list) and events and isinstance(events[0], str) else ""
    word = re.split(r"[/.:]", first)[0].replace("_", " ").lower()
    return f"{word[:-3]}y" if word.endswith("ies") else re.sub(r"(?<!s)s$", "", word)


def _actions(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        for key, one in value.items():
            if key == "action" and isinstance(one, str):
                yield one
            else:
                yield from _actions(one)
    elif isinstance(value, list):
        for one in value:
            yield from _actions(one)


def _under(value: Json, *keys: str) -> Json:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
