"""Secrets and connections at rest."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.connector import Connection, SecretStr
from runner.errors import SettingsError
from runner.vault import Seal, Vault, root_key

KEY = b"k" * 32
OTHER_KEY = b"o" * 32
NONCE = b"n" * 12


class Chat(Connection):
    token: SecretStr
    room: str = "lobby"


class Rows:
    """Sealed rows in memory."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], bytes] = {}

    async def get_all(self) -> list[tuple[str, str, bytes]]:
        return [(kind, name, blob) for (kind, name), blob in self.kept.items()]

    async def put(self, kind: str, name: str, blob: bytes) -> None:
        self.kept[kind, name] = blob

    async def delete(self, kind: str, name: str) -> bool:
        return self.kept.pop((kind, name), None) is not None

    async def put_new(self, kind: str, name: str, blob: bytes) -> bool:
        return self.kept.setdefault((kind, name), blob) is blob

    async def swap(self, kind: str, name: str, old: bytes, new: bytes) -> bool:
        if self.kept.get((kind, name)) != old:
            return False
        self.kept[kind, name] = new
        return True


def vault_of(rows: Rows, key: bytes = KEY, **environment: str) -> Vault:
    models: dict[str, type[Connection]] = {"chat": Chat}
    return Vault(rows, key, environment, models=models.get)


async def reopened(rows: Rows, key: bytes = KEY, **environment: str) -> Vault:
    vault = vault_of(rows, key, **environment)
    await vault.load()
    return vault


@given(st.text(), st.sampled_from(["secret", "connection"]), st.text())
def test_what_is_sealed_opens_as_it_was(text: str, kind: str, name: str) -> None:
    try:
        text.encode(), name.encode()
    except UnicodeEncodeError:
        return
    seal = Seal(KEY)

    assert seal.open(kind, name, seal.close(kind, name, text, nonce=NONCE)) == text


@given(st.integers(0, 40), st.integers(0, 7))
def test_no_flipped_bit_goes_unnoticed(place: int, bit: int) -> None:
    sealed = bytearray(Seal(KEY).close("secret", "A", "0123456789", nonce=NONCE))
    sealed[place % len(sealed)] ^= 1 << bit

    with pytest.raises(SettingsError):
        Seal(KEY).open("secret", "A", bytes(sealed))


@pytest.mark.parametrize(("kind", "name"), [("secret", "B"), ("connection", "A")])
def test_a_row_opens_under_its_own_kind_and_name_only(kind: str, name: str) -> None:
    sealed = Seal(KEY).close("secret", "A", "value", nonce=NONCE)

    with pytest.raises(SettingsError, match="damaged"):
        Seal(KEY).open(kind, name, sealed)


@pytest.mark.parametrize("blob", [b"", b"\x01", b"\x02" + b"x" * 60, b"\x01" + b"x" * 8])
def test_what_is_no_sealed_row_is_damaged(blob: bytes) -> None:
    with pytest.raises(SettingsError, match="damaged"):
        Seal(KEY).open("secret", "A", blob)


async def test_secrets_and_connections_come_back_after_a_restart() -> None:
    rows = Rows()
    vault = vault_of(rows)
    await vault.set_secret("SHOP_SECRET", "s3cr3t ü")
    await vault.set_connection("team-chat", {"kind": "chat", "token": "t0k3n"})

    again = await reopened(rows)

    assert again.secrets() == vault.secrets() == {"SHOP_SECRET": "s3cr3t ü"}
    assert again.connection("team-chat") == {"kind": "chat", "token": "t0k3n"}
    assert again.connection_kinds() == {"team-chat": "chat"}
    assert again.secret_values() == {"s3cr3t ü", "t0k3n"}
    opened = again.open_connection("team-chat")
    assert isinstance(opened, Chat)
    assert opened.token.get_secret_value() == "t0k3n"


async def test_nothing_of_a_value_stands_in_the_rows() -> None:
    rows = Rows()
    vault = vault_of(rows)
    await vault.set_secret("A", "plain-value")
    first = rows.kept["secret", "A"]
    await vault.set_secret("A", "plain-value")

    assert b"plain-value" not in first
    assert rows.kept["secret", "A"] != first  # nor does it show that two are the same


async def test_another_key_is_said_and_nothing_is_read() -> None:
    rows = Rows()
    await vault_of(rows).set_secret("A", "value")

    with pytest.raises(SettingsError, match=r"secret A was sealed with another key.*HOOKLINE_KEY"):
        await reopened(rows, OTHER_KEY)


