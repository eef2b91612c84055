"""
Errors as answers: `application/problem+json` under /api, a page with a way on elsewhere.

Source of the JSON: RFC 9457.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus

from quart import Quart, Response, render_template, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from runner.errors import LanguageError, MoveRefused, NotFound, StoreUnavailable
from runner.values import Json, dumps

RETRY_AFTER_SECONDS = 5  # what a caller is asked to wait while the store is away
MEDIA_TYPE = "application/problem+json"

SENTENCES: Mapping[int, str] = {
    404: "There is nothing at this address.",
    405: "This address does not take that method.",
    413: "That is more than this address takes.",
    500: "Something broke inside. Nothing that was accepted is lost; the server's log has the details.",
}

log = logging.getLogger(__name__)


class Problem(Exception):
    """An answer that is an error. *more* are further members of the problem, such as `parameter`."""

    def __init__(
        self, status: int, detail: str, *, headers: Mapping[str, str] | None = None, **more: Json
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = dict(headers or {})
        self.more = more


def add_problems(app: Quart) -> None:
    """Answer every error of *app* in the form that the address speaks."""
    app.register_error_handler(HTTPException, _answer)
    app.register_error_handler(Exception, _answer)


def speaks_json(path: str) -> bool:
    """Whether the address belongs to the API or to a machine's check."""
    return path == "/api" or path.startswith("/api/") or path in {"/healthz", "/readyz", "/metrics"}


async def _answer(error: Exception) -> Response:
    problem = _problem_of(error)
    if speaks_json(request.path):
        return problem_response(problem)
    page = await render_template("error.html", status=problem.status, sentence=str(problem))
    return Response(page, status=problem.status, headers=problem.headers, content_type="text/html")


def problem_response(problem: Problem) -> Response:
    """`{type, title, status, detail, …}`."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": str(problem),
        **problem.more,
    }
    return Response(dumps(body), problem.status, headers=problem.headers, content_type=MEDIA_TYPE)


def _problem_of(error: Exception) -> Problem:
    match error:
        case Problem():
            return error
        case NotFound():
            return Problem(404, f"{error}.")
        case MoveRefused():
            return Problem(409, f"{error}.")
        case LanguageError():
            return Problem(409, f"That version cannot be run: {error}")
        case StoreUnavailable():
            # the cause is the operator's, and in the log
            sentence = "We could not reach the store just now; please try again."
            return Problem(503, sentence, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
        case HTTPException(code=int(status)) if status >= 400:
            headers = {}
            if isinstance(error, MethodNotAllowed) and error.valid_methods:
                headers["Allow"] = ", ".join(sorted(error.valid_methods))
            return Problem(status, SENTENCES.get(status, f"{HTTPStatus(status).phrase}."), headers=headers)
    log.error("%s failed", request.path, exc_info=error, extra={"action": "web_bug"})
    return Problem(500, SENTENCES[500])
