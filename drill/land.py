"""What a user has in the account before our stacks are deployed: networks, buckets, roles, environments."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from drill.aws import LocalAws
from lib.config.recovery import DisasterRecovery
from lib.config.recovery_sections import Side

MWAA = ["airflow.amazonaws.com", "airflow-env.amazonaws.com"]


def networks(aws: LocalAws, regions: Mapping[str, str]) -> dict[str, str]:
    """A VPC in each of the Regions by their side, as variables of the configuration."""
    variables: dict[str, str] = {}
    for number, (side, region) in enumerate(regions.items()):
        ec2 = aws.client("ec2", region)
        vpc = ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16")["Vpc"]["VpcId"]
        blocks = [f"10.{number}.{half}.0/24" for half in (1, 2)]
        subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=block)["Subnet"]["SubnetId"] for block in blocks]
        group = ec2.create_security_group(VpcId=vpc, GroupName="mwaa", Description="MWAA")["GroupId"]
        variables |= {
            f"{side}_VPC_ID": vpc,
            f"{side}_SUBNET_IDS": f"'{json.dumps(subnets)}'",
            f"{side}_SECURITY_GROUP_IDS": f"'{json.dumps([group])}'",
        }
    return variables


def buckets_and_roles(aws: LocalAws, config: DisasterRecovery) -> None:
    """The DAGs bucket and the execution role of both sides."""
    for side in (config.primary, config.secondary):
        bucket(aws, side.dags_bucket_name, side.region)
        role(aws, str(side.role_arn), *MWAA)


def bucket(aws: LocalAws, name: str, region: str) -> None:
    """A DAGs bucket."""
    s3 = aws.client("s3", region)
    place = {"CreateBucketConfiguration": {"LocationConstraint": region}} if region != "us-east-1" else {}
    s3.create_bucket(Bucket=name, **place)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})


def role(aws: LocalAws, arn: str, *services: str) -> None:
    """A role of this ARN, which these services may assume."""
    _, *folders, name = arn.rpartition(":")[2].split("/")
    trust = {"Effect": "Allow", "Principal": {"Service": [*services]}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    path = "/".join(["", *folders, ""])
    aws.client("iam").create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=policy)


def create(aws: LocalAws, config: DisasterRecovery, side: Side, **changes: Any) -> None:
    """Create the environment of a side, as a user would."""
    wanted = {
        "Name": side.environment_name,
        "ExecutionRoleArn": str(side.role_arn),
        "SourceBucketArn": f"arn:aws:s3:::{side.dags_bucket_name}",
        "DagS3Path": config.common.dags_s3_path,
        "NetworkConfiguration": network(side.subnet_ids, side.security_group_ids),
        "AirflowVersion": config.deployment.mwaa_version,
        "AirflowConfigurationOptions": {"core.parallelism": "64"},
        "WebserverAccessMode": "PUBLIC_ONLY",
        "Tags": {"team": "data"},
    }
    aws.client("mwaa", side.region).create_environment(**{**wanted, **changes})


def network(subnets: Iterable[str], groups: Iterable[str]) -> dict[str, list[str]]:
    """As CreateEnvironment takes it."""
    return {"SubnetIds": [*subnets], "SecurityGroupIds": [*groups]}
