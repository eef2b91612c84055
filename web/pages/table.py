"""All pages with their addresses and least roles."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

from quart import Quart
from quart.typing import ResponseReturnValue

from runner.engine.people import Right
from web.house import House
from web.pages import settings
from web.pages.actions import actions, connector_actions
from web.pages.approvals import answer_approval, approvals
from web.pages.beginning import begin_new_workflow, new_workflow
from web.pages.connecting import CALLBACK, oauth_callback
from web.pages.connections import (
    connect_one,
    connection,
    connections,
    delete_one,
    make_connection,
    new_connection,
    replace_connection,
    test_one,
)
from web.pages.doctor import doctor
from web.pages.editing import edit
from web.pages.events import (
    event,
    event_body,
    events,
    recheck_event,
    recheck_events,
    release_event,
    replay_event,
)
from web.pages.failures import (
    dismiss_failure,
    failure,
    failures,
    replay_failure,
    see_failure,
    try_failure,
)
from web.pages.faults import fault, faults
from web.pages.finding import find, put_away
from web.pages.functions import functions
from web.pages.health import health
from web.pages.home import home
from web.pages.language import language
from web.pages.operating import operating_page, operating_pages
from web.pages.reference import docs, provider, providers
from web.pages.replaying import pause_replay, replay, start_replay, stop_replay
from web.pages.runs import (
    cancel_run,
    replay_run,
    run,
    run_case,
    run_comparing,
    run_part,
    run_replay,
    runs,
    write_run_case,
)
from web.pages.secrets import delete_one_secret, make_secret, new_secret, secret, set_secret
from web.pages.sign_in import signin, signin_form, signout, start, start_form
from web.pages.single_sign_on import OIDC_CALLBACK, oidc_begin, oidc_callback
from web.pages.starting import start_form_page, start_run
from web.pages.workflow import export, version, versions, workflow
from web.pages.workflow_acting import (
    delete_workflow,
    duplicate_workflow,
    pause_workflow,
    release_workflow,
    rename_workflow,
    restore_workflow,
    resume_workflow,
    return_workflow,
)

View: TypeAlias = Callable[..., Awaitable[ResponseReturnValue]]


def add_pages(app: Quart, house: House) -> dict[str, Right]:
    """Serve the pages; the least role by endpoint, but for those that anyone may open."""
    table: tuple[tuple[str, str, View, Right | None], ...] = (
        ("GET", "/signin", partial(signin, house), None),
        ("POST", "/signin", partial(signin_form, house), None),
        ("GET", "/start/<token>", partial(start, house), None),
        ("POST", "/start/<token>", partial(start_form, house), None),
        ("GET", CALLBACK, partial(oauth_callback, house), None),
        ("GET", "/signin/oidc", partial(oidc_begin, house), None),
        ("GET", OIDC_CALLBACK, partial(oidc_callback, house), None),
        ("POST", "/signout", partial(signout, house), "viewer"),
        ("GET", "/settings", partial(settings.settings, house), "viewer"),
        ("POST", "/settings/look", partial(settings.set_look, house), "viewer"),
        ("POST", "/settings/password", partial(settings.set_own_password, house), "viewer"),
        ("POST", "/settings/sessions/<session_id>/end", partial(settings.end_one_session, house), "viewer"),
        ("GET", "/settings/sessions", partial(settings.sessions, house), "admin"),
        ("GET", "/settings/people", partial(settings.people, house), "admin"),
        ("POST", "/settings/people", partial(settings.add_person, house), "admin"),
        ("GET", "/settings/people/<user_id>", partial(settings.person, house), "admin"),
        ("POST", "/settings/people/<user_id>", partial(settings.change_person, house), "admin"),
        ("POST", "/settings/people/<user_id>/disable", partial(settings.disable_person, house), "admin"),
        ("POST", "/settings/people/<user_id>/remove", partial(settings.remove_person, house), "admin"),
        ("POST", "/settings/people/<user_id>/link", partial(settings.link_person, house), "admin"),
        ("GET", "/settings/tokens", partial(settings.tokens, house), "admin"),
        ("POST", "/settings/tokens", partial(settings.add_token, house), "admin"),
        ("POST", "/settings/tokens/<token_id>/revoke", partial(settings.end_token, house), "admin"),
        ("GET", "/settings/audit", partial(settings.audit, house), "admin"),
        ("GET", "/settings/server", partial(settings.server, house), "admin"),
        ("GET", "/", partial(home, house), "viewer"),
        ("GET", "/find", partial(find, house), "viewer"),
        ("POST", "/put-away", partial(put_away, house), "viewer"),
        ("GET", "/runs", partial(runs, house), "viewer"),
        ("GET", "/runs/<run_id>", partial(run, house), "viewer"),
        ("GET", "/runs/<run_id>/part", partial(run_part, house), "viewer"),
        ("GET", "/runs/<run_id>/compare", partial(run_comparing, house), "viewer"),
        ("GET", "/runs/<run_id>/test", partial(run_case, house), "editor"),
        ("POST", "/runs/<run_id>/test", partial(write_run_case, house), "editor"),
        ("GET", "/runs/<run_id>/replay", partial(run_replay, house), "run"),
        ("POST", "/runs/<run_id>/cancel", partial(cancel_run, house), "run"),
        ("POST", "/runs/<run_id>/replay", partial(replay_run, house), "run"),
        ("GET", "/workflows/<slug>/edit", partial(edit, house), "viewer"),
        ("GET", "/workflows/new", partial(new_workflow, house), "editor"),
        ("POST", "/workflows/new", partial(begin_new_workflow, house), "editor"),
        ("GET", "/workflows/<slug>", partial(workflow, house), "viewer"),
        ("GET", "/workflows/<slug>/export", partial(export, house), "viewer"),
        ("GET", "/workflows/<slug>/versions", partial(versions, house), "viewer"),
        ("GET", "/workflows/<slug>/versions/<number>", partial(version, house), "viewer"),
        ("POST", "/workflows/<slug>/pause", partial(pause_workflow, house), "editor"),
        ("POST", "/workflows/<slug>/resume", partial(resume_workflow, house), "editor"),
        ("POST", "/workflows/<slug>/release", partial(release_workflow, house), "run"),
        ("POST", "/workflows/<slug>/duplicate", partial(duplicate_workflow, house), "editor"),
        ("POST", "/workflows/<slug>/rename", partial(rename_workflow, house), "editor"),
        ("POST", "/workflows/<slug>/delete", partial(delete_workflow, house), "editor"),
        ("POST", "/workflows/<slug>/restore", partial(restore_workflow, house), "editor"),
        ("POST", "/workflows/<slug>/return", partial(return_workflow, house), "editor"),
        ("GET", "/workflows/<slug>/run", partial(start_form_page, house), "run"),
        ("POST", "/workflows/<slug>/run", partial(start_run, house), "run"),
        ("GET", "/failures", partial(failures, house), "viewer"),
        ("GET", "/failures/<problem_id>", partial(failure, house), "viewer"),
        ("POST", "/failures/<problem_id>/seen", partial(see_failure, house), "editor"),
        ("POST", "/failures/<problem_id>/try", partial(try_failure, house), "run"),
        ("POST", "/failures/<problem_id>/dismiss", partial(dismiss_failure, house), "editor"),
        ("POST", "/failures/<problem_id>/replay", partial(replay_failure, house), "run"),
        ("GET", "/replays/<replay_id>", partial(replay, house), "viewer"),
        ("POST", "/replays/<replay_id>/start", partial(start_replay, house), "run"),
        ("POST", "/replays/<replay_id>/pause", partial(pause_replay, house), "run"),
        ("POST", "/replays/<replay_id>/stop", partial(stop_replay, house), "run"),
        ("GET", "/health", partial(health, house), "viewer"),
        ("GET", "/health/doctor", partial(doctor, house), "admin"),
        ("GET", "/approvals", partial(approvals, house), "viewer"),
        ("POST", "/approvals/<approval_id>", partial(answer_approval, house), "viewer"),
        ("GET", "/events", partial(events, house), "viewer"),
        ("POST", "/events/recheck", partial(recheck_events, house), "editor"),
        ("GET", "/events/<event_id>", partial(event, house), "viewer"),
        ("GET", "/events/<event_id>/body", partial(event_body, house), "viewer"),
        ("POST", "/events/<event_id>/replay", partial(replay_event, house), "run"),
        ("POST", "/events/<event_id>/release", partial(release_event, house), "run"),
        ("POST", "/events/<event_id>/recheck", partial(recheck_event, house), "editor"),
        ("GET", "/connections", partial(connections, house), "editor"),
        ("GET", "/connections/new", partial(new_connection, house), "editor"),
        ("POST", "/connections/new", partial(make_connection, house), "editor"),
        ("GET", "/connections/<name>", partial(connection, house), "editor"),
        ("POST", "/connections/<name>", partial(replace_connection, house), "editor"),
        ("POST", "/connections/<name>/test", partial(test_one, house), "editor"),
        ("POST", "/connections/<name>/connect", partial(connect_one, house), "admin"),
        ("POST", "/connections/<name>/delete", partial(delete_one, house), "editor"),
        ("GET", "/secrets", partial(new_secret, house), "editor"),
        ("POST", "/secrets", partial(make_secret, house), "editor"),
        ("GET", "/secrets/<name>", partial(secret, house), "editor"),
        ("POST", "/secrets/<name>", partial(set_secret, house), "editor"),
        ("POST", "/secrets/<name>/delete", partial(delete_one_secret, house), "editor"),
        ("GET", "/docs", partial(docs, house), "viewer"),
        ("GET", "/docs/actions", partial(actions, house), "viewer"),
        ("GET", "/docs/actions/<connector>", partial(connector_actions, house), "viewer"),
        ("GET", "/docs/faults", partial(faults), "viewer"),
        ("GET", "/docs/faults/<code>", partial(fault), "viewer"),
        ("GET", "/docs/language", partial(language), "viewer"),
        ("GET", "/docs/functions", partial(functions), "viewer"),
        ("GET", "/docs/operating", partial(operating_pages), "viewer"),
        ("GET", "/docs/operating/<name>", partial(operating_page), "viewer"),
        ("GET", "/docs/providers", partial(providers, house), "viewer"),
        ("GET", "/docs/providers/<name>", partial(provider, house), "viewer"),
    )
    roles: dict[str, Right] = {}
    for method, rule, view, role in table:
        assert isinstance(view, partial)
        endpoint = view.func.__name__
        app.add_url_rule(rule, endpoint, view, methods=[method])
        if role:
            roles[endpoint] = role
    return roles
