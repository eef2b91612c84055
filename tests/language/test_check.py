"""Every kind of fault that a file can have: its code, its place, and the words that help."""
# ruff: noqa: E501 - a table is read by its lines

from __future__ import annotations

from dataclasses import replace

import pytest

from runner.language.faults import Fault
from runner.language.load import load
from tests.language.small_catalogue import CATALOGUE

HEAD = "name: x\ntrigger: {webhook: {}}\n"


def faults_of(text: str, *, slug: str = "order") -> tuple[Fault, ...]:
    return load(text, path="workflows/order.yaml", slug=slug, catalogue=CATALOGUE).faults


def steps(text: str) -> str:
    """A file whose steps are *text*; its first line is line 4."""
    return f"{HEAD}steps:\n{text}"


OK = "steps: [filter: payload]\n"

# fmt: off
TOP = [
    ("trigger: {webhook: {}}\n" + OK, "missing-key", "1:1", "", "`name` is missing"),
    ("name: x\n" + OK, "missing-key", "1:1", "", "`trigger` is missing"),
    (HEAD, "missing-key", "1:1", "", "only a webhook with a fixed `answer`"),
    ("name: x\ntrigger: {}\n" + OK, "missing-key", "2:10", "trigger", "webhook: {}"),
    ("name: x\ntrigger:\n" + OK, "type", "2:1", "trigger", "it is empty; write {} for the defaults"),
    ("- a\n", "type", "1:1", "", "must be a workflow; it is a list"),
    ("just text\n", "type", "1:1", "", "it is a text"),
    ("name: 12\n" + HEAD[8:] + OK, "type", "1:7", "name", 'the number 12; quote it: "12"'),
    ("name: ' '\n" + HEAD[8:] + OK, "value", "1:7", "name", "empty"),
    (HEAD + OK + "descripton: x\n", "unknown-key", "4:1", "descripton", 'did you mean "description"?'),
    (HEAD + OK + "zzz: x\n", "unknown-key", "4:1", "zzz", "known here: name, description"),
    (HEAD + OK + "on: push\n", "unknown-key", "4:1", "on", "`trigger: {webhook: {…}}`"),
    (HEAD + OK + "jobs: {}\n", "unknown-key", "4:1", "jobs", "`steps` is one list"),
    (HEAD + OK + "concurrency: 1\n", "type", "4:14", "concurrency", "a mapping of limit, key and when_full"),
    (HEAD + OK + "concurrency: {key: payload.id}\n", "missing-key", "4:14", "concurrency", "`limit` is missing"),
    (HEAD + OK + "concurrency: {limit: 0}\n", "value", "4:22", "concurrency.limit", "a whole number from 1"),
    (HEAD + OK + "concurrency: {limit: 1, group: a}\n", "unknown-key", "4:25", "concurrency.group", "`key: <JMESPath>`"),
    (HEAD + OK + "concurrency: {limit: 1, key: steps.a}\n", "before-run", "4:36", "concurrency.key", "before any step runs"),
    (HEAD + OK + "concurrency: {limit: 1, when_full: skip}\n", "value", "4:36", "concurrency.when_full", "queue or drop or replace"),
    (HEAD + OK + "mode: shadwo\n", "value", "4:7", "mode", "did you mean"),
    (HEAD + OK + "redact: [a]\n", "path", "4:10", "redact[0]", "did you mean `payload.a`?"),
    (HEAD + OK + "redact: [paylod.a]\n", "path", "4:10", "redact[0]", "did you mean `payload.a`?"),
    (HEAD + OK + "redact: [payload.a, payload..b]\n", "path", "4:21", "redact[1]", "from its character 8 on"),
    (HEAD + OK + "redact: [event.size]\n", "path", "4:10", "redact[0]", "nothing that can be hidden"),
    (HEAD + OK + "redact: [steps.ordr.a]\n", "path", "4:10", "redact[0]", "there is no step of that id"),
    (HEAD + OK + "redact: payload.a\n", "type", "4:9", "redact", "write [payload.a]"),
    (HEAD + OK + "retention: {events: 30}\n", "type", "4:21", "retention.events", "write the unit: 30s"),
    (HEAD + OK + "retention: 30d\n", "type", "4:12", "retention", "a mapping of events and runs"),
    (HEAD + OK + "enabled: no\n", "type", "4:10", "enabled", "write false"),
    (HEAD + OK + "tags: sales\n", "type", "4:7", "tags", "write [sales]"),
    (HEAD + OK + "tags: [1]\n", "type", "4:8", "tags", "it is the number 1"),
    (HEAD + OK + "timezone: Europe/Athen\n", "zone", "4:11", "timezone", 'did you mean "Europe/Athens"?'),
    (HEAD + OK + "timeout: 30\n", "type", "4:10", "timeout", "write the unit: 30s"),
    (HEAD + OK + "timeout: 30 s\n", "duration", "4:10", "timeout", "write for example 30s"),
    (HEAD + OK + "timeout: 0s\n", "duration", "4:10", "timeout", "longer than nothing"),
    (HEAD + OK + "vars: [a]\n", "type", "4:7", "vars", "a mapping of names to values; it is a list"),
    (HEAD + OK + "retry: yes\n", "type", "4:8", "retry", "must be false, or a mapping"),
    (HEAD + OK + "retry: {max_attempts: 3}\n", "unknown-key", "4:9", "retry.max_attempts", "`attempts`"),
    (HEAD + OK + "retry: {attempts: 0}\n", "value", "4:19", "retry.attempts", "a whole number from 1"),
    (HEAD + OK + "retry: {attempts: nome}\n", "value", "4:19", "retry.attempts", 'did you mean "none"?'),
    (HEAD + OK + "retry: {backoff: 0.5}\n", "value", "4:18", "retry.backoff", "a number from 1"),
    (HEAD + OK + "retry: {jitter: yes}\n", "type", "4:17", "retry.jitter", "write true"),
    (HEAD + OK + "retry: {on: [netwrk, 404, 700]}\n", "value", "4:27", "retry.on[2]", "700"),
    (HEAD + OK + "title: '{{ payload.a }} {{ steps.b.c }}'\n", "before-run", "4:34", "title", "before any step runs"),
    (HEAD + OK + "title: '{{ item }}'\n", "unknown-name", "4:12", "title", "inside `for_each`"),
    (HEAD + OK + "output: steps.nope\n", "unknown-step", "4:15", "output", 'no step has the id "nope"'),
    (HEAD + "steps: {filter: payload}\n", "type", "3:8", "steps", "`- ` before each step"),
    (HEAD + "steps: []\n", "value", "3:8", "steps", "the list of steps is empty"),
]

