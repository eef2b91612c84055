"""
Packing answers: of large ones that are the same for everyone, and of those alone. An answer that holds a
secret beside what a stranger chose must not be packed: its length would tell of it (BREACH).
"""

from __future__ import annotations

import asyncio
import gzip
from collections import OrderedDict

import brotli
from quart import Quart, Response, request

PACKED = frozenset({"static", "api.show_catalogue", "api.workflow_schema"})
"""Endpoints whose answers hold nothing of anybody."""

SHORTEST = 1024  # bytes that are worth it
LONGEST = 4 << 20
MOST_KEPT = 64
TYPES = ("text/", "application/json", "application/javascript", "image/svg+xml")
QUALITY = 11  # of brotli: a second for half a megabyte, once, for a tenth less each time


def add_packing(app: Quart) -> None:
    """Pack the answers of PACKED as the asker takes them; each once."""
    kept: OrderedDict[tuple[str, str], bytes] = OrderedDict()  # by way of packing and ETag

    async def pack(response: Response) -> Response:
        if request.endpoint not in PACKED or response.status_code != 200:
            return response
        response.headers.add("Vary", "Accept-Encoding")
        way = _way()
        mark = response.headers.get("ETag")
        if way is None or mark is None or "Content-Encoding" in response.headers:
            return response
        if not (response.mimetype or "").startswith(TYPES) or request.method == "HEAD":
            return response
        key = (way, f"{request.path} {mark}")
        packed = kept.get(key)
        if packed is None:
            body = await response.get_data(as_text=False)
            if not SHORTEST <= len(body) <= LONGEST:
                return response
            packed = await asyncio.to_thread(_packed, way, body)
            kept[key] = packed
            while len(kept) > MOST_KEPT:
                kept.popitem(last=False)
        kept.move_to_end(key)
        response.set_data(packed)
        response.headers["Content-Encoding"] = way
        # the packed form is another representation (RFC 9110, 8.8.3.3); what is compared is the same
        response.headers["ETag"] = mark if mark.startswith("W/") else f"W/{mark}"
        return response

    app.after_request(pack)


def _way() -> str | None:
    accepted = request.accept_encodings
    return next((one for one in ("br", "gzip") if accepted[one] > 0), None)


def _packed(way: str, body: bytes) -> bytes:
    return brotli.compress(body, quality=QUALITY) if way == "br" else gzip.compress(body, 9, mtime=0)
