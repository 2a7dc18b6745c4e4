"""Lambda behaves as https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from drill.aws import LocalAws
from tests.support.local_aws import Builder


def invoked(build: Builder, code: str, **more: Any) -> tuple[str, Any]:
    """What is FunctionError, and the payload."""
    function = build.function(code, **more)
    answer = build.client("lambda").invoke(FunctionName=function, Payload=b'{"x": 1}')
    return answer.get("FunctionError", ""), json.loads(answer["Payload"].read())


def test_a_function_runs_its_own_code(build: Builder) -> None:
    assert invoked(build, "def handler(event, context): return event['x'] + 1") == ("", 2)


def test_a_function_finds_nothing_of_ours_but_what_it_was_deployed_with(build: Builder) -> None:
    code = """
    import os, sys
    def handler(event, context):
        ours = sorted({name.partition(".")[0] for name in sys.modules} & {"assets", "lib", "mwaa_dr", "ministack"})
        return [ours, os.environ["AWS_LAMBDA_FUNCTION_NAME"] == context.function_name, os.getcwd() in sys.path]
    """
    assert invoked(build, code) == ("", [[], True, True])


def test_each_worker_starts_anew(build: Builder) -> None:
    code = """
    import os
    def handler(event, context):
        os.environ["SEEN"] = os.environ.get("SEEN", "") + "x"
        if len(os.environ["SEEN"]) == 2: raise SystemError(os.environ["SEEN"])
        return os.environ["SEEN"]
    """
    function = build.function(code)
    answers = [build.client("lambda").invoke(FunctionName=function)["Payload"].read() for _ in range(3)]
    assert [answers[0], answers[2]] == [b'"x"', b'"x"']
    assert json.loads(answers[1])["errorType"] == "SystemError"


def test_an_error_is_called_by_the_name_of_its_exception(build: Builder) -> None:
    code = """
    class EnvironmentNotReadyError(Exception): pass
    def handler(event, context): raise EnvironmentNotReadyError("not yet")
    """
    failed, payload = invoked(build, code)
    assert (failed, payload["errorMessage"]) == ("Unhandled", "not yet")
    assert payload["errorType"] == "EnvironmentNotReadyError"
    assert any("raise EnvironmentNotReadyError" in line for line in payload["stackTrace"])


def test_the_last_exception_of_a_chain_gives_the_name(build: Builder) -> None:
    code = """
    def handler(event, context):
        try:
            {}["missing"]
        except KeyError as error:
            raise RuntimeError("first line\\nValueError: second line") from error
    """
    assert invoked(build, code)[1]["errorType"] == "RuntimeError"


def test_a_module_that_cannot_be_imported_is_told_from_an_error_of_the_handler(build: Builder) -> None:
    _, payload = invoked(build, "import nowhere\ndef handler(event, context): pass")
    assert payload["errorType"] == "Runtime.ImportModuleError"
    assert "nowhere" in payload["errorMessage"]


def test_a_time_out_is_sandbox_timedout(build: Builder) -> None:
    _, payload = invoked(build, "import time\ndef handler(event, context): time.sleep(30)", timeout=1)
    assert payload["errorType"] == "Sandbox.Timedout"


def test_a_function_signs_as_its_own_role_in_its_own_region(aws: LocalAws) -> None:
    build = Builder(aws, "us-west-2")
    role = build.role()
    aws.forget_calls()
    invoked(build, "import boto3\ndef handler(event, context): boto3.client('s3').list_buckets()", role=role)
    call = next(call for call in aws.calls() if call.action == "s3:ListAllMyBuckets")
    assert (call.role, call.region) == (role.rpartition("/")[2], "us-west-2")


@pytest.mark.parametrize("changed", [False, True])
def test_a_template_puts_a_function_into_a_vpc(build: Builder, changed: bool) -> None:
    cloudformation = build.client("cloudformation")
    network = {"SubnetIds": ["subnet-a"], "SecurityGroupIds": ["sg-a"]}
    function = {
        "Role": build.role(),
        "Handler": "app.handler",
        "Code": {"ZipFile": "def handler(event, context): pass"},
    }

    def template(**more: Any) -> dict[str, str]:
        resource = {"Type": "AWS::Lambda::Function", "Properties": {**function, "Runtime": "python3.12", **more}}
        return {"StackName": "stack", "TemplateBody": json.dumps({"Resources": {"Function": resource}})}

    cloudformation.create_stack(**template(**({} if changed else {"VpcConfig": network})))
    cloudformation.get_waiter("stack_create_complete").wait(StackName="stack", WaiterConfig={"Delay": 1})
    if changed:
        cloudformation.update_stack(**template(VpcConfig=network))
        cloudformation.get_waiter("stack_update_complete").wait(StackName="stack", WaiterConfig={"Delay": 1})
    (made,) = build.client("lambda").list_functions()["Functions"]
    assert {name: made["VpcConfig"][name] for name in network} == network