WEBHOOK = [
    ("deduplicate: true", "type", "4:18", "trigger.webhook.deduplicate", "must be false, or a mapping"),
    ("deduplicate: {key: paylod.id}", "unknown-name", "4:24", "trigger.webhook.deduplicate.key", "payload"),
    ("deduplicate: {key: payload.id, ttl: 1d}", "unknown-key", "4:36", "trigger.webhook.deduplicate.ttl", "`within: 7d`"),
    ("deduplicate: {after_failure: skip}", "value", "4:34", "trigger.webhook.deduplicate.after_failure", "retry or ignore"),
    ("method: POST", "unknown-key", "4:5", "trigger.webhook.method", "`methods: [POST]`"),
    ("methods: POST", "type", "4:14", "trigger.webhook.methods", "write [POST]"),
    ("methods: [post]", "value", "4:15", "trigger.webhook.methods[0]", "write POST"),
    ("methods: [POST, GET, POST]", "value", "4:26", "trigger.webhook.methods[2]", "given twice"),
    ("methods: []", "value", "4:14", "trigger.webhook.methods", "the list is empty"),
    ("answer: acepted", "value", "4:13", "trigger.webhook.answer", 'did you mean "accepted"?'),
    ("answer: 200", "type", "4:13", "trigger.webhook.answer", "accepted or result, or a mapping with wait"),
    ("answer: {wait: 60}", "type", "4:20", "trigger.webhook.answer.wait", "write the unit: 60s"),
    ("answer: {status: 700}", "value", "4:22", "trigger.webhook.answer.status", "from 200 to 599"),
    ("answer: {bdoy: x}", "unknown-key", "4:14", "trigger.webhook.answer.bdoy", 'did you mean "body"?'),
    ("answer: {wiat: 2m}", "unknown-key", "4:14", "trigger.webhook.answer.wiat", 'did you mean "wait"?'),
    ("answer: {headers: {content-type: text/html}, body: '<b>{{ payload.a }}</b>'}", "html", "4:60", "trigger.webhook.answer.body", "`| escape`"),
    ("answer: {code: 200, status: 200}", "unknown-key", "4:14", "trigger.webhook.answer.code", "`status`"),
    ("answer: {body: '{{ steps.a }}'}", "before-run", "4:30", "trigger.webhook.answer.body", "before any step runs"),
    ("answer: {body: '{{ secrets.TOKEN }}'}", "secret-place", "4:32", "trigger.webhook.answer.body", "under an action's `with`"),
    ("max_body: 1MB", "size", "4:15", "trigger.webhook.max_body", "512 KiB"),
    ("max_file: 0", "size", "4:15", "trigger.webhook.max_file", "not a size"),
]

