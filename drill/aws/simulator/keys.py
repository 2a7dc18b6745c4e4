"""KMS: a key opens what it has wrapped itself, and only in its own Region.

AWS: with KeyId, Decrypt fails as IncorrectKeyException unless it is the key that encrypted
(https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html); aliases and keys are those of a Region
(https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html).
"""

from __future__ import annotations

import base64
from typing import Any

from ministack.core.responses import error_response_json, get_region
from ministack.services import kms

_ID = 36  # bytes at the beginning of what ministack wraps: the key


def mend() -> None:
    """Look at the key that is named before ministack decrypts with it."""
    resolve, decrypt = kms._resolve_key, kms._decrypt

    def resolve_here(named: str) -> Any:
        is_elsewhere = named.startswith("arn:") and named.split(":")[3] != get_region()
        return None if is_elsewhere else resolve(named)

    def decrypt_own(data: dict[str, Any]) -> Any:
        named = kms._resolve_key(data.get("KeyId") or "")
        wrapped = base64.b64decode(data.get("CiphertextBlob", ""))
        if named and "_symmetric_key" in named and wrapped[:_ID] != named["KeyId"].encode():
            words = "The key ID in the request does not identify a CMK that can perform this operation."
            return error_response_json("IncorrectKeyException", words, 400)
        return decrypt(data)

    kms._resolve_key, kms._decrypt = resolve_here, decrypt_own
