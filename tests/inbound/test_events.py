"""`events`: which of a provider's events start runs."""

from __future__ import annotations

import pytest

from runner.inbound.events import matches


@pytest.mark.parametrize(
    ("wanted", "names", "is_wanted"),
    [
        ([], ["push"], True),
        ([], [], True),
        (["push"], ["push"], True),
        (["push"], ["pushed"], False),
        (["push"], [], False),
        (["*"], [], True),
        (["pull_request"], ["pull_request.opened", "pull_request"], True),
        (["pull_request.*"], ["pull_request.opened"], True),
        (["pull_request.*"], ["pull_request"], False),
        (["customer.*"], ["customer.subscription.created"], True),
        (["orders/*"], ["orders/create"], True),
        (["orders/*"], ["orders_create"], False),
        (["invoice*"], ["invoice.paid"], True),
        (["*.created"], ["customer.created"], True),
        (["*.created"], ["customer.subscription.created"], False),
        (["customer.*.created"], ["customer.subscription.created"], True),
        (["customer.*.created"], ["customer..created"], False),
        (["repo:*"], ["repo:push"], True),
        (["zen:event-type:*:deleted"], ["zen:event-type:user:deleted"], True),
        (["Push Hook"], ["Push Hook"], True),
        (["push hook"], ["Push Hook"], False),
        (["a+b"], ["aab"], False),
        (["refunds/*", "orders/create"], ["orders/create"], True),
        (["x*"], ["x\ny"], True),
    ],
)
def test_an_event_is_wanted_by_any_of_its_names(
    wanted: list[str], names: list[str], *, is_wanted: bool
) -> None:
    assert matches(wanted, names) is is_wanted
