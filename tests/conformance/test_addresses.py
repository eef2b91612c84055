"""What any store must do with addresses: tokens that are kept, paths of one workflow, names taken over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runner.engine.addresses import AddressBook, Kept, Reach
from runner.engine.admission import Delivery
from runner.engine.pauses import Pause
from runner.engine.problems import Trouble
from runner.engine.runs import Disposition, Job, Reason, Status, TurnEnd
from runner.errors import MoveRefused, NotFound
from runner.store.addresses import StoredAddresses
from runner.store.pauses import StoredPauses
from runner.store.problems import StoredProblems
from runner.store.sqlite import SQLiteStore
from tests.conformance.test_store import NOW, a_run, an_event

WEEK = 7 * 86400.0


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SQLiteStore]:
    store = await SQLiteStore.open(tmp_path / "hookline.db")
    yield store
    await store.close()


@pytest.fixture
def addresses(store: SQLiteStore) -> StoredAddresses:
    return StoredAddresses(store)


async def test_a_changed_address_is_kept_as_long_as_asked_and_a_plain_change_ends_all(
    addresses: StoredAddresses,
) -> None:
    await addresses.open("orders")
    await addresses.open("orders")
    reach = await addresses.rotate("orders", keep_until=NOW + WEEK)
    assert (reach.rotation, reach.kept) == (1, (Kept("orders", 0, NOW + WEEK),))
    reach = await addresses.rotate("orders", keep_until=NOW + 1)
    assert set(reach.kept) == {Kept("orders", 0, NOW + WEEK), Kept("orders", 1, NOW + 1)}
    reach = await addresses.rotate("orders", keep_until=None)
    assert reach == Reach("orders", 3)


async def test_a_path_is_one_workflows_and_that_of_a_deleted_one_is_free(addresses: StoredAddresses) -> None:
    for slug in ("orders", "others"):
        await addresses.open(slug)
    await addresses.add_path("orders", "/webhook/orders")
    await addresses.add_path("orders", "/webhook/orders")
    with pytest.raises(MoveRefused, match="an address of the workflow orders"):
        await addresses.add_path("others", "/webhook/orders")
    with pytest.raises(NotFound):
        await addresses.drop_path("others", "/webhook/orders")
    await addresses.mark(gone=["orders"], back=[], now=NOW)
    await addresses.add_path("others", "/webhook/orders")
    found = await addresses.all()
    assert (found["orders"].paths, found["others"].paths) == ((), ("/webhook/orders",))
    await addresses.drop_path("others", "/webhook/orders")
    assert (await addresses.all())["others"].paths == ()


async def test_the_moment_of_going_stands_until_it_is_back(addresses: StoredAddresses) -> None:
    await addresses.open("orders")
    await addresses.mark(gone=["orders"], back=[], now=NOW)
    await addresses.mark(gone=["orders"], back=[], now=NOW + 5)
    assert (await addresses.all())["orders"].gone_at == NOW
    await addresses.mark(gone=[], back=["orders"], now=NOW + 6)
    assert (await addresses.all())["orders"].gone_at is None


def book(reaches: dict[str, Reach]) -> AddressBook:
    found = AddressBook(lambda slug, rotation: f"{slug}-{rotation}")
    found.update(reaches)
    return found


def test_a_kept_token_ends_and_a_deleted_workflow_is_gone_for_thirty_days() -> None:
    kept = (Kept("orders", 0, NOW + WEEK), Kept("old", 4))
    one = book({"orders": Reach("orders", 1, kept), "past": Reach("past", 0, (), ("/p",), gone_at=NOW)})
    assert one.token("orders") == "orders-1"
    assert one.by_kept("orders-0", NOW + WEEK - 1) == one.by_kept("old-4", NOW * 2) == "orders"
    assert one.by_kept("orders-0", NOW + WEEK) is None
    assert [token for token, _until in one.kept("orders", NOW + WEEK)] == ["old-4"]
    for where in ("past-0", "/p"):
        assert one.is_gone(where, NOW + 30 * 86400 - 1)
        assert not one.is_gone(where, NOW + 30 * 86400)
    assert not one.is_gone("orders-1", NOW)
    assert not one.is_gone("anything", NOW)


async def filled(store: SQLiteStore, problems: StoredProblems) -> Any:
    """A workflow `orders` with a failed run, a delivery key, a pause and two versions."""
    for number in (1, 2):
        await store.save_version("orders", f"digest-{number}", f"text {number}", now=NOW)
    event = replace(an_event(), delivery_id="d")
    run = replace(a_run(), version=2)
    await store.accept(event, [run], {}, delivery=Delivery("d", NOW + WEEK, retries_failed=False))
    (claimed,) = await store.claim([Job(run.id, 1)], node="a", now=NOW)
    trouble = Trouble("orders", "send", "rejected: no", "send failed: no", None, NOW)
    end = TurnEnd(Status.FAILED, ended_at=NOW, reason=Reason("failed", "No."), trouble=trouble)
    await store.finish(claimed.run, end, [], {})
    pauses = StoredPauses(store, lambda: NOW)
    await pauses.pause(Pause("workflow", "orders", "ada", NOW))
    return pauses


async def test_a_new_name_has_all_that_the_old_one_had(
    store: SQLiteStore, addresses: StoredAddresses
) -> None:
    problems = StoredProblems(store)
    pauses = await filled(store, problems)
    await addresses.open("orders")
    await addresses.rotate("orders", keep_until=NOW + WEEK)
    await addresses.add_path("orders", "/webhook/orders")
    assert await addresses.rename("orders", "sales")
    assert not await addresses.rename("orders", "sales")  # it is done
    reach = (await addresses.all())["sales"]
    assert reach == Reach("orders", 1, (Kept("orders", 0, NOW + WEEK),), ("/webhook/orders",))
    assert await store.version_source("sales", 2) == "text 2"
    assert await store.newest_version("orders") is None
    assert [one["workflow"] for one in (await problems.page()).items] == ["sales"]
    assert [one.name for one in await pauses.holding()] == ["sales"]
    again = replace(an_event(2), workflow="sales", delivery_id="d")
    delivery = Delivery("d", NOW + WEEK, retries_failed=False)
    admitted = await store.accept(again, [replace(a_run(2), workflow="sales")], {}, delivery=delivery)
    assert (admitted.disposition, admitted.event_id) == (Disposition.DUPLICATE, "event-0001")
    # and its effects go on under the keys that they had
    await store.replay_failed("run-0001", version=None, now=NOW)
    (claimed,) = await store.claim([Job("run-0001", 2)], node="a", now=NOW)
    assert (claimed.run.workflow, claimed.run.keyed_as) == ("sales", "orders")


async def test_a_later_workflow_of_the_old_name_gets_another_address(addresses: StoredAddresses) -> None:
    await addresses.open("orders")
    await addresses.rename("orders", "sales")
    found = await addresses.all()
    assert (found["sales"].origin, found["sales"].rotation) == ("orders", 0)
    assert (found["orders"].origin, found["orders"].rotation, found["orders"].became) == (
        "orders",
        1,
        "sales",
    )
    assert (await addresses.rotate("sales", keep_until=None)).rotation == 2
    assert (await addresses.rotate("orders", keep_until=None)).rotation == 3


async def test_a_name_that_is_taken_back_keeps_every_address(addresses: StoredAddresses) -> None:
    await addresses.open("orders")
    await addresses.rename("orders", "sales")
    await addresses.rename("sales", "orders")
    found = await addresses.all()
    assert found["orders"] == Reach("orders", 0)
    assert found["sales"].became == "orders"
    assert book(found).successor("sales") == "orders"


async def test_a_name_unknown_to_this_store_gives_its_address_all_the_same(
    addresses: StoredAddresses,
) -> None:
    await addresses.rename("orders", "sales")
    await addresses.rename("shop", "sales")
    reach = (await addresses.all())["sales"]
    assert (reach.origin, reach.rotation, reach.kept) == ("orders", 0, (Kept("shop", 0),))


async def test_versions_of_both_names_keep_their_runs(store: SQLiteStore, addresses: StoredAddresses) -> None:
    for number in (1, 2):
        await store.save_version("orders", f"digest-{number}", f"text {number}", now=NOW)
    for number in (7, 2, 8):  # the second is the same text
        await store.save_version("sales", f"digest-{number}", f"text {number}", now=NOW)
    for version in (1, 2, 3):
        run = replace(a_run(version), workflow="sales", version=version)
        await store.accept(replace(an_event(version), workflow="sales"), [run], {})
    await addresses.rename("orders", "sales")
    claimed = await store.claim([Job(f"run-000{one}", 1) for one in (1, 2, 3)], node="a", now=NOW)
    texts = [await store.version_source("sales", one.run.version) for one in claimed]
    assert texts == ["text 7", "text 2", "text 8"]
