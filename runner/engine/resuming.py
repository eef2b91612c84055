"""
Resuming: the addresses of `wait_for` steps, and the answers that come to them.

A token follows from the server's key, the run and the step's path and names both, so none is stored,
it stands in a message before the step is reached, and a restored server takes it. What counts is the
row of the first answer: it is written whether the run has reached the step, is on its way or waits,
and a second one is told of it. A question that nobody answers in time is closed by such a row too, so
that an answer and the time's end cannot both be true.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from runner.engine.paths import steps_by_path, without_indices
from runner.errors import LanguageError, NotFound
from runner.language.secrets import MASK
from runner.language.workflow import WaitFor
from runner.values import Json, iso

if TYPE_CHECKING:
    from runner.engine.library import Library
    from runner.engine.runs import Status
    from runner.language.workflow import Approval

RESUME = "/resume/"
LABEL = b"hookline resume address, version 1"  # keeps this use of the key apart from all others
CODE_BYTES = 20  # 160 bits; 128 are promised
RUN_ID = re.compile("[0-9a-z]{26}")
CODE_LENGTH = 27  # of CODE_BYTES in base64url without padding
ADDRESS = re.compile(rf"{RESUME}[0-9a-z]{{26}}[A-Za-z0-9_-]{{{CODE_LENGTH},}}")
LONGEST_TOKEN = 1000  # characters: eight ids and indices are a few hundred
LONGEST_COMMENT = 2000  # characters
DECISION_KEYS = {"choice", "by", "comment"}
LINK = "link"  # who answered, where only the address says it

TokenOf: TypeAlias = Callable[[str, str], str]


def resume_token_deriver(root_key: bytes) -> TokenOf:
    """A function `(run id, path) -> token`: the run, a code that nobody can guess, and the path."""
    key = hmac.digest(root_key, LABEL, hashlib.sha256)

    def token_of(run_id: str, path: str) -> str:
        code = hmac.digest(key, f"{run_id}\n{path}".encode(), hashlib.sha256)[:CODE_BYTES]
        return f"{run_id}{_letters(code)}{_letters(path.encode())}"

    return token_of


def read_token(token: str, token_of: TokenOf) -> tuple[str, str] | None:
    """
    The run and the path that *token* is of, or None where it is none of ours. The whole token is
    compared with the one that we would write, so that no other spelling of it works.
    """
    run_id, path = token[:26], _text(token[26 + CODE_LENGTH :])
    if len(token) > LONGEST_TOKEN or not RUN_ID.fullmatch(run_id) or not path:
        return None
    is_ours = hmac.compare_digest(token_of(run_id, path).encode(), token.encode(errors="replace"))
    return (run_id, path) if is_ours else None


def question_id(run_id: str, path: str) -> str:
    """How lists and the API name a step that waits: not its token, which lets answer."""
    return f"{run_id}.{_letters(path.encode())}"


def read_question_id(text: str) -> tuple[str, str] | None:
    """The run and the path of a `question_id`, or None."""
    run_id, _, rest = text.partition(".")
    path = _text(rest)
    return (run_id, path) if path and RUN_ID.fullmatch(run_id) and question_id(run_id, path) == text else None


@dataclass(frozen=True, slots=True)
class Given:
    """
    The one answer to a step: its `value` as the step gives it, `by` whom, `at` UTC seconds, and the
    digests of the `files` in it. `by` is None where the time was over before anybody answered.
    """

    run_id: str
    path: str
    value: Json
    by: str | None
    at: float
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """
    A step of a run that waits, or will: `question` is what its record says of it, None where the run
    has not come to it. `is_over` says that the run has ended, or the step without an answer.
    """

    run_id: str
    path: str
    workflow: str
    version: int
    title: str
    event_id: str
    status: Status
    question: Json
    since: float | None
    until: float | None
    is_over: bool
    given: Given | None


Verdict: TypeAlias = Literal["accepted", "answered", "over"]


@dataclass(frozen=True, slots=True)
class Told:
    """What became of an answer; `first` is the one that counts where it was another."""

    verdict: Verdict
    first: Given | None = None


class Heard(Protocol):
    """What was answered to the steps of runs, for their turns. All raise StoreUnavailable."""

    async def given(self, run_id: str, path: str) -> Given | None:
        """The answer to the step at *path*, or the note that its time was over."""

    async def close(self, run_id: str, path: str, *, now: float) -> Given:
        """The answer, if one came until now; else from now on none is taken, and that is given."""


class Answers(Heard, Protocol):
    """Likewise, for those who answer. All raise StoreUnavailable."""

    async def record(self, given: Given, files: Mapping[str, bytes]) -> Told:
        """
        Write the first answer to a step with its files, and make its run due if that waits at the
        step: one transaction. Raises NotFound: there is no such run.
        """

    async def asked(self, run_id: str, path: str) -> Asked:
        """The run and what is known of its step at *path*. Raises NotFound."""

    async def open(self, *, after: int, limit: int) -> tuple[list[Asked], int | None]:
        """
        Approvals that nobody has answered, of the oldest runs first, behind the place *after* (0 at
        the beginning), with titles and questions as people may see them; where to go on, or None.
        """


class NoAnswers:
    """See `Heard`: nobody can answer. For rehearsals."""

    async def given(self, run_id: str, path: str) -> Given | None:  # noqa: ARG002 - the port's
        """None."""
        return None

    async def close(self, run_id: str, path: str, *, now: float) -> Given:
        """The time was over."""
        return Given(run_id, path, None, None, now)


@dataclass(frozen=True, slots=True)
class Closed:
    """
    Why an answer was not taken, in a sentence. `facts` say whose was the first: `{by, at, choice}`, none
    where nobody answered; `is_over`: the run has ended, or the time.
    """

    is_over: bool
    sentence: str
    facts: Mapping[str, Json]


def closed(told: Told) -> Closed | None:
    """What those hear who come too late; None while there is time."""
    if told.verdict == "accepted":
        return None
    is_over, first = told.verdict == "over", told.first
    if first is None or first.by is None:
        late = "Nobody answered in time" if first is not None else "The run has ended"
        return Closed(is_over, f"{late}, so this can be answered no more.", {})
    facts: dict[str, Json] = {"by": first.by, "at": iso(first.at)}
    chosen = ""
    if isinstance(first.value, dict) and first.value.keys() == DECISION_KEYS:
        facts["choice"] = first.value["choice"]
        chosen = f": {first.value['choice']}"
    name = "somebody with the link" if first.by == LINK else first.by
    at = datetime.fromtimestamp(first.at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return Closed(is_over, f"This was answered already, by {name} at {at}{chosen}.", facts)


@dataclass(frozen=True, slots=True)
class Question:
    """A step that waits, as its workflow has it."""

    asked: Asked
    body: WaitFor

    @property
    def id(self) -> str:
        """Its name in lists and in the API."""
        return question_id(self.asked.run_id, self.asked.path)

    @property
    def told(self) -> Told:
        """What an answer would be told, as far as it is known already."""
        if self.asked.is_over:
            return Told("over", self.asked.given)
        return Told("answered", self.asked.given) if self.asked.given else Told("accepted")

    def as_json(self, public_url: str) -> Json:
        """An approval: `{id, run, workflow, title, step, message, choices, assignees, since, until, url}`."""
        asked, approval = self.asked, self.body.approval
        return {
            "id": self.id,
            "run": asked.run_id,
            "workflow": asked.workflow,
            "title": asked.title,
            "step": asked.path,
            "message": (asked.question or {}).get("message"),
            "choices": list(approval.choices) if approval else [],
            "assignees": list(approval.assignees) if approval else [],
            "since": iso(asked.since),
            "until": iso(asked.until),
            "url": f"{public_url}/approvals#{self.id}",
        }


@dataclass(frozen=True, slots=True)
class Resuming:
    """Finds what waits and takes the answers. `woke()` hears that a run may be due."""

    answers: Answers
    library: Library
    token_of: TokenOf
    clock: Callable[[], float]
    woke: Callable[[], None] = lambda: None

    async def by_token(self, token: str) -> Question:
        """What the address with *token* is of. Raises NotFound: nothing that we know."""
        found = read_token(token, self.token_of)
        if found is None:
            raise NotFound("there is nothing at this address")
        return await self._question(*found)

    async def by_id(self, text: str) -> Question:
        """The approval that lists name *text*. Raises NotFound."""
        found = read_question_id(text)
        if found is None:
            raise NotFound(f"there is no approval {text}")
        question = await self._question(*found)
        if question.body.approval is None:
            raise NotFound(f"there is no approval {text}")
        return question

    async def open(self, *, after: int = 0, limit: int = 50) -> tuple[list[Question], int | None]:
        """Approvals that wait, as `Answers.open`; those whose version is gone are left out."""
        found: list[Question] = []
        rows, rest = await self.answers.open(after=after, limit=limit)
        for asked in rows:
            body = await self._body(asked)
            if body is not None and body.approval is not None:
                found.append(Question(asked, body))
        return found, rest

    async def answer(
        self, question: Question, value: Json, *, by: str, files: Mapping[str, bytes] | None = None
    ) -> Told:
        """Take *value* as the step's answer, unless it has one or is over. Raises StoreUnavailable."""
        asked, files = question.asked, files or {}
        given = Given(asked.run_id, asked.path, value, by, self.clock(), tuple(files))
        told = await self.answers.record(given, files)
        if told.verdict == "accepted":
            self.woke()
        return told

    async def _question(self, run_id: str, path: str) -> Question:
        asked = await self.answers.asked(run_id, path)
        body = await self._body(asked)
        if body is None:
            raise NotFound("there is nothing at this address")
        return Question(asked, body)

    async def _body(self, asked: Asked) -> WaitFor | None:
        """The step in the version that the run has; None where that has no such step any more."""
        try:
            workflow = await self.library.version(asked.workflow, asked.version)
        except (NotFound, LanguageError):
            return None
        step = steps_by_path(workflow).get(without_indices(asked.path))
        return step.body if step is not None and isinstance(step.body, WaitFor) else None


