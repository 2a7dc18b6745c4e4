"""The custom resource that makes an environment that is there its own, and undoes it when the stack is destroyed.

It runs outside any VPC, asks MWAA from where the web server is reached, and does the work here or through the copy of
`own_environment` inside. Permissions: airflow:GetEnvironment, cloudformation:DescribeStacks on its stack, those of
`own_environment`, lambda:InvokeFunction on that copy and on itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lib.functions import errors, mwaa, own_environment
from lib.functions.aws import client
from lib.functions.calls import calling
from lib.functions.cfn import Request, Result, serve
from lib.functions.errors import AirflowUnavailable, FunctionError, Misconfigured, NotReady
from lib.functions.mwaa import Place

INSIDE_SECONDS = 660
"""How long the copy inside is waited for, longer than its own time-out of ten minutes."""

BEYOND = mwaa.GONE | mwaa.BROKEN | {"DELETING"}
"""Where nothing is left to undo."""


def act(request: Request) -> Result:
    """Create, update or delete; the properties are those of `own_environment` and `inside`, the copy's ARN.

    NotReady while the environment changes or its backup DAG is not parsed.
    """
    place = Place.of(request.properties["environment"])
    environment = mwaa.find(place)
    status = mwaa.status_of(environment)
    if request.kind == "Delete" and status in BEYOND:
        return Result(request.physical_id)
    if environment is None or status in BEYOND:
        if request.kind == "Update" and _goes_back(request.stack_id):
            return Result(request.physical_id)
        when = "when it is AVAILABLE, or, where it is stopped on purpose, after its start"
        raise Misconfigured(f"{place} is {status}. HINT: Deploy {when}, or correct its name and Region.")
    if status not in mwaa.USABLE:
        raise NotReady(f"{place} is {status}")
    is_private = mwaa.web_server_of(environment) == "PRIVATE"
    inside = request.properties["inside"] if is_private else ""
    if is_private and not inside:
        raise Misconfigured(f"{place} has a private web server. HINT: Configure its VPC, subnets and security groups.")
    _do(_asked(request, environment["AirflowVersion"]), inside)
    return Result(f"airflow-{place.id}")


def _goes_back(stack_id: str) -> bool:
    """Whether a deployment has failed: what an environment had that is gone, as while it is stopped, was not changed.

    An error would leave the stack in UPDATE_ROLLBACK_FAILED, out of which only a person helps it.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-continueupdaterollback.html
    """
    with calling(f"describe {stack_id}"):
        stacks = client("cloudformation", stack_id.split(":")[3]).describe_stacks(StackName=stack_id)["Stacks"]
    return str(stacks[0]["StackStatus"]).startswith("UPDATE_ROLLBACK_")


def _asked(request: Request, version: str) -> dict[str, Any]:
    """What `own_environment` is asked."""
    asked = {name: value for name, value in request.properties.items() if name != "inside"}
    before, now = request.old_properties, request.properties
    is_same = before.get("environment") == now["environment"]
    return {
        **asked,
        "op": "disown" if request.kind == "Delete" else "own",
        "version": version,
        "stale": sorted(before["variables"].keys() - now["variables"].keys()) if is_same else [],
    }


def _do(asked: Mapping[str, Any], inside: str) -> None:
    """Do it here, or inside; a web server that does not answer now is asked again, but not on a way out."""
    try:
        if inside:
            _invoke(inside, asked)
        else:
            own_environment.handler(asked, None)
    except AirflowUnavailable as error:
        if asked["op"] == "disown":
            raise
        raise NotReady(str(error)) from error


def _invoke(function: str, payload: Mapping[str, Any]) -> None:
    region = function.split(":")[3]
    with calling(f"invoke {function}"):
        aws_lambda = client("lambda", region, read=INSIDE_SECONDS, attempts=1)
        answer = aws_lambda.invoke(FunctionName=function, Payload=json.dumps(payload).encode())
    said = json.loads(answer["Payload"].read() or b"null")
    if "FunctionError" in answer:
        raise _named(said.get("errorType", ""), said.get("errorMessage", "it said nothing"))


def _named(name: str, message: str) -> FunctionError:
    """The error that a function of ours raised elsewhere; any other is its crash or time-out."""
    known = getattr(errors, name, None)
    if isinstance(known, type) and issubclass(known, FunctionError):
        return known(message)
    if "timed out" in message:
        return AirflowUnavailable(f"the function inside the VPC did not end: {message}")
    return Misconfigured(f"the function inside the VPC failed: {name}: {message}")


handler = serve(act, deletes_always=True)
