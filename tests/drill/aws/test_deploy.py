"""The pinned CDK command line bootstraps, deploys, updates and destroys in two Regions."""

from __future__ import annotations

import json
from pathlib import Path

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


def test_a_deployment_that_fails_says_why(aws: LocalAws, tmp_path: Path) -> None:
    broken = {"Resources": {"Nothing": {"Type": "AWS::Nonsense::Thing"}}}
    manifest = {
        "version": "36.0.0",
        "artifacts": {
            "Broken": {
                "type": "aws:cloudformation:stack",
                "environment": f"aws://{aws.account}/us-east-1",
                "properties": {"templateFile": "broken.json"},
            }
        },
    }
    (tmp_path / "broken.json").write_text(json.dumps(broken))
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(LocalAwsError, match="cdk deploy failed"):
        aws.deploy(app=tmp_path)
