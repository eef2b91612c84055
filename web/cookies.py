"""The cookie of a session, known to those that answer before the pages do."""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie


def session_cookie(public_url: str) -> str:
    """Its name; with the prefix where TLS allows it: then no other host or path can set it for us."""
    return "__Host-hookline" if public_url.startswith("https://") else "hookline"


def read_session(header: str, public_url: str) -> str | None:
    """The session in a `Cookie` header, or None."""
    try:
        found = SimpleCookie(header).get(session_cookie(public_url))
    except CookieError:
        return None
    return found.value if found else None
