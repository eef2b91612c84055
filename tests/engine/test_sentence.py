"""A workflow in one line: where it begins, and what it acts on when all goes well."""

from __future__ import annotations

import pytest

from runner.engine.sentence import sentence_of
from runner.inbound.providers import provider_infos
from runner.language.catalogue import ActionInfo, Catalogue
from runner.language.load import load

NAMES = ("slack.post", "email.send", "http.request", "state.set", "rss.read", "jira.open", "crm.add")
ACTIONS = {name: ActionInfo(name, name, {}, frozenset()) for name in NAMES}
PROVIDERS = provider_infos()
CATALOGUE = Catalogue(ACTIONS, providers=PROVIDERS)
WEBHOOK = "webhook: {}"
MANY = f"[{', '.join(f'{{action: {name}}}' for name in NAMES if name not in {'state.set', 'rss.read'})}]"
SENDS = "[{action: slack.post}, {action: email.send}]"


@pytest.mark.parametrize(
    ("trigger", "steps", "said"),
    [
        (WEBHOOK, SENDS, "Webhook → Slack, Email"),
        ("webhook: {verify: {provider: shopify, secret: S}}", SENDS, "Shopify → Slack, Email"),
        ("webhook: {verify: {token: {header: X-Key, secret: S}}}", SENDS, "Webhook → Slack, Email"),
        ("schedule: {every: 15m}", SENDS, "Every 15m → Slack, Email"),
        ("manual: {}, schedule: {cron: '0 9 * * *'}", SENDS, "At 09:00 every day or by hand → Slack, Email"),
        ("poll: {action: rss.read, every: 5m, id: id}", SENDS, "Rss → Slack, Email"),
        ("manual: {public: true}", SENDS, "Form → Slack, Email"),
        ("hookline: {on: [run_failed]}", SENDS, "Hookline → Slack, Email"),
        (WEBHOOK, "[{respond: {body: x}}]", "Webhook → an answer"),
        (WEBHOOK, "[{call: tidy}]", "Webhook → tidy"),
        (WEBHOOK, "[{stop: x}]", "Webhook"),
        (WEBHOOK, "[{action: state.set}, {action: slack.post}]", "Webhook → Slack"),
        (WEBHOOK, "[{parallel: {b: [{action: email.send}], a: [{stop: x}]}}]", "Webhook → Email"),
        (WEBHOOK, "[{action: slack.post}, {action: slack.post}]", "Webhook → Slack"),
        (WEBHOOK, "[{action: slack.post, on_error: [{action: email.send}]}]", "Webhook → Slack"),
        (
            WEBHOOK,
            MANY,
            "Webhook → Slack, Email, Http, 2 more",
        ),
    ],
)  # fmt: skip
def test_it_goes_from_its_triggers_to_what_it_acts_on(trigger: str, steps: str, said: str) -> None:
    text = f"name: x\ntrigger: {{{trigger}}}\nsteps: {steps}\non_failure: [{{action: http.request}}]\n"
    loaded = load(text, path="x.yaml", slug="x", catalogue=CATALOGUE)
    assert loaded.workflow, loaded.faults
    titles = {name: one.title for name, one in PROVIDERS.items()}
    assert sentence_of(loaded.workflow, provider=titles.get, service=str.title) == said
