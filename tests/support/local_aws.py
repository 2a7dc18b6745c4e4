"""Builders on a local AWS: roles, functions, state machines, environments, with defaults."""

from __future__ import annotations

import io
import itertools
import json
import textwrap
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from drill.aws import LocalAws

Found = TypeVar("Found")

INVOKE = "arn:aws:states:::lambda:invoke"
WAIT_FOR_TOKEN = f"{INVOKE}.waitForTaskToken"
SERVICES = ("lambda", "states", "scheduler", "events", "airflow", "s3", "batchoperations.s3")


def eventually(look: Callable[[], Found], seconds: float = 20) -> Found:
    """What a look finds once it is true; the last look's answer is in the AssertionError."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"still {found!r} after {seconds} s"
        time.sleep(0.05)
    return found


def states(**named: Mapping[str, Any]) -> dict[str, Any]:
    """A definition whose states follow each other as they are written, unless they say otherwise."""
    names = list(named)
    chained = {}
    for name, following in zip(names, [*names[1:], None], strict=True):
        state = dict(named[name])
        has_its_own = {"Next", "End"} & set(state) or state["Type"] in ("Choice", "Succeed", "Fail")
        if not has_its_own:
            state.update({"Next": following} if following else {"End": True})
        chained[name] = state
    return {"StartAt": names[0], "States": chained}


@dataclass
class Builder:
    """Makes things in one Region of a local AWS."""

    aws: LocalAws
    region: str = "us-east-1"
    _numbers: Any = field(default_factory=itertools.count)

    def client(self, service: str) -> Any:
        """A client of the Region."""
        return self.aws.client(service, self.region)

    def role(self, *statements: Mapping[str, Any], name: str = "worker") -> str:
        """The ARN of a new role that our services may assume, with these statements as its policy."""
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": [f"{service}.amazonaws.com" for service in SERVICES]},
            "Action": "sts:AssumeRole",
        }
        name = f"{name}-{next(self._numbers)}"
        iam = self.client("iam")
        arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trust))["Role"]["Arn"]
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="policy", PolicyDocument=_policy(*statements))
        return arn

    def function(self, code: str, *, role: str = "", timeout: int = 20, vpc: Mapping[str, Any] | None = None) -> str:
        """The ARN of a Python function; its handler is called `handler`."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("app.py", textwrap.dedent(code))
        made = self.client("lambda").create_function(
            FunctionName=f"function-{next(self._numbers)}",
            Runtime="python3.12",
            Role=role or self.role(),
            Handler="app.handler",
            Code={"ZipFile": packed.getvalue()},
            Timeout=timeout,
            VpcConfig=vpc or {},
        )
        return str(made["FunctionArn"])

    def machine(self, definition: Mapping[str, Any], *, role: str = "") -> str:
        """The ARN of a state machine."""
        made = self.client("stepfunctions").create_state_machine(
            name=f"machine-{next(self._numbers)}", definition=json.dumps(definition), roleArn=role or self.role()
        )
        return str(made["stateMachineArn"])

    def start(self, machine: str, data: Any = None) -> str:
        """The ARN of a new execution."""
        states = self.client("stepfunctions")
        return str(states.start_execution(stateMachineArn=machine, input=json.dumps(data or {}))["executionArn"])

    def ended(self, execution: str, seconds: float = 30) -> dict[str, Any]:
        """An execution's description once it does not run any more; `output` is parsed."""
        states = self.client("stepfunctions")

        def look() -> dict[str, Any] | None:
            found: dict[str, Any] = states.describe_execution(executionArn=execution)
            return None if found["status"] == "RUNNING" else found

        found = eventually(look, seconds)
        assert found
        return {**found, "output": json.loads(found["output"]) if found.get("output") else None}

    def run(self, definition: Mapping[str, Any], data: Any = None, *, role: str = "") -> dict[str, Any]:
        """What becomes of one execution of a definition."""
        return self.ended(self.start(self.machine(definition, role=role), data))

    def history(self, execution: str) -> list[dict[str, Any]]:
        """All events of an execution."""
        found = self.client("stepfunctions").get_execution_history(executionArn=execution, maxResults=1000)
        return list(found["events"])

    def bucket(self, name: str, *, versioned: bool = True) -> str:
        """A new bucket in the Region."""
        place = {} if self.region == "us-east-1" else {"LocationConstraint": self.region}
        s3 = self.client("s3")
        s3.create_bucket(Bucket=name, **({"CreateBucketConfiguration": place} if place else {}))
        if versioned:
            s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return name

    def environment(self, name: str = "mwaa", **more: Any) -> dict[str, Any]:
        """Begin to create an MWAA environment; what is answered."""
        wanted = {
            "Name": name,
            "ExecutionRoleArn": f"arn:aws:iam::{self.aws.account}:role/execution",
            "SourceBucketArn": "arn:aws:s3:::dags",
            "DagS3Path": "dags",
            "NetworkConfiguration": {"SubnetIds": ["subnet-a", "subnet-b"], "SecurityGroupIds": ["sg-a"]},
            "AirflowVersion": "2.10.3",
        }
        answer: dict[str, Any] = self.client("mwaa").create_environment(**{**wanted, **more})
        return answer

    def status(self, name: str = "mwaa") -> str:
        """The status of an environment."""
        return str(self.client("mwaa").get_environment(Name=name)["Environment"]["Status"])


def _policy(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