async def test_all_damaged_rows_are_named_and_can_be_set_again() -> None:
    rows = Rows()
    vault = vault_of(rows)
    for name in ("A", "B"):
        await vault.set_secret(name, "value")
        rows.kept["secret", name] = rows.kept["secret", name][:-1]

    with pytest.raises(SettingsError, match=r"secret A.*secret B"):
        await reopened(rows)

    await vault_of(rows).set_secret("A", "new")
    assert await vault_of(rows).delete_secret("B")
    assert (await reopened(rows)).secrets() == {"A": "new"}


async def test_the_environment_comes_first_and_cannot_be_changed_here() -> None:
    rows = Rows()
    stored = vault_of(rows)
    await stored.set_secret("api_key", "stored")
    await stored.set_connection("team-chat", {"kind": "chat", "token": "stored"})

    vault = await reopened(
        rows,
        HOOKLINE_SECRET_API_KEY="from outside",
        HOOKLINE_CONNECTION_TEAM_CHAT='{"kind": "chat", "token": "outside"}',
        HOOKLINE_CONNECTION_OTHER_ONE='{"kind": "chat", "token": "third"}',
    )

    assert vault.secrets() == {"api_key": "from outside"}
    assert vault.connection("team-chat") == {"kind": "chat", "token": "outside"}
    assert vault.connection_kinds() == {"team-chat": "chat", "other-one": "chat"}
    assert vault.connection("other_one") is not None
    for change in (
        vault.set_secret("api_key", "x"),
        vault.delete_secret("API_KEY"),
        vault.set_connection("team-chat", {"kind": "chat", "token": "x"}),
        vault.delete_connection("other-one"),
    ):
        with pytest.raises(SettingsError, match="environment"):
            await change
    assert (await reopened(rows)).secrets() == {"api_key": "stored"}


async def test_a_secret_of_the_environment_is_bound_to_the_hosts_that_stand_beside_it() -> None:
    rows = Rows()
    stored = vault_of(rows)
    await stored.set_secret("api_key", "stored", hosts=["old.example.com"])
    await stored.set_secret("OTHER", "stored", hosts=["other.example.com"])

    vault = await reopened(
        rows,
        HOOKLINE_SECRET_API_KEY_HOSTS="API.example.com, *.example.org",
        HOOKLINE_SECRET_API_KEY="from outside",
        HOOKLINE_SECRET_FREE="goes anywhere",
        HOOKLINE_SECRET_MY_HOSTS="a secret of that name: there is no MY",
    )

    assert vault.bounds() == {
        "api_key": ("api.example.com", "*.example.org"),
        "OTHER": ("other.example.com",),
    }
    assert vault.secrets()["MY_HOSTS"] == "a secret of that name: there is no MY"
    assert "API_KEY_HOSTS" not in vault.secrets()
    assert (await reopened(rows)).bounds()["api_key"] == ("old.example.com",)


@pytest.mark.parametrize("hosts", ["", "a b", "https://api.example.com", "api.example.com,"])
def test_hosts_that_are_none_are_a_fault_of_the_environment(hosts: str) -> None:
    with pytest.raises(SettingsError, match=r"HOOKLINE_SECRET_A_HOSTS: .* is no host"):
        vault_of(Rows(), HOOKLINE_SECRET_A="a", HOOKLINE_SECRET_A_HOSTS=hosts)


async def test_the_environment_needs_no_loading() -> None:
    vault = vault_of(Rows(), HOOKLINE_SECRET_A="a", UNRELATED="x")

    assert vault.secrets() == {"A": "a"}


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("HOOKLINE_CONNECTION_X", "s3cr3t", "not JSON"),
        ("HOOKLINE_CONNECTION_X", '"s3cr3t"', "kind"),
        ("HOOKLINE_CONNECTION_X", '{"token": "s3cr3t"}', "kind"),
        ("HOOKLINE_CONNECTION_X", '{"kind": "nope", "token": "s3cr3t"}', "no connection of kind"),
        ("HOOKLINE_CONNECTION_X", '{"kind": "chat", "tokn": "s3cr3t"}', "token: Field required"),
        ("HOOKLINE_CONNECTION_", "{}", "name"),
        ("HOOKLINE_SECRET_", "s3cr3t", "name"),
        ("HOOKLINE_SECRET_A-B", "s3cr3t", "name"),
        ("HOOKLINE_SECRET_A", "", "empty"),
    ],
)
def test_a_wrong_variable_is_said_without_its_value(variable: str, value: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says) as caught:
        Vault(Rows(), KEY, {variable: value}, models={"chat": Chat}.get)

    assert variable in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "a b", "a-b", "1a", "a.b", "ä", "a" * 101, "../x", "A\n"])
