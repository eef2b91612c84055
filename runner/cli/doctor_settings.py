"""What a doctor looks at in the settings: the key, the address, TLS, what is kept, and whom to tell."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509

from runner.engine.findings import Finding, bytes_in_words, error, ok, warning
from runner.engine.reach import out_of_reach
from runner.settings import Settings
from runner.vault.key import SHORTEST_KEY

DAY_SECONDS = 86400.0
ENDING_SECONDS = 14 * DAY_SECONDS  # before a certificate's end: what renews by itself did so earlier
KEY = "key"


def examine_settings(settings: Settings, environment: Mapping[str, str], data: Path) -> Iterator[Finding]:
    """All of it."""
    yield _key(environment, data / KEY)
    yield _address(settings)
    yield _proxies(settings)
    if settings.server.tls_certificate:
        yield _certificate(settings, time.time())
    yield _retention(settings)


def _key(environment: Mapping[str, str], path: Path) -> Finding:
    """Without it nothing that is sealed opens; nobody else may have it."""
    given = environment.get("HOOKLINE_KEY", "").strip()
    if given:
        if len(given) < SHORTEST_KEY:
            sentence = f"HOOKLINE_KEY has {len(given)} characters; it needs {SHORTEST_KEY}."
            return error("Key", sentence, "Set a longer one: openssl rand -base64 48")
        if path.exists():
            sentence = (
                f"HOOKLINE_KEY is used, and {path} is not: what was sealed with the file does not open."
            )
            return warning(
                "Key", sentence, f"Keep the one that sealed your secrets; move {path} away if it is not."
            )
        return ok("Key", "HOOKLINE_KEY is set. Keep a copy of it apart from the backups.")
    try:
        text, mode = path.read_text(encoding="utf-8").strip(), path.stat().st_mode & 0o777
    except FileNotFoundError:
        return ok("Key", f"There is none yet; {path} is made at the first start.")
    except (OSError, UnicodeDecodeError) as problem:
        return error(
            "Key", f"{path} cannot be read: {problem}.", "Give it back its owner, or set HOOKLINE_KEY."
        )
    if len(text) < SHORTEST_KEY:
        sentence = f"{path} has {len(text)} characters; it needs {SHORTEST_KEY}."
        return error(
            "Key", sentence, "Put back the file of a backup; another key opens nothing that is sealed."
        )
    if mode & 0o077:
        sentence = f"Others than its owner may read {path}, which opens every secret."
        return error("Key", sentence, f"chmod 600 {path}")
    return ok("Key", f"{path}, for its owner alone. Keep a copy of it apart from the backups.")


def _address(settings: Settings) -> Finding:
    address = settings.address
    why = out_of_reach(address)
    if why:
        sentence = f"Services are told {address}, which they cannot reach. {why}"
        mend = "Set public_url in hookline.toml, or HOOKLINE_PUBLIC_URL, to the address at which they can."
        return warning("Public address", sentence, mend)
    if urlsplit(address).scheme != "https":
        sentence = f"Services are told {address}: what they send, and who signs in, can be read on the way."
        return warning(
            "Public address", sentence, "Serve HTTPS: tls_certificate and tls_key, or a proxy in front."
        )
    return ok("Public address", f"Services are told {address}.")


def _proxies(settings: Settings) -> Finding:
    server = settings.server
    is_behind = urlsplit(settings.public_url).scheme == "https" and not server.tls_certificate
    if is_behind and not server.trusted_proxies:
        return warning(
            "Proxies",
            "The public address is https, which this server does not speak itself, and no proxy is trusted: "
            "every sender seems to have the proxy's address, and limits hold for all of them together.",
            "Set trusted_proxies in [server] to the proxy's address.",
        )
    wide = [str(one) for one in server.trusted_networks if one.num_addresses > 2**16]
    if wide:
        sentence = f"trusted_proxies has {', '.join(wide)}: whoever is in there may claim any address."
        return warning("Proxies", sentence, "Name the proxies' own addresses.")
    count = len(server.trusted_proxies)
    return ok("Proxies", f"{count} trusted." if count else "None is trusted: senders are who connects.")


def _certificate(settings: Settings, now: float) -> Finding:
    path = Path(settings.server.tls_certificate)
    mend = "Renew it; the server takes the new file by itself."
    try:
        first = x509.load_pem_x509_certificates(path.read_bytes())[0]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path, settings.server.tls_key or None)
    except (OSError, ValueError, IndexError, ssl.SSLError) as problem:
        sentence = f"{path} cannot be used with its key: {problem}."
        return error("Certificate", sentence, "Set tls_certificate and tls_key to files that go together.")
    end = first.not_valid_after_utc.timestamp()
    day = datetime.fromtimestamp(end, UTC).strftime("%Y-%m-%d")
    if end <= now:
        return error("Certificate", f"It ended on {day}: services refuse to connect.", mend)
    if end - now < ENDING_SECONDS:
        return warning("Certificate", f"It ends on {day}.", mend)
    return ok("Certificate", f"It is good until {day}.")


def _retention(settings: Settings) -> Finding:
    kept = settings.retention
    said = f"Events are kept {kept.events}, runs {kept.runs}, the audit log {kept.audit}"
    if not kept.max_bytes:
        sentence = f"{said}; the database may fill the disk."
        return warning("Retention", sentence, "Set max_bytes in [retention].")
    return ok("Retention", f"{said}; {bytes_in_words(kept.max_bytes)} at most.")
