"""People at the editor of one workflow, on a server that began with nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Locator, Page, expect

from runner.values import Json
from tests.browser.first_admin import PASSWORD, be_first_admin
from tests.browser.visitor import Visitor
from tests.servers.hookline_process import Running
from tests.servers.slack_api import TOKEN, SlackApi

SAVED = re.compile("^draft · saved")
SLUG = "orders"


@dataclass
class Editing:
    """A person, who is the first admin after `begin`, at the editor of `orders`."""

    person: Visitor
    server: Running
    name: str = "Ada"

    @property
    def page(self) -> Page:
        """Theirs."""
        return self.person.page

    @property
    def state(self) -> Locator:
        """How the draft stands."""
        return self.page.get_by_text(re.compile("^(draft|live|read-only) ·"))

    @property
    def yaml(self) -> Locator:
        """The text in the YAML view."""
        return self.page.get_by_role("textbox", name="The workflow as YAML")

    def row(self, words: str) -> Locator:
        """The step in the outline that says *words*."""
        rows = self.page.get_by_role("region", name="Steps", exact=True)
        return rows.get_by_role("button", name=re.compile(re.escape(words))).and_(
            self.page.locator("[aria-keyshortcuts]")
        )

    def begin(self, text: str) -> None:
        """Be the first admin and publish *text* as version 1 of `orders`."""
        self.page.emulate_media(reduced_motion="reduce")
        be_first_admin(self.person, self.server, self.name)
        self.publish(text)

    def publish(self, text: str) -> None:
        """Make *text* version 1."""
        self.call("PUT", f"/workflows/{SLUG}", {"text": text}, {"If-None-Match": "*"})

    def connect(self, slack: SlackApi) -> None:
        """Make the connection `team-slack`."""
        fields = {"token": TOKEN, "api_url": slack.api_url}
        self.call("PUT", "/connections/team-slack", {"kind": "slack", "fields": fields})

    def invite(self, person: Visitor, name: str, role: str) -> Editing:
        """Let *person* be another one, signed in, with a role."""
        body = {"email": f"{name.lower()}@example.com", "name": name, "role": role}
        made = self.call("POST", "/users", body)
        other = Editing(person, self.server, name)
        person.page.emulate_media(reduced_motion="reduce")
        person.go(re.sub("^.*(?=/start/)", "", made["link"]))
        person.page.get_by_label("Password").first.fill(PASSWORD)
        person.page.get_by_role("main").get_by_role("button").first.click()
        person.page.wait_for_url("**/")
        return other

    def open(self) -> None:
        """Open the editor, and wait until its script is there."""
        self.person.go(f"/workflows/{SLUG}/edit")
        expect(self.page.get_by_role("group", name="Views")).to_be_visible()

    def see(self, view: str) -> None:
        """Switch to a view by its button."""
        self.page.get_by_role("group", name="Views").get_by_role("button", name=view).click()

    def order(self, **payload: Json) -> str:
        """Send an event to the workflow's address; its id."""
        url = self.call("GET", f"/workflows/{SLUG}")["url"]
        sent = self.page.request.post(url, data=payload)
        assert sent.ok, sent.text()
        return str(sent.json()["event"])

    def call(
        self, method: str, path: str, body: Json = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        """An answer of the API, as the person's browser gets it."""
        answer = self.page.request.fetch(
            f"{self.person.origin}/api/v1{path}",
            method=method,
            data=body,
            headers={"Origin": self.person.origin, "Sec-Fetch-Site": "same-origin", **(headers or {})},
        )
        assert answer.ok, answer.text()
        return answer.json()

    def text(self) -> str:
        """The draft as the server keeps it."""
        return str(self.call("GET", f"/workflows/{SLUG}")["draft"]["text"])
