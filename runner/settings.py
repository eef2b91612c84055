"""
Settings: `hookline.toml`, overridden by `HOOKLINE_<SECTION>_<KEY>`, overridden by flags.

Each field has its unit in its name and, where somebody chose a number, the reason beside it. A
key that is not known is refused: a misspelt limit would otherwise limit nothing.
"""

from __future__ import annotations

import dataclasses
import difflib
import ipaddress
import math
import re
import tomllib
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from runner.errors import SettingsError
from runner.settings_commands import SECTION as COMMANDS
from runner.settings_commands import Commands, read_commands
from runner.settings_seeing import HEADER_NAME, Log, Telemetry, judged_seeing
from runner.settings_vars import PREFIX as VARS_PREFIX
from runner.settings_vars import SECTION as VARS
from runner.settings_vars import VarOverrides, read_vars
from runner.values import duration_seconds

FILE = "hookline.toml"
PREFIX = "HOOKLINE_"
# read elsewhere: the root key and the command line's own; single secrets and connections
ELSEWHERE = frozenset({"HOOKLINE_KEY", "HOOKLINE_SERVER", "HOOKLINE_TOKEN"})
ELSEWHERE_PREFIXES = ("HOOKLINE_SECRET_", "HOOKLINE_CONNECTION_", VARS_PREFIX)
NAMED = frozenset({VARS, COMMANDS})  # sections whose keys are names of others, which we cannot know
PROXY = re.compile(r"https?://([^/@\s]+@)?[^/@\s]+/?")


@dataclass(frozen=True, slots=True)
class Server:
    """`[server]`: where it listens."""

    host: str = "127.0.0.1"  # nobody else reaches a fresh installation
    port: int = 8000
    workers: int = 1  # processes on one socket; SQLite gains nothing past two
    tls_certificate: str = ""
    tls_key: str = ""
    tls_client_ca: str = ""
    # Addresses or networks (CIDR) of the reverse proxies in front, each hop of them: from these alone
    # X-Forwarded-For and Forwarded are read. None by default: the other end of the connection sends.
    trusted_proxies: tuple[str, ...] = ()
    # The header in which a trusted proxy passes on the client certificate that it verified, such as
    # X-Forwarded-Client-Cert or Client-Cert; the proxy has to replace what a sender wrote there.
    client_certificate_header: str = ""
    grace_seconds: float = 20.0  # container runtimes commonly kill after 30 s

    @property
    def trusted_networks(self) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
        """`trusted_proxies` as networks."""
        return tuple(ipaddress.ip_network(text) for text in self.trusted_proxies)

    @property
    def takes_client_certificates(self) -> bool:
        """Whether a sender's certificate can be known: by our own TLS, or from a proxy."""
        return bool((self.tls_certificate and self.tls_client_ca) or self.client_certificate_header)


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """`[store]`: where everything is kept; an empty `url` means an SQLite file under the data folder."""

    url: str = ""
    patience_seconds: float = 15.0  # without a sign of life from a node of PostgreSQL: its runs go to others


@dataclass(frozen=True, slots=True)
class Limits:
    """`[limits]`: past each there is a clear refusal, never a collapse."""

    backlog: int = 10_000  # runs queued; past it senders hear 503
    reading_bytes: int = 32 * 1024 * 1024  # bodies being read, over all requests
    evaluation_ms: int = 1000  # CPU time of one expression
    evaluation_mib: int = 64
    per_destination: int = 8  # calls to one host at a time
    connections: int = 1000  # open inbound connections
    header_seconds: float = 15.0  # to send a request's headers in; also how long an idle connection is kept
    body_seconds: float = 30.0  # to send a request's body in; more where large files come by slow lines
    rejected_kept: int = 200  # refused requests kept for each workflow
    rejected_kept_days: int = 14
    answer_bytes: int = 10 * 1024 * 1024  # of one outbound answer


@dataclass(frozen=True, slots=True)
class RetentionSettings:
    """
    `[retention]`: how long what has ended is kept; a workflow's own `retention` wins. An event is
    kept as long as a run of it; what is held, and runs that have not ended, always.
    """

    events: str = "30d"  # after it was received
    runs: str = "30d"  # after it ended: a month's end is looked back at
    audit: str = "365d"  # who did what: it is asked for a year later
    max_bytes: int = 10 * 1024**3  # of the database; past it the oldest go, failed ones last; 0: no bound

    @property
    def events_seconds(self) -> float:
        """How long events are kept."""
        return duration_seconds(self.events)

    @property
    def runs_seconds(self) -> float:
        """How long runs are kept."""
        return duration_seconds(self.runs)

    @property
    def audit_seconds(self) -> float:
        """How long the audit log is kept."""
        return duration_seconds(self.audit)


