"""Variables and connections as Airflow encrypts them: with Fernet keys, or not at all."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from mwaa_dr.framework.errors import SecretError

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

MASK = "***"
"""What Airflow's secrets masker puts in place of a value."""


class SecretBox:
    """Airflow's `core.fernet_key`: comma-separated keys, of which the first encrypts and each may decrypt."""

    def __init__(self, fernet_keys: str) -> None:
        self._fernet = _fernet(fernet_keys) if fernet_keys.strip() else None

    @property
    def has_key(self) -> bool:
        """Whether what this box encrypts is encrypted; without a key Airflow stores plain text."""
        return self._fernet is not None

    def decrypt(self, label: str, token: str) -> str:
        """The value behind a token; raise SecretError, which names the label and never a value."""
        refuse_masked(label, token)
        if not token:
            # Airflow takes an empty value as it is, whatever its flag says.
            return token
        if self._fernet is None:
            raise SecretError(f"{label} is encrypted, and no Fernet key is set", "Set AIRFLOW__CORE__FERNET_KEY.")
        text = _decrypted(self._fernet, token)
        if text is None:
            raise SecretError(
                f"{label} cannot be decrypted with the Fernet key",
                "Add the key that it was encrypted with to the environment's Fernet keys.",
            )
        refuse_masked(label, text)
        return text

    def encrypt(self, text: str, label: str = "a secret") -> str:
        """The token of a value; the value itself where there is no key."""
        refuse_masked(label, text)
        if self._fernet is None:
            return text
        return self._fernet.encrypt(text.encode()).decode()


def refuse_masked(label: str, text: str) -> None:
    """Raise SecretError for a value that is only the mask of a value."""
    if text.strip() == MASK:
        raise SecretError(f"{label} holds a masked value, not the real one", "Set it to its real value.")


def _fernet(fernet_keys: str) -> MultiFernet:
    from cryptography.fernet import Fernet, MultiFernet

    keys = [key.strip() for key in fernet_keys.split(",")]
    fernets: list[Fernet] = []
    with suppress(ValueError):
        fernets.extend(Fernet(key.encode()) for key in keys)
    if len(fernets) < len(keys):
        # Raised out here, so that no traceback carries a key.
        raise SecretError(
            f"Fernet key {len(fernets) + 1} of {len(keys)} cannot be used",
            "Each is 32 bytes in url-safe base64; several are separated by commas.",
        )
    return MultiFernet(fernets)


def _decrypted(fernet: MultiFernet, token: str) -> str | None:
    """None where it fails: an exception could carry the value."""
    from cryptography.fernet import InvalidToken

    try:
        return fernet.decrypt(token.encode()).decode()
    except (InvalidToken, ValueError):
        return None
