"""Functions on files, for both expression languages; `shelf.py` says where the bytes come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import ExpressionError, LimitExceeded
from runner.language.functions_registry import library
from runner.language.shapes import shown
from runner.values import is_file

if TYPE_CHECKING:
    from runner.language.expression_work import Work
    from runner.values import File, Json

MAX_CONTENT = 25 * 1024 * 1024  # bytes: `max_file` (language.md)


@library()
def read_text(work: Work, file: Json) -> str:
    """
    Give the content of a file as text: UTF-8, or UTF-16 if it begins with that byte order mark. A
    text stays as it is.

    Example: read_text('already a text') == "already a text"
    """
    if isinstance(file, str):
        return file
    if not is_file(file):
        raise ValueError(f"what is read must be a file, not {shown(file)}")
    content = content_of(work, file)
    codec = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return content.decode(codec)
    except UnicodeDecodeError as error:
        name = shown(file["filename"])
        raise ValueError(f"the file {name} is not UTF-8: byte {error.start}; base64() gives any") from None


def content_of(work: Work, file: File) -> bytes:
    """
    The bytes of *file*, charged.

    Raises:
        ExpressionError: the scope does not hold them; its shelf knows now that they are wanted.
        LimitExceeded: more than one evaluation may take.
    """
    shelf = work.scope.files
    content = None if shelf is None else shelf.contents.get(file["file"])
    if content is None:
        if shelf is not None:
            shelf.wanted[file["file"]] = file
        raise ExpressionError(f"the file {shown(file['filename'])} cannot be read here")
    if len(content) > MAX_CONTENT:
        raise LimitExceeded(f"the file {shown(file['filename'])} is larger than {MAX_CONTENT >> 20} MiB")
    work.charge(len(content))
    return content
