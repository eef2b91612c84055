"""The pages and the API as one application: behind web/hooks.py, which takes what senders send."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from quart import Quart, Response, request
from quart.routing import QuartRule

from web.api.openapi import ROUTES
from web.api.routes import add_routes
from web.auth import guard
from web.csp import policy
from web.display import add_filters
from web.frame import add_frame
from web.health import add_health
from web.house import House
from web.limits import MOST_BODY_BYTES, BoundedRequest
from web.metrics import add_metrics
from web.packing import add_packing
from web.pages.table import add_pages
from web.problems import add_problems

__all__ = ["House", "make_app", "own_names"]

Build = Callable[..., tuple[str, str]]

HEADERS = {
    "Content-Security-Policy": policy(),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # a first-start link must not leak to where a page leads
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class LazyRule(QuartRule):
    """
    A rule whose builder of addresses (`url_for`) is compiled when it is first called. werkzeug compiles two
    for each rule at once, which is three quarters of the time that it takes to make the application.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Build:
        compile_builder = super()._compile_builder
        compiled: list[Build] = []

        def build(rule: LazyRule, /, **values: Any) -> tuple[str, str]:
            if not compiled:
                compiled.append(compile_builder(append_unknown))
            return compiled[0](rule, **values)

        return build


class Application(Quart):
    """Quart with rules of ours."""

    url_rule_class = LazyRule


def make_app(house: House) -> Quart:
    """The ASGI application of *house*."""
    app = Application(__name__)
    app.request_class = BoundedRequest
    app.config["MAX_CONTENT_LENGTH"] = MOST_BODY_BYTES
    add_filters(app, house)
    add_frame(app, house)
    add_problems(app)
    add_health(app, house)
    rights = {**add_routes(app, house, ROUTES), **add_pages(app, house), **add_metrics(app, house)}
    guard(app, house, rights)
    app.after_request(_add_headers)
    add_packing(app)
    return app


def own_names(app: Quart) -> frozenset[str]:
    """The first parts of all addresses of *app*, such as `api`: no workflow answers there."""
    return frozenset(rule.rule.split("/")[1].lower() for rule in app.url_map.iter_rules()) - {""}


async def _add_headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)  # the editor's page has a policy of its own
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
    return response
