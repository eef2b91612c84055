"""An application whose templates are compiled once in a process of tests, not once in each test."""

from __future__ import annotations

from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from quart import Quart

from web.app import House, make_app

__all__ = ["app_of"]


class _Compiled(BytecodeCache):
    """In memory, by the template and the text that it was compiled from."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if kept := self._kept.get((bucket.key, bucket.checksum)):
            bucket.bytecode_from_string(kept)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key, bucket.checksum] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


def app_of(house: House) -> Quart:
    """What `make_app` makes."""
    app = make_app(house)
    app.jinja_env.bytecode_cache = _COMPILED
    return app
