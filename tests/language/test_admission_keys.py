"""`deduplicate`, `concurrency` and `enabled` as the engine gets them."""

from __future__ import annotations

from runner.language.load import load
from runner.language.workflow import Deduplicate, Workflow
from tests.language.small_catalogue import CATALOGUE

STEPS = "steps: [filter: payload]\n"


def loaded(webhook: str = "{}", more: str = "") -> Workflow:
    text = f"name: x\ntrigger:\n  webhook: {webhook}\n{STEPS}{more}"
    found = load(text, path="workflows/x.yaml", slug="x", catalogue=CATALOGUE)
    assert found.workflow, found.faults
    return found.workflow


def once(webhook: str) -> Deduplicate | None:
    trigger = loaded(webhook).webhook
    assert trigger
    return trigger.deduplicate


def test_without_a_word_the_provider_s_delivery_id_counts_for_a_week() -> None:
    assert once("{}") == Deduplicate(None, 7 * 86400.0, retries_failed=True)
    assert once("{deduplicate: {}}") == once("{}")
    assert once("{deduplicate: false}") is None


def test_a_key_its_time_and_what_a_failure_means_are_read() -> None:
    found = once("{deduplicate: {key: payload.id, within: 1h, after_failure: ignore}}")
    assert found
    assert found.key
    assert (found.key.source, found.within_seconds, found.retries_failed) == ("payload.id", 3600.0, False)


def test_concurrency_is_read_and_is_none_without_its_block() -> None:
    assert loaded().concurrency is None
    bare = loaded(more="concurrency: {limit: 2}\n").concurrency
    assert bare
    assert (bare.limit, bare.key, bare.when_full) == (2, None, "queue")
    full = loaded(more="concurrency: {limit: 1, key: payload.id, when_full: replace}\n").concurrency
    assert full
    assert full.key
    assert (full.key.source, full.when_full) == ("payload.id", "replace")


def test_a_workflow_is_enabled_unless_its_file_says_otherwise() -> None:
    assert loaded().enabled
    assert not loaded(more="enabled: false\n").enabled
