"""
Twilio's API on loopback, in the shapes of twilio.com/docs: forms in, JSON out, refusals with Twilio's
codes. One address stands for the three hosts.
"""

from __future__ import annotations

import base64
import re
from typing import Any
from urllib.parse import parse_qs, unquote

from aiohttp import web

from tests.servers.http_sink import HttpSink, Received

SID = "AC" + "a1" * 16
TOKEN = "twilio_s3cr3t_auth_token"
KEY, KEY_SECRET = "SK" + "b2" * 16, "twilio_s3cr3t_key"
SERVICE = "MG" + "c3" * 16
ACCOUNT = f"/2010-04-01/Accounts/{SID}"
OWN, WHATSAPP = "+14155550100", "whatsapp:+14155550100"
MESSAGE = {  # "Messages resource", create
    "To", "From", "MessagingServiceSid", "Body", "MediaUrl", "ContentSid", "ContentVariables",
    "StatusCallback", "ValidityPeriod", "SendAt", "ScheduleType",
}  # fmt: skip
CALL = {"To", "From", "Url", "Twiml", "Timeout", "MachineDetection", "StatusCallback"}


class TwilioApi(HttpSink):
    """`sent` and `called` are the forms that were taken; `stopped` are those who want no messages."""

    def __init__(self) -> None:
        super().__init__()
        self.handler = self._answer
        self.sent: list[dict[str, list[str]]] = []
        self.called: list[dict[str, list[str]]] = []
        self.stopped = {"+14155550199"}

    def refuse(self, status: int, code: int | None, message: str = "no", **headers: str) -> None:
        """Answer the next request so."""
        body = {
            "code": code,
            "message": message,
            "more_info": "https://www.twilio.com/docs",
            "status": status,
        }
        told = {name.replace("_", "-"): text for name, text in headers.items()}
        self.reply(status, json=body, headers=told)

    async def _answer(self, received: Received) -> web.Response:
        given = received.headers.get("authorization", "").removeprefix("Basic ")
        user, _, password = base64.b64decode(given).decode().partition(":")
        if (user, password) not in {(SID, TOKEN), (KEY, KEY_SECRET)}:
            return _no(401, 20003, "Authenticate")
        path = received.request.raw_path.partition("?")[0]
        match received.method, path:
            case "POST", p if p == f"{ACCOUNT}/Messages.json":
                return self._message(received)
            case "POST", p if p == f"{ACCOUNT}/Calls.json":
                return self._call(received)
            case "GET", p if p == f"{ACCOUNT}.json":
                if user == KEY:
                    return _no(401, 20003, "Authenticate")  # a standard key may not see accounts
                return web.json_response({"sid": SID, "friendly_name": "Acme", "status": "active"})
            case "GET", p if p == f"{ACCOUNT}/IncomingPhoneNumbers.json":
                return _numbers(received)
            case "GET", "/v1/Services":
                return self._services(received)
            case "GET", p if found := re.fullmatch(r"/v2/PhoneNumbers/([^/]+)", p):
                return _lookup(unquote(found[1]), received)
        return _no(404, 20404, f"The requested resource {path} was not found")

    def _message(self, received: Received) -> web.Response:
        form = _form(received, MESSAGE)
        if form is None:
            return _no(400, 21600, "unknown parameter")
        if not form.get("From") and not form.get("MessagingServiceSid"):
            return _no(400, 21603, "A 'From' phone number is required.")
        if not {"Body", "MediaUrl", "ContentSid"} & form.keys():
            return _no(400, 21602, "Message body is required.")
        to = form["To"][0]
        if to.removeprefix("whatsapp:") in self.stopped:
            return _no(400, 21610, "Attempt to send to unsubscribed recipient")
        sender = form.get("From", [None])[0]
        if sender is not None and sender not in {OWN, WHATSAPP, "Acme"}:
            return _no(400, 21606, "The 'From' phone number provided is not a valid message-capable number")
        self.sent.append(form)
        answer = {
            "sid": "SM" + "d4" * 16, "status": "scheduled" if "SendAt" in form else "queued", "to": to,
            "from": sender, "num_segments": "0" if sender is None else "1", "error_code": None,
        }  # fmt: skip
        return web.json_response(answer, status=201)

    def _call(self, received: Received) -> web.Response:
        form = _form(received, CALL)
        if form is None or ("Url" in form) == ("Twiml" in form):
            return _no(400, 21205, "Url parameter is required.")
        self.called.append(form)
        return web.json_response({"sid": "CA" + "e5" * 16, "status": "queued"}, status=201)

    def _services(self, received: Received) -> web.Response:
        assert received.query["PageSize"] == "50"
        page = int(received.query.get("Page", "0"))
        link = f"{self.url}/v1/Services?PageSize=50&Page=1&PageToken=PTx" if page == 0 else None
        services = [{"sid": SERVICE, "friendly_name": f"Orders {page}"}]
        return web.json_response({"services": services, "meta": {"next_page_url": link}})


def _numbers(received: Received) -> web.Response:
    if received.query.get("PageToken"):
        assert received.query["PageToken"] == "P A"  # decoded once, and encoded again
        numbers, link = [{"phone_number": "+14155550101", "friendly_name": "Night"}], None
    else:
        numbers = [{"phone_number": OWN, "friendly_name": "Day"}]
        link = f"{ACCOUNT}/IncomingPhoneNumbers.json?PageSize=50&Page=1&PageToken=P%20A"
    return web.json_response({"incoming_phone_numbers": numbers, "next_page_uri": link})


def _lookup(number: str, received: Received) -> web.Response:
    if received.query.get("CountryCode") == "US" and not number.startswith("+"):
        number = "+1" + re.sub(r"\D", "", number)
    fields = received.query.get("Fields", "")
    valid = re.fullmatch(r"\+1415555\d{4}", number) is not None
    answer: dict[str, Any] = {
        "phone_number": number, "valid": valid, "validation_errors": None if valid else ["TOO_SHORT"],
        "national_format": "(415) 555-0100" if valid else None, "country_code": "US" if valid else None,
        "line_type_intelligence": None, "caller_name": None,
    }  # fmt: skip
    if "line_type_intelligence" in fields:
        answer["line_type_intelligence"] = {"type": "mobile", "carrier_name": "Acme Mobile"}
    if "caller_name" in fields:
        answer["caller_name"] = {"caller_name": "ADA", "caller_type": "CONSUMER"}
    return web.json_response(answer)


def _form(received: Received, known: set[str]) -> dict[str, list[str]] | None:
    if received.headers.get("content-type") != "application/x-www-form-urlencoded":
        return None
    form = parse_qs(received.body.decode(), strict_parsing=True)
    return form if form.keys() <= known and "To" in form else None


def _no(status: int, code: int, message: str) -> web.Response:
    body = {"code": code, "message": message, "more_info": "https://www.twilio.com/docs", "status": status}
    return web.json_response(body, status=status)
