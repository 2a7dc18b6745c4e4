"""What people are told, and what they do next."""

from __future__ import annotations

from aws_cdk import aws_stepfunctions as sfn

from lib.config.recovery import DisasterRecovery
from lib.workflows.lease_steps import FAILOVER
from lib.workflows.story import Part, in_any_case
from lib.workflows.tasks import Tasks

ENDPOINTS_TOLD = "$.endpoints_told"
"""Where it stands that somebody was told of the endpoints."""

REARM = "Run ./build.sh rearm once the primary is to be watched again."


class Notices:
    """One method for each notification; the quotes and braces of a command would have to be escaped in a format."""

    def __init__(self, tasks: Tasks, config: DisasterRecovery) -> None:
        self._tasks = tasks
        self._config = config
        self._primary = f"{config.primary.environment_name} in {config.primary.region}"
        self._secondary = f"{config.secondary.environment_name} in {config.secondary.region}"

    def what_was_found(self) -> Part:
        """Nobody knows how the primary is, or it is not unhealthy for long enough; said once an hour."""
        return self._tell(
            "Notify what was found",
            f"{self._config.primary.environment_name} needs attention",
            f"The environment {self._primary} is not healthy, or nobody can tell: {{}}. Nothing is recovered yet: the "
            f"decision is {{}}. To recover now, start the state machine {self._config.workflow_name} with simulate_dr "
            "set to YES.",
            "$.decision.reason",
            "$.decision.decision",
        )

    def failed_over_already(self) -> Part:
        """A recovery would hurt the secondary that works."""
        return self._tell(
            "Notify that the primary has failed over already",
            f"No second recovery of {self._config.primary.environment_name}",
            f"The environment {self._primary} counts as failed: {{}}. Nothing is recovered, since {{}}",
            "$.decision.reason",
            "$.lease.reason",
        )

    def refused(self) -> Part:
        """A person has said no."""
        return self._tell(
            "Notify that recovery was refused",
            f"Recovery of {self._config.primary.environment_name} was refused",
            f"The recovery of {self._primary} was refused. Nothing was changed, and nobody is asked again until it has "
            "been healthy once more. What was found: {}",
            "$.decision.reason",
        )

    def recovery_starts(self) -> Part:
        """From here on things are changed."""
        return self._tell(
            "Notify that recovery starts",
            f"Recovery of {self._config.primary.environment_name} starts",
            f"The environment {self._primary} counts as failed: {{}}. It is recovered as {self._secondary} from backup "
            "{}, taken at {}, {} seconds ago. Warnings: {}. The health schedule is switched off. Execution: {}",
            "$.decision.reason",
            "$.preflight.backup_id",
            "$.preflight.snapshot_time",
            "$.preflight.age_seconds",
            "$.preflight.warnings",
            "$$.Execution.Id",
        )

    def endpoints_are_needed(self) -> Part:
        """MWAA waits for endpoints that it does not make itself."""
        return endpoints_are_needed(self._tasks, self._config.secondary.environment_name, self._secondary, "recovery")

    def the_secondary_has_taken_over(self, more: str = "", *paths: str) -> Part:
        """The end that everybody waits for."""
        return self._tell(
            "Notify that the secondary has taken over",
            f"{self._config.secondary.environment_name} has taken over",
            f"The environment {self._secondary} has taken over from {self._primary}, with backup {{}} of {{}}.{more} "
            f"The health schedule stays off. {REARM}",
            f"{FAILOVER}.backup_id",
            f"{FAILOVER}.snapshot_time",
            *paths,
        )

    def the_drill_is_over(self) -> Part:
        """The same without DAGs that run."""
        return self._tell(
            "Notify that the drill is over",
            f"The drill in {self._config.secondary.environment_name} is over",
            f"Backup {{}} of {{}} is restored in {self._secondary}. Its DAGs stay paused; the primary goes on.",
            "$.preflight.backup_id",
            "$.preflight.snapshot_time",
        )

    def _tell(self, name: str, subject: str, message: str, *paths: str) -> Part:
        return told(self._tasks, name, subject, message, *paths)


def endpoints_are_needed(tasks: Tasks, environment: str, place: str, what: str) -> Part:
    """MWAA waits for endpoints that it does not make itself."""
    return told(
        tasks,
        "Notify that VPC endpoints are needed",
        f"{environment} waits for VPC endpoints",
        f"The environment {place} is PENDING: it waits for the VPC endpoints that you manage, for the "
        f"database and the web server services that aws mwaa get-environment names. The {what} goes on by itself.",
        result_path=ENDPOINTS_TOLD,
    )


def told(tasks: Tasks, name: str, subject: str, message: str, *paths: str, result_path: str = "$.told") -> Part:
    """A story goes on although nobody could be told: the history of the execution tells it, too."""
    text = sfn.JsonPath.format(message, *(_in_words(path) for path in paths)) if paths else message
    return in_any_case(tasks.tell(name, subject=subject, message=text, result_path=result_path), result_path)


def _in_words(path: str) -> str:
    value = sfn.JsonPath.string_at(path)
    return sfn.JsonPath.json_to_string(value) if path.endswith("warnings") else value
