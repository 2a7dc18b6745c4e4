"""What an environment that is there is told in Airflow: its DR_* Variables, and that its backup DAG works."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration, Stack
from constructs import Construct

from lib.constructs.arns import Arns
from lib.constructs.custom_resource import CustomResource
from lib.constructs.function import Function, Network
from lib.constructs.logs import Logs
from lib.workflows.web_server import AIRFLOW_ROLE

LONGEST = Duration.minutes(10)
"""For a Variable after another, each a call to a web server that may be busy."""


class AirflowCli(Construct):
    """Set when the stack is deployed, and undone when it goes; a private web server is asked from inside its VPC."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment: str,
        network: Network | None,
        variables: Mapping[str, str],
        backup_dag_id: str | None,
        schedule: str | None,
        arns: Arns,
        logs: Logs,
    ) -> None:
        """`network`: None where the web server is public; `schedule`: None where the backup DAG is only triggered.

        `backup_dag_id`: None where another stack has the backup DAG and its schedule.
        """
        super().__init__(scope, id_)
        inside = self._inside(network, logs) if network else None
        self.settings = CustomResource(
            self,
            "AirflowSettings",
            module="airflow_cli",
            description="Sets the Variables of the DAG package, and unpauses the backup DAG",
            logs=logs,
            properties={
                "environment": {"name": environment, "region": arns.region},
                "variables": {**variables},
                "backup_dag_id": backup_dag_id or "",
                "schedule": schedule or "",
                "inside": inside.function.function_arn if inside else "",
            },
            is_patient=True,
        )
        outside = self.settings.function
        outside.allow("airflow:GetEnvironment", on=arns.environment(environment))
        outside.allow("cloudformation:DescribeStacks", on=Stack.of(self).stack_id)
        if inside:
            outside.allow("lambda:InvokeFunction", on=inside.function.function_arn)
        for function in (outside, inside) if inside else (outside,):
            function.allow("airflow:CreateCliToken", on=arns.environment(environment))
            function.allow("airflow:InvokeRestApi", on=arns.airflow_role(environment, AIRFLOW_ROLE))

    def _inside(self, network: Network, logs: Logs) -> Function:
        return Function(
            self,
            "Inside",
            module="own_environment",
            timeout=LONGEST,
            description="Sets what the environment has of its own, from its VPC",
            logs=logs,
            vpc=network,
        )