@dataclass(frozen=True, slots=True)
class Network:
    """`[network]`: the way out: private ranges (CIDR) that actions may reach; none by default."""

    allow: tuple[str, ...] = ()
    proxy: str = ""  # http://[user:password@]host:port, by which actions speak HTTP
    no_proxy: tuple[str, ...] = ()  # hosts (*.example.com) and networks that are reached without it
    ca_file: str = ""  # authorities (PEM) that are trusted for HTTPS beside the system's


@dataclass(frozen=True, slots=True)
class Notify:
    """
    `[notify]`: whom to tell of a problem, by which connection (of kind slack or smtp): the channel of
    the one, the addresses of the other. The second way is for when the first is what broke.
    """

    connection: str = ""
    channel: str = ""
    to: tuple[str, ...] = ()
    fallback_connection: str = ""
    fallback_to: tuple[str, ...] = ()  # addresses, or a channel
    per_minute: int = 5  # more problems at once are summed up in one message


@dataclass(frozen=True, slots=True)
class Oidc:
    """
    `[oidc]`: signing in with an account elsewhere. `issuer` is the provider's to the letter; the address
    to register there is `<public_url>/signin/oidc/callback`.
    """

    issuer: str = ""
    client_id: str = ""
    client_secret: str = ""  # best as HOOKLINE_OIDC_CLIENT_SECRET; a public client has none
    name: str = "single sign-on"  # on the button: Sign in with …
    # Whose email ends so becomes a user by signing in; without any, those alone who are users already.
    allowed_domains: tuple[str, ...] = ()
    default_role: str = "viewer"  # of whoever becomes a user so
    role_claim: str = ""  # the claim with groups or roles; set, roles follow it at each sign-in
    admins: tuple[str, ...] = ()  # the values of that claim that make an admin
    editors: tuple[str, ...] = ()

    @property
    def is_set(self) -> bool:
        """Whether people can sign in so."""
        return bool(self.issuer)


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings. `public_url` is the address that services call, without a slash at its end."""

    public_url: str = ""
    timezone: str = "UTC"
    server: Server = field(default_factory=Server)
    store: StoreSettings = field(default_factory=StoreSettings)
    limits: Limits = field(default_factory=Limits)
    network: Network = field(default_factory=Network)
    notify: Notify = field(default_factory=Notify)
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    oidc: Oidc = field(default_factory=Oidc)
    log: Log = field(default_factory=Log)
    telemetry: Telemetry = field(default_factory=Telemetry)
    vars: VarOverrides = field(default_factory=VarOverrides)  # names are the workflows', so not keys of ours
    commands: Commands = field(default_factory=dict)  # `runner.settings_commands`; the environment has none

    @property
    def address(self) -> str:
        """`public_url`, or where the server listens."""
        scheme = "https" if self.server.tls_certificate else "http"
        host = f"[{self.server.host}]" if ":" in self.server.host else self.server.host
        return self.public_url or f"{scheme}://{host}:{self.server.port}"


def read_settings(
    folder: Path, environment: Mapping[str, str], flags: Mapping[str, Any] | None = None
) -> Settings:
    """
    The settings for a server started in *folder*; *flags* maps `section.key` to a value, None
    for a flag that was not given.

    Raises:
        SettingsError: a key is unknown or a value of the wrong kind; all of them are named.
    """
    faults: list[str] = []
    document = _document(folder / FILE, faults)
    values = _from_file(document, folder / FILE, faults) | _from_environment(environment, faults)
    values[VARS] = read_vars(document, FILE, environment, faults)
    values[COMMANDS] = read_commands(document, FILE, faults)
    values |= {key: value for key, value in (flags or {}).items() if value is not None}
    settings = _assemble(values, faults)
    if faults:
        raise SettingsError("\n".join(faults))
    return settings


def commands_in(folder: Path) -> Commands | None:
    """
    What `[commands]` of the folder's `hookline.toml` allows, whatever else stands there; None: no such file.

    Raises:
        SettingsError: the file cannot be read, or a command is wrong.
    """
    if not (folder / FILE).exists():
        return None
    faults: list[str] = []
    found = read_commands(_document(folder / FILE, faults), FILE, faults)
    if faults:
        raise SettingsError("\n".join(faults))
    return found


def where_set(folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """By what each setting that is set is set, flags aside: the name of the variable, or of the file."""
    found: dict[str, str] = {}
    for name, value in _document(folder / FILE, []).items():
        keys = [f"{name}.{key}" for key in value] if isinstance(value, dict) else [name]
        found |= dict.fromkeys(keys, FILE)
    names = {PREFIX + key.replace(".", "_").upper(): key for key in known_keys()}
    return found | {key: name for name, key in names.items() if name in environment}


def known_keys() -> dict[str, Any]:
    """Every setting as `section.key` (or `key` at the top) with its type."""
    keys: dict[str, Any] = {}
    for name, kind in typing.get_type_hints(Settings).items():
        if name in NAMED:
            continue
        if dataclasses.is_dataclass(kind):
            hints = typing.get_type_hints(kind)
            keys.update({f"{name}.{each.name}": hints[each.name] for each in dataclasses.fields(kind)})
        else:
            keys[name] = kind
    return keys


def _document(path: Path, faults: list[str]) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        faults.append(f"{path}: {error}")
        return {}


def _from_file(document: Mapping[str, Any], path: Path, faults: list[str]) -> dict[str, Any]:
    found: dict[str, tuple[str, Any]] = {}
    for name, value in document.items():
        if name in NAMED:
            continue
        flat = (
            {f"{name}.{key}": one for key, one in value.items()} if isinstance(value, dict) else {name: value}
        )
        for key, one in flat.items():
            if key in known_keys():
                found[key] = (f"{path}: {key}", one)
            else:
                faults.append(f"{path}: there is no setting {key}{_nearest(key)}")
    return {key: _converted(where, key, value, faults) for key, (where, value) in found.items()}


def _from_environment(environment: Mapping[str, str], faults: list[str]) -> dict[str, Any]:
    names = {PREFIX + key.replace(".", "_").upper(): key for key in known_keys()}
    found = {}
    for name, value in environment.items():
        if not name.startswith(PREFIX) or name in ELSEWHERE or name.startswith(ELSEWHERE_PREFIXES):
            continue
        if name in names:
            found[names[name]] = _converted(name, names[name], value, faults)
        else:
            near = difflib.get_close_matches(name, names, n=1)
            faults.append(f"{name}: there is no such setting{f'; did you mean {near[0]}?' if near else ''}")
    return found


def _converted(where: str, key: str, value: object, faults: list[str]) -> Any:
    """*value* as the key's type; a text from the environment is read as what it says."""
    kind = known_keys()[key]
    try:
        if kind == tuple[str, ...]:
            items = value.split(",") if isinstance(value, str) else list(typing.cast("list[object]", value))
            return tuple(str(item).strip() for item in items if str(item).strip())
        if kind in (int, float) and not isinstance(value, bool):
            return kind(typing.cast("str", value))
        if kind is str and isinstance(value, str):
            return value
    except (TypeError, ValueError):
        pass
    wanted = {int: "a whole number", float: "a number", str: "a text"}.get(kind, "a list of texts")
    faults.append(f"{where}: {value!r} is not {wanted}")
    return None


