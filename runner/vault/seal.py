"""Sealing: AES-256-GCM under a key derived from the root key, bound to the row's kind and name."""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from runner.errors import SettingsError

FORMAT = b"\x01"
KEY_ID_BYTES = 8
NONCE_BYTES = 12  # NIST SP 800-38D; random, so one key is good for some 2^32 rows
INFO = b"hookline vault 1"  # apart from the keys that other parts derive from the same root
KEY_ID_INFO = b"hookline vault 1 key id"


class Seal:
    """Seals and opens rows under one root key. A sealed row is format, key id, nonce, ciphertext."""

    def __init__(self, root_key: bytes) -> None:
        self._cipher = AESGCM(_derived(root_key, INFO, 32))
        self.key_id = _derived(root_key, KEY_ID_INFO, KEY_ID_BYTES)

    def close(self, kind: str, name: str, text: str, *, nonce: bytes) -> bytes:
        """Seal *text*; *nonce* is 12 random bytes, never used twice."""
        sealed = self._cipher.encrypt(nonce, text.encode(), _bound_to(kind, name))
        return FORMAT + self.key_id + nonce + sealed

    def open(self, kind: str, name: str, blob: bytes) -> str:
        """
        Open what `close` made.

        Raises:
            SettingsError: it was sealed with another key, is damaged, or of another kind or name.
        """
        body = len(FORMAT) + KEY_ID_BYTES
        if blob[:1] != FORMAT or len(blob) < body + NONCE_BYTES:
            raise _damaged(kind, name)
        if (key_id := blob[1:body]) != self.key_id:
            raise SettingsError(
                f"the {kind} {name} was sealed with another key (its id {key_id.hex()}, ours "
                f"{self.key_id.hex()}); start with the HOOKLINE_KEY or the key file in the data "
                "folder that it was sealed with, or set it again"
            )
        nonce, sealed = blob[body : body + NONCE_BYTES], blob[body + NONCE_BYTES :]
        try:
            return self._cipher.decrypt(nonce, sealed, _bound_to(kind, name)).decode()
        except (InvalidTag, UnicodeDecodeError):
            raise _damaged(kind, name) from None


def _derived(root: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=None, info=info).derive(root)


def _bound_to(kind: str, name: str) -> bytes:
    return f"{kind}\0{name}".encode()


def _damaged(kind: str, name: str) -> SettingsError:
    return SettingsError(f"the {kind} {name} is damaged in the database; set it again or delete it")