async def test_a_secret_that_a_template_could_not_name_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="letters, digits and _"):
        await vault_of(Rows()).set_secret(name, "value")


@pytest.mark.parametrize("name", ["", "a b", "-a", "a/b", "a" * 64, "ä"])
async def test_a_connection_with_another_name_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="letters, digits, - and _"):
        await vault_of(Rows()).set_connection(name, {"kind": "chat", "token": "t"})


async def test_names_that_the_environment_cannot_tell_apart_are_one() -> None:
    vault = vault_of(Rows())
    await vault.set_connection("team-chat", {"kind": "chat", "token": "t"})

    with pytest.raises(SettingsError, match="team-chat already"):
        await vault.set_connection("team_chat", {"kind": "chat", "token": "t"})


async def test_an_empty_secret_is_refused() -> None:
    with pytest.raises(SettingsError, match="empty"):
        await vault_of(Rows()).set_secret("A", "")


async def test_a_wrong_field_of_a_connection_is_named_and_nothing_is_kept() -> None:
    rows = Rows()

    with pytest.raises(SettingsError, match=r"rom: Extra inputs") as caught:
        await vault_of(rows).set_connection("c", {"kind": "chat", "token": "s3cr3t", "rom": "x"})

    assert "s3cr3t" not in str(caught.value)
    assert rows.kept == {}


async def test_a_connection_of_a_kind_that_is_gone_is_masked_and_stops_nothing() -> None:
    rows = Rows()
    await vault_of(rows).set_connection("c", {"kind": "chat", "token": "s3cr3t"})
    vault = Vault(rows, KEY, {}, models=lambda _kind: None)

    await vault.load()

    assert vault.open_connection("c") is None
    assert vault.connection_kinds() == {"c": "chat"}
    assert "s3cr3t" in vault.secret_values()


async def test_what_is_deleted_is_gone() -> None:
    rows = Rows()
    vault = vault_of(rows)
    await vault.set_secret("A", "value")
    await vault.set_connection("c", {"kind": "chat", "token": "t"})

    assert await vault.delete_secret("A")
    assert await vault.delete_connection("c")
    assert not await vault.delete_secret("A")
    assert vault.secrets() == {}
    assert vault.connection("c") is None
    assert rows.kept == {}


async def test_another_process_is_seen_after_loading() -> None:
    rows = Rows()
    ours = await reopened(rows)
    await vault_of(rows).set_secret("A", "value")

    await ours.load()

    assert ours.secrets() == {"A": "value"}


def test_the_key_of_the_environment_comes_first(tmp_path: Path) -> None:
    assert root_key({"HOOKLINE_KEY": "x" * 32}, tmp_path) == b"x" * 32
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["short", "x" * 31, " " * 20 + "x" * 31])
def test_a_short_key_is_refused_and_not_shown(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match=r"HOOKLINE_KEY has .* at least 32") as caught:
        root_key({"HOOKLINE_KEY": text}, tmp_path)

    assert text.strip() not in str(caught.value)


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    data = tmp_path / "new" / "data"

    first = root_key({}, data)

    assert root_key({}, data) == first
    assert len(first) >= 32
    assert stat.S_IMODE((data / "key").stat().st_mode) == 0o600
    assert [one.name for one in data.iterdir()] == ["key"]
    assert root_key({}, tmp_path / "other") != first


def test_an_empty_key_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("")

    with pytest.raises(SettingsError, match=r"key has 0 characters"):
        root_key({}, tmp_path)


def test_a_folder_that_cannot_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(SettingsError, match="HOOKLINE_KEY"):
        root_key({}, tmp_path / "file" / "data")


def test_processes_that_start_at_once_get_one_key(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from runner.vault import root_key;"
        "sys.stdin.read(); print(root_key({}, pathlib.Path(sys.argv[1])).decode())"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for one in started:
        assert one.stdin is not None
        one.stdin.close()
        one.stdin = None

    keys = {one.communicate(timeout=60)[0] for one in started}

    assert len(keys) == 1
    assert keys != {""}