def _assemble(values: Mapping[str, Any], faults: list[str]) -> Settings:
    parts: dict[str, Any] = {}
    for name, kind in typing.get_type_hints(Settings).items():
        if dataclasses.is_dataclass(kind) and name not in NAMED:
            own = {key.partition(".")[2]: one for key, one in values.items() if key.startswith(f"{name}.")}
            parts[name] = typing.cast("Any", kind)(**own)
        elif name in values:
            parts[name] = values[name]
    settings = Settings(**parts)
    if not faults:
        faults.extend(_judged(settings))
    return dataclasses.replace(settings, public_url=(settings.public_url or "").rstrip("/"))


def _judged(settings: Settings) -> list[str]:
    """What is wrong with values that are of the right kind."""
    faults = []
    for network in settings.network.allow:
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            faults.append(f"network.allow: {error}; write ranges such as 10.0.0.0/8 or ::1/128")
    if settings.network.proxy and not PROXY.fullmatch(settings.network.proxy):
        faults.append("network.proxy: write http://host:port, or http://user:password@host:port")
    if settings.network.ca_file and not Path(settings.network.ca_file).is_file():
        faults.append(f"network.ca_file: there is no file {settings.network.ca_file}")
    for name in ("events", "runs", "audit"):
        try:
            seconds = duration_seconds(getattr(settings.retention, name))
        except ValueError as error:
            faults.append(f"retention.{name}: {error}")
        else:
            if seconds <= 0:
                faults.append(f"retention.{name}: nothing would be kept; write for example 30d")
    if settings.retention.max_bytes < 0:
        faults.append("retention.max_bytes: a number of bytes, or 0 for no bound")
    try:
        ZoneInfo(settings.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        faults.append(f'timezone: "{settings.timezone}" is no zone; write for example Europe/Athens')
    if settings.public_url and not settings.public_url.startswith(("http://", "https://")):
        faults.append(f'public_url: "{settings.public_url}" must begin with https:// or http://')
    if settings.limits.per_destination < 1:
        faults.append(f"limits.per_destination: {settings.limits.per_destination} is too few; at least 1")
    if settings.server.workers < 1:
        faults.append(f"server.workers: {settings.server.workers} is too few; at least 1")
    faults += [
        f"limits.{name}: {seconds} is no time; write for example 30"
        for name in ("header_seconds", "body_seconds")
        if not 0 < (seconds := getattr(settings.limits, name)) < math.inf
    ]
    faults += _judged_proxies(settings.server)
    faults += _judged_notify(settings.notify)
    faults += _judged_oidc(settings.oidc)
    faults += judged_seeing(settings.log, settings.telemetry)
    if bool(settings.server.tls_certificate) != bool(settings.server.tls_key):
        faults.append("server: tls_certificate and tls_key go together; one of them is missing")
    if not 1 <= settings.store.patience_seconds <= 3600:
        faults.append(
            f"store.patience_seconds: {settings.store.patience_seconds:g} is out of bounds; from 1 to 3600"
        )
    url = settings.store.url
    if url and not url.startswith(("sqlite:///", "postgresql://", "postgres://")):
        scheme = url.partition("://")[0]
        faults.append(
            f'store.url: "{scheme}" is no store; write sqlite:///path/to/file or postgresql://user@host/name'
        )
    return faults


def _judged_proxies(server: Server) -> list[str]:
    faults = []
    for text in server.trusted_proxies:
        try:
            network = ipaddress.ip_network(text)
        except ValueError as error:
            faults.append(f"server.trusted_proxies: {error}; write addresses or ranges such as 10.0.0.5/32")
        else:
            if network.prefixlen == 0:
                faults.append(f"server.trusted_proxies: with {text} anybody could claim to be anybody")
    header = server.client_certificate_header
    if header and not HEADER_NAME.fullmatch(header):
        faults.append(f'server.client_certificate_header: "{header}" is not the name of a header')
    elif header and not server.trusted_proxies:
        faults.append(
            "server.client_certificate_header: it is believed from trusted_proxies alone, and none is set"
        )
    return faults


def _judged_oidc(oidc: Oidc) -> list[str]:
    faults = []
    if not oidc.is_set:
        if oidc.client_id or oidc.allowed_domains or oidc.role_claim:
            faults.append(
                "oidc: issuer is missing; it is the provider's address, such as https://id.example.com"
            )
        return faults
    if not oidc.client_id:
        faults.append("oidc: client_id is missing; the provider gives it to whoever registers this server")
    address = urlsplit(oidc.issuer)
    if address.scheme != "https" and (address.scheme, address.hostname) != ("http", "127.0.0.1"):
        faults.append(f'oidc.issuer: "{oidc.issuer}" must begin with https://')
    if oidc.default_role not in {"viewer", "editor", "admin"}:
        faults.append(f'oidc.default_role: "{oidc.default_role}" is none of viewer, editor, admin')
    if not oidc.role_claim and (oidc.admins or oidc.editors):
        faults.append("oidc: role_claim is missing; it names the claim that holds admins and editors")
    return faults


def _judged_notify(notify: Notify) -> list[str]:
    faults = []
    if not notify.connection and (notify.channel or notify.to or notify.fallback_connection):
        faults.append("notify: connection is missing; it names the connection that messages go by")
    if notify.fallback_to and not notify.fallback_connection:
        faults.append("notify: fallback_connection is missing; it names the connection of the second way")
    if notify.per_minute < 1:
        faults.append(f"notify.per_minute: {notify.per_minute} is too few; at least 1")
    return faults


def _nearest(key: str) -> str:
    near = difflib.get_close_matches(key, known_keys(), n=1)
    return f"; did you mean {near[0]}?" if near else ""
