"""States as https://docs.aws.amazon.com/step-functions/latest/dg/concepts-states.html and its neighbours say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from drill.aws import LocalAws
from drill.aws.simulator.workflows.definition import problems
from tests.support.local_aws import INVOKE, Builder, eventually, states

COUNTING = """
import boto3
def handler(event, context):
    s3 = boto3.client("s3")
    tried = 1 + s3.list_objects_v2(Bucket="tries")["KeyCount"]
    s3.put_object(Bucket="tries", Key=str(tried))
    if tried < 3:
        raise RuntimeError("not yet")
    return tried
"""


def task(resource: str, parameters: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A Task."""
    return {"Type": "Task", "Resource": resource, "Parameters": parameters, **more}


def sdk(action: str, parameters: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A Task of the AWS SDK integration."""
    return task(f"arn:aws:states:::aws-sdk:{action}", parameters, **more)


def test_a_function_is_tried_again_by_the_name_of_its_exception(build: Builder) -> None:
    build.bucket("tries")
    again = [{"ErrorEquals": ["RuntimeError"], "IntervalSeconds": 60, "MaxAttempts": 4}]
    done = build.run(states(Try=task(INVOKE, {"FunctionName": build.function(COUNTING)}, Retry=again)))
    assert done["output"]["Payload"] == 3


def test_an_exception_is_caught_with_its_payload_as_cause(build: Builder) -> None:
    function = build.function("def handler(event, context): raise KeyError('blueprint')")
    caught = [{"ErrorEquals": ["KeyError"], "ResultPath": "$.failed", "Next": "End"}]
    first = task(INVOKE, {"FunctionName": function}, Catch=caught)
    done = build.run(states(First=first, End={"Type": "Pass"}), {"kept": 1})
    assert done["output"]["kept"] == 1
    assert done["output"]["failed"]["Error"] == "KeyError"
    assert json.loads(done["output"]["failed"]["Cause"])["errorMessage"] == "'blueprint'"


def test_a_task_that_takes_too_long_is_timed_out(build: Builder) -> None:
    function = build.function("import time\ndef handler(event, context): time.sleep(15)")
    done = build.run(states(Slow=task(INVOKE, {"FunctionName": function}, TimeoutSeconds=1)))
    assert (done["status"], done["error"]) == ("FAILED", "States.Timeout")


def test_a_machine_that_takes_too_long_is_timed_out_not_failed(build: Builder, aws: LocalAws) -> None:
    aws.scale(waits=1)
    done = build.run({**states(Long={"Type": "Wait", "Seconds": 60}), "TimeoutSeconds": 1})
    assert done["status"] == "TIMED_OUT"
    assert build.history(done["executionArn"])[-1]["type"] == "ExecutionTimedOut"


def test_an_execution_is_timed_out_when_a_test_says_so_and_goes_on_when_it_is_redriven(
    build: Builder, aws: LocalAws
) -> None:
    aws.scale(waits=1)
    execution = build.start(build.machine({**states(Long={"Type": "Wait", "Seconds": 60}), "TimeoutSeconds": 600}))
    eventually(lambda: len(build.history(execution)) > 1)
    aws.time_out(execution)
    found = build.ended(execution)
    assert (found["status"], found["error"]) == ("TIMED_OUT", "States.Timeout")
    aws.scale(waits=0)
    build.client("stepfunctions").redrive_execution(executionArn=execution)
    assert build.ended(execution)["status"] == "SUCCEEDED"


def test_timeouts_are_shortened_by_their_scale(build: Builder, aws: LocalAws) -> None:
    aws.scale(waits=1, timeouts=0.001)
    done = build.run({**states(Long={"Type": "Wait", "Seconds": 60}), "TimeoutSeconds": 600})
    assert done["status"] == "TIMED_OUT"


def test_an_execution_keeps_the_definition_it_was_started_with(build: Builder, aws: LocalAws) -> None:
    aws.scale(waits=1)
    machine = build.machine(states(Long={"Type": "Wait", "Seconds": 2}, Say={"Type": "Pass", "Result": "old"}))
    execution = build.start(machine)
    eventually(lambda: len(build.history(execution)) > 1)
    changed = json.dumps(states(Say={"Type": "Pass", "Result": "new"}))
    build.client("stepfunctions").update_state_machine(stateMachineArn=machine, definition=changed)
    assert build.ended(execution)["output"] == "old"


@pytest.mark.parametrize("found", [{}, {"a": {"b": 1}}])
def test_a_path_that_leads_nowhere_fails_and_cannot_be_caught(build: Builder, found: dict[str, Any]) -> None:
    caught = [{"ErrorEquals": ["States.ALL"], "Next": "End"}]
    first = task(INVOKE, {"FunctionName.$": "$.a.c"}, Catch=caught)
    done = build.run(states(First=first, End={"Type": "Pass"}), found)
    assert (done["status"], done["error"]) == ("FAILED", "States.Runtime")
    assert "$.a.c" in done["cause"]


def test_a_choice_on_what_is_not_there_fails_unless_it_asks_for_it(build: Builder) -> None:
    def machine(rule: dict[str, Any]) -> dict[str, Any]:
        choice = {"Type": "Choice", "Choices": [{**rule, "Next": "Yes"}], "Default": "No"}
        return states(Ask=choice, Yes={"Type": "Pass", "Result": 1, "End": True}, No={"Type": "Pass", "Result": 0})

    assert build.run(machine({"Variable": "$.force", "IsPresent": True}))["output"] == 0
    assert build.run(machine({"Variable": "$.force", "StringEquals": "YES"}))["error"] == "States.Runtime"
    both = {"And": [{"Variable": "$.force", "IsPresent": True}, {"Variable": "$.force", "StringEquals": "YES"}]}
    assert build.run(machine(both))["output"] == 0
    assert build.run(machine(both), {"force": "YES"})["output"] == 1


def test_variables_are_assigned_and_read_with_jsonpath(build: Builder) -> None:
    remember = {"Type": "Pass", "Assign": {"backup.$": "$.id"}}
    recall = {"Type": "Pass", "Parameters": {"restored.$": "$backup", "as": 1}}
    assert build.run(states(Remember=remember, Recall=recall), {"id": "b1"})["output"] == {"restored": "b1", "as": 1}


def test_jsonata_computes_chooses_and_assigns(build: Builder) -> None:
    choice = {"Type": "Choice", "Choices": [{"Condition": "{% $states.input.age > 300 %}", "Next": "Say"}]}
    remember = {"Type": "Pass", "Assign": {"late": "{% $states.input.age - 300 %}"}, "Next": "Ask"}
    say = {"Type": "Pass", "Output": "{% {'late': $late, 'name': $uppercase('mwaa')} %}"}
    definition = {**states(Remember=remember, Ask=choice, Say=say), "QueryLanguage": "JSONata"}
    assert build.run(definition, {"age": 360})["output"] == {"late": 60, "name": "MWAA"}


def test_the_branch_that_fails_fails_the_parallel_state_and_stops_the_others(build: Builder, aws: LocalAws) -> None:
    aws.scale(waits=1)
    long = states(Long={"Type": "Wait", "Seconds": 600})
    broken = states(Break={"Type": "Fail", "Error": "Broken", "Cause": "for a reason"})
    done = build.run(states(Both={"Type": "Parallel", "Branches": [long, broken]}))
    assert (done["error"], done["cause"]) == ("Broken", "for a reason")


def test_a_map_runs_each_item_and_keeps_their_order(build: Builder) -> None:
    each = {"ProcessorConfig": {"Mode": "INLINE"}, **states(Say={"Type": "Pass"})}
    select = {"n.$": "$$.Map.Item.Index", "item.$": "$$.Map.Item.Value", "all.$": "$.name"}
    loop = {"Type": "Map", "ItemsPath": "$.items", "ItemSelector": select, "ItemProcessor": each}
    done = build.run(states(Loop=loop), {"items": ["a", "b"], "name": "x"})
    assert done["output"] == [{"n": 0, "item": "a", "all": "x"}, {"n": 1, "item": "b", "all": "x"}]


def test_the_sdk_integration_calls_any_service(build: Builder) -> None:
    build.bucket("backups")
    put = sdk("s3:putObject", {"Bucket": "backups", "Key": "a.json", "Body.$": "$"}, ResultPath=None)
    get = sdk("s3:getObject", {"Bucket": "backups", "Key": "a.json"})
    read = {"Type": "Pass", "Parameters": {"found.$": "States.StringToJson($.Body)"}}
    assert build.run(states(Put=put, Get=get, Read=read), {"rows": 1})["output"] == {"found": {"rows": 1}}


@pytest.mark.parametrize(
    ("action", "parameters", "error"),
    [
        ("s3:getObject", {"Bucket": "backups", "Key": "nope"}, "S3.NoSuchKeyException"),
        ("mwaa:getEnvironment", {"Name": "nope"}, "Mwaa.ResourceNotFoundException"),
        ("dynamodb:getItem", {"TableName": "nope", "Key": {"id": {"S": "1"}}}, "DynamoDb.ResourceNotFoundException"),
        ("scheduler:getSchedule", {"Name": "nope"}, "Scheduler.ResourceNotFoundException"),
        ("mwaa:getEnvironment", {"Nonsense": "x"}, "States.Runtime"),
    ],
)
def test_errors_of_the_sdk_integration_have_the_service_before_them(
    build: Builder, action: str, parameters: dict[str, Any], error: str
) -> None:
    build.bucket("backups")
    assert build.run(states(Call=sdk(action, parameters)))["error"] == error


def test_more_than_256_kib_between_two_states_fail_the_execution(build: Builder) -> None:
    say = {"Type": "Pass", "Parameters": {"twice.$": "States.Format('{}{}', $.half, $.half)"}}
    definition = states(Say=say, End={"Type": "Pass"})
    assert build.run(definition, {"half": "x" * 100_000})["status"] == "SUCCEEDED"
    assert build.run(definition, {"half": "x" * 140_000})["error"] == "States.DataLimitExceeded"


def test_a_machine_starts_another_and_waits_for_its_output(build: Builder) -> None:
    child = build.machine(states(Say={"Type": "Pass", "Result": {"done": True}}))
    start = task("arn:aws:states:::states:startExecution.sync:2", {"StateMachineArn": child, "Input": {}})
    assert build.run(states(Start=start))["output"]["Output"] == {"done": True}


def test_the_history_names_each_state_with_what_came_before(build: Builder) -> None:
    function = build.function("def handler(event, context): raise ValueError('no')")
    done = build.run(states(First={"Type": "Pass"}, Second=task(INVOKE, {"FunctionName": function})))
    events = build.history(done["executionArn"])
    assert [event["type"] for event in events] == [
        "ExecutionStarted",
        "PassStateEntered",
        "PassStateExited",
        "TaskStateEntered",
        "TaskScheduled",
        "TaskStarted",
        "TaskFailed",
        "ExecutionFailed",
    ]
    assert [event["previousEventId"] for event in events] == list(range(8))
    assert events[6]["taskFailedEventDetails"]["resource"] == "invoke"
    assert events[6]["taskFailedEventDetails"]["error"] == "ValueError"


def test_a_change_of_status_is_an_event_that_calls_a_function(build: Builder) -> None:
    build.bucket("heard")
    note = """
    import boto3, json
    def handler(event, context):
        name = event["detail"]["status"] + ".json"
        boto3.client("s3").put_object(Bucket="heard", Key=name, Body=json.dumps(event))
    """
    events, function = build.client("events"), build.function(note)
    wanted = {"source": ["aws.states"], "detail": {"status": ["FAILED", "TIMED_OUT", "ABORTED"]}}
    events.put_rule(Name="ended", EventPattern=json.dumps(wanted))
    events.put_targets(Rule="ended", Targets=[{"Id": "1", "Arn": function}])
    done = build.run(states(End={"Type": "Fail", "Error": "Broken", "Cause": "why"}))
    s3 = build.client("s3")
    found = eventually(lambda: [item["Key"] for item in s3.list_objects_v2(Bucket="heard").get("Contents", [])])
    assert found == ["FAILED.json"]
    detail = json.loads(s3.get_object(Bucket="heard", Key="FAILED.json")["Body"].read())["detail"]
    assert detail["executionArn"] == done["executionArn"]
    assert (detail["error"], detail["cause"], detail["redriveStatus"]) == ("Broken", "why", "REDRIVABLE")


BROKEN = {
    "no start": {"StartAt": "Nowhere", "States": {"A": {"Type": "Succeed"}}},
    "no target": states(A={"Type": "Pass", "Next": "Nowhere"}),
    "unreachable": {"StartAt": "A", "States": {"A": {"Type": "Succeed"}, "B": {"Type": "Succeed"}}},
    "no end": {"StartAt": "A", "States": {"A": {"Type": "Pass"}}},
    "no type": {"StartAt": "A", "States": {"A": {"End": True}}},
    "in a branch": states(A={"Type": "Parallel", "Branches": [{"StartAt": "B", "States": {}}]}),
    "heartbeat": states(A=task(INVOKE, {}, TimeoutSeconds=60, HeartbeatSeconds=60)),
    "all first": states(A=task(INVOKE, {}, Retry=[{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["E"]}])),
    "long name": states(**{"A" * 81: {"Type": "Succeed"}}),
}


@pytest.mark.parametrize("why", BROKEN)
def test_a_definition_that_aws_refuses_has_a_problem(why: str) -> None:
    assert problems(json.dumps(BROKEN[why]))


def test_a_broken_definition_is_refused_at_creation_and_update(build: Builder) -> None:
    machine = build.machine(states(A={"Type": "Succeed"}))
    with pytest.raises(ClientError, match="InvalidDefinition"):
        build.machine(BROKEN["no target"])
    with pytest.raises(ClientError, match="InvalidDefinition"):
        build.client("stepfunctions").update_state_machine(stateMachineArn=machine, definition="{")
