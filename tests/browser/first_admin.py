"""The first admin, for tests of something else. test_people.py and test_first_order.py open the page."""

from __future__ import annotations

import re

from tests.browser.visitor import Visitor
from tests.servers.hookline_process import Running

PASSWORD = "correct horse battery"
SEE_OTHER = 303


def be_first_admin(person: Visitor, server: Running, name: str = "Ada") -> None:
    """Send the form of the link that *server* printed as its page would; then *person* is at Home."""
    link = re.search(r"/start/\S+", server.log.read_text("utf-8"))
    assert link
    answer = person.page.request.post(
        person.origin + link[0],
        form={"name": name, "email": f"{name.lower()}@example.com", "password": PASSWORD},
        headers={"Origin": person.origin},
        max_redirects=0,
    )
    assert answer.status == SEE_OTHER, answer.text()
    person.go("/")
