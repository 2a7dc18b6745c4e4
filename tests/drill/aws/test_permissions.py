"""With `auth=True` IAM is enforced for functions and state machines, and every call is recorded with its role."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from drill.aws import LocalAws
from drill.aws.control import Call
from tests.support.local_aws import INVOKE, Builder, eventually, states

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


def allow(action: str | list[str], resource: str | list[str] = "*", **condition: Any) -> dict[str, Any]:
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


# What a request is about: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html and
# .../list_awskeymanagementservice.html name the resources of each action and its condition keys.


def test_a_policy_that_demands_tls_lets_a_request_pass(build: Builder) -> None:
    bucket = build.bucket("backups")
    plain = {"Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    denial = {**allow("s3:*", "arn:aws:s3:::backups/*", **plain), "Effect": "Deny", "Principal": "*"}
    build.client("s3").put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Statement": [denial]}))
    role = build.role(allow("s3:PutObject", "arn:aws:s3:::backups/*"))
    assert called(build, role, "s3", "put_object", Bucket=bucket, Key="a") is None


def test_an_alias_is_made_and_deleted_by_who_may_do_it_to_alias_and_key(aws: LocalAws, build: Builder) -> None:
    key = build.client("kms").create_key(Tags=[{"TagKey": "team", "TagValue": "data"}])["KeyMetadata"]
    verbs = ["kms:CreateAlias", "kms:DeleteAlias"]
    on_alias = allow(verbs, f"arn:aws:kms:us-east-1:{aws.account}:alias/backups")
    on_key = allow(verbs, key["Arn"], Condition={"StringEquals": {"aws:ResourceTag/team": "data"}})
    other = allow(verbs, key["Arn"], Condition={"StringEquals": {"aws:ResourceTag/team": "web"}})
    made = {"AliasName": "alias/backups", "TargetKeyId": key["KeyId"]}
    for statements in ([on_alias], [on_key], [on_alias, other]):
        role = build.role(*statements)
        assert called(build, role, "kms", "create_alias", **made) == "AccessDeniedException"
    assert called(build, build.role(on_alias, on_key), "kms", "create_alias", **made) is None
    assert called(build, build.role(on_alias), "kms", "delete_alias", AliasName="alias/backups") == (
        "AccessDeniedException"
    )
    assert called(build, build.role(on_alias, on_key), "kms", "delete_alias", AliasName="alias/backups") is None


@pytest.mark.parametrize("named", ["alias/backups", "arn of the alias", "id", "arn"])
def test_a_key_is_used_by_who_may_use_the_keys_of_its_alias(aws: LocalAws, build: Builder, named: str) -> None:
    # https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html: a policy names keys by ARN or by
    # kms:ResourceAliases, whatever the request names them by; an alias is a resource of what is done to aliases only.
    kms = build.client("kms")
    key = kms.create_key()["KeyMetadata"]
    kms.create_alias(AliasName="alias/backups", TargetKeyId=key["KeyId"])
    keys, alias = (f"arn:aws:kms:us-east-1:{aws.account}:{what}" for what in ("key/*", "alias/backups"))
    names = {"alias/backups": "alias/backups", "arn of the alias": alias, "id": key["KeyId"], "arn": key["Arn"]}

    def wrapped_by(role: str) -> Any:
        return called(build, role, "kms", "generate_data_key", KeyId=names[named], KeySpec="AES_256")

    def of_aliases(*aliases: str) -> dict[str, Any]:
        condition = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": [*aliases]}}
        return allow("kms:GenerateDataKey", keys, Condition=condition)

    assert wrapped_by(build.role(of_aliases("alias/other", "alias/backups"))) is None
    assert wrapped_by(build.role(allow("kms:GenerateDataKey", key["Arn"]))) is None
    for statement in (of_aliases("alias/other"), allow("kms:GenerateDataKey", alias)):
        assert wrapped_by(build.role(statement)) == "AccessDeniedException"


def test_a_token_is_answered_by_who_may_answer_its_state_machine(aws: LocalAws, build: Builder) -> None:
    sqs = build.client("sqs")
    url = sqs.create_queue(QueueName="tokens")["QueueUrl"]
    resource = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"
    message = {"QueueUrl": url, "MessageBody.$": "$$.Task.Token"}
    wait = {"Type": "Task", "Resource": resource, "Parameters": message}
    machine = build.machine(states(Wait=wait), role=build.role(allow("sqs:SendMessage")))
    execution = build.start(machine)
    (found,) = eventually(lambda: sqs.receive_message(QueueUrl=url).get("Messages"))
    answer = {"taskToken": found["Body"], "output": "{}"}

    def answered(who_may: str) -> Any:
        role = build.role(allow("states:SendTaskSuccess", who_may))
        return called(build, role, "stepfunctions", "send_task_success", **answer)

    assert answered(f"{machine}-other") == "AccessDeniedException"
    assert answered(machine) is None
    assert build.ended(execution)["status"] == "SUCCEEDED"


def network(build: Builder) -> Mapping[str, str]:
    """The ids of a VPC, a subnet and a group in it."""
    ec2 = build.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    return {
        "vpc": vpc,
        "subnet": subnet,
        "security-group": ec2.create_security_group(GroupName="g", Description="g", VpcId=vpc)["GroupId"],
    }


def test_a_rule_of_a_group_is_allowed_by_its_vpc(aws: LocalAws, build: Builder) -> None:
    ids, ec2 = network(build), f"arn:aws:ec2:us-east-1:{aws.account}"
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}
    rule = {"GroupId": ids["security-group"], "IpPermissions": [https]}
    for vpc, error in (("vpc-other", "UnauthorizedOperation"), (ids["vpc"], None)):
        here = {"ArnEquals": {"ec2:Vpc": f"{ec2}:vpc/{vpc}"}}
        role = build.role(allow("ec2:AuthorizeSecurityGroupIngress", f"{ec2}:security-group/*", Condition=here))
        assert called(build, role, "ec2", "authorize_security_group_ingress", **rule) == error


def test_tags_of_a_rule_need_permission_for_rule_and_tags(aws: LocalAws, build: Builder) -> None:
    ids, rules = network(build), f"arn:aws:ec2:us-east-1:{aws.account}:security-group-rule/*"
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}
    tags = [{"ResourceType": "security-group-rule", "Tags": [{"Key": "a", "Value": "b"}]}]
    rule = {"GroupId": ids["security-group"], "IpPermissions": [https], "TagSpecifications": tags}
    open_ = "ec2:AuthorizeSecurityGroupIngress"
    on_group = allow(open_, f"arn:aws:ec2:us-east-1:{aws.account}:security-group/*")
    for more in ([], [allow(open_, rules)], [allow("ec2:CreateTags", rules)]):
        role = build.role(on_group, *more)
        assert called(build, role, "ec2", "authorize_security_group_ingress", **rule) == "UnauthorizedOperation"
    role = build.role(on_group, allow([open_, "ec2:CreateTags"], rules))
    assert called(build, role, "ec2", "authorize_security_group_ingress", **rule) is None


@pytest.mark.parametrize("missing", ["", "vpc", "subnet", "security-group", "vpc-endpoint"])
def test_an_endpoint_needs_permission_for_all_that_it_joins(aws: LocalAws, build: Builder, missing: str) -> None:
    ids, prefix = network(build), f"arn:aws:ec2:us-east-1:{aws.account}"
    joined = [f"{prefix}:{kind}/{id_}" for kind, id_ in {**ids, "vpc-endpoint": "*"}.items() if kind != missing]
    wanted = {
        "VpcId": ids["vpc"],
        "SubnetIds": [ids["subnet"]],
        "SecurityGroupIds": [ids["security-group"]],
        "VpcEndpointType": "Interface",
        "ServiceName": "com.amazonaws.us-east-1.states",
    }
    error = called(build, build.role(allow("ec2:CreateVpcEndpoint", joined)), "ec2", "create_vpc_endpoint", **wanted)
    assert error == ("UnauthorizedOperation" if missing else None)


def test_an_endpoint_is_tagged_by_its_own_arn_and_deleted_by_its_tag(aws: LocalAws, build: Builder) -> None:
    ec2 = build.client("ec2")
    made = ec2.create_vpc_endpoint(VpcId=network(build)["vpc"], ServiceName="com.amazonaws.us-east-1.s3")
    id_, tag = made["VpcEndpoint"]["VpcEndpointId"], {"Key": "mwaa-dr", "Value": "created"}
    arn = f"arn:aws:ec2:us-east-1:{aws.account}:vpc-endpoint/{id_}"
    ours = {"StringEquals": {"aws:ResourceTag/mwaa-dr": "created"}}
    role = build.role(allow("ec2:DeleteVpcEndpoints", arn, Condition=ours))
    tags = {"Resources": [id_], "Tags": [tag]}
    assert called(build, role, "ec2", "delete_vpc_endpoints", VpcEndpointIds=[id_]) == "UnauthorizedOperation"
    assert called(build, build.role(allow("ec2:CreateTags", f"{arn}x")), "ec2", "create_tags", **tags) is not None
    assert called(build, build.role(allow("ec2:CreateTags", arn)), "ec2", "create_tags", **tags) is None
    assert called(build, role, "ec2", "delete_vpc_endpoints", VpcEndpointIds=[id_]) is None


@pytest.mark.parametrize(("operation", "error"), [("S3ReplicateObject", None), ("LambdaInvoke", "AccessDenied")])
def test_a_job_is_allowed_by_what_it_does(aws: LocalAws, build: Builder, operation: str, error: str | None) -> None:
    only = {"StringEquals": {"s3:RequestJobOperation": operation}}
    passed = build.role(name="job")
    role = build.role(allow("s3:CreateJob", Condition=only), allow("iam:PassRole", passed))
    job = {
        "AccountId": aws.account,
        "Operation": {"S3ReplicateObject": {}},
        "Report": {"Enabled": False},
        "ClientRequestToken": "token",
        "Priority": 1,
        "RoleArn": passed,
    }
    assert called(build, role, "s3control", "create_job", **job) == error


def test_what_ec2_describes_has_no_resource(aws: LocalAws, build: Builder) -> None:
    id_ = network(build)["vpc"]
    asked = {"VpcIds": [id_]}
    one = build.role(allow("ec2:DescribeVpcs", f"arn:aws:ec2:us-east-1:{aws.account}:vpc/{id_}"))
    assert called(build, one, "ec2", "describe_vpcs", **asked) == "UnauthorizedOperation"
    assert called(build, build.role(allow("ec2:DescribeVpcs")), "ec2", "describe_vpcs", **asked) is None
