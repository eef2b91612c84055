"""Files up once, down, found and shared."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from runner.errors import Rejected
from tests.servers.google_service import GoogleService

Act = Callable[..., Awaitable[Any]]
KEY = {"hookline": "evt1.shop.step"}
DOCUMENT = "application/vnd.google-apps.document"


async def test_a_file_is_uploaded_once(google: GoogleService, act: Act) -> None:
    pdf = {
        "filename": "a.pdf",
        "content_type": "application/pdf",
        "content": base64.b64encode(b"%PDF").decode(),
    }
    folder = "https://drive.google.com/drive/folders/root-folder?usp=sharing"

    first = await act("google_drive.upload", file=pdf, folder=folder, description="An invoice")
    again = await act("google_drive.upload", file=pdf, folder=folder)

    assert first == again
    assert (first["id"], first["name"], first["mime_type"]) == ("file-1", "a.pdf", "application/pdf")
    assert google.contents == {"file-1": b"%PDF"}
    kept = google.files["file-1"]
    assert (kept["parents"], kept["appProperties"]) == (["root-folder"], KEY)
    assert kept["description"] == "An invoice"


async def test_a_text_becomes_a_google_document(google: GoogleService, act: Act) -> None:
    answer = await act("google_drive.upload", file="hello", name="Note", convert_to="document")

    assert (answer["name"], answer["mime_type"]) == ("Note", DOCUMENT)


async def test_a_large_file_goes_by_an_upload_session(google: GoogleService, act: Act) -> None:
    content = bytes(range(256)) * 20_481
    large = {"filename": "l", "content_type": "image/png", "content": base64.b64encode(content).decode()}

    answer = await act("google_drive.upload", file=large)

    assert google.contents[answer["id"]] == content
    assert answer["mime_type"] == "image/png"
    google.files.clear()
    google.reply(200, json={"files": []})
    google.reply(200, headers={"Location": f"{google.url}/upload/drive/v3/files?upload_id=x"})
    google.reply(403, json={"error": {"errors": [{"reason": "storageQuotaExceeded"}], "message": "Full"}})
    with pytest.raises(Rejected, match="use a folder of a shared drive"):
        await act("google_drive.upload", file=large)


async def test_credentials_follow_no_upload_session_to_another_host(google: GoogleService, act: Act) -> None:
    large = {
        "filename": "l",
        "content_type": "image/png",
        "content": base64.b64encode(b"x" * 6_000_000).decode(),
    }
    google.reply(200, json={"files": []})
    google.reply(200, headers={"Location": "https://evil.example/upload"})

    with pytest.raises(Rejected, match="not to evil"):
        await act("google_drive.upload", file=large)


async def test_a_folder_is_used_again_or_made(google: GoogleService, act: Act) -> None:
    google.files["f9"] = {"name": "Ann's", "mimeType": google.files["root-folder"]["mimeType"],
                          "parents": ["root-folder"]}  # fmt: skip

    used = await act("google_drive.create_folder", name="Ann's", folder="root-folder")
    made = await act("google_drive.create_folder", name="Ann's", folder="root-folder", if_exists="create")
    again = await act("google_drive.create_folder", name="Ann's", folder="root-folder", if_exists="create")

    assert used["id"] == "f9"
    assert made == again
    assert (made["id"], google.files[made["id"]]["appProperties"]) == ("file-2", KEY)


@pytest.mark.parametrize(
    ("inputs", "permission", "mail"),
    [
        ({"address": "a@x.example"}, {"type": "user", "role": "reader", "emailAddress": "a@x.example"},
         "false"),
        (
            {"address": "a@x.example", "role": "writer", "notify": True, "message": "Hi",
             "with_kind": "group"},
            {"type": "group", "role": "writer", "emailAddress": "a@x.example"}, "true",
        ),
        ({"with_kind": "domain", "address": "x.example"}, {"type": "domain", "role": "reader",
                                                           "domain": "x.example"}, None),
        ({"with_kind": "anyone"}, {"type": "anyone", "role": "reader"}, None),
    ],
)  # fmt: skip
async def test_a_file_is_shared(
    google: GoogleService, act: Act, inputs: dict[str, Any], permission: dict[str, str], mail: str | None
) -> None:
    google.files["f1"] = {"name": "a", "mimeType": "text/plain", "webViewLink": "https://d/f1"}

    answer = await act("google_drive.share", file="f1", **inputs)

    assert answer == {"permission": "p1", "link": "https://d/f1"}
    ((file, sent, query),) = google.permissions
    assert (file, sent, query.get("sendNotificationEmail")) == ("f1", permission, mail)
    assert query.get("emailMessage") == inputs.get("message")


async def test_files_are_found_over_all_pages(google: GoogleService, act: Act) -> None:
    google.files |= {
        f"f{number}": {"name": "it's\\x", "mimeType": "text/csv", "size": "3"} for number in range(7)
    }

    answer = await act("google_drive.find", name="it's\\x", mime_type="text/csv", limit=5)

    assert [one["id"] for one in answer["files"]] == ["f0", "f1", "f2", "f3", "f4"]
    assert (answer["more"], answer["files"][0]["size"]) == (True, 3)
    google.reply(200, json={"files": [{"id": "a"}], "nextPageToken": "t"})
    google.reply(200, json={"files": [{"id": "b"}]})
    answer = await act("google_drive.find", contains="x")
    assert ([one["id"] for one in answer["files"]], answer["more"]) == (["a", "b"], False)
    assert google.calls[-1].query["pageToken"] == "t"


async def test_a_file_is_downloaded_or_exported(google: GoogleService, act: Act, files: Any) -> None:
    google.files |= {
        "f1": {"name": "../a/b.csv", "mimeType": "text/csv"}, "d1": {"name": "Doc", "mimeType": DOCUMENT},
    }  # fmt: skip
    google.contents["f1"] = b"x;y"

    plain = await act("google_drive.download", file="f1")
    exported = await act("google_drive.download", file="d1", export_as="pdf")

    assert (plain["file"]["filename"], plain["file"]["content_type"]) == (".._a_b.csv", "text/csv")
    assert files.kept[plain["file"]["file"]] == b"x;y"
    assert exported["file"]["filename"] == "Doc.pdf"
    assert files.kept[exported["file"]["file"]] == b"d1 as application/pdf"
    with pytest.raises(Rejected, match="give export_as"):
        await act("google_drive.download", file="d1")
    with pytest.raises(Rejected, match="or it is not shared"):
        await act("google_drive.download", file="nope")


async def test_a_file_is_put_into_the_trash(google: GoogleService, act: Act) -> None:
    google.files["f1"] = {"name": "a", "mimeType": "text/plain"}

    await act("google_drive.trash", file="https://drive.google.com/file/d/f1/view")

    assert google.files["f1"]["trashed"] is True


@pytest.mark.parametrize(
    ("action", "inputs", "says"),
    [
        ("find", {}, "say what to find"), ("share", {"file": "a"}, "give an address"),
        ("share", {"file": "a", "with_kind": "anyone", "address": "x"}, "none for anyone"),
        ("trash", {"file": "../about"}, "is no id"), ("upload", {"file": "a", "folder": "a/b"}, "is no id"),
    ],
)  # fmt: skip
async def test_what_cannot_be_is_refused_before_it_is_sent(
    google: GoogleService, act: Act, action: str, inputs: dict[str, Any], says: str
) -> None:
    with pytest.raises(Rejected, match=says):
        await act(f"google_drive.{action}", **inputs)

    assert google.calls == []


async def test_folders_and_files_can_be_chosen(google: GoogleService, choose: Act) -> None:
    google.files["f1"] = {
        "name": "Team",
        "mimeType": "text/plain",
        "modifiedTime": "2024-05-01T10:00:00.000Z",
    }

    folders, _ = await choose("google_drive.upload.folder", "Sha")

    assert [(value, label) for value, label, _ in folders] == [("root-folder", "Shared")]
    assert await choose("google_drive.share.file", "Tea") == ([("f1", "Team", "changed 2024-05-01")], None)
