"""
Three in the morning, by ui.md: Slack is away and comes back by itself; then many orders fail, and a person
mends that on a phone: looks at the plan, replays a few first, mends the cause, goes on, through a kill.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Condition
from time import monotonic
from typing import Any

from aiohttp import web
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.visitor import Visitor
from tests.cli.home import Home
from tests.servers.hookline_process import Running, serving
from tests.servers.http_sink import Received
from tests.servers.in_thread import in_thread
from tests.servers.slack_api import TOKEN, SlackApi
from tests.servers.smtp import SmtpServer

PASSWORD = "correct horse battery"
WAITING, LOST, CUT = 60, 40, 3
ALERTS = """name: Order alerts
title: "Order #{{ payload.n }}"
trigger: {webhook: {}}
steps:
  - id: tell
    action: slack.post_message
    connection: team_slack
    with: {channel: "#sales", text: "Order {{ payload.n }}"}
"""
PHONE = {"width": 390, "height": 844}
LONG = 60_000  # milliseconds: a destination that was away is tried a few times a minute


class Moody(SlackApi):
    """Slack, which can lose a channel and cut lines after reading."""

    def __init__(self, port: int = 0) -> None:
        super().__init__()
        self.port = port

        self.is_cutting = False
        self.handler = self._moody

    async def _moody(self, received: Received) -> web.StreamResponse:
        if self.is_cutting and received.path.endswith("chat.postMessage"):
            transport = received.request.transport
            assert transport
            transport.abort()
            return web.Response()
        return await self._answer(received)

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
        """Let orders arrive; each must be accepted."""
        url = self.get("/workflows/alerts")["url"]
        for _ in range(count):
            self.sent += 1
            answer = self.page.request.post(url, data={"n": self.sent})
            assert answer.status == 200, answer.text()

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


@contextmanager
def slack_at(port: int) -> Iterator[Moody]:
    """Slack, answering there."""
    with in_thread(Moody(port)) as slack:
        yield slack


def signed_in(person: Visitor, server: Running) -> None:
    link = re.search(r"/start/\S+", server.log.read_text("utf-8"))
    assert link
    person.go(link[0])
    person.page.get_by_label("Name").fill("Ada")
    person.page.get_by_label("Email").fill("ada@example.com")
    person.page.get_by_label("Password").first.fill(PASSWORD)
    person.page.get_by_role("button", name=re.compile("Create")).click()
    person.page.wait_for_url("**/")


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
            signed_in(person, server)
            yield Night(home, smtp, environment, person, server)


def test_an_outage_is_one_problem_two_messages_and_no_work(home: Home, visit: Visit) -> None:
    port = free_port()
    with night(home, visit, port) as one:
        page = one.page
        one.send(WAITING)
        one.person.go("/failures")
        expect(page.get_by_role("row")).to_have_count(2, timeout=LONG)  # the heads, and one problem
        one.until("/problems", lambda found: found["items"][0]["runs"]["waiting"] == WAITING)
        ((subject, text),) = one.mails(1)
        assert subject.startswith("Problem: alerts: ")
        one.person.go("/")
        expect(page.get_by_text(f"{WAITING} runs wait and go on by themselves").first).to_be_visible()
        one.person.look("night-home")
        (link,) = re.findall(r"http://127\.0\.0\.1:\d+(/failures/\S+)", text)
        one.person.go(link)
        expect(page.get_by_text("You need not do anything.")).to_be_visible()
        expect(page.get_by_text("team_slack has not answered since")).to_be_visible()
        one.person.look("night-problem-waits")
        one.person.check_access()
        one.person.go("/health")
        expect(page.get_by_text("runs wait for it and go on by themselves")).to_be_visible()
        one.person.look("night-health")
        one.person.check_access()
        with slack_at(port) as slack:
            one.person.go(link)
            page.get_by_role("button", name="Try now").click()
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
            signed_in(person, server)
            one = Night(home, smtp, environment, person, server)
            _orders_fail(one, slack)
            replay = _begin_with_a_few(one, slack)
            _mend_and_go_on(one, replay)
            one.until(f"/replays/{replay}", lambda found: found["progress"]["succeeded"] >= LOST / 3)
            one.server.kill()
        with (
            serving(home, **environment) as server,
            visit(f"http://127.0.0.1:{server.port}", **PHONE, phone=True) as person,
        ):
            _sign_in_again(person)
            one = Night(home, smtp, environment, person, server)
            _it_went_on(one, replay)
            assert slack.texts == Counter({f"Order {number + 1}": 1 for number in range(LOST)})
            _dismiss_the_rest(one)


def _orders_fail(one: Night, slack: Moody) -> None:
    """40 find no channel, and the line is cut after 3 more were read."""
    del slack.channels["#sales"]
    one.send(LOST)
    one.until("/problems", lambda found: [each["runs"]["failed"] for each in found["items"]] == [LOST])
    slack.is_cutting = True
    one.send(CUT)
    one.until("/problems", lambda found: sum(each["runs"]["failed"] for each in found["items"]) == LOST + CUT)
    slack.is_cutting = False
    slack.channels["#orders"] = "C0ORDERS"


def _begin_with_a_few(one: Night, slack: Moody) -> str:
    """From the message's link to the plan, five first; the channel is still lost, so it pauses itself."""
    page = one.page
    found = one.get("/problems")["items"]
    (lost,) = [each["id"] for each in found if each["runs"]["failed"] == LOST]
    link = f"/failures/{lost}"
    one.until("/me", lambda _me: any(link in each.message.get_content() for each in one.smtp.delivered))
    one.person.go(link)
    expect(page.get_by_text(f"{LOST} runs failed. Mend the cause, then plan a replay")).to_be_visible()
    one.person.check_width()
    one.person.look("phone-problem")
    page.get_by_role("link", name="Plan a replay").click()
    expect(page.get_by_role("heading", name=f"Replay {LOST} runs?")).to_be_visible()
    expect(page.get_by_text(f"{LOST} × Slack: post message")).to_be_visible()
    one.person.check_width()
    one.person.check_access()
    one.person.look("phone-plan")
    box = page.get_by_role("button", name="Replay 5 first").bounding_box()
    assert box
    assert box["height"] >= 44
    assert box["width"] >= 300
    page.get_by_label("Speed, runs a second").fill("8")
    page.get_by_label("Speed, runs a second").blur()
    expect(page.get_by_text("About 5 s.")).to_be_visible()
    page.get_by_role("button", name="Replay 5 first").click()
    expect(page).to_have_url(re.compile("/replays/"))
    expect(
        page.get_by_text(re.compile(r"Paused by itself: 5 of the first 5 failed: .*no such channel"))
    ).to_be_visible(timeout=LONG)
    expect(page.get_by_text(f"5 are done, {LOST - 5} wait.")).to_be_visible()
    one.person.check_width()
    one.person.check_access()
    one.person.look("phone-paused")
    assert not slack.posted
    return page.url.rpartition("/")[2]