STEPS = [
    ("- filter\n", "type", "4:3", "steps[0]", "a step must be a mapping"),
    ("- name: x\n", "kind", "4:3", "steps[0]", "does nothing"),
    ("- with: {url: x}\n", "kind", "4:3", "steps[0]", "`action` is missing"),
    ("- filter: payload\n  template: x\n", "kind", "5:3", "steps[0].template", "`filter` and `template`"),
    ("- fliter: payload\n", "unknown-key", "4:3", "steps[0].fliter", 'did you mean "filter"?'),
    ("- uses: actions/checkout\n", "unknown-key", "4:3", "steps[0].uses", "`action: connector.action`"),
    ("- run: ls\n", "unknown-key", "4:3", "steps[0].run", "there is no shell"),
    ("- service: light.turn_on\n  data: {}\n", "unknown-key", "4:3", "steps[0].service", "`action: connector.action`"),
    ("- choose: []\n", "unknown-key", "4:3", "steps[0].choose", "`switch:"),
    ("- filter: payload\n  with_items: payload.x\n", "unknown-key", "5:3", "steps[0].with_items", "`for_each"),
    ("- tools: [other]\n", "not-in-this-version", "4:3", "steps[0].tools", "not of this version"),
    ("- filter: payload\n  with: {}\n", "misplaced-key", "5:3", "steps[0].with", "it stands beside `action`"),
    ("- filter: payload\n  retry: false\n", "misplaced-key", "5:3", "steps[0].retry", "it stands beside `action`"),
    ("- id: Big-Order\n  filter: payload\n", "id", "4:7", "steps[0].id", "write big_order"),
    ("- id: 1st\n  filter: payload\n", "id", "4:7", "steps[0].id", "write _1st"),
    ("- {id: a, filter: payload}\n- {id: a, filter: payload}\n", "duplicate-id", "5:8", "steps[1].id", "taken by steps[0] in line 4"),
    ("- filter:\n", "type", "4:3", "steps[0].filter", "must be a JMESPath expression; it is empty"),
    ("- filter: [payload]\n", "type", "4:11", "steps[0].filter", "it is a list"),
    ("- filter: payload ==\n", "expression", "4:20", "steps[0].filter", "ends too early"),
    ("- filter: 'lowr(payload)'\n", "unknown-function", "4:12", "steps[0].filter", "did you mean lower()?"),
    ("- filter: '{{ payload.a }}'\n", "braces", "4:12", "steps[0].filter", "without the braces"),
    ("- filter: 5\n", "condition", "4:11", "steps[0].filter", "a number always holds"),
    ("- transform: {a: lowr(payload), b: payload}\n", "unknown-function", "4:18", "steps[0].transform.a", "lower()"),
    ("- template: ['{{ payload.a | lowr }}']\n", "unknown-function", "4:30", "steps[0].template[0]", "lowr"),
    ("- template: |\n    Dear\n    {{ payload.a | lowr }}\n", "unknown-function", "6:20", "steps[0].template", "lowr"),
    ("- stop: 5\n", "type", "4:9", "steps[0].stop", 'quote it: "5"'),
    ("- filter: payload\n  on_error: contine\n", "value", "5:13", "steps[0].on_error", 'did you mean "continue"?'),
    ("- filter: payload\n  on_error: {filter: payload}\n", "type", "5:13", "steps[0].on_error", "`- ` before each step"),
    ("- switch: []\n", "value", "4:11", "steps[0].switch", "the list of cases is empty"),
    ("- switch:\n  - when: payload\n", "missing-key", "5:5", "steps[0].switch[0]", "`steps` is missing"),
    ("- switch:\n  - if: payload\n    steps: [filter: payload]\n", "unknown-key", "5:5", "steps[0].switch[0].if", "`when`"),
    ("- switch:\n  - steps: [filter: payload]\n  - when: payload\n    steps: [filter: payload]\n", "case", "5:5", "steps[0].switch[0]", "put it last"),
    ("- for_each: payload\n", "missing-key", "4:3", "steps[0]", "`steps` is missing"),
    ("- for_each: payload\n  as: my-line\n  steps: [filter: item]\n", "id", "5:7", "steps[0].as", "write my_line"),
    ("- for_each: payload\n  as: steps\n  steps: [filter: item]\n", "id", "5:7", "steps[0].as", "another name"),
    ("- for_each: payload\n  concurrency: 0\n  steps: [filter: item]\n", "value", "5:16", "steps[0].concurrency", "from 1"),
    ("- for_each: payload\n  steps: [respond: {body: x}]\n", "respond", "5:20", "steps[0].steps[0].respond", "cannot stand in a loop"),
    ("- parallel: {a: [respond: {body: x}]}\n", "respond", "4:27", "steps[0].parallel.a[0].respond", "a branch"),
    ("- filter: payload\n  on_error: [respond: {body: x}]\n", "respond", "5:23", "steps[0].on_error[0].respond", "a list for errors"),
    ("- respond: {body: x}\n", "respond", "4:12", "steps[0].respond", "nobody waits"),
    ("- respond: {bdy: x}\n", "unknown-key", "4:13", "steps[0].respond.bdy", 'did you mean "body"?'),
    ("- parallel: {}\n", "value", "4:13", "steps[0].parallel", "no branch"),
    ("- parallel: {a.b: [filter: payload]}\n", "id", "4:14", "steps[0].parallel.a.b", "cannot name a branch"),
    ("- parallel: [filter: payload]\n", "type", "4:13", "steps[0].parallel", "a mapping of branch names"),
    ("- " + "{steps: [" * 8 + "filter: payload" + "]}" * 8 + "\n", "nesting", "4:74", "steps[0]" + ".steps[0]" * 7 + ".steps", "8 levels"),
]

