"""The `webhook` trigger: from the values of its keys to the model, and what is wrong among them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.language.check import check_html_answer
from runner.language.keys import BLOCKS
from runner.language.payload_schema import read_schema
from runner.language.scalars import at
from runner.language.verify_keys import read_verification
from runner.language.visibility import View
from runner.language.workflow import (
    ANSWER_SECONDS,
    Answer,
    ClientCertificate,
    Deduplicate,
    Webhook,
)

if TYPE_CHECKING:
    from runner.language.nodes import Node
    from runner.language.steps import StepReader

BEFORE_RUN = View(before_run=True)
SHORTEST_SILENCE_SECONDS = 60.0  # what is looked for once a minute cannot be told of sooner
WHERE = "trigger.webhook"


def read_webhook(reader: StepReader, values: dict[str, Any]) -> Webhook | None:
    """The trigger among the *values* of a workflow's keys; None where it could not be read."""
    if "trigger" not in values:
        return None
    _, node, triggers = values["trigger"]
    if "webhook" not in triggers:
        kinds = BLOCKS["trigger"].keys
        if not any(one in node.keys for one in BLOCKS["trigger"].later | kinds.keys()):
            reader.fault(
                node.place,
                "trigger",
                "missing-key",
                f"`trigger` names none of {', '.join(kinds)}",
                "write `webhook: {}` for an address that takes POST",
            )
        return None
    _, node, given = triggers["webhook"]
    default = Webhook()
    schema = read_schema(reader, given["schema"], at(WHERE, "schema")) if "schema" in given else None
    verification = (
        read_verification(reader, given["verify"], at(WHERE, "verify")) if "verify" in given else None
    )
    webhook = Webhook(
        methods=given.get("methods", default.methods),
        answer=_answer(reader, given.get("answer", "accepted")),
        deduplicate=_deduplicate(given.get("deduplicate")),
        max_body_bytes=given.get("max_body", default.max_body_bytes),
        max_file_bytes=given.get("max_file", default.max_file_bytes),
        verification=verification,
        events=given.get("events", ()),
        schema=schema,
        on_mismatch_rejects=given.get("on_mismatch", "reject") == "reject",
        split=given.get("split"),
        allow_ips=given.get("allow_ips", ()),
        client_certificate=_certificate(reader, given.get("client_certificate")),
        rate_limit=given.get("rate_limit"),
        cors=given.get("cors", ()),
        expect_every_seconds=given.get("expect_every"),
    )
    _check_together(reader, node, webhook)
    return webhook


def _check_together(reader: StepReader, node: Node, webhook: Webhook) -> None:
    """What is wrong with keys that are right by themselves."""
    keys = node.keys
    if webhook.split is not None and webhook.answer.mode == "result":
        reader.fault(
            keys["answer"],
            at(WHERE, "answer"),
            "split",
            "nobody can wait for the results of many runs, which `split` starts",
            "leave `answer` out, or loop over the list in one run with `for_each`",
        )
    if "on_mismatch" in keys and "schema" not in keys:
        reader.fault(
            keys["on_mismatch"],
            at(WHERE, "on_mismatch"),
            "on-mismatch",
            "there is no `schema` that a payload could fail to satisfy",
            "add `schema`",
            severity="warning",
        )
    if webhook.events and "verify" not in keys:
        reader.fault(
            keys["events"],
            at(WHERE, "events"),
            "events",
            "without a provider nothing tells an event's type",
            "name the provider under `verify`, or use `filter: <JMESPath>` as the first step",
            severity="warning",
        )
    if webhook.client_certificate is not None and reader.catalogue.takes_client_certificates is False:
        reader.fault(
            keys["client_certificate"],
            at(WHERE, "client_certificate"),
            "client-certificate",
            "this server asks nobody for a certificate, so every sender is refused with 403",
            "under [server] set tls_certificate, tls_key and tls_client_ca; or, behind a proxy that verifies "
            "certificates, client_certificate_header and trusted_proxies",
            severity="warning",
        )
    every = webhook.expect_every_seconds
    if every is not None and every < SHORTEST_SILENCE_SECONDS:
        reader.fault(
            keys["expect_every"],
            at(WHERE, "expect_every"),
            "duration",
            "a sender's silence is noticed after a minute at the earliest",
            "write 1m or more",
        )


def _certificate(reader: StepReader, given: Any) -> ClientCertificate | None:
    if not given:
        return None
    _, node, values = given
    if not node.keys:
        reader.fault(
            node.place,
            at(WHERE, "client_certificate"),
            "missing-key",
            "the certificate that is wanted is not named",
            "give its `subject`, `san` or `fingerprint`; any of a trusted CA would do otherwise",
        )
    return ClientCertificate(values.get("subject"), values.get("san"), values.get("fingerprint"))


def _deduplicate(given: Any) -> Deduplicate | None:
    """None after `false`; without the key, by the provider's delivery id."""
    if given is False:
        return None
    values: dict[str, Any] = given[2] if given else {}
    default = Deduplicate()
    return Deduplicate(
        key=values.get("key"),
        within_seconds=values.get("within", default.within_seconds),
        retries_failed=values.get("after_failure", "retry") == "retry",
    )


def _answer(reader: StepReader, given: Any) -> Answer:
    if isinstance(given, str):
        return Answer(mode="result" if given == "result" else "accepted")
    name, node, values = given
    if name == "wait":
        return Answer(mode="result", wait_seconds=values.get("wait", ANSWER_SECONDS))
    reader.view = BEFORE_RUN
    check_html_answer(reader, node, "trigger.webhook.answer")
    return Answer(mode="fixed", fixed=reader.shape(node, "trigger.webhook.answer"))
