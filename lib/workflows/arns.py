"""ARNs of what the steps of a workflow touch."""

from __future__ import annotations

from dataclasses import dataclass

from lib.config.recovery import DisasterRecovery
from lib.config.recovery_sections import Side


@dataclass(frozen=True)
class Arns:
    """The ARNs of one deployment, by its partition and account."""

    config: DisasterRecovery

    def environment(self, side: Side) -> str:
        """An MWAA environment."""
        return self._arn("airflow", side.region, f"environment/{side.environment_name}")

    def airflow_role(self, side: Side, role: str) -> str:
        """An Airflow role of an environment, which a caller of its web server acts as."""
        return self._arn("airflow", side.region, f"role/{side.environment_name}/{role}")

    def state_machine(self) -> str:
        """The recovery state machine; by name, so that its functions do not wait for it to be there."""
        return self._arn("states", self.config.secondary.region, f"stateMachine:{self.config.workflow_name}")

    def executions(self) -> str:
        """All executions of the recovery state machine."""
        return self._arn("states", self.config.secondary.region, f"execution:{self.config.workflow_name}:*")

    def schedule(self) -> str:
        """The schedule of the health check."""
        return self._arn("scheduler", self.config.secondary.region, f"schedule/default/{self.config.schedule_name}")

    def ec2(self, resource: str) -> str:
        """A kind of resource of the secondary's network, as `subnet/*`."""
        return self._arn("ec2", self.config.secondary.region, resource)

    def logs(self) -> str:
        """The log groups that MWAA creates for the secondary environment."""
        name = self.config.secondary.environment_name
        return self._arn("logs", self.config.secondary.region, f"log-group:airflow-{name}-*")

    def quotas(self) -> str:
        """The quotas of MWAA."""
        return self._arn("servicequotas", self.config.secondary.region, "airflow/*")

    def bucket(self, name: str) -> str:
        """A bucket."""
        return f"arn:{self.config.partition}:s3:::{name}"

    def backup_alias(self, side: Side) -> str:
        """The alias of the key of a Region's backup bucket."""
        return self._arn("kms", side.region, self.config.backup_key_alias)

    def service_linked_role(self) -> str:
        """The role that MWAA acts as."""
        account = self.config.deployment.account_id
        path = "role/aws-service-role/airflow.amazonaws.com/AWSServiceRoleForAmazonMWAA"
        return f"arn:{self.config.partition}:iam::{account}:{path}"

    def _arn(self, service: str, region: str, resource: str) -> str:
        return f"arn:{self.config.partition}:{service}:{region}:{self.config.deployment.account_id}:{resource}"