def decision(approval: Approval, choice: str, comment: str, *, by: str) -> Json:
    """
    The output of an approval: `{choice, by, comment}`; *comment* is null where nothing was said.

    Raises:
        ValueError: a sentence; there is no such choice, or the comment is too long.
    """
    if choice not in approval.choices:
        raise ValueError(f"choose one of {', '.join(approval.choices)}")
    if len(comment) > LONGEST_COMMENT:
        raise ValueError(f"a comment has at most {LONGEST_COMMENT:,} characters")
    return {"choice": choice, "by": by, "comment": comment.strip() or None}


def may_answer(approval: Approval, name: str, *, may_run: bool, is_admin: bool) -> bool:
    """
    Whether a person who is signed in as *name* may answer: those whom `assignees` names, whatever
    their role, and admins; without `assignees` whoever may replay a run.
    """
    if approval.assignees:
        return is_admin or name in approval.assignees
    return may_run


def urls_of(run_id: str, paths: Mapping[str, str], token_of: TokenOf, public_url: str) -> dict[str, str]:
    """The address of each of *paths* (by the step's id): what `resume_url` gives."""
    return {identity: f"{public_url}{RESUME}{token_of(run_id, path)}" for identity, path in paths.items()}


def without_tokens(value: Json) -> Json:
    """*value* with the token of each such address as `•••`: whoever may look may not answer therefore."""
    if isinstance(value, str):
        return ADDRESS.sub(f"{RESUME}{MASK}", value) if RESUME in value else value
    if isinstance(value, list):
        return [without_tokens(one) for one in value]
    if isinstance(value, dict):
        return {key: without_tokens(one) for key, one in value.items()}
    return value


def _letters(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _text(letters: str) -> str:
    """The text that `_letters` wrote; empty where it is none."""
    try:
        return base64.urlsafe_b64decode(letters + "=" * (-len(letters) % 4)).decode()
    except (binascii.Error, ValueError):
        return ""
