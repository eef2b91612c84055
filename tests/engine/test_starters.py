from __future__ import annotations

from pathlib import Path

import connectors
from runner.cli.texts import starters
from runner.engine.library import workflow_files
from runner.engine.starters import starter_items
from runner.language.verification import ProviderInfo

FOLDER = Path(__file__).parents[2] / "workflows"
SHOP = {"shop": ProviderInfo("shop", "The Shop", True, ())}


def test_all_starters_are_there_whole_and_name_services_by_their_titles() -> None:
    items = {one["slug"]: one for one in starters()}
    assert items.keys() == {path.stem for path in workflow_files(FOLDER)}
    for slug, item in items.items():
        assert item["text"] == (FOLDER / f"{slug}.yaml").read_text(encoding="utf-8")
    titles = {connectors.connector(name).title for name in connectors.names()}
    assert {"Slack", "Google Sheets"} <= titles
    first = items["shopify-order-to-slack-and-sheets"]
    assert first["title"] == "Shopify order → Slack and Google Sheets"
    assert first["services"] == ["Shopify", "Slack", "Google Sheets"]
    assert starters()[0] == first  # of a provider: those come first


def test_a_title_says_what_comes_in_and_where_it_goes(tmp_path: Path) -> None:
    def titled(name: str, text: str) -> str:
        for path in tmp_path.glob("*.yaml"):
            path.unlink()
        (tmp_path / "one.yaml").write_text(f"name: {name}\n{text}", encoding="utf-8")
        (item,) = starter_items(tmp_path, str.upper, SHOP)
        return str(item["title"])

    steps = "steps: [{action: a.b}, {for_each: x, steps: [{action: c.d}]}]"
    verified = "trigger: {webhook: {verify: shop, events: [%s]}}\n" + steps
    assert titled("X", verified % "invoice_items.created") == "The Shop invoice item → A and C"
    assert titled("X", verified % "companies/update") == "The Shop company → A and C"
    assert titled("X", verified % "address") == "The Shop address → A and C"
    assert titled("Cats to dogs", verified % "") == "Cats → dogs"
    assert titled("Cats", "steps: [{action: state.set}]") == "Cats"
