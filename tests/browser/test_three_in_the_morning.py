"""
Three in the morning, by ui.md: Slack is away and comes back by itself; then many orders fail, and a person
mends that on a phone: looks at the plan, replays a few first, mends the cause, goes on, through a kill.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from threading import Condition, Event
from time import monotonic
from typing import Any

from aiohttp import web
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.first_admin import PASSWORD, be_first_admin
from tests.browser.visitor import Visitor
from tests.cli.home import Home
from tests.servers.hookline_process import Running, serving
from tests.servers.http_sink import Received
from tests.servers.in_thread import in_thread
from tests.servers.slack_api import TOKEN, SlackApi
from tests.servers.smtp import SmtpServer

WAITING, LOST, CUT = 60, 40, 3
ALERTS = """name: Order alerts
title: "Order #{{ payload.n }}"
trigger: {webhook: {}}
steps:
  - id: tell
    action: slack.post_message
    connection: team-slack
    with: {channel: "#sales", text: "Order {{ payload.n }}"}
"""
PHONE = {"width": 390, "height": 844}
LONG = 60_000  # milliseconds: a destination that was away is tried a few times a minute


class Moody(SlackApi):
    """
    Slack as it is on a bad night. `sayings` are the words that the coming posts are refused with, "" being
    none; it cuts the line after reading a post while `is_cutting`. From the post on that has the number
    `holds_at` it takes no more and lets them wait until `let_go`; `is_full` is set by the first of those.
    """

    def __init__(self, port: int = 0) -> None:
        super().__init__()
        self.port = port
        self.sayings: list[str] = []
        self.is_cutting = False
        self.holds_at: int | None = None
        self.is_full, self.let_go = Event(), Event()
        self.handler = self._moody

    async def _moody(self, received: Received) -> web.StreamResponse:
        if not received.path.endswith("chat.postMessage"):
            return await self._answer(received)
        if self.is_cutting:
            return self._cut(received)
        if self.holds_at is not None and len(self.posted) >= self.holds_at:
            self.is_full.set()
            await asyncio.to_thread(self.let_go.wait)
            return self._cut(received)
        if self.sayings and (said := self.sayings.pop(0)):
            return web.json_response({"ok": False, "error": said})
        return await self._answer(received)

    def _cut(self, received: Received) -> web.StreamResponse:
        if received.request.transport:
            received.request.transport.abort()
        return web.Response()

    @property
    def texts(self) -> Counter[str]:
        """How often each text was posted."""
        return Counter(one["text"] for one in self.posted)


@dataclass
class Night:
    """The server, its mail, and the person who is called."""

    home: Home
    smtp: SmtpServer
    environment: dict[str, str]
    person: Visitor
    server: Running
    sent: int = 0

    @property
    def page(self) -> Page:
        """The person's."""
        return self.person.page

    def send(self, count: int) -> None:
        """Let orders arrive, over one line; each must be accepted."""
        line = HTTPConnection("127.0.0.1", self.server.port)
        for _ in range(count):
            self.sent += 1
            line.request("POST", self.server.paths["alerts"], json.dumps({"n": self.sent}))
            answer = line.getresponse()
            assert (answer.status, json.load(answer)["status"]) == (200, "accepted")
        line.close()

    def get(self, path: str) -> Any:
        """What the API says to her."""
        answer = self.page.request.get(f"{self.person.origin}/api/v1{path}")
        assert answer.ok, answer.text()
        return answer.json()

    def until(self, path: str, holds: Callable[[Any], bool], seconds: float = 30) -> Any:
        """What the API says as soon as it *holds*."""
        end, gate = monotonic() + seconds, Condition()
        while not holds(found := self.get(path)):
            assert monotonic() < end, json.dumps(found)
            with gate:
                gate.wait(0.2)
        return found

    def mails(self, count: int) -> list[tuple[str, str]]:
        """Subject and text of the messages that were sent, which must be so many."""
        self.until("/me", lambda _me: len(self.smtp.delivered) >= count)
        assert len(self.smtp.delivered) == count
        messages = [one.message for one in self.smtp.delivered]
        return [(str(one["subject"]), one.get_content()) for one in messages]

    def called(self) -> str:
        """The path in the only message that was sent."""
        ((subject, text),) = self.mails(1)
        assert subject.startswith("Problem: alerts: ")
        (link,) = re.findall(r"http://127\.0\.0\.1:\d+(/failures/\S+)", text)
        return str(link)


@contextmanager
def slack_at(port: int) -> Iterator[Moody]:
    """Slack, answering there."""
    with in_thread(Moody(port)) as slack:
        yield slack


def free_port() -> int:
    """A port at which nobody listens."""
    with in_thread(Moody()) as one:
        return one.port


