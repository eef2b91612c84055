"""Who sent a request, behind proxies that are trusted, are not, or say nothing."""

from __future__ import annotations

import time
from ipaddress import ip_network

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runner.inbound.addresses import Origin, find_origin, is_allowed, read_address, refusal

PROXIES = (ip_network("10.0.0.0/8"), ip_network("2001:db8:ff::/48"), ip_network("127.0.0.1/32"))
SENDER = "203.0.113.9"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(SENDER, SENDER, id="one-hop"),
        pytest.param(f"10.9.9.9, {SENDER}", SENDER, id="what-the-sender-claims-is-to-the-left"),
        pytest.param(f"192.0.2.1, {SENDER}, 10.0.0.7, 10.0.0.8", SENDER, id="trusted-hops-are-skipped"),
        pytest.param("10.0.0.7, 10.0.0.8", "10.0.0.7", id="all-are-trusted-the-first-of-them"),
        pytest.param(f"{SENDER}:4711", SENDER, id="a-port"),
        pytest.param("[2001:db8::1]:4711", "2001:db8::1", id="ipv6-with-a-port"),
        pytest.param("[2001:db8::1]", "2001:db8::1", id="ipv6-in-brackets"),
        pytest.param("2001:DB8:0:0::1", "2001:db8::1", id="ipv6-as-it-is"),
        pytest.param("::ffff:203.0.113.9", SENDER, id="ipv4-inside-of-ipv6"),
        pytest.param("::ffff:203.0.113.9, ::ffff:10.0.0.7", SENDER, id="a-trusted-hop-as-ipv6"),
        pytest.param(f"{SENDER}, ", SENDER, id="an-empty-element"),
    ],
)
def test_x_forwarded_for_is_read_from_the_right(value: str, expected: str) -> None:
    assert find_origin("10.0.0.2", {"x-forwarded-for": value}, PROXIES) == Origin(expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (f"for={SENDER}", SENDER),
        (f"For={SENDER};Proto=https;by=10.0.0.2", SENDER),
        ('for="[2001:db8::1]:4711"', "2001:db8::1"),
        ("for=[2001:db8::1]", "2001:db8::1"),
        ('for="203.0.113.9:_port"', "10.0.0.2"),
        (f"for=10.1.1.1, for={SENDER};host=a, for=10.0.0.7", SENDER),
        (f'host="a,for=10.1.1.1;\\",b";for={SENDER}', SENDER),
        (f"for=_hidden, for={SENDER}", SENDER),
        (f'for = "{SENDER}" ; proto=http', SENDER),
        (f"for=;host=x, , for={SENDER}", SENDER),
    ],
)
def test_forwarded_is_read_as_rfc_7239_has_it(value: str, expected: str) -> None:
    assert find_origin("10.0.0.2", {"forwarded": value}, PROXIES).address == expected


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded"])
@pytest.mark.parametrize(
    "hop",
    ["unknown", "_hidden", "", "garbage", "1.2.3", "01.2.3.4", "1.2.3.4/32", "fe80::1%eth0", "１.2.3.4"],
)
def test_where_the_way_back_ends_in_no_address_the_last_proxy_stands_for_the_sender(
    header: str, hop: str
) -> None:
    way = ["192.0.2.1", hop or "''", "10.0.0.7"]
    value = ", ".join(way if header == "x-forwarded-for" else [f"for={one}" for one in way])
    origin = find_origin("10.0.0.2", {header: value}, PROXIES)
    assert origin.address == "10.0.0.7"
    assert refusal(origin, PROXIES) == "the trusted proxy 10.0.0.7 does not say for whom it forwards"


@pytest.mark.parametrize("value", ['for="10.1.1.1', 'for=10.1.1.1;x="', 'for=10.1.1.1;x="\\', 'x="a" "'])
@pytest.mark.parametrize("proxy_s", [f"for={SENDER}", 'for="[2001:db8::1]"', f'for="{SENDER}";by="a"'])
def test_a_quote_that_a_sender_leaves_open_does_not_hide_what_the_proxy_wrote(
    value: str, proxy_s: str
) -> None:
    origin = find_origin("10.0.0.2", {"forwarded": f"{value}, {proxy_s}"}, PROXIES)
    assert origin.address == "10.0.0.2"
    assert refusal(origin, [ip_network("10.0.0.0/8")])


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded"])
def test_from_a_peer_that_is_not_trusted_both_headers_are_text(header: str) -> None:
    value = "10.0.0.7" if header == "x-forwarded-for" else "for=10.0.0.7"
    assert find_origin("8.8.8.8", {header: value}, PROXIES) == Origin("8.8.8.8")


