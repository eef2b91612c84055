"""What each exception of aiohttp means for an action: whether anything happened, may it pass."""

from __future__ import annotations

import aiohttp

from runner.errors import ActionError, OutcomeUnknown, Rejected, TimedOut, Unavailable

EXPIRED = 10  # X509_V_ERR_CERT_HAS_EXPIRED: renewed soon, while every other fault stays


def action_error(error: Exception, what: str) -> ActionError:
    """
    The action error that *error* stands for; *what* is the request for the message.

    The most particular classes come first: aiohttp's tree mixes "before sending" and "after".
    """
    match error:
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError() | aiohttp.RedirectClientError():
            return Rejected(f"{what}: the host of this address cannot be used")
        case aiohttp.TooManyRedirects():
            return Rejected(f"{what}: too many redirects")
        case aiohttp.ClientConnectorCertificateError():
            cause = error.certificate_error
            sentence = f"{what}: its certificate is not trusted: {_certificate_reason(cause)}"
            if getattr(cause, "verify_code", None) == EXPIRED:
                return Unavailable(sentence)
            return Rejected(f"{sentence}; SSL_CERT_FILE names the authorities that are")
        case aiohttp.ConnectionTimeoutError():
            return Unavailable(f"{what}: no connection in time")
        case aiohttp.ClientConnectorDNSError():
            return Unavailable(f"{what}: the name cannot be resolved: {_reason(error.os_error)}")
        case aiohttp.ClientProxyConnectionError():
            return Unavailable(f"{what}: no connection to the proxy: {_reason(error.os_error)}")
        case aiohttp.ClientConnectorError():
            return Unavailable(f"{what}: no connection: {_reason(error.os_error)}")
        case aiohttp.ServerFingerprintMismatch():
            return Rejected(f"{what}: its certificate is another one")
        case aiohttp.ClientHttpProxyError(status=407):
            return Rejected(f"{what}: the proxy wants a user and password; network.proxy holds them")
        case aiohttp.ClientHttpProxyError(status=status) if 400 <= status < 500:
            return Rejected(f"{what}: the proxy does not go there; it answered {status}")
        case aiohttp.ClientHttpProxyError():
            return Unavailable(f"{what}: the proxy cannot reach it; it answered {error.status}")
        case TimeoutError():
            return TimedOut(f"{what} did not answer in time")
        case aiohttp.ClientResponseError():
            return OutcomeUnknown(f"{what} answered what is not HTTP")
        case aiohttp.ClientPayloadError():
            return OutcomeUnknown(f"{what}: the answer broke off or cannot be unpacked")
        case aiohttp.ClientError() | OSError():
            return OutcomeUnknown(f"{what}: the connection broke before the answer")
    return Rejected(f"{what}: the request cannot be formed: {type(error).__name__}")


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _certificate_reason(error: Exception) -> str:
    return getattr(error, "verify_message", None) or type(error).__name__
