"""Forms as a browser sends them: with the token of the page, from our own origin."""

from __future__ import annotations

import re
from collections.abc import Mapping

from quart.typing import TestClientProtocol
from quart.wrappers import Response

from tests.api.house import FROM_HERE


async def form_token(browser: TestClientProtocol) -> str:
    """What the forms of this browser's session carry."""
    page = await (await browser.get("/settings")).get_data(as_text=True)
    found = re.search('name="form_token" value="([^"]+)"', page)
    assert found
    return found[1]


async def sent(browser: TestClientProtocol, path: str, form: Mapping[str, str]) -> Response:
    """The answer to *form*."""
    return await browser.post(path, form={**form, "form_token": await form_token(browser)}, headers=FROM_HERE)


async def posted(
    browser: TestClientProtocol, path: str, form: Mapping[str, str], *, status: int = 200
) -> str:
    """The page that answers *form*."""
    answer = await sent(browser, path, form)
    text = str(await answer.get_data(as_text=True))
    assert answer.status_code == status, text
    return text
