"""What a recovery will need, looked after while the primary is healthy: its blueprint, and backups that arrive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from aws_cdk import aws_stepfunctions as sfn

from lib.config.recovery import DisasterRecovery
from lib.workflows.payloads import BACKUP_PREFIX
from lib.workflows.steps import Steps
from lib.workflows.story import Part, in_any_case, story


@dataclass(frozen=True)
class Concern:
    """A step, and what people are told where it fails or finds that something is wrong."""

    name: str
    what: str
    step: sfn.TaskStateBase
    found: str
    """The path of what the step found."""
    advice: tuple[str, ...]


def looked_after(steps: Steps) -> Part | None:
    """Whatever fails here is told, and hurts neither the health check nor a recovery."""
    concerns = [*_concerns(steps)]
    if not concerns:
        return None
    told = {
        concern.name: {
            "what": concern.what,
            "found": sfn.JsonPath.object_at(concern.found),
            "advice": [*concern.advice],
        }
        for concern in concerns
    }
    tell = in_any_case(steps.tell_what_needs_attention(told), "$.attention")
    return story(*(in_any_case(concern.step, concern.found) for concern in concerns), tell)


def _concerns(steps: Steps) -> Iterator[Concern]:
    config, name = steps.config, steps.config.primary.environment_name
    if not config.is_warm_standby:
        yield Concern(
            "blueprint",
            f"the blueprint of {name}",
            steps.store_the_blueprint(),
            "$.blueprint",
            _of_the_blueprint(config),
        )
    if config.watches_backups:
        yield Concern(
            "backups", f"the backups of {name}", steps.look_at_the_newest_backup(), "$.backups", _of_backups(config)
        )


def _of_the_blueprint(config: DisasterRecovery) -> tuple[str, ...]:
    primary = config.primary
    url = f"s3://{config.backup_bucket_name(config.secondary)}/{config.deployment.backup_file_name}"
    return (
        f"What {primary.environment_name} in {primary.region} would be created from cannot be stored in {url}.",
        "A recovery takes what was stored last, without later changes; where nothing was stored yet, it fails.",
        "Look at what the function of the step Store the blueprint of the primary is denied, or says in its log.",
    )


def _of_backups(config: DisasterRecovery) -> tuple[str, ...]:
    primary, days = config.primary, config.secondary.backup_expire_days
    dag = config.recovery.export_dag_name
    begun = f"s3://{config.backup_bucket_name(primary)}/{BACKUP_PREFIX}/{primary.environment_name}.{primary.region}/"
    expiry = (f"SECONDARY_BACKUP_EXPIRE_DAYS={days}: after so many days the last backup expires here, too.",)
    return (
        "A disaster loses everything since the newest backup that is here. Look at these, in this order:",
        f"1. In the Airflow of {primary.environment_name}: is {dag} active (not paused), and how did its last run end?",
        f"2. Is a newer backup with a manifest.json in {begun} ? Then its replication has stopped:",
        "   look at the rule of that bucket, at the role of the rule, and at the keys of both buckets.",
        "docs/runbooks/disaster-recovery.md says more: Backups that do not arrive.",
        *(expiry if days else ()),
    )
