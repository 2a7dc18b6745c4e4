"""Disaster recovery, deployed on a local AWS by the CDK command line, with a primary environment that works."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from drill.aws import LocalAws
from lib.config import Config
from lib.config.recovery import DisasterRecovery
from lib.config.recovery_sections import Side
from lib.functions.record_table import KEY
from lib.stacks import add_stacks
from mwaa_dr.framework.manifest import Environment
from mwaa_dr.framework.storage.s3 import S3Storage
from tests.support import account
from tests.support.airflow_front import AirflowFront
from tests.support.local_aws import Builder, eventually
from tests.support.mailbox import Mail, Mailbox
from tests.support.stacks import new_app

ROOT = Path(__file__).parents[2]
PROD = Environment("prod", "us-east-1")
GOLDEN = ROOT / "tests" / "golden" / "format-1" / "plain"
"""Backups that the engine took of `prod` in us-east-1."""

ACCOUNT = "111222333444"
NAMED = {
    "PRIMARY_MWAA_ENVIRONMENT_NAME": PROD.name,
    # Longer than any test: a check starts when a test says so.
    "HEALTH_CHECK_INTERVAL_MINS": "60",
}
REGIONS = {"PRIMARY": "us-east-1", "SECONDARY": "us-west-2"}
TOLD = ("Arn", "CreationDate", "LastModificationDate", "ResponseMetadata")
"""What GetSchedule says and UpdateSchedule does not take."""


@dataclass
class Deployment:
    """Both stacks, and what a test does to the world around them."""

    aws: LocalAws
    env: Path
    config: DisasterRecovery
    airflows: Mapping[str, AirflowFront]
    """By Region."""
    mailbox: Mailbox
    """Of the secondary's topic."""
    schedule_before: Mapping[str, Any]
    """The schedule of the health check as it was deployed."""
    environments: Mapping[str, Any]
    """The fields of both environments that differ from what is usual."""

    @property
    def primary(self) -> Side:
        """The side that is recovered."""
        return self.config.primary

    @property
    def secondary(self) -> Side:
        """The side that recovers."""
        return self.config.secondary

    @property
    def airflow(self) -> AirflowFront:
        """The Airflow of the secondary."""
        return self.airflows[self.secondary.region]

    @property
    def backups(self) -> str:
        """The name of the secondary's backup bucket."""
        return self.config.backup_bucket_name(self.secondary)

    @cached_property
    def build(self) -> Builder:
        """A builder in the secondary Region."""
        return Builder(self.aws, self.secondary.region)

    @property
    def machine(self) -> str:
        """The ARN of the recovery state machine."""
        return f"arn:aws:states:{self.secondary.region}:{ACCOUNT}:stateMachine:{self.config.workflow_name}"

    def client(self, service: str) -> Any:
        """A client in the secondary Region."""
        return self.aws.client(service, self.secondary.region)

    def operate(self, *arguments: str) -> str:
        """What `./build.sh` says to a person who types this, in the folder of the .env."""
        path = os.pathsep.join([str(ROOT), str(ROOT / "assets" / "dags")])
        done = subprocess.run(
            [sys.executable, "-m", "lib.operate", *arguments],
            cwd=self.env.parent,
            env=self.aws.environment() | {"PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def configure(self, stack: str = "", **variables: str) -> None:
        """Deploy a stack again with other values, the secondary one unless told."""
        lines = self.env.read_text().splitlines()
        kept = [line for line in lines if line.partition("=")[0] not in variables]
        self.env.write_text("\n".join([*kept, *(f"{name}={value}" for name, value in variables.items()), ""]))
        cdk_deploy(self.aws, self.env, stack or self.config.secondary_stack_name)
        self.config = _configured(self.env)

    def start(self, **flags: str) -> str:
        """Start the recovery workflow by hand; the ARN of the execution."""
        return self.build.start(self.machine, flags)

    def run(self, **flags: str) -> Execution:
        """What becomes of one execution."""
        return self.ended(self.start(**flags))

    def ended(self, arn: str) -> Execution:
        """An execution once it does not run any more."""
        return Execution(self.build, arn, self.build.ended(arn))

    def redriven(self, execution: Execution) -> Execution:
        """The same execution after a redrive."""
        states = self.client("stepfunctions")
        states.redrive_execution(executionArn=execution.arn)
        return self.ended(execution.arn)

    def fails(self) -> None:
        """MWAA says that the primary is broken."""
        self.aws.mwaa.status(self.primary.region, self.primary.environment_name, "UNAVAILABLE")

    def status(self) -> str:
        """The status of the secondary environment."""
        found = self.client("mwaa").list_environments()["Environments"]
        return self.build.status(found[0]) if found else "NOT_FOUND"

    def environment(self) -> dict[str, Any]:
        """All that MWAA says of the secondary environment."""
        answer = self.client("mwaa").get_environment(Name=self.secondary.environment_name)
        return dict(answer["Environment"])

    def blueprint(self) -> dict[str, Any]:
        """The fields of the blueprint that is stored."""
        return dict(self._stored_blueprint()["fields"])

    def store_blueprint(self, **fields: Any) -> None:
        """Change the blueprint that is stored."""
        document = self._stored_blueprint()
        document["fields"].update(fields)
        key = self.config.deployment.backup_file_name
        self.client("s3").put_object(Bucket=self.backups, Key=key, Body=json.dumps(document).encode())

    def deadline_mins(self, minutes: int) -> AbstractContextManager[None]:
        """Another deadline for every wait for the environment: a time-out that no test can wait for."""
        return self._redefined(r'"deadline_mins":\d+', f'"deadline_mins":{minutes}')

    def machine_timeout(self, seconds: int) -> AbstractContextManager[None]:
        """Another time-out of whole executions that start in the block."""
        return self._redefined(r'"TimeoutSeconds":\d+}$', f'"TimeoutSeconds":{seconds}}}')

    @contextmanager
    def _redefined(self, found: str, changed: str) -> Iterator[None]:
        states = self.client("stepfunctions")
        definition = states.describe_state_machine(stateMachineArn=self.machine)["definition"]
        other, count = re.subn(found, changed, definition)
        assert count
        states.update_state_machine(stateMachineArn=self.machine, definition=other)
        try:
            yield
        finally:
            states.update_state_machine(stateMachineArn=self.machine, definition=definition)

    @contextmanager
    def broken(self, handler: str) -> Iterator[None]:
        """A function that cannot be imported, as after a bad deployment."""
        functions = self.client("lambda")
        pages = functions.get_paginator("list_functions").paginate()
        (name,) = [one["FunctionName"] for page in pages for one in page["Functions"] if one["Handler"] == handler]
        functions.update_function_configuration(FunctionName=name, Handler=f"{handler}.gone")
        try:
            yield
        finally:
            functions.update_function_configuration(FunctionName=name, Handler=handler)

    def runs(self, dag_id: str) -> None:
        """Wait until a DAG of the secondary runs."""
        eventually(lambda: "running" in self.airflow.runs[dag_id].values())

    def let_it_be_time(self) -> None:
        """The schedule has not fired for its whole interval."""
        interval = self.config.health_check.interval_mins
        self.aws.age_schedule(self.secondary.region, self.config.schedule_name, interval + 1)

    def started(self) -> str:
        """The ARN of the next execution that somebody else starts."""
        states = self.client("stepfunctions")
        known = self._executions(states)
        found = eventually(lambda: self._executions(states) - known, 90)
        return next(iter(found))

    def remember(self, name: str, **values: str) -> None:
        """Write a record."""
        item = {field: {"S": value} for field, value in {KEY: name, **values}.items()}
        self.client("dynamodb").put_item(TableName=self.config.records_table_name, Item=item)

    def schedule(self) -> str:
        """ENABLED or DISABLED, the schedule of the health check."""
        return str(self.client("scheduler").get_schedule(Name=self.config.schedule_name)["State"])

    def records(self) -> dict[str, dict[str, str]]:
        """The records by their name."""
        items = self.client("dynamodb").scan(TableName=self.config.records_table_name)["Items"]
        flat = [{name: value["S"] for name, value in item.items()} for item in items]
        return {item.pop("name"): item for item in flat}

    def mail(self, words: str) -> Mail:
        """The mail with these words in its subject, once it comes."""
        return self.mailbox.expect(words)

    def storage(self, side: Side) -> S3Storage:
        """The backups of a side, as the engine sees them."""
        return S3Storage(
            self.config.backup_bucket_name(side), "data", client=self.aws.client("s3", side.region), region=side.region
        )

    def golden_id(self) -> str:
        """The backup that is there in every test."""
        (found,) = [path.name for path in (GOLDEN / "prod.us-east-1").iterdir() if path.is_dir()]
        return found

    def _executions(self, states: Any) -> set[str]:
        return {one["executionArn"] for one in states.list_executions(stateMachineArn=self.machine)["executions"]}

    def _stored_blueprint(self) -> Any:
        key = self.config.deployment.backup_file_name
        return json.loads(self.client("s3").get_object(Bucket=self.backups, Key=key)["Body"].read())


@dataclass(frozen=True)
class Execution:
    """One that has ended."""

    build: Builder
    arn: str
    said: Mapping[str, Any]

    @property
    def status(self) -> str:
        """As Step Functions says it."""
        return str(self.said["status"])

    @property
    def error(self) -> str:
        """Why it failed."""
        return str(self.said.get("error", ""))

    @property
    def why(self) -> str:
        """The same, with all that is told of it."""
        return f"{self.error}: {self.said.get('cause', '')}"

    @property
    def states(self) -> list[str]:
        """The states that it entered."""
        events = self.build.history(self.arn)
        return [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]


@contextmanager
def deployed(folder: Path, environments: Mapping[str, Any], **variables: str) -> Iterator[Deployment]:
    """Deploy both stacks for as long as the block lasts; `environments` have these fields as they are told."""
    with ExitStack() as stack:
        aws = stack.enter_context(LocalAws.start(folder / "aws", account=ACCOUNT, auth=True))
        env = folder / ".env"
        env.write_text(account.env_file({**NAMED, **account.networks(aws, REGIONS), **variables}))
        config = _configured(env)
        fronts = {region: stack.enter_context(_front(aws)) for region in REGIONS.values()}
        aws.mwaa.pace(create=0, update=0, delete=0)
        for side in (config.primary, config.secondary):
            aws.mwaa.web_server(side.region, side.environment_name, fronts[side.region].url)
        account.prepare(aws, config, **environments)
        aws.bootstrap()
        cdk_deploy(aws, env)
        aws.mwaa.age(config.primary.region, config.primary.environment_name, days=30)
        mailbox = Mailbox(aws, config.secondary.region)
        yield Deployment(aws, env, config, fronts, mailbox, _schedule(aws, config), environments)


def cdk_deploy(aws: LocalAws, env: Path, *stacks: str) -> None:
    """`cdk deploy` what the .env configures now; synthesised here, since Node.js takes seconds to load the CDK anew."""
    app = new_app()
    add_stacks(app, Config.load(env, {"CDK_DEFAULT_ACCOUNT": aws.account, "CDK_DEFAULT_REGION": aws.regions[0]}))
    aws.deploy(*stacks, app=app.synth().directory)


def _configured(env: Path) -> DisasterRecovery:
    found = Config.load(env, {}).disaster_recovery
    assert found
    return found


def _schedule(aws: LocalAws, config: DisasterRecovery) -> dict[str, Any]:
    """All of the schedule that UpdateSchedule takes."""
    found = aws.client("scheduler", config.secondary.region).get_schedule(Name=config.schedule_name)
    return {name: value for name, value in found.items() if name not in TOLD}


def _front(aws: LocalAws) -> AirflowFront:
    return AirflowFront(lambda region: aws.client("stepfunctions", region))
