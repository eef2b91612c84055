"""Pressing a button of a page: a form with the token of the session."""

from __future__ import annotations

import re

from quart import Response
from quart.typing import TestClientProtocol
from werkzeug.datastructures import FileStorage

from tests.api.house import FROM_HERE


async def posted(
    browser: TestClientProtocol, path: str, *, file: FileStorage | None = None, **fields: str
) -> Response:
    """The answer to a form at *path* with *fields*, and with *file* where there is one."""
    page = await (await browser.get("/find")).get_data(as_text=True)
    found = re.search('name="form_token" value="([^"]+)"', page)
    assert found
    form = {"form_token": found[1], **fields}
    files = {"file": file} if file else None
    return await browser.post(path, form=form, files=files, headers=FROM_HERE)