ACTIONS = [
    ("- action: slack.post_mesage\n  connection: team-slack\n", "unknown-action", "4:11", "steps[0].action", 'did you mean "slack.post_message"?'),
    ("- action: zzz\n", "unknown-action", "4:11", "steps[0].action", "known here: slack.post_message"),
    ("- action: http.request\n", "missing-input", "4:3", "steps[0].with", "`url`; Where to"),
    ("- action: http.request\n  with: {url: null}\n", "missing-input", "5:3", "steps[0].with", "`url`"),
    ("- action: http.request\n  with: {url: x, metod: GET}\n", "unknown-input", "5:18", "steps[0].with.metod", 'did you mean "method"?'),
    ("- action: http.request\n  with: {url: x, seconds: 99}\n", "input-type", "5:27", "steps[0].with.seconds", "less than or equal to 60"),
    ("- action: http.request\n  with: {url: x, headers: [a]}\n", "input-type", "5:27", "steps[0].with.headers", "dictionary"),
    ("- action: http.request\n  with: some text\n", "type", "5:9", "steps[0].with", "one {{ … }} that gives it"),
    ("- action: http.request\n  with: [a]\n", "type", "5:9", "steps[0].with", "a mapping of inputs"),
    ("- action: http.request\n  connection: mail\n  with: {url: x}\n", "connection", "5:3", "steps[0].connection", "takes no connection"),
    ("- action: slack.post_message\n  with: {channel: c, text: t}\n", "missing-connection", "4:3", "steps[0]", "write `connection: team-slack`"),
    ("- action: slack.post_message\n  connection: mail\n  with: {channel: c, text: t}\n", "connection", "5:15", "steps[0].connection", "of kind smtp; slack.post_message needs one of kind slack"),
    ("- action: slack.post_message\n  connection: '{{ vars.c }}'\n  with: {channel: c, text: t}\n", "connection", "5:15", "steps[0].connection", "not filled in"),
    ("- action: slack.post_message\n  connection: tem-slack\n  with: {channel: c, text: t}\n", "unknown-connection", "5:15", "steps[0].connection", 'did you mean "team-slack"?'),
    ("- action: http.request\n  with: {url: '{{ secrets.TOKN }}'}\n", "secret-not-held", "5:27", "steps[0].with.url", 'did you mean "secrets.TOKEN"?'),
    ("- action: http.request\n  with: {url: x}\n  after_crash: never\n", "value", "6:16", "steps[0].after_crash", "repeat or stop"),
    ("- action: http.request\n  with: {url: x}\n  retry: {for: 2}\n", "type", "6:16", "steps[0].retry.for", "write the unit: 2s"),
    ("- action: http.request\n  with: {url: '${{ github.ref }}'}\n", "dialect", "5:16", "steps[0].with.url", 'write "{{ github.ref }}"'),
]

