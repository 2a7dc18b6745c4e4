"""The pinned CDK command line bootstraps, deploys, updates and destroys in two Regions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn

from drill.aws import LocalAws, LocalAwsError
from tests.support.local_aws import Builder, eventually

pytestmark = pytest.mark.slow


def assembly(folder: Path, account: str, said: str) -> Path:
    """The path of a synthesised app: a bucket with a replica in a second stack and Region, and a state machine."""
    app = cdk.App(outdir=str(folder))
    primary = cdk.Stack(app, "Primary", env=cdk.Environment(account=account, region="us-east-1"))
    secondary = cdk.Stack(app, "Secondary", env=cdk.Environment(account=account, region="us-west-2"))
    primary.add_stack_dependency(secondary)
    versioned = s3.CfnBucket.VersioningConfigurationProperty(status="Enabled")
    s3.CfnBucket(secondary, "Copy", bucket_name="copy", versioning_configuration=versioned)
    role = iam.Role(primary, "Role", assumed_by=iam.ServicePrincipal("s3.amazonaws.com"))
    rule = s3.CfnBucket.ReplicationRuleProperty(
        id="all",
        priority=1,
        status="Enabled",
        filter=s3.CfnBucket.ReplicationRuleFilterProperty(prefix=""),
        delete_marker_replication=s3.CfnBucket.DeleteMarkerReplicationProperty(status="Disabled"),
        destination=s3.CfnBucket.ReplicationDestinationProperty(bucket="arn:aws:s3:::copy"),
    )
    replication = s3.CfnBucket.ReplicationConfigurationProperty(role=role.role_arn, rules=[rule])
    s3.CfnBucket(
        primary,
        "Backups",
        bucket_name="backups",
        versioning_configuration=versioned,
        replication_configuration=replication,
    )
    say = sfn.Pass(primary, "Say", result=sfn.Result.from_string(said))
    sfn.StateMachine(
        primary, "Machine", state_machine_name="machine", definition_body=sfn.DefinitionBody.from_chainable(say)
    )
    app.synth()
    return folder


def test_two_stacks_in_two_regions_are_deployed_updated_and_destroyed(
    aws: LocalAws, build: Builder, tmp_path: Path
) -> None:
    aws.bootstrap()
    aws.deploy(app=assembly(tmp_path / "first", aws.account, "one"))
    machine = f"arn:aws:states:us-east-1:{aws.account}:stateMachine:machine"
    assert build.ended(build.start(machine))["output"] == "one"
    build.client("s3").put_object(Bucket="backups", Key="manifest.json", Body=b"{}")
    west = aws.client("s3", "us-west-2")
    eventually(lambda: west.list_objects_v2(Bucket="copy")["KeyCount"] == 1)

    aws.deploy("Primary", app=assembly(tmp_path / "second", aws.account, "two"))
    assert build.ended(build.start(machine))["output"] == "two"

    aws.destroy(app=tmp_path / "second")
    assert build.client("stepfunctions").list_state_machines()["stateMachines"] == []


def template(folder: Path, account: str, resources: dict[str, Any]) -> Path:
    """The path of an assembly with one stack, which needs no bootstrap."""
    stack = {
        "type": "aws:cloudformation:stack",
        "environment": f"aws://{account}/us-east-1",
        "properties": {"templateFile": "stack.json"},
    }
    (folder / "stack.json").write_text(json.dumps({"Resources": resources}))
    (folder / "manifest.json").write_text(json.dumps({"version": "36.0.0", "artifacts": {"Stack": stack}}))
    return folder


def custom_resource(build: Builder, code: str) -> dict[str, Any]:
    """A resource that a function makes."""
    function = build.function(ANSWERING + code)
    return {"Made": {"Type": "Custom::Made", "Properties": {"ServiceToken": function, "Bucket": "made"}}}


def test_a_type_that_does_not_exist_is_named(aws: LocalAws, tmp_path: Path) -> None:
    with pytest.raises(LocalAwsError, match="AWS::Nonsense::Thing"):
        aws.deploy(app=template(tmp_path, aws.account, {"Nothing": {"Type": "AWS::Nonsense::Thing"}}))


def test_a_custom_resource_is_created_and_deleted_by_its_function(
    aws: LocalAws, build: Builder, tmp_path: Path
) -> None:
    app = template(tmp_path, aws.account, custom_resource(build, MAKING))
    aws.deploy(app=app)
    assert [bucket["Name"] for bucket in build.client("s3").list_buckets()["Buckets"]] == ["made"]
    aws.destroy(app=app)
    assert build.client("s3").list_buckets()["Buckets"] == []


def test_the_reason_of_a_custom_resource_that_fails_is_shown(aws: LocalAws, build: Builder, tmp_path: Path) -> None:
    code = "def handler(event, context): answer(event, 'FAILED', 'the bucket is not versioned')"
    with pytest.raises(LocalAwsError, match="the bucket is not versioned"):
        aws.deploy(app=template(tmp_path, aws.account, custom_resource(build, code)))


ANSWERING = """
import boto3, json, urllib.request
def answer(event, status, reason=""):
    said = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    said.update(Status=status, Reason=reason, PhysicalResourceId="made")
    request = urllib.request.Request(event["ResponseURL"], json.dumps(said).encode(), method="PUT")
    urllib.request.urlopen(request).read()
"""
MAKING = """
def handler(event, context):
    s3, bucket = boto3.client("s3"), event["ResourceProperties"]["Bucket"]
    if event["RequestType"] == "Create":
        s3.create_bucket(Bucket=bucket)
    if event["RequestType"] == "Delete":
        s3.delete_bucket(Bucket=bucket)
    answer(event, "SUCCESS")
"""
