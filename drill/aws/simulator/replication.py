"""S3 replication that copies: by every rule that fits, from CloudFormation too, late when a test wants it.

AWS, below https://docs.aws.amazon.com/AmazonS3/latest/userguide/: replication-add-config.html (for each destination the
rule of the highest priority), replication-what-is-isnt-replicated.html (nothing from before the rule, no replicas,
objects under a KMS key only with SseKmsEncryptedObjects), delete-marker-replication.html (by the rule); and
PutBucketReplication (the destination must exist and be versioned).
"""

from __future__ import annotations

import contextvars
import copy
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import botocore.session
from botocore.serialize import create_serializer
from ministack.services import s3
from ministack.services.cloudformation import provisioners

from drill.aws.simulator.state import door, on_reset


@dataclass
class Held:
    """Replication of one bucket that waits until it is released."""

    after: int  # so many objects are still copied
    waiting: list[Callable[[], None]]


_held: dict[str, Held] = {}
_lock = threading.RLock()


def mend() -> None:
    """Replace how an object and a delete marker find their replicas, and let CloudFormation set the rules."""
    put = s3._put_bucket_replication

    def put_checked(bucket: str, body: bytes) -> Any:
        for name in _destinations(body):
            if s3._bucket_owner_account(name) is None:
                return s3._error("InvalidRequest", "Destination bucket must exist.", 400, f"/{bucket}")
        return put(bucket, body)

    s3._put_bucket_replication = put_checked
    s3._maybe_replicate = replicate
    s3._maybe_replicate_delete_marker = replicate_delete_marker
    provisioners._S3_BUCKET_CONFIGURATIONS += (
        ("ReplicationConfiguration", xml_of, _put_or_raise, s3._delete_bucket_replication),
    )


def replicate(bucket: str, key: str, written: dict[str, Any], data: Any, tags: dict[str, str] | None = None) -> None:
    """Copy an object that was just written, by each rule that fits it."""
    rules = list(_rules(bucket, key, tags or {}, is_encrypted=_has_kms_key(written)))
    if not rules:
        return
    written["replication_status"] = "PENDING"
    _now_or_later(bucket, lambda: _copy(bucket, key, written, data, rules))


def is_eligible(bucket: str, key: str) -> bool:
    """Whether a rule fits an object that is there."""
    return bool(_rules_for(bucket, key))


def again(bucket: str, key: str) -> bool:
    """Copy an object that was written before its rules; whether every copy was made."""
    found = s3._buckets[bucket]["objects"].get(key)
    if found is None:
        return False
    _copy(bucket, key, found, s3._read_body(bucket, key, found), _rules_for(bucket, key))
    return bool(found["replication_status"] == "COMPLETED")


def _rules_for(bucket: str, key: str) -> list[dict[str, Any]]:
    found = s3._buckets[bucket]["objects"][key]
    tags = s3._object_tags.get((bucket, key, found.get("version_id"))) or {}
    return list(_rules(bucket, key, tags, is_encrypted=_has_kms_key(found)))


def _copy(bucket: str, key: str, written: dict[str, Any], data: Any, rules: list[dict[str, Any]]) -> None:
    role, is_complete = s3._bucket_replication.get(bucket, {}).get("Role", ""), True
    for rule in rules:
        target = s3._replication_destination(bucket, key, rule, role)
        if target is None:
            is_complete = False
            continue
        name, account, destination = target
        replica = _replica(written, rule)
        prior = destination["objects"].get(key)
        destination["objects"][key] = replica
        with s3._in_account(account):
            version = s3._record_object_version(name, key, prior, replica, data)
        written["_replica"] = (name, version, account)
    written["replication_status"] = "COMPLETED" if is_complete else "FAILED"


def _replica(written: dict[str, Any], rule: dict[str, Any]) -> dict[str, Any]:
    replica = copy.deepcopy({name: value for name, value in written.items() if name not in ("version_id", "_replica")})
    replica["replication_status"] = "REPLICA"
    destination = rule["Destination"]
    if "StorageClass" in destination:
        replica["storage_class"] = destination["StorageClass"]
    wanted = destination.get("EncryptionConfiguration", {}).get("ReplicaKmsKeyID")
    if wanted and _has_kms_key(written):
        replica["preserved_headers"]["x-amz-server-side-encryption-aws-kms-key-id"] = wanted
    return replica