REFERENCES = [
    ("- filter: total > 3\n", "unknown-name", "4:11", "steps[0].filter", "did you mean `payload.total`?"),
    ("- filter: paylod.total\n", "unknown-name", "4:11", "steps[0].filter", "did you mean `payload`?"),
    ("- {id: order, filter: payload}\n- filter: payload.a && order.b\n", "unknown-name", "5:24", "steps[1].filter", "did you mean `steps.order`?"),
    ('- filter: payload.currency == "EUR"\n', "double-quotes", "4:31", "steps[0].filter", "text stands in single quotes: 'EUR'"),
    ("- transform: {kind: shopify}\n", "text-in-transform", "4:21", "steps[0].transform.kind", "\"'shopify'\""),
    ("- filter: body.x\n", "unknown-name", "4:11", "steps[0].filter", "in Hookline: `payload`"),
    ("- template: 'a {{ nope }}'\n", "unknown-name", "4:19", "steps[0].template", "did you mean `payload.nope`?"),
    ("- filter: item.x\n", "unknown-name", "4:11", "steps[0].filter", "inside `for_each`"),
    ("- for_each: payload.x\n  as: line\n  steps: [filter: item.x]\n", "unknown-name", "6:19", "steps[0].steps[0].filter", "`as` gives"),
    ("- filter: error.message\n", "unknown-name", "4:11", "steps[0].filter", "inside `on_error`"),
    ("- filter: vars.treshold\n", "unknown-var", "4:16", "steps[0].filter", "add `treshold` under `vars`"),
    ("- filter: secrets.TOKEN\n", "secret-place", "4:11", "steps[0].filter", "under an action's `with`"),
    ("- template: '{{ secrets.TOKEN }}'\n", "secret-place", "4:25", "steps[0].template", "under an action's `with`"),
    ("- filter: steps.nope\n", "unknown-step", "4:17", "steps[0].filter", "add `id` to the step"),
    ("- {id: order, filter: payload}\n- filter: steps.ordr.x\n", "unknown-step", "5:17", "steps[1].filter", 'did you mean "steps.order"?'),
    ("- filter: steps.b\n- {id: b, filter: payload}\n", "step-later", "4:17", "steps[0].filter", "stands later, in line 5"),
    ("- {id: b, filter: steps.b}\n", "step-later", "4:25", "steps[0].filter", "this step itself"),
    ("- filter: outcomes.b.status\n- {id: b, filter: payload}\n", "step-later", "4:20", "steps[0].filter", "`outcomes.b` stands later"),
    ("- id: loop\n  for_each: payload\n  steps: [filter: steps.loop]\n", "step-later", "6:25", "steps[0].steps[0].filter", "this step itself"),
    ("- for_each: payload\n  steps: [{id: a, filter: item}]\n- filter: steps.a\n", "step-hidden", "6:17", "steps[1].filter", "inside steps[0]"),
    ("- parallel:\n    a: [{id: a, filter: payload}]\n    b: [filter: steps.a]\n", "step-hidden", "6:23", "steps[0].parallel.b[0].filter", "inside steps[0]"),
    ("- switch:\n  - when: payload\n    steps: [{id: a, filter: payload}]\n  - steps: [filter: steps.a]\n", "step-hidden", "7:27", "steps[0].switch[1].steps[0].filter", "inside steps[0]"),
    ("- filter: payload\n  on_error: [{id: a, filter: error}]\n- filter: steps.a\n", "step-hidden", "6:17", "steps[1].filter", "inside steps[0]"),
    ("- filter: 'payload.x[?price > vars.min]'\n", "inner-root", "4:31", "steps[0].filter", "`$.vars`"),
    ("- {id: a, template: x}\n- filter: steps.a.outputs.b\n", "dialect", "5:17", "steps[1].filter", "is the output itself"),
]
# fmt: on

TABLE = [
    *TOP,
    *((f"name: x\ntrigger:\n  webhook:\n    {key}\n{OK}", *rest) for key, *rest in WEBHOOK),
    *((steps(text), *rest) for text, *rest in (*STEPS, *ACTIONS, *REFERENCES)),
]
WARNINGS = {"condition", "unknown-connection", "secret-not-held", "dialect", "inner-root", "html"}


