"""Custom resource: the KMS key of the backups, adopted by its alias or made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from lib.functions.aws import client, error_code, error_text
from lib.functions.cfn import Request, Result, serve
from lib.functions.errors import Misconfigured
from lib.functions.log import logger

TAG = "mwaa-dr"
"""The tag that the permissions of this function depend on; its value is the alias."""

DAYS = 30
"""The longest pending window that KMS has: a backup that is missed is found by then."""

_log = logger(__name__)


def act(request: Request) -> Result:
    """Properties: Region, Alias, Retain (YES or NO). The attribute `Arn` is the key's own ARN, no alias's."""
    kms = client("kms", request.properties["Region"])
    if request.kind == "Delete":
        _delete(kms, request)
        return Result(request.physical_id)
    alias = request.properties["Alias"]
    key = _find(kms, alias) or _make(kms, alias, request.stack_id)
    _make_usable(kms, key)
    return Result(key["KeyId"], {"Arn": key["Arn"]})


def _find(kms: Any, alias: str) -> Mapping[str, Any] | None:
    """The key behind the alias; whether there is one is listed, since DescribeKey refuses what is not there."""
    pages = kms.get_paginator("list_aliases").paginate()
    targets = {one["AliasName"]: one.get("TargetKeyId") for page in pages for one in page["Aliases"]}
    if not targets.get(alias):
        return None
    try:
        key: Mapping[str, Any] = kms.describe_key(KeyId=targets[alias])["KeyMetadata"]
    except ClientError as error:
        if error_code(error) == "AccessDeniedException":
            words = f"{alias} is the alias of a key that is not ours: it has no tag {TAG}={alias}"
            raise Misconfigured(f"{words}; HINT: Tag the key, or choose another STACK_NAME_PREFIX.") from error
        raise
    _log.info("the key is there already", extra={"key": key["KeyId"], "state": key["KeyState"]})
    return key


def _make(kms: Any, alias: str, stack_id: str) -> Mapping[str, Any]:
    key: Mapping[str, Any] = kms.create_key(
        Description="Backups of the metadata of Airflow",
        Policy=json.dumps(_policy(stack_id)),
        Tags=[{"TagKey": TAG, "TagValue": alias}],
    )["KeyMetadata"]
    kms.create_alias(AliasName=alias, TargetKeyId=key["KeyId"])
    return key


def _make_usable(kms: Any, key: Mapping[str, Any]) -> None:
    """A key that was to be deleted, or was switched off, opens old backups again."""
    if key["KeyState"] == "PendingDeletion":
        kms.cancel_key_deletion(KeyId=key["KeyId"])
    if key["KeyState"] in ("PendingDeletion", "Disabled"):
        kms.enable_key(KeyId=key["KeyId"])
    kms.enable_key_rotation(KeyId=key["KeyId"])


def _delete(kms: Any, request: Request) -> None:
    if request.properties["Retain"] == "YES":
        _log.info("the key stays, as its backups do", extra={"key": request.physical_id})
        return
    _unless_gone(kms, "delete_alias", AliasName=request.properties["Alias"])
    _unless_gone(kms, "schedule_key_deletion", KeyId=request.physical_id, PendingWindowInDays=DAYS)


def _unless_gone(kms: Any, call: str, **arguments: Any) -> None:
    try:
        getattr(kms, call)(**arguments)
    except (kms.exceptions.NotFoundException, kms.exceptions.KMSInvalidStateException) as error:
        _log.info("gone already", extra={"why": error_text(error)})


def _policy(stack_id: str) -> dict[str, Any]:
    """Only the account itself: policies of roles say who uses the key, so that no key names what another stack has."""
    _, partition, _, _, account, _ = stack_id.split(":", 5)
    statement = {
        "Sid": "TheAccountDecides",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{partition}:iam::{account}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


handler = serve(act)
