"""A Region, a service or a bucket that is silent is silent for everybody, until it is healed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from drill.aws import LocalAws
from drill.aws.control import Silence
from tests.support.local_aws import Builder, states

ASKING = """
import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
def handler(event, context):
    quick = Config(read_timeout=1, retries={"total_max_attempts": 1})
    client = boto3.client(event["service"], region_name=event["region"], config=quick)
    try:
        getattr(client, event["method"])(**event.get("arguments", {}))
        return "answered"
    except (BotoCoreError, ClientError) as error:
        return type(error).__name__
"""


def asked(build: Builder, function: str, region: str, service: str, method: str, **arguments: Any) -> Any:
    """What a Lambda function hears from a service of a Region."""
    event = {"region": region, "service": service, "method": method, "arguments": arguments}
    answer = build.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event).encode())
    return json.loads(answer["Payload"].read())


def test_a_silent_service_is_silent_for_functions_of_another_region(aws: LocalAws) -> None:
    build = Builder(aws, "us-west-2")
    function = build.function(ASKING)
    aws.silence("us-east-1", ["airflow", "monitoring"])
    assert asked(build, function, "us-east-1", "mwaa", "list_environments") == "ConnectionClosedError"
    assert asked(build, function, "us-east-1", "cloudwatch", "list_metrics") == "ConnectionClosedError"
    assert asked(build, function, "us-east-1", "sns", "list_topics") == "answered"
    assert asked(build, function, "us-west-2", "mwaa", "list_environments") == "answered"
    aws.heal()
    assert asked(build, function, "us-east-1", "mwaa", "list_environments") == "answered"


def test_a_silent_region_answers_nothing(aws: LocalAws) -> None:
    aws.silence("us-east-1")
    for service, method in (("kms", "list_keys"), ("stepfunctions", "list_state_machines"), ("sns", "list_topics")):
        with pytest.raises(ConnectionClosedError):
            getattr(aws.client(service), method)()


def test_a_service_that_never_answers_runs_into_the_callers_timeout(aws: LocalAws, build: Builder) -> None:
    function = build.function(ASKING)
    aws.silence("us-east-1", ["airflow"], Silence.TIMEOUT)
    assert asked(build, function, "us-east-1", "mwaa", "list_environments") == ReadTimeoutError.__name__


@pytest.mark.parametrize(("how", "status"), [("error", 503), ("deny", 403), ("throttle", 429)])
@pytest.mark.parametrize(("service", "method"), [("mwaa", "list_environments"), ("sns", "list_topics")])
def test_an_error_comes_in_the_services_own_form(
    aws: LocalAws, how: str, status: int, service: str, method: str
) -> None:
    aws.silence("us-east-1", how=how)
    with pytest.raises(ClientError) as refused:
        getattr(aws.client(service), method)()
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert refused.value.response["Error"]["Message"].endswith("(silenced by the drill)")


def test_a_silent_bucket_is_silent_in_every_region_and_others_answer(aws: LocalAws, build: Builder) -> None:
    build.bucket("primary")
    Builder(aws, "us-west-2").bucket("secondary")
    aws.silence_bucket("primary")
    for region in aws.regions:
        with pytest.raises(ConnectionClosedError):
            aws.client("s3", region).list_objects_v2(Bucket="primary")
    assert aws.client("s3").list_objects_v2(Bucket="secondary")["KeyCount"] == 0
    with pytest.raises(ConnectionClosedError):
        aws.client("s3").copy_object(Bucket="secondary", Key="a", CopySource="primary/a")


def test_a_bucket_that_throttles_says_slow_down(aws: LocalAws, build: Builder) -> None:
    build.bucket("primary")
    aws.silence_bucket("primary", "throttle")
    with pytest.raises(ClientError, match="SlowDown"):
        aws.client("s3").list_objects_v2(Bucket="primary")


def test_a_workflow_meets_the_silence_of_its_region(aws: LocalAws, build: Builder) -> None:
    call = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:mwaa:listEnvironments", "Parameters": {}}
    aws.silence("us-east-1", ["airflow"])
    assert build.run(states(Call=call))["error"] == "Mwaa.SdkClientException"


def test_keys_of_a_silent_region_refuse_and_those_of_the_other_go_on(aws: LocalAws) -> None:
    keys = {region: aws.client("kms", region).create_key()["KeyMetadata"]["KeyId"] for region in aws.regions}
    aws.silence("us-east-1", ["kms"], "deny")
    with pytest.raises(ClientError, match="AccessDenied"):
        aws.client("kms", "us-east-1").generate_data_key(KeyId=keys["us-east-1"], KeySpec="AES_256")
    west = aws.client("kms", "us-west-2")
    data = west.generate_data_key(KeyId=keys["us-west-2"], KeySpec="AES_256")
    assert west.decrypt(CiphertextBlob=data["CiphertextBlob"])["Plaintext"] == data["Plaintext"]


COUNTING = """
import boto3
def handler(event, context):
    boto3.client("s3").put_object(Bucket="done", Key=context.aws_request_id)
"""


def test_a_silence_begins_when_a_workflow_comes_to_a_state(aws: LocalAws, build: Builder) -> None:
    call = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:mwaa:listEnvironments", "ResultPath": None}
    aws.silence("us-east-1", ["airflow"], "deny", at="Second")
    found = build.run(states(First=call, Second=call))
    assert found["error"] == "Mwaa.AccessDeniedException"
    entered = [event for event in build.history(found["executionArn"]) if event["type"] == "TaskStateEntered"]
    assert [event["stateEnteredEventDetails"]["name"] for event in entered] == ["First", "Second"]
    aws.heal()
    assert build.run(states(First=call, Second=call))["status"] == "SUCCEEDED"


def test_a_silence_lasts_as_long_as_one_workflow_is_in_a_state(aws: LocalAws, build: Builder) -> None:
    call = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:mwaa:listEnvironments", "ResultPath": None}
    caught = {"ErrorEquals": ["States.ALL"], "ResultPath": None, "Next": "Second"}
    definition = states(First={**call, "Catch": [caught]}, Second=call)
    machine, other = build.machine(definition), build.machine(definition)
    aws.silence("us-east-1", ["airflow"], "deny", during=f"{machine.rpartition(':')[2]}/First")
    for _ in range(2):
        execution = build.start(machine)
        assert build.ended(execution)["status"] == "SUCCEEDED"
        assert [event["type"] for event in build.history(execution)].count("TaskFailed") == 1
    execution = build.start(other)
    build.ended(execution)
    assert "TaskFailed" not in [event["type"] for event in build.history(execution)]


def test_a_state_whose_answer_is_late_has_failed_although_all_is_done(aws: LocalAws, build: Builder) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html: States.Timeout."""
    build.bucket("done")
    again = [{"ErrorEquals": ["States.Timeout"], "MaxAttempts": 1}]
    task = {"Type": "Task", "Resource": build.function(COUNTING), "Retry": again}
    aws.delay("Count")
    found = build.run(states(Count=task))
    assert (found["status"], found["error"]) == ("FAILED", "States.Timeout")
    assert aws.client("s3").list_objects_v2(Bucket="done")["KeyCount"] == 2
    aws.heal()
    build.client("stepfunctions").redrive_execution(executionArn=found["executionArn"])
    assert build.ended(found["executionArn"])["status"] == "SUCCEEDED"
