"""The rules of a bucket's replication, as data: ours is put beside those of others, or taken away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lib.functions.errors import Misconfigured

Rule = Mapping[str, Any]
Configuration = Mapping[str, Any]
"""Role and Rules, as GetBucketReplication answers."""


def others(configuration: Configuration | None, rule_id: str) -> list[Rule]:
    """The rules that are not ours."""
    return [rule for rule in (configuration or {}).get("Rules", ()) if rule.get("ID") != rule_id]


def check(configuration: Configuration | None, rule_id: str, *, bucket: str, role: str) -> None:
    """Raise Misconfigured where our rule cannot stand beside those of others."""
    theirs = others(configuration, rule_id)
    if not configuration or not theirs:
        return
    if any(_is_first_version(rule) for rule in theirs):
        words = f"the bucket {bucket} has replication rules of the first version (V1), which take no rule beside them"
        raise Misconfigured(f"{words}; HINT: Give them a Filter and a Priority, or set DAGS_REPLICATION=SKIP.")
    if configuration["Role"] != role:
        words = f"the bucket {bucket} has replication rules of others with the role {configuration['Role']}"
        one = "and S3 takes one role for all rules"
        hint = "HINT: Set PRIMARY_DAGS_REPLICATION_ROLE_ARN to that role, or DAGS_REPLICATION=SKIP."
        raise Misconfigured(f"{words}, {one}; {hint}")


def with_ours(configuration: Configuration | None, ours: Rule, *, role: str) -> dict[str, Any]:
    """All rules, ours with the priority that it had or else the next."""
    theirs = others(configuration, ours["ID"])
    return {"Role": role, "Rules": [*theirs, {**ours, "Priority": _priority(configuration, ours["ID"])}]}


def without_ours(configuration: Configuration, rule_id: str) -> dict[str, Any] | None:
    """What is left; None: nothing."""
    left = others(configuration, rule_id)
    return {"Role": configuration["Role"], "Rules": left} if left else None


def our_rule(rule_id: str, *, destination: str, replica_key: str, with_deletions: bool) -> dict[str, Any]:
    """Everything is copied, delete markers if wanted; encrypted under the key, if there is one.

    `destination`: the ARN of a bucket. The deletion of a version is never copied.
    """
    rule: dict[str, Any] = {
        "ID": rule_id,
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "DeleteMarkerReplication": {"Status": "Enabled" if with_deletions else "Disabled"},
        "Destination": {"Bucket": destination},
    }
    if replica_key:
        rule["SourceSelectionCriteria"] = {"SseKmsEncryptedObjects": {"Status": "Enabled"}}
        rule["Destination"]["EncryptionConfiguration"] = {"ReplicaKmsKeyID": replica_key}
    return rule


def is_same(one: Configuration, other: Configuration | None) -> bool:
    """Whether two configurations have the same role and the same rules, in whatever order; S3 fills in defaults."""
    return other is not None and one["Role"] == other["Role"] and _essence(one["Rules"]) == _essence(other["Rules"])


def _essence(rules: Sequence[Rule]) -> set[tuple[str, str, int, str]]:
    return {
        (rule.get("ID", ""), rule["Status"], int(rule.get("Priority", 0)), rule["Destination"]["Bucket"])
        for rule in rules
    }


def _is_first_version(rule: Rule) -> bool:
    return "Filter" not in rule


def _priority(configuration: Configuration | None, rule_id: str) -> int:
    rules = (configuration or {}).get("Rules", ())
    for rule in rules:
        if rule.get("ID") == rule_id:
            return int(rule["Priority"])
    return max((int(rule.get("Priority", 0)) for rule in rules), default=0) + 1
