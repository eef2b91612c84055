"""The body of any service's answer as JSON, a text or a file of the run."""

from __future__ import annotations

import re
from email.message import Message
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from runner.connector.ports import Call, Reply
    from runner.values import Json

JSON_TYPE = re.compile(r"(application|text)/(json|[\w.+-]+\+json)")
TEXT_TYPE = re.compile(
    r"text/.*|application/(xml|[\w.+-]+\+xml|javascript|x-www-form-urlencoded|x-ndjson|(x-)?yaml)"
)


async def content_of(call: Call, reply: Reply) -> Json:
    """
    What *reply* holds, by its type: parsed JSON, a text, a file where it is neither, null where it is
    empty.

    Raises:
        OutcomeUnknown: it says that it is JSON, and is not.
    """
    kind = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    if JSON_TYPE.fullmatch(kind):
        return reply.json() if reply.content.strip() else None
    if TEXT_TYPE.fullmatch(kind):
        return reply.text()
    if not reply.content:
        return None
    if not kind:
        try:
            return reply.content.decode()
        except UnicodeDecodeError:
            kind = "application/octet-stream"
    return await call.files.save(reply.content, filename=_filename(reply), content_type=kind)


def _filename(reply: Reply) -> str:
    """The name that the answer gives its file, without a folder; else the end of its address."""
    message = Message()
    message["Content-Disposition"] = reply.headers.get("content-disposition", "")
    given = message.get_filename() or unquote(urlsplit(reply.url).path)
    name = re.split(r"[/\\]", given)[-1]
    name = "".join(one for one in name if one.isprintable()).strip(". ")
    return name[:200] or "download"
