"""How a workflow hears of things: its address, how to try it, and what to do at the other end."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING
from urllib.parse import quote

from runner.engine.reach import out_of_reach
from runner.inbound.providers import GENERIC, PROVIDERS, provider_of
from runner.values import Json

if TYPE_CHECKING:
    from runner.engine.library import Live
    from runner.language.verification import Verification
    from web.house import House

SPECIAL = re.compile(r'[\\"$`]')  # within double quotes
EXAMPLE = '{"hello": "world"}'


def listening(house: House, live: Live) -> Json:
    """
    `{url, provider, is_open, setup, page, secrets, curl, reach}` of a workflow with a webhook; None without
    one. `provider` is the sender's name (None: there is none of the table), `is_open`: whoever knows the
    address may send; `setup` are steps with the address in them, `page` is where the provider says that,
    `curl` a command that is accepted once its secret is filled in (None: only the sender can sign),
    `reach` why the address cannot be reached from elsewhere.
    """
    webhook = live.workflow.webhook
    if webhook is None:
        return None
    url = house.url_of(live)
    verification = webhook.verification
    provider = provider_of(verification) if verification else None
    return {
        "url": url,
        "provider": provider.title if provider and provider.name in PROVIDERS else None,
        "is_open": verification is None,
        "setup": [step.format(url=f"`{url}`") for step in provider.setup] if provider else [],
        "page": provider.page if provider and provider.name in PROVIDERS else None,
        "secrets": list(verification.secrets) if verification else [],
        "curl": curl_of(url, webhook.methods, verification),
        "reach": out_of_reach(house.public_url),
    }


def curl_of(url: str, methods: tuple[str, ...], verification: Verification | None) -> str | None:
    """A command that sends one event; a secret stands in it as a variable of the shell."""
    if verification is not None and verification.provider not in GENERIC:
        return None
    words, address, proof = ["curl"], shlex.quote(url), list[str]()
    if verification is not None:
        variable = f"${verification.secrets[0] if verification.secrets else 'SECRET'}"
        options = verification.options
        if verification.provider == "token" and "header" in options:
            proof = ["-H", _quoted(f"{options['header']}: {options.get('prefix', '')}", variable)]
        elif verification.provider == "token" and "query" in options:
            address = _quoted(f"{url}?{quote(str(options['query']), safe='')}=", variable)
        elif verification.provider == "basic":
            proof = ["-u", _quoted(f"{options['user']}:", variable)]
        else:
            return None
    if "POST" in methods:
        words += ["-H", "content-type: application/json", "-d", EXAMPLE]
    elif methods[0] != "GET":
        words += ["-X", methods[0]]
    return " ".join([shlex.join(words), *proof, address])


def _quoted(text: str, variable: str) -> str:
    """*text* and then the value of a shell's *variable* as one word; nothing else in it is filled in."""
    escaped = SPECIAL.sub(lambda found: "\\" + found[0], text)
    return f'"{escaped}{variable}"'