def _mend_and_go_on(one: Night, replay: str) -> None:
    """The channel is mended and published; the replay goes on with the live version."""
    found = one.get("/workflows/alerts")
    text = found["source"].replace("#sales", "#orders")
    answer = one.page.request.put(
        f"{one.person.origin}/api/v1/workflows/alerts",
        data={"text": text},
        headers={"If-Match": f'"v{found["version"]}"', "Origin": one.person.origin},
    )
    assert answer.ok, answer.text()
    one.person.go(f"/replays/{replay}")
    one.page.get_by_label("Runs a second").fill("5")
    one.page.get_by_role("button", name="Go on").click()
    expect(one.page.get_by_role("button", name="Pause")).to_be_visible()


def _sign_in_again(person: Visitor) -> None:
    person.go("/")
    person.page.get_by_label("Email").fill("ada@example.com")
    person.page.get_by_label("Password").fill(PASSWORD)
    person.page.get_by_role("button", name="Sign in").click()
    person.page.wait_for_url("**/")


def _it_went_on(one: Night, replay: str) -> None:
    """The same replay, in another process, to its end; those that failed at first go in another."""
    page = one.page
    one.person.go(f"/replays/{replay}")
    expect(
        page.get_by_text(f"All {LOST} were gone through; those that failed remain in the problem.")
    ).to_be_visible(timeout=LONG)
    one.person.look("phone-done")
    page.get_by_role("link", name="See what is left of the problem").click()
    page.get_by_role("link", name="Plan a replay").click()
    page.get_by_role("button", name="Replay 5 runs").click()
    expect(page.get_by_text("All 5 were gone through.")).to_be_visible(timeout=LONG)


def _dismiss_the_rest(one: Night) -> None:
    """Three that may have arrived are left: unticked in every plan, and put away with a note."""
    page = one.page
    one.person.go("/failures")
    expect(page.get_by_role("row")).to_have_count(2)
    page.get_by_role("row").last.get_by_role("link").click()
    page.get_by_role("link", name="Plan a replay").click()
    expect(page.get_by_role("checkbox", name=f"{CUT} runs may have arrived")).not_to_be_checked()
    expect(page.get_by_role("button", name=re.compile("^Replay"))).to_be_disabled()
    page.get_by_role("checkbox", name=f"{CUT} runs may have arrived").check()
    expect(page.get_by_role("heading", name=f"Replay {CUT} runs?")).to_be_visible()
    one.person.look("phone-doubt")
    page.get_by_role("checkbox", name=f"{CUT} runs may have arrived").uncheck()
    expect(page.get_by_role("button", name=re.compile("^Replay"))).to_be_disabled()
    page.get_by_role("button", name="Dismiss…").click()
    page.get_by_label("Why do its runs need nothing more?").fill("seen in Slack by hand")
    page.get_by_role("dialog").get_by_role("button", name="Dismiss").click()
    expect(page.get_by_text("Nothing needs you.")).to_be_visible()
    one.person.check_width()
    one.person.look("phone-nothing")
