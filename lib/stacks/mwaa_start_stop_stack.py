"""The stack of stop and start: environments of one Region, each with its schedules; alone or beside recovery."""

from __future__ import annotations

from collections.abc import Iterator

from constructs import Construct

from lib.config.recovery import DisasterRecovery
from lib.config.start_stop import StartStop
from lib.config.start_stop_sections import Environment
from lib.constructs.airflow_cli import AirflowCli
from lib.constructs.airflow_variables import airflow_variables
from lib.constructs.arns import Arns
from lib.constructs.dead_letters import DeadLetters
from lib.constructs.execution_role import ExecutionRolePolicy, answer_statements, backup_statements
from lib.constructs.failure_report import FailureReport
from lib.constructs.function import Network
from lib.constructs.metadata_dags import MetadataDags
from lib.constructs.records import records_table
from lib.constructs.step_functions_endpoint import StepFunctionsEndpoint
from lib.constructs.transition_functions import inside_functions, transition_functions
from lib.constructs.transitions import Transitions
from lib.functions.note_key import note_key
from lib.stacks.foundation import Foundation
from lib.workflows.target import Shelf
from lib.workflows.transition_parts import InsideFunctions, OtherRecords, TransitionParts, network_of


class MwaaStartStopStack(Foundation):
    """What environments share is there once: functions, topic, bucket, records, an endpoint for each VPC."""

    def __init__(self, scope: Construct, plan: StartStop, *, recovery: DisasterRecovery | None = None) -> None:
        arns = Arns(plan.schedules.account_id, plan.schedules.region)
        super().__init__(scope, name=plan.schedules.stack_name, arns=arns, common=plan.common, of="stop and start")
        self.plan = plan
        self._recovery = recovery
        self._backup_key = self.key_of_backups(plan.backup_key_alias)
        self._bucket = self.bucket_of_backups(plan.backup_bucket_name, self._backup_key)
        self._add_transitions()
        before = [self._bucket, *self._execution_roles(), *self._dag_packages()]
        for environment in plan.environments:
            self._airflow_settings(environment).node.add_dependency(*before)
        self._add_endpoints()

    def is_the_primary(self, environment: Environment) -> bool:
        """Whether disaster recovery looks after this environment, too: its DAG package and Variables are there then."""
        dr = self._recovery
        return dr is not None and dr.side_of(self.arns.account, self.arns.region, environment.name) is dr.primary

    def _add_transitions(self) -> None:
        plan = self.plan
        functions = transition_functions(Construct(self, "Functions"), plan=plan, logs=self.logs)
        insides = self._insides()
        table = records_table(self, "Records", name=plan.records_table_name, retain=plan.common.backup_retain)
        report = FailureReport(self, "Report", topic=self.topic, arns=self.arns, logs=self.logs)
        text = f"A transition of {plan.schedules.stack_name} was due, and could not be started: see the queue"
        dead_letters = DeadLetters(self, "DeadLetters", topic=self.topic, text=text).queue
        log_group, scope = self.logs.group(self, "WorkflowLogs"), Construct(self, "Environments")
        for environment in plan.environments:
            parts = TransitionParts(
                plan=plan,
                environment=environment,
                functions=functions,
                inside=insides.get(network_of(environment)),
                records=table,
                also=self._records_of_recovery(environment),
                topic=self.topic,
                backups=Shelf(self._bucket.bucket, self._backup_key, self.arns.region, plan.blueprint_key(environment)),
                key=self.key,
                log_group=log_group,
                own_dags=self._own_dags(environment),
            )
            Transitions(scope, environment.name, parts=parts, report=report, dead_letters=dead_letters)

    def _insides(self) -> dict[Network | None, InsideFunctions]:
        """The copies of functions for each network."""
        networks = dict.fromkeys(filter(None, map(network_of, self.plan.environments)))
        return {
            network: inside_functions(Construct(self, f"Inside{number}"), network=network, logs=self.logs)
            for number, network in enumerate(networks, start=1)
        }

    def _records_of_recovery(self, environment: Environment) -> OtherRecords | None:
        dr = self._recovery
        if dr is None or not self.is_the_primary(environment):
            return None
        return OtherRecords(dr.records_table_name, Arns(self.arns.account, dr.secondary.region))

    def _own_dags(self, environment: Environment) -> tuple[str, ...]:
        """The DAGs that a stop does not pause: disaster recovery may back up meanwhile."""
        dags = {self.plan.schedules.export_dag_name, self.plan.schedules.import_dag_name}
        if self._recovery and self.is_the_primary(environment):
            section = self._recovery.recovery
            dags |= {section.export_dag_name, section.import_dag_name, section.cleanup_dag_name}
        return tuple(sorted(dags))

    def _execution_roles(self) -> Iterator[Construct]:
        """What the DAGs need: the bucket and its key, and to answer the machines of the role's own environments."""
        scope, plan = Construct(self, "ExecutionRoles"), self.plan
        for role_arn in dict.fromkeys(environment.role_arn for environment in plan.environments):
            machines = [
                self.arns.state_machine(plan.machine_name(environment, what))
                for environment in plan.environments
                for what in ("stop", "start")
                if environment.role_arn == role_arn
            ]
            statements = backup_statements(
                bucket=plan.backup_bucket_name,
                own=self.arns,
                keys_in=[self.arns],
                alias=plan.backup_key_alias,
                topic_arn=self.topic.topic_arn,
                topic_key_arn=self.key.key_arn,
            )
            yield ExecutionRolePolicy(
                scope,
                role_arn.rpartition("/")[2],
                role_arn=role_arn,
                update=plan.common.update_execution_role,
                statements=[*statements, *answer_statements(*machines)],
            )

    def _dag_packages(self) -> Iterator[Construct]:
        """The DAG package in each DAGs bucket, but for that of the primary, where it is already."""
        scope, plan = Construct(self, "MetadataDags"), self.plan
        known = {self._recovery.primary.dags_bucket_name} if self._recovery else set()
        for environment in plan.environments:
            if (bucket := environment.dags_bucket_name) in known:
                continue
            known.add(bucket)
            yield MetadataDags(
                scope,
                bucket,
                bucket=bucket,
                dags_s3_path=plan.common.dags_s3_path,
                key_arn=environment.dags_kms_key_arn,
                arns=self.arns,
                logs=self.logs,
                dags=plan.schedules.resources_folder / "dags",
            )

    def _airflow_settings(self, environment: Environment) -> AirflowCli:
        """The Variables of the DAG package; backups are taken when the environment stops, and by no schedule.

        Those of the primary are disaster recovery's, as its backups are, but for the one that tells them of a stop.
        """
        is_recoverys = self.is_the_primary(environment)
        return AirflowCli(
            Construct(self, f"Settings-{environment.name}"),
            "AirflowCli",
            environment=environment.name,
            network=network_of(environment),
            variables=self._of_a_stop(environment) if is_recoverys else self._of_backups(),
            backup_dag_id=None if is_recoverys else self.plan.schedules.export_dag_name,
            schedule=None,
            arns=self.arns,
            logs=self.logs,
        )

    def _of_backups(self) -> dict[str, str]:
        plan = self.plan
        return airflow_variables(
            plan.engine,
            alias=plan.backup_key_alias,
            bucket=plan.backup_bucket_name,
            topic_arn=self.topic.topic_arn,
            keys_in=[self.arns],
        )

    def _of_a_stop(self, environment: Environment) -> dict[str, str]:
        """What a backup of recovery asks, which finds DAGs paused while a stop is not over."""
        key = note_key(environment.name, self.arns.region)
        return {"DR_STOP_NOTE": f"s3://{self.plan.backup_bucket_name}/{key}"}

    def _add_endpoints(self) -> None:
        """One for each VPC: environments in the same one share it."""
        wanted = [network_of(environment) for environment in self.plan.environments if environment.create_sfn_vpce]
        for vpc_id, network in {network.vpc_id: network for network in reversed(wanted) if network}.items():
            scope = Construct(self, vpc_id)
            StepFunctionsEndpoint(scope, "Endpoint", network=network, arns=self.arns, logs=self.logs)
