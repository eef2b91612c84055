"""The filters of templates that are no functions of the library, each in a sentence."""

from __future__ import annotations

FILTERS_ABOUT = {
    "length": "How many items, keys or characters.",
    "first": "The first item of a list.",
    "last": "The last item of a list.",
    "sort": "The list in order; `attribute='price'` sorts by a field.",
    "reverse": "The list or text backwards.",
    "sum": "The numbers added up; `attribute='price'` adds a field of each item.",
    "min": "The smallest item.",
    "max": "The largest item.",
    "abs": "The number without its sign.",
    "list": "The items as a list.",
    "map": "A field of each item: `map(attribute='sku')`; or a filter applied to each: `map('upper')`.",
    "select": "The items that pass a test: `select('odd')`.",
    "reject": "The items that do not pass a test.",
    "selectattr": "The items whose field passes a test: `selectattr('paid')`.",
    "rejectattr": "The items whose field does not pass a test.",
    "batch": "The items in lists of so many.",
    "dictsort": "Keys and values in the order of the keys.",
    "indent": "The lines moved to the right by so many spaces.",
    "default": "What stands instead where nothing is there: `default('none')`.",
    "join": "The items as one text: `join(', ')`; `attribute='sku'` takes a field of each.",
    "string": "The value as a text.",
    "tojson": "The value as JSON.",
    "escape": "The text with HTML's special characters escaped.",
    "safe_html": "HTML with all that could do harm taken out.",
}


def filter_rows() -> list[dict[str, str]]:
    """`{name, sentence}` of each; the functions of the library are filters too."""
    return [{"name": name, "sentence": about} for name, about in sorted(FILTERS_ABOUT.items())]
