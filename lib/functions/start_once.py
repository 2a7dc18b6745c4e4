"""Custom resource: one execution of a state machine, begun when the stack is created and never again."""

from __future__ import annotations

import hashlib

from lib.functions.aws import client
from lib.functions.cfn import Request, Result, serve
from lib.functions.log import logger

_log = logger(__name__)


def act(request: Request) -> Result:
    """Properties: Region, StateMachine (ARN). The physical id is the execution; whoever deletes it lets it run on."""
    if request.kind != "Create":
        return Result(request.physical_id)
    states = client("stepfunctions", request.properties["Region"])
    # The same stack asks for the same execution: what CloudFormation sends twice starts one.
    name = hashlib.sha256(f"{request.stack_id}/{request.logical_id}".encode()).hexdigest()[:32]
    arguments = {"stateMachineArn": request.properties["StateMachine"], "name": name, "input": "{}"}
    try:
        arn = states.start_execution(**arguments)["executionArn"]
    except states.exceptions.ExecutionAlreadyExists:
        _log.info("the execution was started before", extra={"execution": name})
        arn = f"{request.properties['StateMachine'].replace(':stateMachine:', ':execution:')}:{name}"
    return Result(str(arn))


handler = serve(act)