def replicate_delete_marker(bucket: str, key: str) -> None:
    """Copy a delete marker by the rules that say so."""
    for rule in list(_rules(bucket, key, {}, is_encrypted=False)):
        is_newer = "Filter" in rule
        if is_newer and rule.get("DeleteMarkerReplication", {}).get("Status") != "Enabled":
            continue
        _now_or_later(bucket, lambda rule=rule: _mark_deleted(bucket, key, rule))  # type: ignore[misc]


def _mark_deleted(bucket: str, key: str, rule: dict[str, Any]) -> None:
    target = s3._replication_destination(bucket, key, rule, "")
    if target is not None:
        name, account, destination = target
        with s3._in_account(account):
            s3._record_delete_marker(name, key, destination["objects"].get(key))
            destination["objects"].pop(key, None)


def _rules(bucket: str, key: str, tags: dict[str, str], *, is_encrypted: bool) -> Iterator[dict[str, Any]]:
    """For each destination the enabled rule of the highest priority that fits."""
    if s3._bucket_versioning.get(bucket) != "Enabled":
        return
    served: set[str] = set()
    rules = s3._bucket_replication.get(bucket, {}).get("Rules", [])
    for rule in sorted(rules, key=lambda rule: -rule.get("Priority", 0)):
        destination = rule["Destination"]["Bucket"]
        if destination in served or rule["Status"] != "Enabled" or not _fits(rule, key, tags):
            continue
        served.add(destination)
        selected = rule.get("SourceSelectionCriteria", {}).get("SseKmsEncryptedObjects", {}).get("Status")
        if not is_encrypted or selected == "Enabled":
            yield rule


def _fits(rule: dict[str, Any], key: str, tags: dict[str, str]) -> bool:
    wanted = s3._replication_rule_tags(rule)
    return key.startswith(s3._replication_rule_prefix(rule)) and all(tags.get(name) == wanted[name] for name in wanted)


def _has_kms_key(written: dict[str, Any]) -> bool:
    return str(written["preserved_headers"].get("x-amz-server-side-encryption", "")).startswith("aws:kms")


def _now_or_later(bucket: str, work: Callable[[], None]) -> None:
    with _lock:
        held = _held.get(bucket)
        if held is not None and held.after <= 0:
            context = contextvars.copy_context()
            held.waiting.append(lambda: context.run(work))
            return
        if held is not None:
            held.after -= 1
    work()


@door("replication/hold")
def hold(bucket: str, after: int) -> None:
    """Let replication from a bucket lag from now on."""
    _held[bucket] = Held(after, [])


@door("replication/release")
def release(bucket: str) -> int:
    """Catch up, in order; how many objects and markers were waiting."""
    with _lock:
        waiting = _held.pop(bucket).waiting if bucket in _held else []
        for work in waiting:
            work()
    return len(waiting)


on_reset(_held.clear)


def xml_of(configuration: dict[str, Any]) -> bytes:
    """CloudFormation's ReplicationConfiguration as the S3 API takes it; the names of four members differ."""
    wanted = {"Role": configuration["Role"], "Rules": [_rule_of(rule) for rule in configuration["Rules"]]}
    operation = botocore.session.get_session().get_service_model("s3").operation_model("PutBucketReplication")
    request = create_serializer("rest-xml", include_validation=False).serialize_to_request(
        {"Bucket": "bucket", "ReplicationConfiguration": wanted}, operation
    )
    body: bytes = request["body"]
    return body


def _rule_of(rule: dict[str, Any]) -> dict[str, Any]:
    made = {**rule, "ID": rule.get("Id", ""), "Priority": int(rule.get("Priority", 0))}
    made.pop("Id", None)
    if "Filter" in rule:
        made["Filter"] = _filter_of(rule["Filter"])
    return made


def _filter_of(given: dict[str, Any]) -> dict[str, Any]:
    made = dict(given)
    if "TagFilter" in made:
        made["Tag"] = made.pop("TagFilter")
    if "And" in made:
        both = dict(made["And"])
        made["And"] = {**both, "Tags": both.pop("TagFilters", [])}
    return made


def _destinations(body: bytes) -> list[str]:
    try:
        found = s3.fromstring(body)
    except SyntaxError:  # of XML; ministack says what is wrong with it
        return []
    named = [element.text or "" for element in found.iter() if element.tag.rpartition("}")[2] == "Bucket"]
    return [name.rpartition(":::")[2] for name in named]


def _put_or_raise(bucket: str, body: bytes) -> None:
    status, _headers, answer = s3._put_bucket_replication(bucket, body)
    if status >= 300:
        raise ValueError(f"replication of {bucket}: {answer!r}")
