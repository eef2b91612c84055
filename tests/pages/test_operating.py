"""The pages about operating a server: every one is shown, leads on, and names only what there is."""

from __future__ import annotations

import re
import shlex

import click
import pytest

from runner import operating
from runner.cli import hookline
from runner.settings import ELSEWHERE, ELSEWHERE_PREFIXES, PREFIX, known_keys
from tests.api.house import World
from web.display import ticks
from web.pages.operating import pages

OURS = {PREFIX + key.replace(".", "_").upper() for key in known_keys()} | ELSEWHERE
SHELL = re.compile(r"```sh\n(.*?)```", re.DOTALL)
CALL = re.compile(r"(?:^|[\s(|&/])hookline ([a-z][a-z-]*(?: [a-z][a-z-]*)*)", re.MULTILINE)
VARIABLE = re.compile(r"HOOKLINE_[A-Z_]+")
LINK = re.compile(r"\]\(([^)]+)\)")


async def test_the_reference_leads_to_each(world: World) -> None:
    assert 'href="/docs/operating"' in await world.page("/docs")
    page = await world.page("/docs/operating")
    for one in pages():
        assert f'href="{one.url}"' in page
        assert str(ticks(one.about)) in page
    assert (await (await world.signed_in("viewer")).get("/docs/operating/nothing")).status_code == 404
    assert 'href="/docs/operating/two-nodes"' in await world.page("/docs?q=compose")


@pytest.mark.parametrize("name", operating.PAGES)
async def test_a_page_is_shown_whole(world: World, name: str) -> None:
    page = await world.page(f"/docs/operating/{name}")
    text = operating.text(name)
    for heading in re.findall(r"^##+ (.+)$", text, re.MULTILINE):
        assert f">{heading.replace('`', '')}</h" in page.replace("<code>", "").replace("</code>", "")
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(set(ids)) == len(ids)
    assert "```" not in page
    assert "<table>" in page or "| --- |" not in text
    for target in LINK.findall(text):
        if target.endswith(".md"):
            assert f'href="/docs/operating/{target.removesuffix(".md")}"' in page
            assert target.removesuffix(".md") in operating.PAGES
        else:  # a file, which stands there whole, to be copied
            file = target.rpartition("/")[2]
            assert f"hookline operating {file}" in page
            assert operating.text(file).splitlines()[0].replace("`", "") in page.replace("`", "")


@pytest.mark.parametrize("name", operating.PAGES)
def test_a_page_names_only_commands_and_settings_that_there_are(name: str) -> None:
    text = operating.text(name)
    for block in SHELL.findall(text):
        for words in CALL.findall(block):
            _known(words.removeprefix("hookline ").split())  # the container may be of that name
    for variable in VARIABLE.findall(text):
        assert variable in OURS or variable.startswith(ELSEWHERE_PREFIXES), variable


@pytest.mark.parametrize("name", operating.PAGES)
def test_what_is_typed_at_the_terminal_is_words_of_a_shell(name: str) -> None:
    for block in SHELL.findall(operating.text(name)):
        assert shlex.split(block.replace("…", ""))


def _known(words: list[str]) -> None:
    group: click.Command | None = hookline
    for word in words:
        if not isinstance(group, click.Group):
            return
        group = group.commands.get(word)
        assert group, words
