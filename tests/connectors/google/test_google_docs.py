"""Documents made once, added to, and filled from a template."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from runner.errors import Rejected
from tests.servers.google_service import GoogleService

Act = Callable[..., Awaitable[Any]]
DOCUMENT = "application/vnd.google-apps.document"


async def test_a_document_is_made_once_of_markdown(google: GoogleService, act: Act) -> None:
    inputs = {"title": "Minutes", "content": "# Ä", "format": "markdown", "folder": "root-folder"}

    first = await act("google_docs.create", **inputs)
    again = await act("google_docs.create", **inputs)

    assert first == again
    assert (first["name"], first["mime_type"]) == ("Minutes", DOCUMENT)
    assert google.contents[first["id"]] == "# Ä".encode()
    assert b"Content-Type: text/markdown; charset=UTF-8" in google.calls[1].body


async def test_text_is_added_at_the_end(google: GoogleService, act: Act) -> None:
    google.documents["d1"] = "a"

    await act("google_docs.append", document="https://docs.google.com/document/d/d1/edit", text="b")
    await act("google_docs.append", document="d1", text="c", new_paragraph=False)

    assert google.documents["d1"] == "a\nbc"
    with pytest.raises(Rejected, match="or it is not shared"):
        await act("google_docs.append", document="d2", text="x")


async def test_a_template_is_copied_once_and_filled(google: GoogleService, act: Act) -> None:
    google.documents["t1"] = "Dear [name], [name]: [total]"
    google.files["t1"] = {"name": "Template", "mimeType": DOCUMENT}
    inputs = {"template": "t1", "title": "Invoice", "values": {"[name]": "Ann", "[total]": 12.5, "[x]": 1}}

    first = await act("google_docs.from_template", **inputs)
    again = await act("google_docs.from_template", **inputs)

    copy = first["document"]["id"]
    assert (google.documents[copy], google.documents["t1"][:11]) == ("Dear Ann, Ann: 12.5", "Dear [name]")
    assert first["replaced"] == {"[name]": 2, "[total]": 1, "[x]": 0}
    assert (again["document"]["id"], again["replaced"]["[name]"]) == (copy, 0)
    with pytest.raises(Rejected, match="placeholder is empty"):
        await act("google_docs.from_template", template="t1", title="x", values={"": "x"})


async def test_documents_can_be_chosen(google: GoogleService, choose: Act) -> None:
    google.files["t1"] = {"name": "Template", "mimeType": DOCUMENT, "modifiedTime": "2024-05-01T10:00:00Z"}

    found = await choose("google_docs.from_template.template", "Temp")

    assert found == ([("t1", "Template", "changed 2024-05-01")], None)
