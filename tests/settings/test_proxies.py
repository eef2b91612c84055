"""Whom the server believes what it says of a sender: the settings for proxies in front."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from runner.errors import SettingsError
from runner.settings import read_settings


def test_proxies_are_addresses_or_networks(tmp_path: Path) -> None:
    (tmp_path / "hookline.toml").write_text(
        '[server]\ntrusted_proxies = ["10.0.0.5", "2001:db8::/32"]\n'
        'client_certificate_header = "Client-Cert"\n'
    )
    settings = read_settings(tmp_path, {})
    assert settings.server.trusted_networks == (ip_network("10.0.0.5/32"), ip_network("2001:db8::/32"))
    settings = read_settings(tmp_path, {"HOOKLINE_SERVER_TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8"})
    assert settings.server.trusted_networks == (ip_network("127.0.0.1/32"), ip_network("10.0.0.0/8"))


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"TRUSTED_PROXIES": "proxy.example.com"}, r"trusted_proxies: .*10\.0\.0\.5"),
        ({"TRUSTED_PROXIES": "10.0.0.5/8"}, "host bits set"),
        ({"TRUSTED_PROXIES": "0.0.0.0/0"}, "anybody could claim to be anybody"),
        ({"TRUSTED_PROXIES": "10.0.0.5,::/0"}, "anybody could claim to be anybody"),
        ({"CLIENT_CERTIFICATE_HEADER": "Client-Cert"}, "trusted_proxies alone, and none is set"),
        (
            {"CLIENT_CERTIFICATE_HEADER": "Client Cert:", "TRUSTED_PROXIES": "10.0.0.5"},
            "not the name of a header",
        ),
    ],
)
def test_what_would_believe_everybody_or_nobody_is_a_fault(
    tmp_path: Path, settings: dict[str, str], fault: str
) -> None:
    environment = {f"HOOKLINE_SERVER_{name}": value for name, value in settings.items()}
    with pytest.raises(SettingsError, match=fault):
        read_settings(tmp_path, environment)


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf"])
@pytest.mark.parametrize("name", ["HEADER", "BODY"])
def test_a_time_that_is_none_is_a_fault(tmp_path: Path, name: str, seconds: str) -> None:
    with pytest.raises(SettingsError, match=f"limits.{name.lower()}_seconds"):
        read_settings(tmp_path, {f"HOOKLINE_LIMITS_{name}_SECONDS": seconds})
