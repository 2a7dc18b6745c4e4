"""The rules of security groups that let HTTPS from a VPC in: added where missing, and only those taken away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Network
from typing import Any

from lib.functions.aws import error_code
from lib.functions.log import logger

HTTPS = 443
TAG = "mwaa-dr:https-for"
"""The tag of a rule that we added; its value is the stack."""

_log = logger(__name__)


def open_for(ec2: Any, vpc_id: str, groups: Sequence[str], *, owner: str) -> None:
    """Let HTTPS in from every CIDR block of the VPC that none of the groups lets in; all of them count together."""
    rules = [rule for group in groups for rule in _rules(ec2, "group-id", group)]
    missing = uncovered(_blocks(ec2, vpc_id), rules)
    if not missing:
        return
    ranges = [{"CidrIp": str(block), "Description": "HTTPS to Step Functions (mwaa-dr)"} for block in missing]
    permission = {"IpProtocol": "tcp", "FromPort": HTTPS, "ToPort": HTTPS, "IpRanges": ranges}
    tags = [{"ResourceType": "security-group-rule", "Tags": [{"Key": TAG, "Value": owner}]}]
    try:
        ec2.authorize_security_group_ingress(GroupId=groups[0], IpPermissions=[permission], TagSpecifications=tags)
    except ec2.exceptions.ClientError as error:
        if error_code(error) != "InvalidPermission.Duplicate":  # somebody was faster: the rule is not ours
            raise
    _log.info("HTTPS is let in", extra={"group": groups[0], "blocks": [str(block) for block in missing]})


def close(ec2: Any, vpc_id: str, *, owner: str) -> None:
    """Take the rules away that this stack added."""
    by_group: dict[str, list[str]] = {}
    for rule in _rules(ec2, f"tag:{TAG}", owner):
        by_group.setdefault(rule["GroupId"], []).append(rule["SecurityGroupRuleId"])
    for group, rules in by_group.items():
        ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=rules)
        _log.info("our rules are taken away", extra={"group": group, "vpc": vpc_id, "rules": rules})


def uncovered(blocks: Iterable[str], rules: Iterable[Mapping[str, Any]]) -> list[str]:
    """The CIDR blocks from which no rule lets HTTPS in.

    >>> rule = {"IsEgress": False, "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIpv4": "10.0.0.0/8"}
    >>> uncovered(["10.1.0.0/16", "192.168.0.0/16"], [rule])
    ['192.168.0.0/16']
    """
    open_ = [IPv4Network(rule["CidrIpv4"]) for rule in rules if _lets_https_in(rule)]
    return [block for block in blocks if not any(IPv4Network(block).subnet_of(wide) for wide in open_)]


def _lets_https_in(rule: Mapping[str, Any]) -> bool:
    if rule["IsEgress"] or not rule.get("CidrIpv4"):
        return False
    if rule["IpProtocol"] == "-1":
        return True
    return bool(rule["IpProtocol"] == "tcp" and rule["FromPort"] <= HTTPS <= rule["ToPort"])


def _rules(ec2: Any, name: str, value: str) -> list[Mapping[str, Any]]:
    pages = ec2.get_paginator("describe_security_group_rules").paginate(Filters=[{"Name": name, "Values": [value]}])
    return [rule for page in pages for rule in page["SecurityGroupRules"]]


def _blocks(ec2: Any, vpc_id: str) -> list[str]:
    (vpc,) = ec2.describe_vpcs(VpcIds=[vpc_id])["Vpcs"]
    associations = vpc.get("CidrBlockAssociationSet", ())
    return [one["CidrBlock"] for one in associations if one["CidrBlockState"]["State"] == "associated"]
