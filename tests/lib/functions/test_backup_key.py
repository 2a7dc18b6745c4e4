"""The key of the backups is found again after a stack has gone, so that old backups open."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from lib.functions import backup_key
from lib.functions.backup_key import act
from lib.functions.errors import Misconfigured
from tests.support.custom_resources import created, deleted, updated

ALIAS = "alias/mwaa-team-backup"
KEEP = {"Region": "us-east-1", "Alias": ALIAS, "Retain": "YES"}
DROP = {**KEEP, "Retain": "NO"}


@pytest.fixture(autouse=True)
def kms(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        yield boto3.client("kms", "us-east-1")


def test_a_key_is_made_tagged_and_rotated_behind_its_alias(kms: Any) -> None:
    result = act(created(**KEEP))

    assert kms.describe_key(KeyId=ALIAS)["KeyMetadata"]["Arn"] == result.data["Arn"]
    assert kms.get_key_rotation_status(KeyId=result.physical_id)["KeyRotationEnabled"]
    assert kms.list_resource_tags(KeyId=result.physical_id)["Tags"] == [{"TagKey": "mwaa-dr", "TagValue": ALIAS}]


def test_the_policy_of_the_key_names_the_account_only(kms: Any) -> None:
    result = act(created(**KEEP))

    policy = json.loads(kms.get_key_policy(KeyId=result.physical_id, PolicyName="default")["Policy"])
    assert [one["Principal"] for one in policy["Statement"]] == [{"AWS": "arn:aws:iam::111222333444:root"}]


def test_a_later_stack_opens_what_an_earlier_one_encrypted(kms: Any) -> None:
    first = act(created(**KEEP))
    sealed = kms.encrypt(KeyId=ALIAS, Plaintext=b"backup")["CiphertextBlob"]
    act(deleted(first.physical_id, **KEEP))

    second = act(created(**KEEP))

    assert second == first
    assert kms.decrypt(KeyId=ALIAS, CiphertextBlob=sealed)["Plaintext"] == b"backup"


def test_a_key_that_was_to_be_deleted_works_again(kms: Any) -> None:
    first = act(created(**KEEP))
    kms.schedule_key_deletion(KeyId=first.physical_id)

    act(created(**KEEP))

    assert kms.describe_key(KeyId=ALIAS)["KeyMetadata"]["KeyState"] == "Enabled"


def test_without_retain_the_key_goes_with_its_stack_as_late_as_possible(kms: Any) -> None:
    made = act(created(**DROP))

    act(deleted(made.physical_id, **DROP))
    act(deleted(made.physical_id, **DROP))

    assert kms.describe_key(KeyId=made.physical_id)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    assert [one for one in kms.list_aliases()["Aliases"] if one["AliasName"] == ALIAS] == []


def test_an_update_of_the_flag_keeps_the_key(kms: Any) -> None:
    made = act(created(**DROP))

    assert act(updated(made.physical_id, DROP, **KEEP)) == made


def refused(**_: str) -> None:
    raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "DescribeKey")


def test_a_key_of_somebody_else_is_refused_in_words(monkeypatch: pytest.MonkeyPatch, kms: Any) -> None:
    kms.create_alias(AliasName=ALIAS, TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
    monkeypatch.setattr(kms, "describe_key", refused)
    monkeypatch.setattr(backup_key, "client", lambda *_: kms)
    with pytest.raises(Misconfigured, match=r"a key that is not ours.*HINT: Tag the key"):
        act(created(**KEEP))


def test_who_may_only_describe_tagged_keys_can_make_the_first_one(monkeypatch: pytest.MonkeyPatch, kms: Any) -> None:
    monkeypatch.setattr(kms, "describe_key", refused)
    monkeypatch.setattr(backup_key, "client", lambda *_: kms)
    assert act(created(**KEEP)).data["Arn"]
