"""All pages with their addresses and least roles."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

from quart import Quart
from quart.typing import ResponseReturnValue

from runner.engine.history import Role
from web.attempts import Attempts
from web.house import House
from web.pages.acting import cancel_run, replay_run
from web.pages.actions import actions, connector_actions
from web.pages.approvals import answer_approval, approvals, tell_of_approvals
from web.pages.connecting import CALLBACK, oauth_callback
from web.pages.faults import faults
from web.pages.functions import functions
from web.pages.language import language
from web.pages.looking import event, events, home, run, runs
from web.pages.reference import docs, providers
from web.pages.sign_in import signin, signin_form, signout, start, start_form
from web.pages.starting import start_form_page, start_run

View: TypeAlias = Callable[..., Awaitable[ResponseReturnValue]]


def add_pages(app: Quart, house: House) -> dict[str, Role]:
    """Serve the pages; the least role by endpoint, but for those that anyone may open."""
    attempts = Attempts(house.clock)
    table: tuple[tuple[str, str, View, Role | None], ...] = (
        ("GET", "/signin", partial(signin, house), None),
        ("POST", "/signin", partial(signin_form, house, attempts), None),
        ("GET", "/start/<token>", partial(start), None),
        ("POST", "/start/<token>", partial(start_form, house, attempts), None),
        ("GET", CALLBACK, partial(oauth_callback, house), None),
        ("POST", "/signout", partial(signout, house), "viewer"),
        ("GET", "/", partial(home, house), "viewer"),
        ("GET", "/runs", partial(runs, house), "viewer"),
        ("GET", "/runs/<run_id>", partial(run, house), "viewer"),
        ("POST", "/runs/<run_id>/cancel", partial(cancel_run, house), "editor"),
        ("POST", "/runs/<run_id>/replay", partial(replay_run, house), "editor"),
        ("GET", "/workflows/<slug>/run", partial(start_form_page, house), "editor"),
        ("POST", "/workflows/<slug>/run", partial(start_run, house), "editor"),
        ("GET", "/approvals", partial(approvals, house), "viewer"),
        ("POST", "/approvals/<approval_id>", partial(answer_approval, house), "viewer"),
        ("GET", "/events", partial(events, house), "viewer"),
        ("GET", "/events/<event_id>", partial(event, house), "viewer"),
        ("GET", "/docs", partial(docs, house), "viewer"),
        ("GET", "/docs/actions", partial(actions, house), "viewer"),
        ("GET", "/docs/actions/<connector>", partial(connector_actions, house), "viewer"),
        ("GET", "/docs/faults", partial(faults), "viewer"),
        ("GET", "/docs/language", partial(language), "viewer"),
        ("GET", "/docs/functions", partial(functions), "viewer"),
        ("GET", "/docs/providers", partial(providers, house), "viewer"),
    )
    tell_of_approvals(app, house)
    roles: dict[str, Role] = {}
    for method, rule, view, role in table:
        assert isinstance(view, partial)
        endpoint = view.func.__name__
        app.add_url_rule(rule, endpoint, view, methods=[method])
        if role:
            roles[endpoint] = role
    return roles
