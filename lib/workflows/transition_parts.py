"""What the stack of stop and start hands to its workflows: functions, and what they work on."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns

from lib.config.start_stop import StartStop
from lib.config.start_stop_sections import Environment
from lib.constructs.arns import Arns
from lib.constructs.function import Function, Network
from lib.workflows.payloads import arn
from lib.workflows.target import Shelf, Target


@dataclass(frozen=True)
class TransitionFunctions:
    """One function for each handler, for all environments; each step allows what it needs."""

    transition: Function
    stopping: Function
    blueprint: Function
    preflight: Function
    environment: Function
    dag: Function
    activity: Function


@dataclass(frozen=True)
class InsideFunctions:
    """The copies in a VPC, for the private web servers there."""

    dag: Function
    activity: Function


@dataclass(frozen=True)
class OtherRecords:
    """The records of disaster recovery, which know, too, what is stopped on purpose."""

    table: str
    arns: Arns
    """Of the Region that they are in."""

    @property
    def payload(self) -> dict[str, str]:
        """As functions take it."""
        return {"table": self.table, "region": self.arns.region}

    @property
    def arn(self) -> str:
        """The ARN of the table."""
        return self.arns.table(self.table)


def network_of(environment: Environment) -> Network | None:
    """Where an environment runs, if the configuration tells it: a public web server needs it not."""
    if not environment.vpc_id:
        return None
    return Network(environment.vpc_id, environment.subnet_ids, environment.security_group_ids)


@dataclass(frozen=True)
class TransitionParts:
    """All that the workflows of one environment work with."""

    plan: StartStop
    environment: Environment
    functions: TransitionFunctions
    inside: InsideFunctions | None
    records: dynamodb.ITable
    also: OtherRecords | None
    topic: sns.ITopic
    backups: Shelf
    key: kms.IKey
    """What the topic and the logs are encrypted with."""
    log_group: logs.ILogGroup
    own_dags: tuple[str, ...]
    """The DAGs that a stop does not pause."""

    @property
    def arns(self) -> Arns:
        """Of the account and the Region."""
        return Arns(self.plan.schedules.account_id, self.plan.schedules.region)

    def machine(self, what: str) -> str:
        """The name of the state machine that does `what`."""
        return self.plan.machine_name(self.environment, what)

    @property
    def target(self) -> Target:
        """The environment: a start takes all of it from the blueprint."""
        environment = self.environment
        return Target(
            name=environment.name,
            arns=self.arns,
            title="environment",
            short="environment",
            seen="$.environment",
            role_arn=str(environment.role_arn),
            dags_bucket=environment.dags_bucket_name,
            kms_key_arn=arn(environment.kms_key_arn),
            network=network_of(environment),
            owner=self.machine("start"),
        )