def test_without_trusted_proxies_the_peer_is_the_sender() -> None:
    assert find_origin("8.8.8.8", {}, ()) == Origin("8.8.8.8")
    assert find_origin("127.0.0.1", {}, ()) == Origin("127.0.0.1")
    assert find_origin("::ffff:8.8.8.8", {"x-forwarded-for": "1.2.3.4"}, ()) == Origin("8.8.8.8")


def test_a_proxy_nearby_that_nobody_named_makes_nobody_a_local_sender() -> None:
    origin = find_origin("127.0.0.1", {"x-forwarded-for": SENDER}, ())
    assert origin.address == "127.0.0.1"
    assert "trusted_proxies" in (refusal(origin, [ip_network("127.0.0.0/8")]) or "")


def test_a_trusted_proxy_that_says_nothing_makes_nobody_a_local_sender() -> None:
    origin = find_origin("127.0.0.1", {}, PROXIES)
    assert origin.address == "127.0.0.1"
    assert "does not say for whom" in (refusal(origin, [ip_network("127.0.0.0/8")]) or "")


def test_a_local_sender_behind_a_trusted_proxy_is_one() -> None:
    origin = find_origin("127.0.0.1", {"x-forwarded-for": "127.0.0.1"}, PROXIES)
    assert refusal(origin, [ip_network("127.0.0.0/8")]) is None


def test_where_both_headers_agree_they_are_believed_and_where_not_neither_is() -> None:
    """A proxy that writes one of them lets the other pass as the sender wrote it."""
    both = {"forwarded": f"for={SENDER};proto=https", "x-forwarded-for": f"10.1.1.1, {SENDER}"}
    assert find_origin("10.0.0.2", both, PROXIES) == Origin(SENDER)
    origin = find_origin("10.0.0.2", {**both, "forwarded": "for=192.0.2.1"}, PROXIES)
    assert origin.address == "10.0.0.2"
    assert "192.0.2.1" in (refusal(origin, [ip_network("10.0.0.0/8")]) or "")


@pytest.mark.parametrize(
    ("address", "network", "verdict"),
    [
        ("10.1.2.3", "10.1.0.0/16", True),
        ("110.1.2.3", "10.1.0.0/16", False),  # a part of the text is no network
        ("10.1.2.30", "10.1.2.3/32", False),
        ("::ffff:10.1.2.3", "10.1.0.0/16", True),
        ("10.1.2.3", "::ffff:10.1.0.0/112", True),
        ("10.1.2.3", "::/0", False),
        ("2001:db8::1", "2001:db8::/32", True),
        ("fe80::1%eth0", "fe80::/10", True),
        ("::1", "127.0.0.0/8", False),
        ("", "0.0.0.0/0", False),
        ("unix:/run/a.sock", "::/0", False),
        ("10.1.2.3:80", "10.0.0.0/8", False),
    ],
)
def test_an_address_is_in_a_network_by_its_bits(address: str, network: str, verdict: bool) -> None:
    assert is_allowed(address, [ip_network(network)]) is verdict


def test_no_networks_allow_nobody() -> None:
    assert not is_allowed("10.1.2.3", [])


@pytest.mark.parametrize("peer", ["", "/run/hookline.sock"])
def test_a_connection_without_an_address_is_never_allowed_nor_trusted(peer: str) -> None:
    origin = find_origin(peer, {"x-forwarded-for": "10.1.1.1"}, PROXIES)
    assert origin.address == peer
    assert refusal(origin, [ip_network("0.0.0.0/0"), ip_network("::/0")])


HOPS = st.one_of(
    st.ip_addresses().map(str), st.sampled_from(["unknown", "_a", "10.0.0.7", '"', "\\", ";", "for=", ","]),
    st.text(max_size=8),
)  # fmt: skip


@given(
    forged=st.lists(HOPS, max_size=5).map(", ".join), header=st.sampled_from(["x-forwarded-for", "forwarded"])
)
@example(forged='for="10.0.0.7', header="forwarded")
def test_nothing_that_a_sender_writes_makes_it_another(forged: str, header: str) -> None:
    own = SENDER if header == "x-forwarded-for" else f'for="{SENDER}"'
    origin = find_origin("10.0.0.2", {header: f"{forged}, {own}"}, PROXIES)
    assert origin.address in {SENDER, "10.0.0.2"}
    assert origin.address == SENDER or refusal(origin, PROXIES)


@given(text=st.text(max_size=40))
def test_any_text_is_read_or_is_no_address(text: str) -> None:
    address = read_address(text)
    assert address is None or read_address(str(address)) == address


@pytest.mark.parametrize(
    "value", ['"' * 16_000, '\\"' * 8_000, "for=" * 4_000, ",;" * 8_000, 'a="b",' * 2_700]
)
def test_a_long_header_is_read_quickly(value: str) -> None:
    began = time.process_time()
    find_origin("10.0.0.2", {"forwarded": value}, PROXIES)
    assert time.process_time() - began < 0.25
