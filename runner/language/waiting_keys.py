"""The keys of the steps that wait (`wait`, `wait_for`) and of `repeat`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.language.kinds import (
    COUNT,
    DURATION,
    EXPRESSION,
    METHOD_LIST,
    ROUNDS,
    TEMPLATE,
    TEXTS,
    Key,
    block,
    named_block,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.language.kinds import Block

REPEAT_KEYS = (
    Key(
        "repeat",
        "Runs `steps` again and again until a condition holds; its output is the list of their outputs. "
        "When it never holds, the step fails.",
        (ROUNDS,),
        {"until": "steps.job.body.status == 'done'", "every": "30s"},
    ),
)
WAITING_STEPS: Mapping[str, tuple[Key, ...]] = {
    "wait": (
        Key(
            "wait",
            "Waits: for a time such as `2d`, or until a date. It survives restarts and holds no worker; a "
            "date that has passed is not waited for.",
            (DURATION, block("wait_until")),
            "2d",
        ),
    ),
    "wait_for": (
        Key(
            "wait_for",
            "Waits until somebody answers: a service that calls the step's address, or a person who "
            "decides. With `timeout` it fails when nobody does; its output is what was sent back.",
            (block("wait_for"),),
            {"approval": {"message": "Refund {{ payload.total }}?"}},
        ),
    ),
}
"""Each kind of step with its own key; `repeat` has `steps` beside it."""

WAITING_BLOCKS: Mapping[str, Block] = {
    "wait_until": named_block(
        "wait_until",
        Key(
            "until",
            "A date in ISO 8601, or seconds since 1970; without an offset it is one of the workflow's "
            "`timezone`.",
            (TEMPLATE,),
            "{{ payload.due_date }}",
            required=True,
        ),
        elsewhere={
            "for": "`wait: 10m`",
            "seconds": "`wait: 90s`",
            "minutes": "`wait: 10m`",
            "hours": "`wait: 2h`",
            "days": "`wait: 2d`",
            "duration": "`wait: 10m`",
            "date": "`until`",
            "at": "`until`",
            "callback": "`wait_for: {callback: {}}`",
            "approval": "`wait_for: {approval: {…}}`",
        },
    ),
    "wait_for": named_block(
        "wait_for",
        Key(
            "callback",
            "A call of the step's address, which earlier steps send out as `{{ resume_url('<id>') }}`; the "
            "step's output is the call's payload.",
            (block("callback"),),
            {},
        ),
        Key(
            "approval",
            "A person's decision; the step's output is `{choice, by, comment}`.",
            (block("approval"),),
            {"message": "Refund {{ payload.total }}?"},
        ),
        elsewhere={
            "timeout": "`timeout` stands beside `wait_for`",
            "webhook": "`callback`",
            "form": "`approval` asks for one of its `choices` and a comment",
            "until": "`wait: {until: …}`",
            "message": "`approval: {message: …}`",
            "choices": "`approval: {message: …, choices: […]}`",
            "methods": "`callback: {methods: […]}`",
        },
    ),
    "callback": named_block(
        "callback",
        Key(
            "methods",
            "The HTTP methods that continue the run; [POST] by default. With GET whoever opens the "
            "address continues it, also a preview of the link.",
            (METHOD_LIST,),
            ["POST"],
        ),
        elsewhere={"method": "`methods: [POST]`", "timeout": "`timeout` stands beside `wait_for`"},
    ),
    "approval": named_block(
        "approval",
        Key("message", "What is asked.", (TEMPLATE,), "Refund {{ payload.total }}?", required=True),
        Key(
            "choices", "What can be answered; [approve, reject] by default.", (TEXTS,), ["refund", "decline"]
        ),
        Key(
            "assignees",
            "The names of those who may answer when they are signed in. Whoever holds the address from "
            "`resume_url` may always answer.",
            (TEXTS,),
            ["ada", "grace"],
        ),
        elsewhere={
            "options": "`choices`",
            "buttons": "`choices`",
            "approvers": "`assignees`",
            "reviewers": "`assignees`",
            "users": "`assignees`",
            "to": "`assignees`",
            "text": "`message`",
            "title": "`message`",
            "question": "`message`",
            "timeout": "`timeout` stands beside `wait_for`",
        },
    ),
    "repeat": named_block(
        "repeat",
        Key(
            "until",
            "Ends the rounds when it holds; looked at after each. It sees the round's steps, `index` "
            "(from 0) and `previous`, the output of the round before (null in the first).",
            (EXPRESSION,),
            "steps.page.body.next == null",
            required=True,
        ),
        Key("at_most", "How many rounds at most; 100 by default, 1,000 are allowed.", (COUNT,), 20),
        Key("every", "How long to wait between two rounds; not at all by default.", (DURATION,), "30s"),
        elsewhere={
            "while": "`until`, with the condition turned round: `until: !(…)`",
            "count": "`at_most` bounds the rounds; `for_each` over a list runs a number that is known",
            "times": "`at_most`",
            "max": "`at_most`",
            "limit": "`at_most`",
            "attempts": "`at_most`",
            "delay": "`every`",
            "interval": "`every`",
            "sequence": "`steps`, beside `repeat`",
            "steps": "`steps` stands beside `repeat`",
            "for_each": "`for_each: <JMESPath>` beside `steps` is a step of its own",
        },
    ),
}

WAITING_ELSEWHERE: Mapping[str, str] = {
    "delay": "`wait: 10m` waits",
    "sleep": "`wait: 10s` waits",
    "pause": "`wait: 10m` waits, `wait_for: {approval: {…}}` asks a person",
    "wait_until": "`wait: {until: <date>}` waits for a date",
    "wait_for_trigger": "`wait_for: {callback: {}}` waits for a call",
    "wait_template": "`repeat: {until: <JMESPath>, every: 30s}` beside `steps` looks again and again",
    "while": "`repeat: {until: <JMESPath>}` beside `steps` runs steps again and again",
    "until": "`repeat: {until: <JMESPath>}` beside `steps` runs steps again and again",
    "approval": "`wait_for: {approval: {message: …}}` asks a person",
    "callback": "`wait_for: {callback: {}}` waits for a call",
}
"""What steps of other products are called here."""
