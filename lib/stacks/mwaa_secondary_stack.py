"""The stack of the secondary Region: it watches the primary, and recovers it."""

from __future__ import annotations

from aws_cdk import CfnOutput
from constructs import Construct

from lib.config.recovery import DisasterRecovery
from lib.constructs.acknowledge import acknowledge_workflow
from lib.constructs.execution_role import answer_statements
from lib.constructs.failure_report import Checks, FailureReport
from lib.constructs.function import network_of
from lib.constructs.heartbeat_seen import HeartbeatSeen
from lib.constructs.records import records_table
from lib.constructs.recovery_functions import recovery_functions
from lib.constructs.schedule import Rhythm, Schedule, alarm_when_silent
from lib.constructs.step_functions_endpoint import StepFunctionsEndpoint
from lib.stacks.foundation import RecoveryStack
from lib.workflows.backup_restore import BackupRestore
from lib.workflows.parts import RecoveryParts
from lib.workflows.payloads import TAKE_THE_LEASE, records
from lib.workflows.warm_standby import WarmStandby


class MwaaSecondaryStack(RecoveryStack):
    """Deployed first: it needs nothing of the primary stack, nor of the primary Region."""

    def __init__(self, scope: Construct, config: DisasterRecovery) -> None:
        secondary = config.secondary
        super().__init__(scope, name=config.secondary_stack_name, config=config, side=secondary, other=config.primary)
        schedule = Schedule(self, "HealthCheck", state_machine=config.workflow_name, arns=self.arns)
        workflow = self._workflow(schedule)
        rhythm = Rhythm(config.health_check.interval_mins, config.health_check.enabled)
        started = schedule.start(rhythm, name=config.schedule_name)
        started.node.add_dependency(workflow)
        if rhythm.enabled:
            self._tell_when_nobody_watches(rhythm)
        HeartbeatSeen(self, "PrimaryHeartbeat", side=config.primary, topic=self.topic, logs=self.logs)
        checks = Checks(records(config), TAKE_THE_LEASE)
        report = FailureReport(self, "FailureReport", topic=self.topic, arns=self.arns, logs=self.logs, checks=checks)
        report.tell_of("Rule", config.workflow_name)
        self.let_the_dags_work(*answer_statements(self.arns.state_machine(config.workflow_name)))
        if secondary.create_sfn_vpce:
            StepFunctionsEndpoint(self, "Endpoint", network=network_of(secondary), arns=self.arns, logs=self.logs)

    def _workflow(self, schedule: Schedule) -> Construct:
        key = self.backup_key()
        bucket = self.backup_bucket(key, expire_days=self.config.secondary.backup_expire_days).bucket
        table = records_table(
            self, "Records", name=self.config.records_table_name, retain=self.config.common.backup_retain
        )
        functions = recovery_functions(Construct(self, "Functions"), config=self.config, logs=self.logs)
        parts = RecoveryParts(
            config=self.config,
            functions=functions,
            records=table,
            topic=self.topic,
            backup_bucket=bucket,
            backup_key=key,
            key=self.key,
            log_group=self.logs.group(self, "WorkflowLogs"),
            schedule_role=schedule.role,
        )
        strategy = WarmStandby if self.config.is_warm_standby else BackupRestore
        workflow = strategy(self, "Recovery", parts=parts)
        acknowledge_workflow(workflow.role, [function.function for function in vars(functions).values()])
        CfnOutput(self, "RecoveryWorkflow", value=workflow.state_machine.state_machine_arn)
        return workflow

    def _tell_when_nobody_watches(self, rhythm: Rhythm) -> None:
        config = self.config
        text = (
            f"Nobody checks the health of {config.primary.environment_name}: no execution of "
            f"{config.workflow_name} has started, although HEALTH_CHECK_ENABLED=YES. After a recovery, which disables "
            "the schedule, and when the primary is watched again: ./build.sh rearm"
        )
        alarm_when_silent(
            self,
            "NobodyWatches",
            state_machine_arn=self.arns.state_machine(config.workflow_name),
            rhythm=rhythm,
            topic=self.topic,
            text=text,
        )
