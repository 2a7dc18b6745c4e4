"""With `auth=True` IAM is enforced for functions and state machines, and every call is recorded with its role."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from drill.aws import LocalAws
from drill.aws.control import Call
from tests.support.local_aws import INVOKE, Builder, states

CALLING = """
import boto3
from botocore.exceptions import ClientError
def handler(event, context):
    client = boto3.client(event["service"])
    try:
        getattr(client, event["method"])(**event["arguments"])
    except ClientError as error:
        return error.response["Error"]["Code"]
"""
ENVIRONMENT = {
    "Name": "mwaa",
    "SourceBucketArn": "arn:aws:s3:::dags",
    "DagS3Path": "dags",
    "NetworkConfiguration": {"SubnetIds": ["subnet-a", "subnet-b"], "SecurityGroupIds": ["sg-a"]},
}


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS that enforces IAM."""
    with LocalAws.start(tmp_path_factory.mktemp("aws"), auth=True) as aws:
        yield aws


def allow(action: str | list[str], resource: str = "*", **condition: Any) -> dict[str, Any]:
    """A statement."""
    return {"Effect": "Allow", "Action": action, "Resource": resource, **condition}


def called(build: Builder, role: str, service: str, method: str, **arguments: Any) -> Any:
    """The error code that a function with this role gets, None when it may."""
    function = build.function(CALLING, role=role)
    event = json.dumps({"service": service, "method": method, "arguments": arguments}).encode()
    return json.loads(build.client("lambda").invoke(FunctionName=function, Payload=event)["Payload"].read())


def recorded(aws: LocalAws, action: str) -> Call:
    """The last call of an action."""
    return next(call for call in reversed(aws.calls()) if call.action == action)


def test_a_function_may_only_what_its_role_allows(build: Builder) -> None:
    build.bucket("backups")
    role = build.role(allow("s3:GetObject", "arn:aws:s3:::backups/*"))
    assert called(build, role, "s3", "put_object", Bucket="backups", Key="a") == "AccessDenied"
    assert called(build, role, "s3", "list_objects_v2", Bucket="backups") == "AccessDenied"


def test_a_refused_call_is_recorded_with_role_resource_and_status(aws: LocalAws, build: Builder) -> None:
    role = build.role()
    called(build, role, "mwaa", "get_environment", Name="mwaa")
    call = recorded(aws, "airflow:GetEnvironment")
    assert call.role == role.rpartition("/")[2]
    assert call.resource == f"arn:aws:airflow:us-east-1:{aws.account}:environment/mwaa"
    assert (call.service, call.region, call.status) == ("airflow", "us-east-1", 403)


def test_a_state_machine_may_only_what_its_own_role_allows(aws: LocalAws, build: Builder) -> None:
    function = build.function("def handler(event, context): return 1")
    definition = states(Call={"Type": "Task", "Resource": INVOKE, "Parameters": {"FunctionName": function}})
    denied = build.run(definition, role=build.role())
    assert (denied["status"], denied["error"]) == ("FAILED", "Lambda.AWSLambdaException")
    assert build.run(definition, role=build.role(allow("lambda:InvokeFunction", function)))["status"] == "SUCCEEDED"


def test_the_sdk_integration_signs_as_the_state_machines_role(build: Builder) -> None:
    call = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:mwaa:listEnvironments", "Parameters": {}}
    assert build.run(states(Call=call), role=build.role())["error"] == "Mwaa.AccessDeniedException"
    allowed = build.role(allow("airflow:ListEnvironments"))
    assert build.run(states(Call=call), role=allowed)["output"] == {"Environments": []}


def test_a_rest_call_needs_the_airflow_role_it_acts_as(aws: LocalAws, build: Builder) -> None:
    resource = f"arn:aws:airflow:us-east-1:{aws.account}:role/mwaa/Op"
    role = build.role(allow("airflow:InvokeRestApi", resource))
    asked = {"Path": "/dags", "Method": "GET"}
    assert called(build, role, "mwaa", "invoke_rest_api", Name="mwaa", **asked) == "ResourceNotFoundException"
    assert recorded(aws, "airflow:InvokeRestApi").resource == resource
    assert called(build, role, "mwaa", "invoke_rest_api", Name="other", **asked) == "AccessDeniedException"


