"""Backup and restore, deployed: what becomes of real executions of the real workflow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from lib.functions.record_table import FAILED_OVER, LEASE
from tests.conftest import Database
from tests.support.backups import a_backup
from tests.support.deployment import PROD, Deployment, Execution
from tests.support.engine import VERSION, restore
from tests.support.local_aws import eventually
from tests.support.metadata import Metadata
from tests.support.starting_over import beat

pytestmark = pytest.mark.slow

VARIABLES = {"DR_TYPE": "BACKUP_RESTORE"}
LATER = "20991231T000000Z-0123456789ab"
DRILL = {"simulate_dr": "YES"}


@pytest.fixture
def known(site: Deployment) -> Deployment:
    """The primary was healthy once, so its blueprint is there."""
    assert site.run().states[-1] == "The primary is healthy"
    return site


def why(execution: Execution) -> tuple[str, str]:
    return execution.status, execution.error


def test_a_healthy_primary_leaves_its_blueprint(site: Deployment) -> None:
    found = site.run()
    assert "Store the blueprint of the primary" in found.states
    assert found.states[-1] == "The primary is healthy"
    blueprint = site.blueprint()
    assert blueprint["AirflowConfigurationOptions"] == {"core.parallelism": "64"}
    assert site.run().status == "SUCCEEDED"
    assert site.schedule() == "ENABLED"
    assert site.mailbox.taken() == []


def test_a_bucket_that_does_not_answer_is_told_once_and_the_primary_stays_healthy(known: Deployment) -> None:
    known.aws.silence_bucket(known.backups)
    for _ in range(2):
        found = known.run()
        assert (found.status, found.states[-1]) == ("SUCCEEDED", "The primary is healthy"), found.why
    told = {mail.subject: mail.text for mail in known.mailbox.taken()}
    assert sorted(told) == ["Look after the backups of prod", "Look after the blueprint of prod"]
    assert "cannot store the blueprint" in told["Look after the blueprint of prod"]
    known.aws.heal()
    assert known.run().status == "SUCCEEDED"
    assert known.mail("All is well again with the blueprint of prod")


def test_a_silent_scheduler_is_recovered_in_the_other_region(known: Deployment, database: Database) -> None:
    target = Metadata(database(VERSION))

    def really_restore(conf: Mapping[str, Any]) -> dict[str, Any]:
        place = known.storage(known.secondary)
        report = restore(target.url, place, backup_id=conf["backup_id"], source=conf["environment"])
        return {"backup_id": report.backup_id}

    known.airflow.work["restore_metadata"] = really_restore
    beat(known, until_minutes=25)
    found = known.run()
    assert found.states[-1] == "The secondary has taken over", found.why
    assert target.one("SELECT count(*) FROM log WHERE event LIKE 'nasty%'") == 17
    made = known.environment()
    assert made["Status"] == "AVAILABLE"
    assert made["NetworkConfiguration"]["SubnetIds"] == [*known.secondary.subnet_ids]
    assert made["Tags"] == {"team": "data", "mwaa-dr:created-by": known.config.workflow_name}
    assert known.airflow.conf_of("restore_metadata")["backup_id"] == known.golden_id()
    assert known.airflow.variables["DR_BACKUP_BUCKET"] == known.backups
    assert known.airflow.paused == {"backup_metadata": True, "cleanup_metadata": True, "restore_metadata": False}
    assert known.schedule() == "DISABLED"
    assert known.records()[FAILED_OVER]["backup_id"] == known.golden_id()
    assert LEASE not in known.records()
    begun = known.mail("Recovery of prod starts").text
    assert known.golden_id() in begun
    assert "no heartbeat arrived for two periods" in begun
    assert known.golden_id() in known.mail("has taken over").text


def test_a_creation_that_fails_is_told_and_a_new_execution_creates_again(known: Deployment) -> None:
    known.aws.mwaa.fail_creation(
        known.secondary.region, known.secondary.environment_name, message="the role cannot be assumed"
    )
    assert why(known.run(**DRILL)) == ("FAILED", "EnvironmentBroken")
    told = known.mail("failed").text
    assert "INCORRECT_CONFIGURATION: the role cannot be assumed" in told
    assert "Look whether the secondary is available" in told
    again = known.run(**DRILL)
    assert "Look whether the failed creation is gone" in again.states
    assert again.states[-1] == "The secondary has taken over"


def test_a_creation_that_fails_is_begun_again_by_a_redrive(known: Deployment) -> None:
    known.aws.mwaa.fail_creation(known.secondary.region, known.secondary.environment_name)
    failed = known.run(**DRILL)
    assert failed.error == "EnvironmentBroken"
    assert known.redriven(failed).states[-1] == "The secondary has taken over"


def test_a_creation_without_an_end_ends_at_the_deadline(known: Deployment) -> None:
    known.aws.mwaa.never_create(known.secondary.region, known.secondary.environment_name)
    with known.deadline_mins(0):
        found = known.run(**DRILL)
    assert why(found) == ("FAILED", "DeadlinePassed")
    assert "is still CREATING, not AVAILABLE" in known.mail("failed").text
    known.aws.mwaa.status(known.secondary.region, known.secondary.environment_name, "CREATE_FAILED")


def test_a_restore_that_fails_goes_on_by_a_redrive(known: Deployment) -> None:
    works = known.airflow.work["restore_metadata"]

    def full(conf: Mapping[str, Any]) -> dict[str, Any]:
        raise OSError("no space left on device")

    known.airflow.work["restore_metadata"] = full
    failed = known.run(**DRILL)
    assert why(failed) == ("FAILED", "OSError")
    told = known.mail("failed").text
    assert "Restore the metadata" in told
    assert "no space left on device" in told
    assert f"aws stepfunctions redrive-execution --region us-west-2 --execution-arn {failed.arn}" in told
    known.airflow.work["restore_metadata"] = works
    again = known.redriven(failed)
    assert again.states[-1] == "The secondary has taken over"
    assert again.states.count("Create the secondary environment") == 1


def test_a_restore_that_goes_silent_is_noticed_and_its_run_ended_by_the_next_one(known: Deployment) -> None:
    known.airflow.silent.add("restore_metadata")
    begun = known.start(**DRILL)
    eventually(lambda: known.airflow.runs["restore_metadata"])
    known.aws.scale(timeouts=0.01)  # not before: other steps shall have the time that they need
    failed = known.ended(begun)
    assert why(failed) == ("FAILED", "States.HeartbeatTimeout")
    known.aws.scale(timeouts=1)
    known.airflow.silent.clear()
    assert known.redriven(failed).states[-1] == "The secondary has taken over"
    assert sorted(known.airflow.runs["restore_metadata"].values()) == ["failed", "success"]


def test_without_a_blueprint_nothing_is_changed(site: Deployment) -> None:
    assert why(site.run(**DRILL)) == ("FAILED", "PreflightFailed")
    assert "Let the workflow find the primary environment healthy once" in site.mail("failed").text
    assert (site.status(), site.schedule()) == ("NOT_FOUND", "ENABLED")


def test_of_a_half_replicated_backup_the_one_before_is_restored(known: Deployment) -> None:
    known.aws.hold_replication(known.config.backup_bucket_name(known.primary), after=1)
    a_backup(known.storage(known.primary), LATER, PROD)
    assert known.run(**DRILL).states[-1] == "The secondary has taken over"
    assert known.airflow.conf_of("restore_metadata")["backup_id"] == known.golden_id()
    assert f"backup {LATER} is passed over: it has no manifest here" in known.mail("starts").text
    known.aws.release_replication(known.config.backup_bucket_name(known.primary))


def test_of_a_missing_object_version_the_newest_is_taken_with_a_warning(known: Deployment) -> None:
    known.store_blueprint(RequirementsS3Path="requirements.txt", RequirementsS3ObjectVersion="long-gone")
    s3 = known.client("s3")
    put = s3.put_object(Bucket=known.secondary.dags_bucket_name, Key="requirements.txt", Body=b"x")
    assert known.run(**DRILL).states[-1] == "The secondary has taken over"
    assert known.environment()["RequirementsS3ObjectVersion"] == put["VersionId"]
    assert "version long-gone of 'requirements.txt'" in known.mail("starts").text


def test_of_two_executions_at_once_one_recovers(known: Deployment) -> None:
    both = [known.ended(arn) for arn in [known.start(**DRILL), known.start(**DRILL)]]
    ends = sorted(found.states[-1] for found in both)
    assert ends[1] == "The secondary has taken over"
    assert ends[0] in ("Another execution recovers", "The primary has failed over already")
    assert known.airflow.ran() == ["restore_metadata"]


def test_an_execution_that_is_aborted_is_told(known: Deployment) -> None:
    known.airflow.silent.add("restore_metadata")
    arn = known.start(**DRILL)
    known.runs("restore_metadata")
    known.client("stepfunctions").stop_execution(executionArn=arn, error="Operator", cause="wrong Region")
    told = known.mail("aborted")
    assert "Restore the metadata" in told.text
    assert "wrong Region" in told.text
    known.airflow.silent.clear()
    assert known.run(**DRILL).states[-1] == "The secondary has taken over"