def settings(slack_port: int, smtp: SmtpServer, public_url: str = "") -> dict[str, str]:
    """Where Slack is, and that Ada is told by mail."""
    slack = {"kind": "slack", "token": TOKEN, "api_url": f"http://127.0.0.1:{slack_port}/api"}
    mail = {"kind": "smtp", "host": "127.0.0.1", "port": smtp.port, "tls": "none", "from": "h@x.example"}
    return {
        "HOOKLINE_CONNECTION_TEAM_SLACK": json.dumps(slack),
        "HOOKLINE_CONNECTION_MAIL": json.dumps(mail),
        "HOOKLINE_NOTIFY_CONNECTION": "mail",
        "HOOKLINE_NOTIFY_TO": "ada@example.com",
        "HOOKLINE_NETWORK_ALLOW": "127.0.0.0/8",
        **({"HOOKLINE_PUBLIC_URL": public_url} if public_url else {}),
    }


@contextmanager
def night(home: Home, visit: Visit, slack_port: int) -> Iterator[Night]:
    """A server with its admin, and a mail server; Slack is not there yet."""
    home.workflow("alerts", ALERTS)
    with in_thread(SmtpServer()) as smtp:
        environment = settings(slack_port, smtp)
        with (
            serving(home, **environment) as server,
            visit(f"http://127.0.0.1:{server.port}") as person,
        ):
            be_first_admin(person, server)
            yield Night(home, smtp, environment, person, server)


def test_an_outage_is_one_problem_two_messages_and_no_work(home: Home, visit: Visit) -> None:
    port = free_port()
    with night(home, visit, port) as one:
        page = one.page
        one.send(WAITING)
        one.person.go("/failures")
        expect(page.get_by_role("row")).to_have_count(2, timeout=LONG)  # the heads, and one problem
        one.until("/problems", lambda found: found["items"][0]["runs"]["waiting"] == WAITING)
        link = one.called()
        one.person.go("/")
        expect(page.get_by_text(f"{WAITING} runs wait and go on by themselves").first).to_be_visible()
        one.person.look("night-home")
        one.person.go(link)
        expect(page.get_by_text("You need not do anything.")).to_be_visible()
        expect(page.get_by_text("team-slack has not answered since")).to_be_visible()
        one.person.look("night-problem-waits")
        one.person.check_access()
        one.person.go("/health")
        expect(page.get_by_text("runs wait for it and go on by themselves")).to_be_visible()
        one.person.look("night-health")
        one.person.check_access()
        one.person.go(link)
        with slack_at(port) as slack:  # nobody presses anything
            expect(page.get_by_text("It closed by itself: nothing of it is left.")).to_be_visible(
                timeout=LONG
            )
            assert slack.texts == Counter({f"Order {number + 1}": 1 for number in range(WAITING)})
            _first, (subject, _text) = one.mails(2)
            assert subject.startswith("Closed: alerts: ")
            one.person.go("/failures")
            expect(page.get_by_text("Nothing needs you.")).to_be_visible()
            one.person.look("night-nothing")


def test_what_failed_is_mended_on_a_phone(home: Home, visit: Visit) -> None:
    with slack_at(0) as slack, in_thread(SmtpServer()) as smtp:
        home.workflow("alerts", ALERTS + "    retry: {attempts: 1}\n")  # what is cut off fails at once
        environment = settings(slack.port, smtp)
        with (
            serving(home, **environment) as server,
            visit(f"http://127.0.0.1:{server.port}", **PHONE, phone=True) as person,
        ):
            be_first_admin(person, server)
            one = Night(home, smtp, environment, person, server)
            _orders_fail(one, slack)
            _begin_with_a_few(one, slack)
            _mend_the_channel(one)
            _go_on_to_the_half(one, slack)
            way_back = person.page.url.removeprefix(person.origin)
            server.kill()
            slack.holds_at = None
            slack.let_go.set()
        with (
            serving(home, **environment) as server,
            visit(f"http://127.0.0.1:{server.port}", **PHONE, phone=True) as person,
        ):
            one = Night(home, smtp, environment, person, server)
            _sign_in_again(person, way_back)
            _it_went_on(one)
            assert slack.texts == Counter({f"Order {number + 1}": 1 for number in range(LOST)})
            _dismiss_the_rest(one)


def _orders_fail(one: Night, slack: Moody) -> None:
    """40 find no channel, and the line is cut after 3 more were read: one problem."""
    del slack.channels["#sales"]
    one.send(LOST)
    one.until("/problems", lambda found: [each["runs"]["failed"] for each in found["items"]] == [LOST])
    slack.is_cutting = True
    one.send(CUT)
    one.until("/problems", lambda found: [each["runs"]["failed"] for each in found["items"]] == [LOST + CUT])
    slack.is_cutting = False


