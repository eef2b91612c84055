"""The table of providers as people read it."""

from __future__ import annotations

import pytest

from runner.inbound.providers import PROVIDERS
from runner.inbound.providers.provider import Trust
from runner.inbound.providers.table import provider_table
from runner.inbound.samples import sample, samples_of
from runner.inbound.verdict import Refused
from runner.inbound.verify import verify

NOW = 1_770_000_000.0
TEN_YEARS = 3650 * 86400.0
ROWS = {row["name"]: row for row in provider_table()}


def test_there_is_a_row_for_each_provider() -> None:
    assert list(ROWS) == sorted(PROVIDERS)


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_row_says_what_proves_the_sender_and_where_it_is_read(name: str) -> None:
    row = ROWS[name]
    assert " in " in row["scheme"]  # a scheme that the table does not know shows its class alone
    assert row["page"].startswith("https://")
    assert row["samples"] == list(samples_of(name))


@pytest.mark.parametrize("name", PROVIDERS)
def test_what_is_refused_years_later_is_called_timed(name: str) -> None:
    trust = Trust(("0f" * 32,))
    request = sample(name, samples_of(name)[0], now=NOW, entropy=b"").to("https://hooks.example.com/hooks/a")
    scheme = PROVIDERS[name].schemes[0]
    try:
        signed = scheme.sign(request, trust, now=NOW)
    except NotImplementedError:
        assert ROWS[name]["timed"]
        return
    verdict = verify(signed, PROVIDERS[name], trust, now=NOW + TEN_YEARS, fetched={})
    is_stale = isinstance(verdict, Refused) and verdict.code == "stale"
    # GitLab's usual way is a token, which has no time; its other way has
    assert is_stale == ROWS[name]["timed"] or name == "gitlab"
