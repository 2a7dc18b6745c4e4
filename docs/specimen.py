"""A workflow on its own, with what a stack would hand to it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from aws_cdk import App, Duration, Environment, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Template

from docs.configuration import example_environ
from lib.config import Config
from lib.config.catalog import Product
from lib.config.recovery import DisasterRecovery
from lib.config.start_stop import StartStop
from lib.constructs.arns import Arns
from lib.constructs.function import Function
from lib.constructs.logs import Logs
from lib.workflows.backup_restore import BackupRestore
from lib.workflows.fencing import Fencing, FencingParts
from lib.workflows.parts import Functions, RecoveryParts
from lib.workflows.reactivate import Reactivate
from lib.workflows.start import Start
from lib.workflows.stop import Stop
from lib.workflows.target import Shelf
from lib.workflows.transition_parts import InsideFunctions, OtherRecords, TransitionFunctions, TransitionParts
from lib.workflows.warm_standby import WarmStandby

Json = dict[str, Any]

TRANSITIONS: Mapping[str, type[Stop | Start | Reactivate]] = {"stop": Stop, "start": Start, "reactivate": Reactivate}


@dataclass(frozen=True)
class Specimen:
    """A synthesised workflow."""

    config: DisasterRecovery | StartStop
    template: Json

    @property
    def definition(self) -> Json:
        """The definition, in Amazon States Language; what only a deployment knows is named `<LogicalId>`."""
        (machine,) = self.resources("AWS::StepFunctions::StateMachine").values()
        loaded: Json = json.loads(text(machine["Properties"]["DefinitionString"]))
        return loaded

    @property
    def states(self) -> Mapping[str, Json]:
        """State -> what it does."""
        states: dict[str, Json] = self.definition["States"]
        return states

    def resources(self, type_: str) -> Mapping[str, Json]:
        """The resources of a type."""
        return {name: found for name, found in self.template["Resources"].items() if found["Type"] == type_}


def specimen(config: DisasterRecovery) -> Specimen:
    """Synthesise the workflow of a configuration in a stack of its own."""
    stack = _stack(config.deployment.account_id, config.secondary.region)
    key = kms.Key(stack, "Key")
    bucket = s3.Bucket(stack, "BackupBucket", bucket_name=config.backup_bucket_name(config.secondary))
    logs = Logs(key, retention_days=config.common.log_retention_days)
    parts = RecoveryParts(
        config=config,
        functions=Functions(**_functions(stack, logs, (field.name for field in fields(Functions)))),
        records=dynamodb.Table(
            stack, "Records", partition_key=dynamodb.Attribute(name="name", type=dynamodb.AttributeType.STRING)
        ),
        topic=sns.Topic(stack, "Topic", master_key=key),
        backup_bucket=bucket,
        backup_key=kms.Key(stack, "BackupKey"),
        key=key,
        log_group=logs.group(stack, "WorkflowLogs"),
        schedule_role=iam.Role(stack, "ScheduleRole", assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com")),
    )
    workflow = WarmStandby if config.is_warm_standby else BackupRestore
    workflow(stack, "Recovery", parts=parts)
    return Specimen(config, dict(Template.from_stack(stack).to_json()))


def fence(config: DisasterRecovery) -> Specimen:
    """Synthesise the fence of a configuration in a stack of its own."""
    stack = _stack(config.deployment.account_id, config.primary.region)
    key = kms.Key(stack, "Key")
    logs = Logs(key, retention_days=config.common.log_retention_days)
    parts = FencingParts(
        config=config,
        **_functions(stack, logs, ("fence", "environment", "dag_outside", "dag_inside")),
        topic=sns.Topic(stack, "Topic", master_key=key),
        log_group=logs.group(stack, "WorkflowLogs"),
    )
    Fencing(stack, "Fence", parts=parts)
    return Specimen(config, dict(Template.from_stack(stack).to_json()))


def example_plan(**changes: str) -> StartStop:
    """Stop and start with the examples of its variables."""
    plan = Config.load(None, {**example_environ(Product.START_STOP), **changes}).start_stop
    if plan is None:
        raise ValueError("the examples do not deploy stop and start")
    return plan


def transition(plan: StartStop, what: str, *, also: OtherRecords | None = None) -> Specimen:
    """Synthesise the `stop`, the `start` or the `reactivate` of a configuration's first environment."""
    account, region = plan.schedules.account_id, plan.schedules.region
    environment = plan.environments[0]
    stack = _stack(account, region)
    key = kms.Key(stack, "Key")
    logs = Logs(key, retention_days=plan.common.log_retention_days)
    bucket = s3.Bucket(stack, "BackupBucket", bucket_name=plan.backup_bucket_name)
    inside = _functions(stack, logs, ("dag_inside", "activity_inside")) if environment.vpc_id else None
    parts = TransitionParts(
        plan=plan,
        environment=environment,
        functions=TransitionFunctions(**_functions(stack, logs, (field.name for field in fields(TransitionFunctions)))),
        inside=InsideFunctions(inside["dag_inside"], inside["activity_inside"]) if inside else None,
        records=dynamodb.Table.from_table_arn(stack, "Records", Arns(account, region).table(plan.records_table_name)),
        also=also,
        topic=sns.Topic(stack, "Topic", master_key=key),
        backups=Shelf(bucket, kms.Key(stack, "BackupKey"), region, plan.blueprint_key(environment)),
        key=key,
        log_group=logs.group(stack, "WorkflowLogs"),
        own_dags=(plan.schedules.export_dag_name, plan.schedules.import_dag_name),
    )
    TRANSITIONS[what](stack, what.capitalize(), parts=parts)
    return Specimen(plan, dict(Template.from_stack(stack).to_json()))


def _stack(account: str, region: str) -> Stack:
    return Stack(App(), "Specimen", env=Environment(account=account, region=region))


def _functions(stack: Stack, logs: Logs, names: Iterable[str]) -> dict[str, Function]:
    """A function for each name; `dag_inside` and the like are two copies of a module."""
    return {
        name: Function(
            stack,
            f"{name}-function",
            module=name.removesuffix("_outside").removesuffix("_inside"),
            timeout=Duration.seconds(60),
            description=name,
            logs=logs,
        )
        for name in names
    }


def text(value: Any) -> str:
    """Resolve Fn::Join, with logical ids in the place of what CloudFormation fills in."""
    if isinstance(value, str):
        return value
    (function, argument), *_ = value.items()
    if function == "Fn::Join":
        separator, values = argument
        return str(separator.join(text(part) for part in values))
    if function == "Ref" and argument == "AWS::Partition":
        return "aws"
    return f"<{argument if function == 'Ref' else argument[0]}>"
