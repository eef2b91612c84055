"""Connectors in files beside the workflows: found, taken up when they change, and harmless when faulty."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from connectors.shelf import Shelf
from runner.engine.library import workflow_files
from tests.openapi.services import laid

SMALL = """\
title: Small
url: https://small.example
connections:
  small: {uses: [{type: header, name: X-Key}]}
actions:
  show:
    request: GET /things/{id}
    inputs:
      id: {in: path, required: true, schema: {type: integer}}
  list:
    request: GET /things
"""


def write(folder: Path, text: str = SMALL, name: str = "small") -> Path:
    path = folder / "connectors" / f"{name}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    moment = time.time_ns() + len(text)  # two texts of one length in one tick of the clock
    os.utime(path, ns=(moment, moment))
    return path


def test_files_stand_beside_those_of_this_installation(tmp_path: Path) -> None:
    write(tmp_path)
    shelf = Shelf(tmp_path)

    assert "small" in shelf.names()
    assert "slack" in shelf.names()
    catalogue = shelf.catalogue_actions()
    assert catalogue["small.show"].inputs["id"]["type"] == "integer"
    assert catalogue["slack.post_message"].name == "slack.post_message"
    assert "small.nope" not in catalogue
    assert "nope.show" not in catalogue
    assert [one for one in catalogue if one.startswith("small.")] == ["small.show", "small.list"]
    assert shelf.action("small.show") is not None
    assert shelf.action("slack.post_message") is not None
    assert shelf.connection_model("small") is not None
    assert shelf.connection_model("smtp") is not None
    assert "small" in [one["kind"] for one in shelf.described_kinds()]
    assert [one["name"] for one in shelf.described("small")] == ["small.show", "small.list"]
    assert shelf.described("small")[0]["output"] == {}
    with pytest.raises(LookupError, match='no connector "smal"'):
        shelf.described("smal")
    assert shelf.chooser("small.show", "id") is None


def test_they_are_no_workflows(tmp_path: Path) -> None:
    write(tmp_path)
    assert workflow_files(tmp_path) == []


def test_changes_are_taken_up_when_the_shelf_is_refreshed(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    assert "small.list" not in shelf.catalogue_actions()
    path = write(tmp_path)
    assert shelf.refresh() == ["small"]
    assert shelf.refresh() == []
    assert "small.list" in shelf.catalogue_actions()
    assert len(shelf.described("small")) == 2
    write(tmp_path, SMALL.replace("  list:", "  all:"))
    assert shelf.refresh() == ["small"]
    assert "small.list" not in shelf.catalogue_actions()
    assert "small.all" in shelf.catalogue_actions()
    assert [one["name"] for one in shelf.described("small")] == ["small.show", "small.all"]
    path.unlink()
    assert shelf.refresh() == ["small"]
    assert "small.all" not in shelf.catalogue_actions()
    assert "small" not in shelf.names()


@pytest.mark.parametrize("wrong", [SMALL.replace("title", "titel"), "a: [", "", "\x00"])
def test_a_faulty_file_leaves_the_connector_as_it_was(
    tmp_path: Path, wrong: str, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path)
    shelf = Shelf(tmp_path)
    assert shelf.action("small.show") is not None
    write(tmp_path, wrong)
    with caplog.at_level(logging.WARNING, "runner"):
        shelf.refresh()
        assert shelf.action("small.show") is not None
        assert shelf.connection_model("small") is not None
        assert "small.list" in shelf.catalogue_actions()
    assert "small.yaml:1:" in caplog.text
    assert Shelf(tmp_path).action("small.show") is None


def test_a_faulty_action_leaves_that_one_as_it_was(tmp_path: Path) -> None:
    write(tmp_path)
    shelf = Shelf(tmp_path)
    write(tmp_path, SMALL.replace("GET /things/{id}", "GET /things/{ids}").replace("  list:", "  all:"))
    shelf.refresh()

    old = shelf.action("small.show")
    assert old is not None
    assert "GET /things/{id}`" in old.summary
    assert shelf.action("small.all") is not None
    assert Shelf(tmp_path).action("small.show") is None
    assert [one["name"] for one in Shelf(tmp_path).described("small")] == ["small.all"]


@pytest.mark.parametrize(
    "schema",
    ["{type: whole}", "{$ref: '#/schemas/nowhere'}", "{$ref: '#/schemas/thing'}", "[", "{pattern: '('}"],
)
def test_a_faulty_shared_schema_is_a_fault_and_no_crash(tmp_path: Path, schema: str) -> None:
    refers = SMALL.replace("schema: {type: integer}", "schema: {$ref: '#/schemas/thing'}")
    path = write(tmp_path, f"{refers}schemas:\n  thing: {schema}\n")
    shelf = Shelf(tmp_path)

    assert shelf.action("small.list") is not None
    found = shelf.action("small.show")
    if "thing'}" in schema:  # a circle says nothing, which is no fault
        assert found is not None
        return
    assert found is None
    assert [one["name"] for one in shelf.described("small")] == ["small.list"]
    faults = shelf.files()["small"].file.all_faults()
    assert faults
    last = path.read_text().count("\n")
    assert {one.line for one in faults} <= {7, 8, 9, last, last + 1}


def test_a_file_with_the_name_of_a_connector_of_ours_is_not_read(tmp_path: Path) -> None:
    path = write(tmp_path, name="slack")
    shelf = Shelf(tmp_path)

    assert shelf.hidden() == [path]
    assert shelf.action("slack.show") is None
    assert shelf.action("slack.post_message") is not None


def test_describing_goes_on_little_by_little(tmp_path: Path) -> None:
    text = SMALL + "".join(f"  more_{index}:\n    request: GET /more/{index}\n" for index in range(30))
    write(tmp_path, text)
    shelf = Shelf(tmp_path)
    for _ in range(3):
        shelf.keep_up()
    assert len(shelf._described["small"]) == 32
    assert len(shelf.described("small")) == 32


def test_an_action_is_read_alone(tmp_path: Path) -> None:
    """Others of the file may be as many and as large as they like."""
    connector = laid(tmp_path, "shop.yaml", "shop_api")
    assert connector.action("orders_delete_note") is not None
    assert connector.file._schemas == {}


def test_asking_for_a_file_imports_no_other_connector(tmp_path: Path) -> None:
    write(tmp_path)
    code = (
        "import sys; from pathlib import Path; from connectors.shelf import Shelf;"
        f"shelf = Shelf(Path({str(tmp_path)!r}));"
        "assert 'small.show' in shelf.catalogue_actions() and shelf.connection_model('small');"
        "print(sorted(m for m in sys.modules if m.startswith('connectors.')))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert shown.strip() == "['connectors.shelf']"
