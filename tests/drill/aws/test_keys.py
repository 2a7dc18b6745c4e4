"""KMS keys as a backup uses them: by an alias, each in its own Region, bound to an encryption context.

https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html
https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html
"""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from drill.aws import LocalAws

CONTEXT = {"environment": "prod.us-east-1", "backup_id": "1", "format": "1"}


@pytest.fixture
def aliases(aws: LocalAws) -> dict[str, str]:
    """The same alias in both Regions, each of a key of its own."""
    arns = {}
    for region in aws.regions:
        kms = aws.client("kms", region)
        kms.create_alias(AliasName="alias/backup", TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
        arns[region] = f"arn:aws:kms:{region}:{aws.account}:alias/backup"
    return arns


@pytest.fixture
def wrapped(aws: LocalAws, aliases: dict[str, str]) -> dict[str, Any]:
    """A data key of the first Region, and the same as the second one wraps it."""
    here, there = aws.regions
    key = aws.client("kms", here).generate_data_key(KeyId=aliases[here], KeySpec="AES_256", EncryptionContext=CONTEXT)
    copy = aws.client("kms", there).encrypt(KeyId=aliases[there], Plaintext=key["Plaintext"], EncryptionContext=CONTEXT)
    return {"plaintext": key["Plaintext"], here: key["CiphertextBlob"], there: copy["CiphertextBlob"]}


def test_each_region_opens_what_its_own_key_wraps(
    aws: LocalAws, aliases: dict[str, str], wrapped: dict[str, Any]
) -> None:
    for region in aws.regions:
        opened = aws.client("kms", region).decrypt(
            KeyId=aliases[region], CiphertextBlob=wrapped[region], EncryptionContext=CONTEXT
        )
        assert opened["Plaintext"] == wrapped["plaintext"]


@pytest.mark.parametrize("context", [{}, {**CONTEXT, "backup_id": "2"}])
def test_another_context_opens_nothing(
    aws: LocalAws, aliases: dict[str, str], wrapped: dict[str, Any], context: dict[str, str]
) -> None:
    region = aws.regions[0]
    with pytest.raises(ClientError, match="InvalidCiphertextException"):
        aws.client("kms", region).decrypt(
            KeyId=aliases[region], CiphertextBlob=wrapped[region], EncryptionContext=context
        )


def test_the_key_of_another_region_opens_nothing(
    aws: LocalAws, aliases: dict[str, str], wrapped: dict[str, Any]
) -> None:
    here, there = aws.regions
    for key in (aliases[there], None):
        named = {"KeyId": key} if key else {}
        with pytest.raises(ClientError, match=r"IncorrectKeyException|InvalidCiphertextException"):
            aws.client("kms", there).decrypt(CiphertextBlob=wrapped[here], EncryptionContext=CONTEXT, **named)


def test_another_key_of_the_same_region_opens_nothing(aws: LocalAws, wrapped: dict[str, Any]) -> None:
    region = aws.regions[0]
    kms = aws.client("kms", region)
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    with pytest.raises(ClientError, match="IncorrectKeyException"):
        kms.decrypt(KeyId=other, CiphertextBlob=wrapped[region], EncryptionContext=CONTEXT)
