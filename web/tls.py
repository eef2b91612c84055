"""The server's certificates, read again when their files change, and what a peer shows of its own."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import ssl
from typing import TYPE_CHECKING, Any

from runner.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger("hookline.web")


class Certificates:
    """
    One TLS context whose certificate changes when its files do; `context` is None without TLS.

    New connections use the new certificate, open ones keep theirs. A client CA that is added to
    its file is trusted at the next look; one that was taken out only after a restart.

    Raises:
        SettingsError: a file is missing or wrong, or a certificate stands without its key.
    """

    def __init__(self, certificate: Path | None, key: Path | None, client_ca: Path | None) -> None:
        self.context: ssl.SSLContext | None = None
        self._paths = [path for path in (certificate, key, client_ca) if path is not None]
        self._stamps: list[tuple[int, int, int]] = []
        if certificate is None or key is None:
            if self._paths:
                raise SettingsError("TLS needs both a certificate and its key; one is not set")
            return
        self._certificate, self._key, self._client_ca = certificate, key, client_ca
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2  # RFC 9113 section 9.2
        self.context.set_alpn_protocols(["h2", "http/1.1"])
        if client_ca is not None:
            # Asked for, not demanded: which webhook wants which certificate is the workflow's say.
            self.context.verify_mode = ssl.CERT_OPTIONAL
        try:
            self.reload()
        except (OSError, ValueError) as error:  # an SSLError is an OSError
            raise SettingsError(f"TLS cannot use {self._names()}: {error}") from error

    def reload(self) -> bool:
        """
        Read the files if they changed since the last time; say whether they did.

        Raises:
            OSError, ValueError: a file is missing or wrong; what was in use stays in use.
        """
        if self.context is None:
            return False
        found = [path.stat() for path in self._paths]
        stamps = [(one.st_mtime_ns, one.st_size, one.st_ino) for one in found]
        if stamps == self._stamps:
            return False
        # First into one that nobody uses: a wrong pair would leave the real one without a key.
        for context in (ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), self.context):
            context.load_cert_chain(self._certificate, self._key, password=_no_password)
            if self._client_ca is not None:
                context.load_verify_locations(self._client_ca)
        self._stamps = stamps
        return True

    async def keep_fresh(self, every_seconds: float) -> None:
        """Reload when the files change, looking *every_seconds*, until cancelled."""
        while True:
            await asyncio.sleep(every_seconds)
            try:
                if self.reload():
                    log.info("TLS now uses %s", self._names(), extra={"action": "tls_reloaded"})
            except (OSError, ValueError) as error:
                log.warning(
                    "TLS goes on with the certificate it has; %s cannot be used: %s",
                    self._names(),
                    error,
                    extra={"action": "tls_reload_failed"},
                )

    def _names(self) -> str:
        return ", ".join(map(str, self._paths))


def peer_certificate(tls: ssl.SSLObject) -> dict[str, Any] | None:
    """
    Give the verified certificate that the peer showed, or None: what `SSLSocket.getpeercert`
    gives (subject, issuer, subjectAltName, …), the whole as `der` (bytes), and its `fingerprint`,
    the SHA-256 in hex.
    """
    shown = tls.getpeercert()
    der = tls.getpeercert(binary_form=True)
    if not shown or der is None:
        return None
    return {**shown, "der": der, "fingerprint": hashlib.sha256(der).hexdigest()}


def _no_password() -> str:
    raise ValueError("its key has a passphrase; give one without")  # else OpenSSL asks the terminal
