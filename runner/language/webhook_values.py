"""Values that only a webhook's keys take: secrets' names, event types, networks, rates, origins."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from runner.language.kinds import ORIGIN_PATTERN, SECRET_PATTERN, Kind
from runner.language.paths import EACH, read_path
from runner.language.scalars import ScalarReader
from runner.language.suggest import did_you_mean
from runner.language.verification import SIGNED_NAMES, signed_parts
from runner.language.workflow import RateLimit
from runner.values import duration_seconds

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

    from runner.language.catalogue import Catalogue
    from runner.language.nodes import Node

SEGMENT_ENDS = "./:"  # what providers put between the parts of an event's type
LIKE_A_SECRET = re.compile(  # how well-known services begin theirs, and long runs of hexadecimal digits
    r"(?:whsec|whpk|whsk|sk|rk|pk|shpss|shpat|ghp|gho|github_pat|glpat|xox[abp]|sq0|key-|SG\.)[_-]?(?=\S*\d)\S{12,}"
    r"|[0-9a-fA-F]{24,}"
)
RATE = re.compile(r"([0-9]+) ?/ ?(\S+)")
UNITS = ("ms", "s", "m", "h", "d", "w")
FINGERPRINT = re.compile("[0-9a-f]{64}")
SHA1 = re.compile("[0-9a-f]{40}")


class WebhookValueReader(ScalarReader):
    """Reads them; `catalogue` has the names of the secrets that the server holds."""

    catalogue: Catalogue

    def secret(self, node: Node, where: str, _kind: Kind) -> str:
        """The name of a secret; one that is not held is a warning, as in templates."""
        name = str(node.value)
        wrong = not re.fullmatch(SECRET_PATTERN, name)
        if wrong or LIKE_A_SECRET.fullmatch(name):
            message = (
                "a secret's name has letters, digits and _, and does not begin with a digit"
                if wrong
                else "this looks like a secret itself"
            )
            self.refuse(
                node,
                where,
                "secret-value",
                message,
                "write the secret's name, never its value, and set that with `hookline secrets set NAME`",
            )
        held = self.catalogue.secrets
        if held is not None and name not in held:
            self.fault(
                node.place,
                where,
                "secret-not-held",
                f'this server holds no secret "{name}"',
                did_you_mean(name, held)
                or f"set it with `hookline secrets set {name}`; until then everything is refused",
                severity="warning",
            )
        return name

    def secrets(self, node: Node, where: str, kind: Kind) -> tuple[str, ...]:
        """One name or a list of them."""
        if isinstance(node.value, str):
            return (self.secret(node, where, kind),)
        found = []
        for index, one in enumerate(self.items(node, where)):
            place = f"{where}[{index}]"
            if self.is_text(one, place):
                found.append(self.secret(one, place, kind))
        return tuple(dict.fromkeys(found))

    def one_or_more(self, node: Node, where: str, kind: Kind) -> tuple[str, ...]:
        """A text or a list of texts."""
        if isinstance(node.value, str):
            return (self.text(node, where, kind),)
        return tuple(
            str(one.value)
            for index, one in enumerate(self.items(node, where))
            if self.is_text(one, f"{where}[{index}]")
        )

    def events(self, node: Node, where: str, _kind: Kind) -> tuple[str, ...]:
        """Types of event, with `*` at the end or as a whole segment."""
        found = []
        for index, one in enumerate(self.items(node, where)):
            place = f"{where}[{index}]"
            if not self.is_text(one, place):
                continue
            wanted = str(one.value).strip()
            if not wanted:
                self.fault(one.place, place, "value", "the text is empty")
            segments = re.split(f"[{SEGMENT_ENDS}]", wanted.removesuffix("*"))
            if any("*" in segment and segment != "*" for segment in segments):
                self.fault(
                    one.place,
                    place,
                    "value",
                    f"`*` stands at the end or between two of {' '.join(SEGMENT_ENDS)} only",
                    "write for example pull_request.* or *.created",
                )
            found.append(wanted)
        return tuple(found)

    def networks(self, node: Node, where: str, _kind: Kind) -> tuple[IPv4Network | IPv6Network, ...]:
        """Addresses and networks in CIDR notation."""
        found = []
        for index, one in enumerate(self.items(node, where)):
            place = f"{where}[{index}]"
            if not self.is_text(one, place):
                continue
            text = str(one.value).strip()
            try:
                found.append(ipaddress.ip_network(text))
            except ValueError:
                self.fault(
                    one.place,
                    place,
                    "network",
                    f'"{text}" is no address or network',
                    _network_hint(text),
                )
        return tuple(found)

    def rate(self, node: Node, where: str, _kind: Kind) -> RateLimit:
        """`100/1m`, `10/s`: a count and the time in which so many may come."""
        text = str(node.value).strip()
        found = RATE.fullmatch(text)
        try:
            seconds = duration_seconds(f"1{found[2]}" if found[2] in UNITS else found[2]) if found else 0.0
        except ValueError:
            seconds = 0.0
        if not found or seconds <= 0 or int(found[1]) < 1:
            self.refuse(
                node,
                where,
                "rate",
                f'"{text}" is not a count and a time',
                "write for example 100/1m or 10/s; to let nobody in, write `enabled: false`",
            )
        return RateLimit(int(found[1]), seconds)

    def origins(self, node: Node, where: str, _kind: Kind) -> tuple[str, ...]:
        """Origins in lower case, or `*`."""
        if isinstance(node.value, str):
            if node.value != "*":
                self.refuse(node, where, "origin", '`cors` is a list, or "*"', f"write [{node.raw}]")
            return ("*",)
        found = []
        for index, one in enumerate(self.items(node, where)):
            place = f"{where}[{index}]"
            if not self.is_text(one, place):
                continue
            text = str(one.value)
            if not re.fullmatch(ORIGIN_PATTERN, text):
                self.fault(
                    one.place,
                    place,
                    "origin",
                    f'"{text}" is no origin: scheme, host and, where it is not the usual one, port',
                    _origin_hint(text),
                )
            found.append(text.lower())
        return tuple(found)

    def fingerprint(self, node: Node, where: str, _kind: Kind) -> str:
        """A certificate's SHA-256 in lower case, without colons."""
        plain = re.sub(r"[:\s]", "", str(node.value).lower().removeprefix("sha256"))
        if not FINGERPRINT.fullmatch(plain):
            message = (
                "this is a SHA-1 fingerprint"
                if SHA1.fullmatch(plain)
                else "this is no fingerprint: it has 64 hexadecimal digits"
            )
            hint = "`openssl x509 -noout -fingerprint -sha256 -in client.pem` shows it"
            self.refuse(node, where, "fingerprint", message, hint)
        return plain

    def signed(self, node: Node, where: str, _kind: Kind) -> str:
        """A template over what can be signed, and nothing else."""
        hint = f"it may have {', '.join(f'{{{{ {one} }}}}' for one in SIGNED_NAMES)} and text between them"
        try:
            parts = signed_parts(str(node.value))
        except ValueError as error:
            self.refuse(node, where, "signed", str(error), hint)
        if not any(is_name for _text, is_name in parts):
            self.refuse(node, where, "signed", "nothing of the request would be signed", hint)
        if ("body", True) not in parts:
            self.fault(
                node.place,
                where,
                "signed",
                "the body is not signed: whoever has seen one signature can send any body with it",
                "add {{ body }} if the sender signs it",
                severity="warning",
            )
        return str(node.value)

    def field(self, node: Node, where: str, _kind: Kind) -> str:
        """A path to one value in the body."""
        try:
            path = read_path(str(node.value))
        except ValueError as error:
            self.refuse(node, where, "path", str(error))
        if EACH in path.parts:
            self.refuse(node, where, "path", "the path leads to one value, so `[]` cannot stand in it")
        return path.text

    def url(self, node: Node, where: str, _kind: Kind) -> str:
        """An https address."""
        text = str(node.value)
        try:
            parts = urlsplit(text)
            is_good = parts.scheme == "https" and bool(parts.hostname) and parts.username is None
        except ValueError:
            is_good = False
        if not is_good:
            self.refuse(node, where, "url", f'"{text}" is no https address', "keys are fetched by https only")
        return text


def _network_hint(text: str) -> str:
    """What was meant by a network that is none."""
    try:
        return f"write {ipaddress.ip_network(text, strict=False)}, or the address without /"
    except ValueError:
        return "write for example 203.0.113.7, 203.0.113.0/24 or 2001:db8::/32; names are not looked up"


def _origin_hint(text: str) -> str:
    parts = urlsplit(text if "://" in text else f"https://{text}")
    if text == "*":
        return 'write `cors: "*"`'
    return f"write {parts.scheme}://{parts.netloc}" if parts.netloc else "write https://shop.example.com"