CREATE = [
    "airflow:CreateEnvironment",
    "iam:CreateServiceLinkedRole",
    "s3:GetEncryptionConfiguration",
    "ec2:CreateVpcEndpoint",
    "ec2:DescribeSubnets",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeVpcs",
]


def test_creating_an_environment_needs_to_pass_its_execution_role(aws: LocalAws, build: Builder) -> None:
    execution = build.role(name="execution")
    wanted = {**ENVIRONMENT, "ExecutionRoleArn": execution}
    to_airflow = {"Condition": {"StringEquals": {"iam:PassedToService": "airflow.amazonaws.com"}}}
    to_lambda = {"Condition": {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}}
    for passing in (
        [],
        [allow("iam:PassRole", execution, **to_lambda)],
        [allow("iam:PassRole", "arn:aws:iam::1:role/x")],
    ):
        role = build.role(allow(CREATE), *passing)
        assert called(build, role, "mwaa", "create_environment", **wanted) == "AccessDeniedException"
        assert (recorded(aws, "iam:PassRole").status, recorded(aws, "iam:PassRole").resource) == (403, execution)
    role = build.role(allow(CREATE), allow("iam:PassRole", execution, **to_airflow))
    assert called(build, role, "mwaa", "create_environment", **wanted) is None


@pytest.mark.parametrize("missing", CREATE)
def test_creating_an_environment_needs_all_that_mwaa_does_for_it(build: Builder, missing: str) -> None:
    execution = build.role(name="execution")
    allowed = [action for action in CREATE if action != missing]
    role = build.role(allow(allowed), allow("iam:PassRole", execution))
    wanted = {**ENVIRONMENT, "ExecutionRoleArn": execution}
    assert called(build, role, "mwaa", "create_environment", **wanted) == "AccessDeniedException"


def test_a_schedule_and_a_replication_rule_pass_their_roles(aws: LocalAws, build: Builder) -> None:
    for name in ("original", "copy"):
        build.bucket(name)
    passed = build.role(name="passed")
    role = build.role(allow(["scheduler:*", "s3:*"]))
    target = {"Arn": f"arn:aws:states:us-east-1:{aws.account}:stateMachine:x", "RoleArn": passed}
    schedule = {"Name": "s", "ScheduleExpression": "rate(1 hour)", "FlexibleTimeWindow": {"Mode": "OFF"}}
    assert called(build, role, "scheduler", "create_schedule", **schedule, Target=target) == "AccessDeniedException"
    rule = {
        "ID": "r",
        "Priority": 1,
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {"Bucket": "arn:aws:s3:::copy"},
    }
    replication = {"Role": passed, "Rules": [rule]}
    put = {"Bucket": "original", "ReplicationConfiguration": replication}
    assert called(build, role, "s3", "put_bucket_replication", **put) == "AccessDenied"
    call = recorded(aws, "iam:PassRole")
    assert (call.resource, call.parameters) == (passed, {"iam:PassedToService": "s3.amazonaws.com"})


def test_a_role_that_does_not_trust_the_service_cannot_be_passed(build: Builder) -> None:
    iam = build.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    stranger = iam.create_role(RoleName="stranger", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    role = build.role(allow([*CREATE, "iam:PassRole"]))
    wanted = {**ENVIRONMENT, "ExecutionRoleArn": stranger}
    assert called(build, role, "mwaa", "create_environment", **wanted) == "AccessDeniedException"


def test_a_job_needs_its_own_actions(aws: LocalAws, build: Builder) -> None:
    role = build.role(allow("s3:DescribeJob", f"arn:aws:s3:us-east-1:{aws.account}:job/*"))
    job = {"AccountId": aws.account, "JobId": "job-12345"}
    assert called(build, role, "s3control", "describe_job", **job) == "NoSuchJob"
    assert called(build, role, "s3control", "list_jobs", AccountId=aws.account) == "AccessDenied"
