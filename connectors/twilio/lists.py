"""
What Twilio can list for the inputs: numbers and messaging services.

Sources: twilio.com/docs: "IncomingPhoneNumber resource", "Services resource", "Twilio's response: paging".
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from connectors.twilio.access import TwilioConnection, answer, object_of, objects, twilio
from runner.connector import Call, Choice, Choices, Json

PAGE = {"PageSize": "50"}


@twilio.choices("send_sms.from", "send_whatsapp.from", "make_call.from")
async def numbers(
    call: Call, connection: TwilioConnection, given: dict[str, Json], search: str, cursor: str | None
) -> Choices:
    """The account's numbers."""
    del given
    url = connection.account("/IncomingPhoneNumbers.json")
    found = answer(await call.http.get(url, query=_page(cursor)))
    items = [
        Choice(value=one["phone_number"], label=one["phone_number"], note=str(one.get("friendly_name") or ""))
        for one in objects(found.get("incoming_phone_numbers"))
        if isinstance(one.get("phone_number"), str)
    ]
    following = found.get("next_page_uri")
    return Choices(items=_matching(items, search), next=following if isinstance(following, str) else None)


@twilio.choices("send_sms.messaging_service", "send_whatsapp.messaging_service")
async def services(
    call: Call, connection: TwilioConnection, given: dict[str, Json], search: str, cursor: str | None
) -> Choices:
    """The messaging services."""
    del given
    url = f"{connection.messaging_url.rstrip('/')}/v1/Services"
    found = answer(await call.http.get(url, query=_page(cursor)))
    items = [
        Choice(value=one["sid"], label=str(one.get("friendly_name") or one["sid"]), note=one["sid"])
        for one in objects(found.get("services"))
        if isinstance(one.get("sid"), str)
    ]
    following = object_of(found.get("meta")).get("next_page_url")
    return Choices(items=_matching(items, search), next=following if isinstance(following, str) else None)


def _page(link: str | None) -> dict[str, str]:
    """Which page a link of Twilio's is to; the rest of it came by way of a browser, and is not followed."""
    if link is None:
        return PAGE
    told = dict(parse_qsl(urlsplit(link).query))
    return {name: told[name] for name in ("Page", "PageSize", "PageToken") if name in told}


def _matching(items: list[Choice], search: str) -> list[Choice]:
    wanted = search.strip().lower()
    return [one for one in items if wanted in f"{one.label} {one.note}".lower()]
