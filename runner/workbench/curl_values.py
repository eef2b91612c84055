"""Single values of a curl command line: fields of bodies and queries, and what documents leave open."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from runner.values import Json
from runner.workbench.curl_words import CLOSE, OPEN

SECRET_HEADER = re.compile(
    r"(?i)(proxy-)?authorization|cookie|.*(api|app|access|private|auth|subscription|integration|secret|master)[-_]?key"
    r"|.*(token|secret|password|signature)"
)
SECRET_FIELD = re.compile(
    r"(?i)(.*[-_.])?((api|app|access|routing|integration)[-_]?key|token|secret|password|passwd|pwd)"
)
SECRET_IN_QUERY = re.compile(f"{SECRET_FIELD.pattern}|(?i:key|appid|sig|signature|auth)")
VARIABLE_OF_SECRET = re.compile(r"(?i).*(key|token|secret|pass|pwd|auth|credential|pat)\w*")
IN_PATH = (  # services whose addresses are the credential, and the part that is it
    re.compile(r"^https://api\.telegram\.org/(?:file/)?bot(?P<secret>[^/]+)"),
    re.compile(r"^https://hooks\.slack\.com/(?:services|workflows|triggers)/(?P<secret>[^?#]+)"),
    re.compile(r"^https://(?:[\w-]+\.)?discord(?:app)?\.com/api/(?:v\d+/)?webhooks/(?P<secret>\d+/[^/?#]+)"),
    re.compile(r"^https://hooks\.zapier\.com/hooks/catch/(?P<secret>[^?#]+)"),
)
LEFT_OUT = {  # what it means, and what there is in its place
    "--insecure": "certificates are always verified; for an authority of your own: `ca_file` under [network]",
    "--proxy": "a proxy is a setting of the server: `proxy` under [network]",
    "--cert": "client certificates cannot be shown to services",
    "--digest": "Digest authentication is not spoken; Basic is sent",
    "--ntlm": "NTLM is not spoken; Basic is sent",
    "--negotiate": "Negotiate is not spoken",
    "--aws-sigv4": "requests to AWS are signed by a connector of the service, such as s3",
    "--netrc": "the credentials of ~/.netrc are not known here; set them on the connection",
    "--unix-socket": "actions reach services by the network alone",
    "--resolve": "names are looked up by the server",
    "--config": "the options of that file are not known here",
}
PLACEHOLDER = re.compile(
    r"((?i:bearer|token|basic) )?"
    r"(<.*>|\{.*\}|\[.*\]|(?i:x{3,}|\.{3,}|(your|my)[-_ ].*)|…|[A-Z][A-Z0-9]*([_-][A-Z0-9]+)+)"
)


def is_number(value: str) -> bool:
    """Whether it is a small number, which is no credential."""
    return re.fullmatch(r"\d{1,6}", value) is not None


def is_open(text: str) -> bool:
    """Whether a value is to be filled in: a variable, or what documents write in its place."""
    return OPEN in text or PLACEHOLDER.fullmatch(text) is not None


def quoted_variables(text: str) -> str:
    """A variable that stands bare in JSON (`{"n": $N}`) as a text there."""
    return re.sub(f"(?<=[:\\[,\\s])({OPEN}[^{CLOSE}]*{CLOSE})(?=\\s*[,}}\\]])", r'"\1"', text)


def grouped(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """The fields, those that are repeated as a list."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        add(found, name, value)
    return found


def add(found: dict[str, Json], name: str, value: Json) -> None:
    """Add a field; what is repeated becomes a list."""
    before = found.get(name)
    found[name] = value if name not in found else [*(before if isinstance(before, list) else [before]), value]


def is_file(option: str, text: str) -> bool:
    """Whether the value of an option names a file."""
    if option == "--data-urlencode":
        return text.startswith("@") or bool(re.match(r"[^=@]+@", text))
    return option != "--data-raw" and text.startswith("@")


def piece(option: str, text: str) -> str:
    """A piece of a body as the option would send it."""
    if option in ("--data", "--data-ascii"):
        return text.replace("\r", "").replace("\n", "")  # as curl does
    if option == "--data-urlencode":
        name, value = encoded_pair(text)
        from_quote = value.replace("%", "%25").replace("&", "%26").replace("+", "%2B").replace("=", "%3D")
        return f"{name}={from_quote}" if name else from_quote
    return text


def encoded_pair(text: str) -> tuple[str, str]:
    """Name and value of `--data-urlencode`; the name may be empty."""
    name, equals, value = text.partition("=")
    return (name.lstrip("+"), value) if equals else ("", text)


def pairs(option: str, text: str) -> list[tuple[str, str]]:
    """The fields that a piece of a body adds to a query (`--get`)."""
    if option == "--data-urlencode":
        return [encoded_pair(text)]
    return parse_qsl(text, keep_blank_values=True) or [(unquote_plus(text), "")]


def decoded(text: str) -> tuple[str, str] | None:
    """User and password of `Authorization: Basic`; None: it is no base64."""
    try:
        pair = base64.b64decode(text.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    user, colon, password = pair.partition(":")
    return (user, password) if colon else None


def number(text: str) -> float | int:
    """A number of seconds."""
    return int(text) if text.isdigit() else float(text)
