"""
Who is reached where: each workflow's tokens and paths, also those of workflows that are gone.

The rows are another's (`Addresses`); the book is what a request is looked up in.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

GONE_SECONDS = 30 * 86400.0  # how long the address of a deleted workflow answers 410


@dataclass(frozen=True, slots=True)
class Kept:
    """A token that answers beside the workflow's own, until then (None: as long as the workflow)."""

    origin: str
    rotation: int
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Reach:
    """
    Where one workflow is reached: by the token of `origin` (a slug, its own or a former one) and
    `rotation`, by those that are kept, and at exactly `paths`. `gone_at` is since when it has no
    file; `became` the workflow that has taken over all of it; `live` the version that takes events.
    """

    origin: str
    rotation: int = 0
    kept: tuple[Kept, ...] = ()
    paths: tuple[str, ...] = ()
    gone_at: float | None = None
    became: str | None = None
    live: int | None = None


class Addresses(Protocol):
    """The rows of addresses. All methods raise StoreUnavailable."""

    async def all(self) -> Mapping[str, Reach]:
        """Where every workflow is reached that this server ever knew."""

    async def open(self, workflow: str) -> None:
        """Give the workflow an address, if it has none."""

    async def go_live(self, versions: Mapping[str, int]) -> None:
        """Note which versions take events, of these workflows."""

    async def rotate(self, workflow: str, *, keep_until: float | None) -> Reach:
        """
        Change the workflow's address. The one until now, and those kept for ever, answer until
        *keep_until*; with None nothing but the new one answers from now on.
        """

    async def add_path(self, workflow: str, path: str) -> None:
        """
        Let the workflow answer at *path* too; that of a workflow that is gone can be taken.

        Raises:
            MoveRefused: it is another's.
        """

    async def drop_path(self, workflow: str, path: str) -> None:
        """Let the workflow answer there no more. Raises NotFound."""

    async def mark(self, *, gone: Collection[str], back: Collection[str], now: float) -> None:
        """Note that workflows have no file any more, or have one again."""

    async def rename(self, old: str, new: str) -> bool:
        """
        Let all that *old* had be *new*'s, in one transaction: address, versions, events, runs,
        problems, delivery keys, pauses. Whether there was anything; done again it does nothing.
        """


class AddressBook:
    """Looks requests up, as of the last `update`. `token_of(slug, rotation)` derives a token."""

    def __init__(self, token_of: Callable[[str, int], str]) -> None:
        self.reaches: Mapping[str, Reach] = {}
        self._token_of = token_of
        self._tokens: dict[str, str] = {}  # by slug
        self._kept: dict[str, tuple[str, float | None]] = {}  # slug and end, by token
        self._paths: dict[str, str] = {}  # slug, by path
        self._gone: dict[str, float] = {}  # by token or path

    def update(self, reaches: Mapping[str, Reach]) -> None:
        """Look up in *reaches* from now on."""
        if reaches == self.reaches:
            return
        self.reaches = reaches
        self._tokens, self._kept, self._paths, self._gone = {}, {}, {}, {}
        for slug, reach in reaches.items():
            self._tokens[slug] = self._token_of(reach.origin, reach.rotation)
            kept = {self._token_of(one.origin, one.rotation): (slug, one.until) for one in reach.kept}
            self._kept |= kept
            self._paths |= dict.fromkeys(reach.paths, slug)
            if reach.gone_at is not None:
                self._gone |= dict.fromkeys((self._tokens[slug], *kept, *reach.paths), reach.gone_at)

    def token(self, slug: str) -> str:
        """The token of the workflow's own address."""
        return self._tokens.get(slug) or self._token_of(slug, 0)

    def kept(self, slug: str, now: float) -> list[tuple[str, float | None]]:
        """The tokens that answer beside it *now*, each with its end."""
        return [
            (token, until)
            for token, (owner, until) in self._kept.items()
            if owner == slug and (until is None or until > now)
        ]

    def by_kept(self, token: str, now: float) -> str | None:
        """The workflow that answers at a token that is not its own any more."""
        slug, until = self._kept.get(token, (None, None))
        return slug if until is None or until > now else None

    def by_path(self, path: str) -> str | None:
        """The workflow that answers at *path*."""
        return self._paths.get(path)

    def owner(self, token: str) -> str | None:
        """The workflow whose own or kept token it is, gone or not."""
        if token in self._kept:
            return self._kept[token][0]
        return next((slug for slug, own in self._tokens.items() if own == token), None)

    def is_gone(self, where: str, now: float) -> bool:
        """Whether the token or path *where* is that of a workflow deleted not long ago."""
        gone_at = self._gone.get(where)
        return gone_at is not None and now - gone_at < GONE_SECONDS

    def successor(self, slug: str) -> str:
        """The workflow that has taken over all of *slug*, or itself."""
        seen = {slug}
        while (reach := self.reaches.get(slug)) and reach.became and reach.became not in seen:
            slug = reach.became
            seen.add(slug)
        return slug
