"""Functions on texts, for both expression languages."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from runner.language.functions_registry import bounded, library
from runner.language.weight import NODE

if TYPE_CHECKING:
    from runner.values import Json

BREAKS = ("\n\n", "\n", ". ", "! ", "? ", " ")  # where a long text is best cut, the best first
LETTERS = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "þ": "th", "ı": "i"}
)  # small letters that Unicode does not take apart


@library()
def lower(text: str) -> str:
    """
    Give the text in small letters.

    Example: lower('Order NEW') == "order new"
    """
    return text.lower()


@library()
def upper(text: str) -> str:
    """
    Give the text in capitals.

    Example: upper('eur') == "EUR"
    """
    return text.upper()


@library()
def trim(text: str, characters: str | None = None) -> str:
    """
    Take white space, or the given characters, off both ends.

    Example: trim('  a b ') == "a b"
    Example: trim('--a--', '-') == "a"
    """
    return text.strip(characters)


@library()
def split(text: str, separator: str | None = None) -> list[str]:
    """
    Cut the text at each separator, or at any white space, into a list.

    Example: split('a,b,,c', ',') == ["a", "b", "", "c"]
    Example: split(' a  b ') == ["a", "b"]
    """
    if separator == "":
        raise ValueError("the separator is empty; leave it out to cut at white space")
    cuts = text.count(separator) + 1 if separator else len(text) // 2 + 1
    bounded(cuts * NODE)
    return text.split(separator)


@library()
def replace(text: str, old: str, new: str) -> str:
    """
    Put *new* in every place of *old*.

    Example: replace('1.234,50', ',', '.') == "1.234.50"
    """
    if old == "":
        raise ValueError("there is nothing to replace: the text to look for is empty")
    bounded(len(text) + text.count(old) * (len(new) - len(old)))
    return text.replace(old, new)


@library(effort=4)
def slugify(text: str, separator: str | None = "-") -> str:
    """
    Make a name for a file or an address: small letters and digits, accents taken off, all else one
    separator. Letters of other alphabets stay.

    Example: slugify('Crème brûlée, 2 Stück!') == "creme-brulee-2-stuck"
    """
    mark = separator or ""
    bounded(len(text) * (len(mark) + 1))
    apart = unicodedata.normalize("NFKD", text.lower().translate(LETTERS))
    letters = "".join(
        one if one.isalnum() else " " for one in apart if not unicodedata.combining(one) and one not in "'’"
    )
    return unicodedata.normalize("NFC", mark.join(letters.split()))


@library()
def truncate(text: str, length: int, end: str | None = "…") -> str:
    """
    Cut a longer text so that it has *length* characters with its end mark.

    Example: truncate('Hello world', 6) == "Hello…"
    Example: truncate('Hello', 6) == "Hello"
    """
    mark = end or ""
    return text if len(text) <= length else text[: max(length - len(mark), 0)] + mark


@library()
def split_text(text: str, length: int, overlap: int | None = 0) -> list[str]:
    """
    Cut a long text into pieces of at most *length* characters, for messages that have a bound:
    between paragraphs if it can be, else lines, sentences or words. Each piece may begin with the
    last *overlap* characters of the one before.

    Example: split_text('One two. Three four.', 12) == ["One two.", "Three four."]
    """
    back = overlap or 0
    if length < 1 or not 0 <= back * 2 < length:
        raise ValueError("the length must be at least 1, and the overlap less than half of it")
    least = max(length // 2, back + 1)  # a piece that is cut at a break is no shorter
    bounded((len(text) // max(least - back, 1) + 1) * (NODE + length))
    pieces: list[str] = []
    start = 0
    while len(text) - start > length:
        window = text[start : start + length + 1]
        cuts = (window.rfind(one, least) + len(one.rstrip()) for one in BREAKS if one in window[least:])
        cut = min(next(cuts, length), length)
        pieces.append(window[:cut].strip())
        start += cut - back
    pieces.append(text[start:].strip())
    return [one for one in pieces if one]


@library()
def contains(subject: Json, search: Json) -> bool:
    """
    Say whether a text holds another, or a list an element.

    Example: contains('order/paid', 'paid') == true
    Example: contains(['a', 'b'], 'c') == false
    """
    if isinstance(subject, str):
        return isinstance(search, str) and search in subject
    if isinstance(subject, (list, tuple)):
        return search in subject
    raise ValueError("what is searched must be a text or a list")


@library()
def starts_with(text: str, prefix: str) -> bool:
    """
    Say whether the text begins so.

    Example: starts_with('order/paid', 'order/') == true
    """
    return text.startswith(prefix)


@library()
def ends_with(text: str, suffix: str) -> bool:
    """
    Say whether the text ends so.

    Example: ends_with('invoice.pdf', '.pdf') == true
    """
    return text.endswith(suffix)