@pytest.mark.parametrize(("text", "code", "place", "where", "words"), TABLE)
def test_a_fault_has_its_place_and_the_way_out(
    text: str, code: str, place: str, where: str, words: str
) -> None:
    faults = faults_of(text)
    found = [one for one in faults if one.code == code and f"{one.line}:{one.column}" == place]
    assert [one.where for one in found] == [where], "\n".join(f"{one.code} {one}" for one in faults)
    assert words in str(found[0])
    nobody_waits = "nobody waits" in words
    assert found[0].severity == ("warning" if code in WARNINGS or nobody_waits else "error")


@pytest.mark.parametrize(("text", "code"), [(text, code) for text, code, *_ in TABLE])
def test_one_mistake_is_told_once(text: str, code: str) -> None:
    """Others may follow from it, but never the same words at the same place."""
    said = [(one.line, one.column, one.message) for one in faults_of(text)]
    assert len(said) == len(set(said))


@pytest.mark.parametrize("slug", ["Order", "-order", "order_1", "", "a" * 64, "order.test"])
def test_a_slug_that_cannot_stand_in_an_address_is_refused(slug: str) -> None:
    assert [one.code for one in faults_of(HEAD + OK, slug=slug)] == ["slug"]


def test_what_is_not_known_of_a_server_is_not_judged() -> None:
    text = steps(
        "- action: slack.post_message\n  connection: any\n  with: {channel: c, text: '{{ secrets.ANY }}'}\n"
    )
    somewhere = replace(CATALOGUE, connections=None, secrets=None)
    assert load(text, path="w.yaml", slug="w", catalogue=somewhere).faults == ()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("- {id: a, filter: payload}\n- filter: steps.a && outcomes.a.status == 'succeeded'\n", id="above"),
        pytest.param("- steps: [{id: a, filter: payload}, filter: steps.a]\n- filter: steps.a\n", id="let out of a group"),
        pytest.param("- switch: [{when: payload, steps: [{id: a, filter: payload}]}]\n- filter: steps.a\n", id="let out of a switch"),
        pytest.param("- steps: [{switch: [{steps: [{id: a, filter: payload}]}]}]\n- filter: steps.a\n", id="let out of both"),
        pytest.param("- {id: a, filter: payload}\n- for_each: payload\n  steps: [{id: b, filter: steps.a && index}, filter: steps.b]\n", id="from inside a loop"),
        pytest.param("- for_each: payload\n  as: line\n  steps:\n  - for_each: line.parts\n    steps: [filter: line.x && item.y && index]\n", id="loop in a loop"),
        pytest.param("- {id: a, filter: payload}\n- parallel: {x: [{id: b, filter: steps.a}, filter: steps.b]}\n", id="in a branch"),
        pytest.param("- {id: a, parallel: {x: [filter: payload]}}\n- filter: steps.a.x\n", id="a branch's output"),
        pytest.param("- steps: [{id: a, filter: payload}]\n  on_error: [filter: error.type && steps.a]\n", id="what a try has done"),
        pytest.param("- filter: 'payload.x[?price > $.vars_ || price > `1`]'\n", id="fields of an item"),
        pytest.param("- action: http.request\n  with: '{{ payload }}'\n", id="inputs as one template"),
        pytest.param("- action: http.request\n  with: {url: 'https://x.example/{{ payload.u }}', seconds: '{{ payload.s }}', headers: {a: '{{ payload.b }}'}}\n", id="inputs filled in"),
        pytest.param("- action: email.send\n  connection: mail\n  with: {to: [a@example.com], subject: s, html: '<b>{{ payload.x }}</b>'}\n", id="a list as it is typed"),
        pytest.param("- template: 'Total: $ {{ payload.total }}, or ${{ payload.total }} each'\n", id="a price in dollars"),
        pytest.param("- filter: true\n", id="always"),
    ],
)  # fmt: skip
def test_what_is_right_is_let_through(text: str) -> None:
    text = text.replace("$.vars_", "$.payload.min")
    assert faults_of(steps(text)) == ()


def test_on_failure_and_the_output_see_the_steps_and_what_groups_let_out() -> None:
    text = steps(
        "- steps: [{id: a, filter: payload}]\n- for_each: payload\n  steps: [{id: b, filter: item}]\n"
        "on_failure: [transform: [steps.a, error.step, steps.b]]\noutput: '[steps.a, steps.b]'\n"
    )
    assert [(one.where, one.code) for one in faults_of(text)] == [
        ("on_failure[0].transform[2]", "step-hidden"),
        ("output", "step-hidden"),
    ]


def test_there_are_enough_kinds_of_fault() -> None:
    assert len({(code, words) for _, code, _, _, words in TABLE}) > 100
