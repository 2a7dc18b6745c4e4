"""The fence in the primary stack: its functions, their permissions, its schedule."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from lib.config.recovery import DisasterRecovery
from lib.constructs.arns import Arns
from lib.constructs.function import Function, Network
from lib.constructs.logs import Logs
from lib.constructs.schedule import MISSED, Rhythm, Schedule, alarm_when_silent
from lib.workflows.fencing import Fencing, FencingParts
from lib.workflows.web_server import AIRFLOW_ROLE

CALLS = Duration.minutes(1)
AIRFLOW = Duration.minutes(3)
"""For all DAGs of an environment, paused one after the other."""


class Fence(Construct):
    """Looks every few minutes whether the primary came back beside a secondary that has taken over."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        config: DisasterRecovery,
        network: Network,
        topic: sns.ITopic,
        key: kms.IKey,
        arns: Arns,
        other_arns: Arns,
        logs: Logs,
    ) -> None:
        super().__init__(scope, id_)
        self._logs = logs
        environment = arns.environment(config.primary.environment_name)
        parts = FencingParts(
            config=config,
            fence=self._function("Fence", "fence", "Whether the primary has to stay quiet"),
            environment=self._function("Environment", "environment", "Looks at the primary environment"),
            dag_outside=self._function("Dag", "dag", "Pauses DAGs of the primary", timeout=AIRFLOW),
            dag_inside=self._function(
                "DagInside", "dag", "Pauses DAGs of the primary from its VPC", timeout=AIRFLOW, vpc=network
            ),
            topic=topic,
            log_group=logs.group(self, "Logs"),
        )
        table = other_arns.table(config.records_table_name)
        parts.fence.allow("dynamodb:GetItem", "dynamodb:PutItem", on=table)
        parts.fence.allow("sns:Publish", on=topic.topic_arn)
        parts.fence.allow("kms:Decrypt", "kms:GenerateDataKey", on=key.key_arn)
        parts.environment.allow("airflow:GetEnvironment", on=environment)
        for function in (parts.dag_outside, parts.dag_inside):
            function.allow("airflow:CreateCliToken", on=environment)
            function.allow("airflow:InvokeRestApi", on=arns.airflow_role(config.primary.environment_name, AIRFLOW_ROLE))
        workflow = Fencing(self, "Workflow", parts=parts)
        schedule = Schedule(self, "Schedule", state_machine=config.fence_name, arns=arns)
        rhythm = Rhythm(config.recovery.fence_interval_mins, enabled=True)
        schedule.start(rhythm).node.add_dependency(workflow)
        self._tell_when_it_does_not_work(config, rhythm, topic=topic, arns=arns)

    def _tell_when_it_does_not_work(
        self, config: DisasterRecovery, rhythm: Rhythm, *, topic: sns.ITopic, arns: Arns
    ) -> None:
        """One mail when it stops working, whatever the reason, and one when it works again.

        A report for each execution would be a mail every few minutes for as long as the secondary Region is away.
        """
        machine, name = arns.state_machine(config.fence_name), config.primary.environment_name
        text = (
            f"The fence of {name} does not work: no execution of {config.fence_name} has succeeded for {MISSED} "
            f"intervals. After a failover, {name} may run beside the secondary. Why: aws stepfunctions list-executions "
            f"--region {arns.region} --state-machine-arn {machine}"
        )
        alarm_when_silent(
            self,
            "DoesNotWork",
            state_machine_arn=machine,
            rhythm=rhythm,
            topic=topic,
            text=text,
            wanted="ExecutionsSucceeded",
        )

    def _function(
        self, id_: str, module: str, description: str, *, timeout: Duration = CALLS, vpc: Network | None = None
    ) -> Function:
        return Function(self, id_, module=module, timeout=timeout, description=description, logs=self._logs, vpc=vpc)