def _begin_with_a_few(one: Night, slack: Moody) -> None:
    """From the message's link to the plan, five first; the third fails, so it pauses and says why."""
    page = one.page
    one.person.go(one.called())
    expect(page.get_by_text(f"{LOST + CUT} runs failed. Mend the cause, then plan a replay")).to_be_visible()
    expect(
        page.get_by_text(f"{CUT} may have arrived and stay out of it unless you tick them.")
    ).to_be_visible()
    one.person.check_width()
    one.person.look("phone-problem")
    page.get_by_role("link", name="Plan a replay").click()
    expect(page.get_by_role("heading", name=f"Replay {LOST} runs?")).to_be_visible()
    expect(page.get_by_text(f"{LOST} runs stopped before anything was sent")).to_be_visible()
    expect(page.get_by_role("checkbox", name=f"{CUT} runs may have arrived")).not_to_be_checked()
    expect(page.get_by_role("radio", name="live, v1")).to_be_checked()
    expect(page.get_by_text(f"{LOST} × Slack: post message")).to_be_visible()
    one.person.check_width()
    one.person.check_access()
    one.person.look("phone-plan")
    box = page.get_by_role("button", name="Replay 5 first").bounding_box()
    assert box
    assert box["height"] >= 44
    assert box["width"] >= 300
    slack.channels["#sales"] = "C0SALES"
    slack.sayings = ["", "", "channel_not_found"]
    page.get_by_role("button", name="Replay 5 first").click()
    expect(page).to_have_url(re.compile("/replays/"))
    expect(
        page.get_by_text(re.compile("Paused by itself: 1 of the first 5 failed: Slack: .*no such channel"))
    ).to_be_visible(timeout=LONG)
    expect(page.get_by_text(f"5 are done, {LOST - 5} wait.")).to_be_visible()
    one.person.check_width()
    one.person.check_access()
    one.person.look("phone-paused")
    assert len(slack.posted) == 4
    del slack.channels["#sales"]  # for good: only who mends the workflow gets through
    slack.channels["#orders"] = "C0ORDERS"


def _mend_the_channel(one: Night) -> None:
    """In the editor, from the page of the replay: the channel is chosen from Slack's own, and published."""
    page = one.page
    page.get_by_role("link", name="Edit step 1").click()
    form = page.get_by_role("region", name=re.compile("Slack"))
    form.get_by_role("button", name="Channel").click()
    page.get_by_role("option", name="#orders").click()
    one.person.look("phone-mend")
    page.get_by_role("button", name="Review and publish").first.click()
    expect(page.get_by_text("Nothing is in the way.")).to_be_visible(timeout=LONG)
    one.person.look("phone-publish")
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_role("link", name="See the workflow")).to_be_visible(timeout=LONG)


def _go_on_to_the_half(one: Night, slack: Moody) -> None:
    """
    Back over the problem; the replay goes on with what is live now. Slack has the half, and it is noted that
    it has: Slack knows no key, so what it had and nobody noted it would get again.
    """
    page = one.page
    page.get_by_role("link", name="See the workflow").click()
    page.get_by_role("link", name="See problem").first.click()
    expect(page.get_by_text("A replay of its runs is paused.")).to_be_visible()
    page.get_by_role("link", name="See the replay").click()
    expect(page.get_by_text("live, now v2")).to_be_visible()
    slack.holds_at = LOST // 2
    page.get_by_label("Runs a second").fill("10")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    assert slack.is_full.wait(LONG / 1000)
    replay = page.url.rpartition("/")[2]
    one.until(f"/replays/{replay}", lambda found: found["progress"]["succeeded"] == LOST // 2)


def _sign_in_again(person: Visitor, way_back: str) -> None:
    person.go(way_back)
    person.page.get_by_label("Email").fill("ada@example.com")
    person.page.get_by_label("Password").fill(PASSWORD)
    person.page.get_by_role("button", name="Sign in").click()
    person.page.wait_for_url(f"**{way_back}")


def _it_went_on(one: Night) -> None:
    """The same replay, in another process, to its end."""
    page = one.page
    expect(page.get_by_text(f"All {LOST} were gone through.")).to_be_visible(timeout=LONG)
    one.person.look("phone-done")


def _dismiss_the_rest(one: Night) -> None:
    """Three that may have arrived are left, and marked; they are put away with a note."""
    page = one.page
    page.get_by_role("link", name="See what is left of the problem").click()
    expect(page.get_by_role("heading", name=f"{CUT} runs may have arrived")).to_be_visible()
    expect(page.get_by_role("listitem").get_by_text("may have arrived", exact=True)).to_have_count(CUT)
    one.person.check_width()
    one.person.check_access()
    one.person.look("phone-left")
    page.get_by_role("button", name="Dismiss…").click()
    page.get_by_label("Why do its runs need nothing more?").fill("seen in Slack by hand")
    page.get_by_role("dialog").get_by_role("button", name="Dismiss").click()
    expect(page.get_by_text("Nothing needs you.")).to_be_visible()
    one.person.check_width()
    one.person.look("phone-nothing")
