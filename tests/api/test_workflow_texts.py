"""Texts of workflows by the API: two people at once, publishing, going back, beginning and deleting."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from runner.engine.audit import DeedsWanted
from runner.engine.drafts import LATELY_SECONDS
from runner.engine.folder import DELETED
from runner.engine.runs import Disposition, Status
from tests.api.house import WORKFLOW, World
from tests.api.writers import writer

pytestmark = pytest.mark.both_stores

CHANGED = WORKFLOW.replace("Note every order.", "Note every order twice.")
BROKEN = WORKFLOW.replace("probe.note", "probe.nte")
OTHER = WORKFLOW.replace("name: Orders", "name: All orders")


def on_disk(world: World, slug: str = "orders") -> str:
    return (world.folder / f"{slug}.yaml").read_bytes().decode()


async def test_a_workflow_is_shown_with_all_that_an_editor_begins_from(world: World) -> None:
    ada = await writer(world, "ada")
    shown = await ada("GET", "/workflows/orders")
    assert (shown["version"], shown["etag"], shown["state"]) == (1, '"v1"', "live")
    assert (shown["source"], shown["file"], shown["draft"], shown["others"]) == (WORKFLOW, WORKFLOW, None, [])
    assert (shown["is_read_only"], shown["read_only_reason"]) == (False, None)


async def test_a_file_with_faults_is_shown_beside_what_runs(world: World) -> None:
    await world.write("orders", BROKEN)
    shown = await (await writer(world, "ada"))("GET", "/workflows/orders")
    assert (shown["state"], shown["version"], shown["source"], shown["file"]) == (
        "faults",
        1,
        WORKFLOW,
        BROKEN,
    )


async def test_what_holds_events_is_shown_as_paused(world: World) -> None:
    ada = await writer(world, "ada")
    await world.write("off", WORKFLOW + "enabled: false\n")
    await ada("POST", "/workflows/orders/pause", {"why": "a test"})
    items = (await ada("GET", "/workflows"))["items"]
    assert {one["slug"]: one["state"] for one in items} == {"orders": "paused", "off": "paused"}


# --- drafts


async def test_a_draft_is_kept_for_the_one_who_writes_it_and_others_are_told(world: World) -> None:
    ada, bo = await writer(world, "ada"), await writer(world, "bo")
    with world.house.changes.listening() as heard:
        saved = await ada("PUT", "/workflows/orders/draft", {"text": "x: [", "base": 1, "revision": None})
        told = await anext(heard)
    assert (saved["live"], saved["others"]) == (1, [])
    assert (told.kind, told.item["workflow"], told.item["by"]) == ("draft", "orders", "ada")
    mine, theirs = await ada("GET", "/workflows/orders"), await bo("GET", "/workflows/orders")
    assert mine["draft"] == {"text": "x: [", "revision": saved["revision"], "base": 1} | {
        "saved_at": saved["saved_at"]
    }
    assert theirs["draft"] is None
    assert theirs["others"] == [{"by": "ada", "saved_at": saved["saved_at"]}]
    assert on_disk(world) == WORKFLOW
    world.clock.later += LATELY_SECONDS + 5
    assert (await bo("GET", "/workflows/orders"))["others"] == []


async def test_the_same_person_in_two_tabs_overwrites_nothing(world: World) -> None:
    ada = await writer(world, "ada")
    draft = "/workflows/orders/draft"
    first = await ada("PUT", draft, {"text": "one", "base": 1, "revision": None})
    second = await ada("PUT", draft, {"text": "two", "base": 1, "revision": first["revision"]})
    assert second["revision"] > first["revision"]
    for stale in (first["revision"], None):
        refused = await ada("PUT", draft, {"text": "three", "base": 1, "revision": stale}, status=409)
        assert refused["draft"]["text"] == "two"
    await ada("DELETE", draft)
    gone = await ada("PUT", draft, {"text": "four", "revision": second["revision"]}, status=409)
    assert gone["draft"] is None
    again = await ada("PUT", draft, {"text": "five", "revision": None})
    assert again["revision"] not in (first["revision"], second["revision"])


async def test_what_no_file_can_hold_is_no_draft(world: World) -> None:
    ada = await writer(world, "ada")
    await ada("PUT", "/workflows/orders/draft", {"text": "x" * (1 << 20)})
    for body in ({"text": "x" * ((1 << 20) + 1)}, {"text": None}, {}, {"text": "a", "base": 0}):
        await ada("PUT", "/workflows/orders/draft", body, status=400)
    await ada("PUT", "/workflows/nothing/draft", {"text": "x"}, status=404)


# --- publishing


async def test_publishing_writes_the_file_as_it_is_and_is_live_before_the_answer(world: World) -> None:
    ada = await writer(world, "ada")
    text = f"\ufeff# a comment\r\n{CHANGED}   \n\n"
    saved = await ada("PUT", "/workflows/orders/draft", {"text": text, "base": 1})
    assert saved["live"] == 1
    with world.house.changes.listening() as heard:
        done = await ada("POST", "/workflows/orders/publish", {"text": text, "base": 1, "message": " twice "})
        told = await anext(heard)
    assert (done["version"], done["held"], done["etag"]) == (2, 0, '"v2"')
    assert told.item == {"slug": "orders", "change": "published", "version": 2, "by": "ada"}
    assert on_disk(world) == text
    live = world.house.library.get("orders")
    assert live is not None
    assert (live.version, live.source) == (2, text)
    shown = await ada("GET", "/workflows/orders")
    assert shown["draft"] is None
    items = (await ada("GET", "/workflows/orders/versions"))["items"]
    assert [(one["version"], one["by"], one["message"], one["is_live"]) for one in items] == [
        (2, "ada", "twice", True),
        (1, None, None, False),
    ]
    deeds = (await world.house.audit_log.page(DeedsWanted(kind="workflow"))).items
    assert (deeds[0]["verb"], deeds[0]["name"], deeds[0]["facts"]) == (
        "published",
        "orders",
        {"version": 2, "message": "twice"},
    )


async def test_a_text_with_errors_is_not_published_and_what_is_live_stays(world: World) -> None:
    ada = await writer(world, "ada")
    refused = await ada("POST", "/workflows/orders/publish", {"text": BROKEN, "base": 1}, status=422)
    assert refused["detail"] == "One thing to mend before this can go live. Version 1 keeps running."
    assert [(one["code"], one["path"]) for one in refused["faults"]] == [("unknown-action", "orders.yaml")]
    assert on_disk(world) == WORKFLOW


async def test_publishing_onto_a_changed_base_overwrites_nothing_and_a_merge_puts_both_together(
    world: World,
) -> None:
    ada, bo = await writer(world, "ada"), await writer(world, "bo")
    await bo("POST", "/workflows/orders/publish", {"text": OTHER, "base": 1})
    refused = await ada("POST", "/workflows/orders/publish", {"text": CHANGED, "base": 1}, status=409)
    assert refused["detail"] == "bo published version 2 while you were editing; nothing was overwritten."
    assert (refused["live"]["version"], refused["live"]["by"], refused["live"]["text"]) == (2, "bo", OTHER)
    assert on_disk(world) == OTHER
    hers = await ada("POST", "/workflows/orders/review", {"text": CHANGED, "since": 1})
    assert hers["live"] == 2
    said = 'Changed `description` from "Note every order." to "Note every order twice.".'
    assert hers["sentences"] == [said]
    assert hers["diff"].startswith("--- version 1")
    await ada("POST", "/workflows/orders/review", {"text": CHANGED, "since": 7}, status=404)
    merged = await ada("POST", "/workflows/orders/merge", {"base": 1, "mine": CHANGED})
    assert (merged["conflicts"], merged["live"]) == (0, 2)
    reviewed = await ada("POST", "/workflows/orders/review", {"text": merged["text"]})
    assert reviewed["sentences"] == [
        'Changed `description` from "Note every order." to "Note every order twice.".'
    ]
    assert reviewed["faults"] == []
    assert "+description: Note every order twice." in reviewed["diff"]
    done = await ada("POST", "/workflows/orders/publish", {"text": merged["text"], "base": 2})
    assert done["version"] == 3
    items = (await bo("GET", "/workflows/orders/versions"))["items"]
    assert [one["by"] for one in items] == ["ada", "bo", None]


async def test_a_conflict_is_marked_and_cannot_be_published_unseen(world: World) -> None:
    ada, bo = await writer(world, "ada"), await writer(world, "bo")
    await bo("POST", "/workflows/orders/publish", {"text": OTHER, "base": 1})
    mine = WORKFLOW.replace("name: Orders", "name: My orders")
    merged = await ada("POST", "/workflows/orders/merge", {"base": 1, "mine": mine})
    assert merged["conflicts"] == 1
    assert "name: My orders" in merged["text"]
    assert "name: All orders" in merged["text"]
    halved = merged["text"].replace("name: All orders\n", "")
    refused = await ada("POST", "/workflows/orders/publish", {"text": halved, "base": 2}, status=422)
    assert {one["code"] for one in refused["faults"]} == {"merge-marker"}


async def test_of_many_who_publish_at_once_one_does(world: World) -> None:
    people = [await writer(world, f"person-{number}") for number in range(5)]
    texts = [f"{WORKFLOW}# by {number}\n" for number in range(5)]

    async def publish(number: int) -> int:
        answer = await world.app.test_client().post(
            "/api/v1/workflows/orders/publish",
            headers=people[number].headers,
            json={"text": texts[number], "base": 1},
        )
        return answer.status_code

    statuses = await asyncio.gather(*map(publish, range(5)))
    assert sorted(statuses) == [200, 409, 409, 409, 409]
    assert on_disk(world) == texts[statuses.index(200)]


async def test_a_change_of_the_file_by_an_editor_is_a_version_of_nobody_and_the_base_is_another(
    world: World,
) -> None:
    ada = await writer(world, "ada")
    (world.folder / "orders.yaml").write_text(OTHER, encoding="utf-8")  # nobody has read it yet
    refused = await ada("PUT", "/workflows/orders", {"text": CHANGED}, status=412, If_Match='"v1"')
    assert (refused["live"]["version"], refused["live"]["by"]) == (2, None)
    assert refused["detail"].startswith("Somebody published version 2")
    assert on_disk(world) == OTHER


async def test_the_faulty_text_that_is_written_over_is_kept(world: World) -> None:
    ada = await writer(world, "ada")
    await world.write("orders", BROKEN)
    await ada("POST", "/workflows/orders/publish", {"text": CHANGED, "base": 1})
    (kept,) = (world.folder / DELETED).iterdir()
    assert kept.read_text(encoding="utf-8") == BROKEN
    assert (await ada("GET", "/workflows/orders"))["state"] == "live"


async def test_a_program_puts_a_text_under_a_condition(world: World) -> None:
    ci = await writer(world, "ci")
    await ci("PUT", "/workflows/orders", {"text": CHANGED}, status=428)
    await ci("PUT", "/workflows/orders", {"text": CHANGED}, status=412, If_None_Match="*")
    await ci("PUT", "/workflows/orders", {"text": CHANGED}, status=400, If_Match="v1")
    await ci("PUT", "/workflows/orders", {"text": BROKEN}, status=422, If_Match='"v1"')
    assert (await ci("PUT", "/workflows/orders", {"text": CHANGED}, If_Match='"v1"'))["version"] == 2
    assert (await ci("PUT", "/workflows/orders", {"text": CHANGED}, If_Match='"v1"'))["version"] == 2
    assert (await ci("PUT", "/workflows/orders", {"text": OTHER}, If_Match="*"))["version"] == 3
    assert (await ci("PUT", "/workflows/new-one", {"text": OTHER}, If_None_Match="*"))["version"] == 1
    for slug in ("a.test", "_defaults", "..", "A", "a%00b", "x" * 64):
        await ci("PUT", f"/workflows/{slug}", {"text": OTHER}, status=404, If_None_Match="*")
    assert sorted(path.name for path in world.folder.glob("*.yaml")) == ["new-one.yaml", "orders.yaml"]


# --- versions


async def test_returning_to_a_version_publishes_its_text_again(world: World) -> None:
    ada, bo = await writer(world, "ada"), await writer(world, "bo")
    await ada("POST", "/workflows/orders/publish", {"text": CHANGED, "base": 1})
    run = await world.made.run(Status.SUCCEEDED)
    assert run
    done = await bo("POST", "/workflows/orders/return", {"version": 1})
    assert done["version"] == 3
    assert on_disk(world) == WORKFLOW
    await world.house.library.reload()
    live = world.house.library.get("orders")
    assert live is not None
    assert live.version == 3
    items = (await bo("GET", "/workflows/orders/versions"))["items"]
    assert [(one["by"], one["message"], one["runs"]) for one in items] == [
        ("bo", "Returned to version 1", 0),
        ("ada", None, 0),
        (None, None, 1),
    ]
    await bo("POST", "/workflows/orders/return", {"version": 9}, status=404)


async def test_a_version_tells_what_it_changed_and_what_happened_since(world: World) -> None:
    ada = await writer(world, "ada")
    await ada("POST", "/workflows/orders/publish", {"text": CHANGED, "base": 1})
    await ada("POST", "/workflows/orders/publish", {"text": CHANGED + "timeout: 5m\n", "base": 2})
    shown = await ada("GET", "/workflows/orders/versions/2")
    assert (shown["text"], shown["sentences"]) == (CHANGED, ['Added `timeout`: "5m".'])
    assert shown["diff"].startswith("--- version 2\n+++ version 3\n")
    assert shown["changed"]["since"] == 1
    assert "Note every order twice." in shown["changed"]["sentences"][0]
    first = await ada("GET", "/workflows/orders/versions/1")
    assert first["changed"] == {"since": None, "diff": "", "sentences": []}
    for number in ("0", "9", "x", "-1", "99999999999999999999"):
        await ada("GET", f"/workflows/orders/versions/{number}", status=404)


async def test_versions_come_in_pages(world: World) -> None:
    ada = await writer(world, "ada")
    for number in range(1, 5):
        await ada("POST", "/workflows/orders/publish", {"text": f"{WORKFLOW}# {number}\n", "base": number})
    page = await ada("GET", "/workflows/orders/versions?limit=3")
    rest = await ada("GET", f"/workflows/orders/versions?limit=3&cursor={page['next']}")
    assert [one["version"] for one in page["items"] + rest["items"]] == [5, 4, 3, 2, 1]
    assert rest["next"] is None


# --- beginning, renaming, deleting


async def test_a_workflow_begins_as_a_draft_with_an_address_that_holds(world: World) -> None:
    ada, bo = await writer(world, "ada"), await writer(world, "bo")
    begun = await ada("POST", "/workflows", {"name": "Écoute: Shop!"})
    assert begun["slug"] == "ecoute-shop"
    shown = await ada("GET", "/workflows/ecoute-shop")
    assert (shown["state"], shown["version"], shown["file"], shown["name"]) == (
        "draft",
        None,
        None,
        "Écoute: Shop!",
    )
    assert shown["url"] == "http://localhost/hooks/token-of-ecoute-shop"
    assert world.house.library.waiting("token-of-ecoute-shop") == "ecoute-shop"
    assert "etag" not in shown
    assert [one["state"] for one in (await bo("GET", "/workflows"))["items"]] == ["draft", "live"]
    assert (await bo("GET", "/workflows/ecoute-shop"))["others"][0]["by"] == "ada"
    again = await bo("POST", "/workflows", {"name": "Ecoute Shop"})
    assert again["slug"] == "ecoute-shop-2"
    await world.house.library.note_state()  # as a server does each second
    assert not world.house.filing.is_deleted("ecoute-shop")


async def test_the_first_publish_says_how_much_is_held_and_a_release_lets_go_of_it(world: World) -> None:
    ada = await writer(world, "ada")
    await ada("POST", "/workflows", {"name": "Sales", "text": OTHER})
    await ada("POST", "/workflows/sales/release", status=404)
    await world.made.event(title=None, workflow="sales", disposition=Disposition.HELD)
    done = await ada("POST", "/workflows/sales/publish", {"text": OTHER, "base": None})
    assert (done["version"], done["held"]) == (1, 1)
    released = await ada("POST", "/workflows/sales/release")
    assert released["released"] + released["held"] == 1


async def test_a_workflow_begins_from_a_starter_a_copy_or_a_text(world: World) -> None:
    ada = await writer(world, "ada")
    starters = (await ada("GET", "/starters"))["items"]
    hello = next(one for one in starters if one["slug"] == "hello")
    begun = await ada("POST", "/workflows", {"starter": "hello", "name": "My hello"})
    text = (await ada("GET", f"/workflows/{begun['slug']}"))["draft"]["text"]
    assert text == hello["text"].replace("name: Hello", "name: My hello", 1)
    copy = await ada("POST", "/workflows", {"copy_of": "orders"})
    assert copy["slug"] == "orders-copy"
    text = (await ada("GET", "/workflows/orders-copy"))["draft"]["text"]
    assert text == WORKFLOW.replace("name: Orders", "name: Orders (copy)")
    taken = await ada("POST", "/workflows", {"text": OTHER, "slug": "imported"})
    assert taken["slug"] == "imported"
    assert (await ada("POST", "/workflows", {"text": OTHER}))["slug"] == "all-orders"
    for body, status in (
        ({"text": OTHER, "slug": "orders"}, 409),
        ({"slug": "Not one"}, 409),
        ({"starter": "nothing"}, 404),
        ({"copy_of": "nothing"}, 404),
        ({"starter": "hello", "text": OTHER}, 422),
        ({"name": " "}, 400),
        ({"name": "\u202e"}, 422),
    ):
        await ada("POST", "/workflows", body, status=status)


async def test_starters_name_their_services_and_their_result(world: World) -> None:
    items = (await (await writer(world, "ada", "viewer"))("GET", "/starters"))["items"]
    assert len(items) > 10
    slack = next(one for one in items if one["slug"] == "slack-button")
    assert "Slack" in slack["services"]
    assert all(one["text"] and one["title"] for one in items)


async def test_a_draft_of_which_nothing_is_left_is_no_workflow(world: World) -> None:
    ada = await writer(world, "ada")
    await ada("POST", "/workflows", {"name": "Idea"})
    await ada("DELETE", "/workflows/idea/draft")
    await ada("GET", "/workflows/idea", status=410)
    assert (await ada("POST", "/workflows", {"name": "Idea"}))["slug"] == "idea-2"


async def test_a_deleted_workflow_is_gone_and_can_be_restored_for_a_while(world: World) -> None:
    ada = await writer(world, "ada")
    (world.folder / "orders.test.yaml").write_text("cases: []\n", encoding="utf-8")
    await ada("PUT", "/workflows/orders/draft", {"text": "mine", "base": 1})
    await ada("DELETE", "/workflows/orders")
    assert sorted(path.name for path in world.folder.iterdir()) == [DELETED]
    assert world.house.library.get("orders") is None
    assert world.house.library.is_gone("token-of-orders")
    assert (await ada("GET", "/workflows"))["items"] == []
    gone = await ada("GET", "/workflows/orders", status=410)
    assert gone["detail"] == "The workflow orders was deleted. It can be restored."
    await ada("PUT", "/workflows/orders/draft", {"text": "mine again", "base": 1}, status=410)
    assert (await ada("POST", "/workflows/orders/restore"))["version"] == 1
    shown = await ada("GET", "/workflows/orders")
    assert (shown["source"], shown["draft"]["text"]) == (WORKFLOW, "mine")
    assert (world.folder / "orders.test.yaml").exists()
    assert not world.house.library.is_gone("token-of-orders")
    await ada("POST", "/workflows/orders/restore", status=409)
    await ada("POST", "/workflows/nothing/restore", status=404)
    await ada("DELETE", "/workflows/orders")
    world.clock.later += 31 * 86400
    await ada("POST", "/workflows/orders/restore", status=404)


async def test_a_draft_that_was_never_published_can_be_deleted_and_restored(world: World) -> None:
    ada, bo = await writer(world, "ada"), await writer(world, "bo")
    await ada("POST", "/workflows", {"name": "Idea"})
    await bo("DELETE", "/workflows/idea")
    await ada("GET", "/workflows/idea", status=410)
    await ada("POST", "/workflows/idea/restore")
    assert (await ada("GET", "/workflows/idea"))["draft"] is not None


async def test_a_renamed_workflow_keeps_its_address_its_versions_and_its_drafts(world: World) -> None:
    ada = await writer(world, "ada")
    await ada("PUT", "/workflows/orders/draft", {"text": "mine", "base": 1})
    assert (await ada("POST", "/workflows/orders/rename", {"to": "sales"}))["slug"] == "sales"
    shown = await ada("GET", "/workflows/sales")
    assert shown["url"] == "http://localhost/hooks/token-of-orders"
    assert shown["draft"]["text"] == "mine"
    items = (await ada("GET", "/workflows/sales/versions"))["items"]
    assert [(one["version"], one["by"], one["message"]) for one in items] == [
        (2, "ada", "Renamed from orders"),
        (1, None, None),
    ]
    lost = await ada("GET", "/workflows/orders", status=404)
    assert lost["detail"] == "There is no workflow orders; it is called sales now."
    assert lost["slug"] == "sales"
    await ada("POST", "/workflows", {"name": "Idea"})
    await ada("POST", "/workflows/idea/rename", {"to": "sales"}, status=409)
    await ada("POST", "/workflows/idea/rename", {"to": "Not one"}, status=409)
    await ada("POST", "/workflows/idea/rename", {"to": "plan"})
    assert (await ada("GET", "/workflows/plan"))["url"] == "http://localhost/hooks/token-of-idea"


# --- who may, and where not


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/workflows/orders", {"text": CHANGED}),
        ("DELETE", "/workflows/orders", None),
        ("POST", "/workflows", {"name": "x"}),
        ("PUT", "/workflows/orders/draft", {"text": "x"}),
        ("POST", "/workflows/orders/publish", {"text": CHANGED, "base": 1}),
        ("POST", "/workflows/orders/merge", {"base": 1, "mine": "x"}),
        ("POST", "/workflows/orders/return", {"version": 1}),
        ("POST", "/workflows/orders/rename", {"to": "x"}),
        ("POST", "/workflows/orders/release", None),
    ],
)
async def test_a_viewer_changes_nothing(world: World, method: str, path: str, body: object) -> None:
    eve = await writer(world, "eve", "viewer")
    await eve(method, path, body, status=403)
    assert on_disk(world) == WORKFLOW


async def test_a_folder_that_is_not_there_says_so_and_keeps_drafts(world: World, tmp_path: Path) -> None:
    ada = await writer(world, "ada")
    world.folder.rename(tmp_path / "elsewhere")
    shown = await ada("GET", "/workflows/orders")
    assert shown["is_read_only"]
    assert shown["read_only_reason"] == "The folder of the workflow files is not there now."
    await ada("PUT", "/workflows/orders/draft", {"text": CHANGED, "base": 1})
    refused = await ada("POST", "/workflows/orders/publish", {"text": CHANGED, "base": 1}, status=409)
    assert refused["detail"] == "The folder of the workflow files is not there now."
    await ada("DELETE", "/workflows/orders", status=409)
