"""A KMS that is always the same: what it wrapped once it unwraps forever."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mwaa_dr.framework import aws

NONCE = bytes(12)
HERE = "arn:aws:kms:us-east-1:123456789012:key/here"
THERE = "arn:aws:kms:us-west-2:123456789012:key/there"


class FakeKms:
    """The calls that the envelope makes, of the keys of one Region."""

    def __init__(self, data_key: bytes) -> None:
        self._data_key = data_key

    def generate_data_key(self, *, KeyId: str, KeySpec: str, EncryptionContext: Mapping[str, str]) -> dict[str, Any]:  # noqa: N803 - as boto3 has it
        assert KeySpec == "AES_256"
        return {"Plaintext": self._data_key, "CiphertextBlob": _wrap(KeyId, self._data_key, EncryptionContext)}

    def encrypt(self, *, KeyId: str, Plaintext: bytes, EncryptionContext: Mapping[str, str]) -> dict[str, Any]:  # noqa: N803
        return {"CiphertextBlob": _wrap(KeyId, Plaintext, EncryptionContext)}

    def decrypt(self, *, KeyId: str, CiphertextBlob: bytes, EncryptionContext: Mapping[str, str]) -> dict[str, Any]:  # noqa: N803
        try:
            return {"Plaintext": _cipher(KeyId).decrypt(NONCE, CiphertextBlob, _bytes(EncryptionContext))}
        except InvalidTag as err:
            said = {"Error": {"Code": "InvalidCiphertextException", "Message": ""}}
            raise ClientError(said, "Decrypt") from err  # type: ignore[arg-type]


def use_fake_kms(monkeypatch: pytest.MonkeyPatch, data_key: bytes = bytes(range(32))) -> list[str]:
    """Put it in place of AWS; return the list of the Regions that are asked, which grows."""
    asked: list[str] = []

    def client(service: str, region: str = "") -> FakeKms:
        assert service == "kms"
        asked.append(region)
        return FakeKms(data_key)

    monkeypatch.setattr(aws, "patient_client", client)
    return asked


def _wrap(arn: str, plaintext: bytes, context: Mapping[str, str]) -> bytes:
    return _cipher(arn).encrypt(NONCE, plaintext, _bytes(context))


def _cipher(arn: str) -> AESGCM:
    return AESGCM(arn.encode()[:32])


def _bytes(context: Mapping[str, str]) -> bytes:
    return json.dumps(context, sort_keys=True).encode()
