"""What a page may load and run: from here alone, and nothing that is written into the page."""

from __future__ import annotations


def policy(*, style_nonce: str = "") -> str:
    """
    The Content-Security-Policy of a page. *style_nonce*: style elements that carry it are allowed too, which
    CodeMirror makes.
    """
    nonce = f" 'nonce-{style_nonce}'" if style_nonce else ""
    return (
        f"default-src 'none'; style-src 'self'{nonce}; img-src 'self' data:; connect-src 'self'; "
        "script-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
