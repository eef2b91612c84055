"""The reference of the functions, as a page."""

from __future__ import annotations

from runner.language.functions import FUNCTIONS
from tests.api.house import World


async def test_the_page_has_every_function_with_its_examples(world: World) -> None:
    page = await world.page("/docs/functions")
    for name in FUNCTIONS:
        assert f'id="{name}"' in page
    assert "truncate(text, length, end=&#39;…&#39;)" in page
    assert "{{ &#39;Hello world&#39; | truncate(6) }}" in page
    assert "<strong>Ada</strong>" not in page  # an example's HTML is shown, not read
