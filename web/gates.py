"""An event's gates as a person reads them, and what to do where one of them stopped it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from runner.errors import as_sentence

if TYPE_CHECKING:
    from runner.values import Json
    from web.auth import Person

WORDS = {
    "received": "Received", "address": "Address", "method": "Method", "size": "Size", "body": "Readable",
    "signature": "Signature", "schema": "Shape", "type": "Type", "duplicate": "Seen before?",
    "split": "Items", "paused": "Open", "version": "Version", "concurrency": "Room", "rate": "Rate",
    "handshake": "Handshake",
}  # fmt: skip
JUDGED_AGAIN = frozenset({"signature", "body", "size", "type", "schema"})


@dataclass(frozen=True, slots=True)
class Act:
    """A button: a link, or with `posts` a form; `word` says what happens."""

    word: str
    href: str
    posts: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """What became of an event: the fact (bold), what it means, and what can be done."""

    fact: str = ""
    more: str = ""
    acts: Sequence[Act] = field(default_factory=tuple)


def word_of(gate: str) -> str:
    """What a gate is called."""
    return WORDS.get(gate, gate.capitalize())


def told(event: Json, person: Person, *, secrets: Sequence[str], missing: Sequence[str], first: Json) -> Told:
    """
    What to say of *event*. *secrets* are those that its workflow verifies with, *missing* those of them that
    are not set, *first* the event that a duplicate repeats (None: it is not known).
    """
    stopped = next((one for one in event["gates"] if one["verdict"] == "stopped"), None)
    path = f"/events/{event['id']}"
    match event["disposition"]:
        case "rejected":
            return _rejected(event, person, stopped, secrets, missing)
        case "held":
            acts = [Act("Let it go", f"{path}/release", posts=True)] if person.may("run") else []
            why = stopped["reason"] if stopped else "its workflow is paused"
            return Told("It is kept and waits.", as_sentence(why), acts)
        case "duplicate":
            acts = [Act("See the first one", f"/events/{first['id']}")] if first else []
            delivery = event["delivery_id"]
            which = (
                f"Delivery {delivery[:40]} came before; that one counts." if delivery else "It came before."
            )
            return Told("Already seen.", f"{which} Nothing was done twice.", acts)
        case "ignored":
            why = stopped["reason"] if stopped else "the workflow does not want it"
            acts = (
                [Act("Change what it wants", f"/workflows/{event['workflow']}/edit")]
                if person.may("editor")
                else []
            )
            return Told("Not wanted.", as_sentence(why), acts)
        case "dropped":
            why = stopped["reason"] if stopped else "there was no room for it"
            return Told("There was no room for it.", as_sentence(why))
    return Told()


def _rejected(
    event: Json, person: Person, stopped: Json, secrets: Sequence[str], missing: Sequence[str]
) -> Told:
    name = stopped["name"] if stopped else ""
    reason = stopped["reason"] if stopped else "it was refused"
    again = Act("Check again", f"/events/{event['id']}/recheck", posts=True)
    acts = [again] if person.may("editor") and name in JUDGED_AGAIN else []
    if name == "signature" and missing:
        which = " and ".join(missing)
        if person.may("editor"):
            acts = [_setting(missing[0], event), *acts]
        return Told(
            f"{event['workflow']} refuses every event until you set {which}.",
            "That keeps strangers out. What came is kept and can be checked again afterwards.",
            acts,
        )
    if name == "signature":
        if person.may("editor") and secrets:
            acts = [_setting(secrets[0], event), *acts]
        if secrets and stopped["facts"].get("code") == "mismatch":
            return Told(
                "We refused this request: its signature does not match.",
                f"It was most likely made with another secret than {' or '.join(secrets)}. Paste the one "
                "that the sender shows, then check again; nothing has to be sent twice.",
                acts,
            )
    return Told("We refused this request.", as_sentence(reason), acts)


def _setting(secret: str, event: Json) -> Act:
    """To the form of the secret, and from there back to the event."""
    return Act("Set secret", f"/secrets/{quote(secret, safe='')}?next=/events/{event['id']}")
