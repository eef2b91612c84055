"""What connections to servers of protocols other than HTTP have in common: one host, and how TLS is used."""

from __future__ import annotations

import ssl
from functools import lru_cache
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field

from runner.connector.kinds import checked_hosts
from runner.errors import ConnectionRejected


def _one_host(value: str) -> str:
    if "*" in value:
        raise ValueError("a host holds no *")
    return checked_hosts([value])[0]


ServerHost = Annotated[str, AfterValidator(_one_host), Field(description="The server.")]
Tls: TypeAlias = Annotated[
    Literal["verify", "unverified", "none"],
    Field(
        description="verify: encrypted, and the server's certificate is checked; unverified: encrypted, but "
        "whoever answers is believed; none: all in the clear."
    ),
]
CaCertificate: TypeAlias = Annotated[
    str | None,
    Field(
        description="The certificate (PEM) of a private authority that the server's is from.",
        json_schema_extra={"contentMediaType": "application/x-pem-file"},
    ),
]


@lru_cache(maxsize=32)
def tls_context(mode: Tls, ca_certificate: CaCertificate) -> ssl.SSLContext | None:
    """
    How TLS is spoken; None: not at all.

    Raises:
        ConnectionRejected: *ca_certificate* is none.
    """
    if mode == "none":
        return None
    try:
        context = ssl.create_default_context(cadata=ca_certificate)
    except ssl.SSLError:
        raise ConnectionRejected("ca_certificate is not a certificate in PEM") from None
    if mode == "unverified":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
