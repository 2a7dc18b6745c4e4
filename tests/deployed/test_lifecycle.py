"""The life of a deployment, in its order: made beside what is there, updated, destroyed, and made again."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from tests.support import account
from tests.support.estate import UNASKED, Estate, estate
from tests.support.local_aws import eventually

pytestmark = pytest.mark.slow

DAGS, COPIES = "my-mwaa-dags", "my-mwaa-secondary-dags"
THEIRS = ("dags/theirs.py", "requirements.txt", "dags/mwaa_drone/theirs.py")
OURS = "dags/mwaa_dr/backup_metadata.py"
ROLE = "arn:aws:iam::111222333444:role/their-replication"
THEIR_RULE = {
    "ID": "theirs",
    "Status": "Enabled",
    "Priority": 7,
    "Filter": {"Prefix": "logs/"},
    "DeleteMarkerReplication": {"Status": "Disabled"},
    "Destination": {"Bucket": "arn:aws:s3:::their-archive"},
}


@pytest.fixture(scope="module")
def land(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    """An account with DAGs, a replication rule and an endpoint of the user, in which our stacks are deployed."""
    with estate(tmp_path_factory.mktemp("land"), PRIMARY_DAGS_REPLICATION_ROLE_ARN=ROLE) as made:
        made.put(DAGS, *THEIRS)
        made.build().bucket("their-archive")
        account.role(made.aws, ROLE, "s3.amazonaws.com")
        replication = {"Role": ROLE, "Rules": [THEIR_RULE]}
        made.primary("s3").put_bucket_replication(Bucket=DAGS, ReplicationConfiguration=replication)
        made.endpoint()
        made.deploy()
        yield made


def test_the_package_is_put_below_the_dags_folder_beside_what_is_there(land: Estate) -> None:
    ours = {key for key in land.keys(DAGS) if key.startswith("dags/mwaa_dr/")}
    assert OURS in ours
    assert land.keys(DAGS) - ours == {*THEIRS}


def test_rules_of_others_stay_with_their_role(land: Estate) -> None:
    found = land.replication(DAGS)
    assert found["Role"] == ROLE
    priorities = {rule["ID"]: rule["Priority"] for rule in found["Rules"]}
    assert priorities == {"theirs": 7, "mwaa-dr-mwaa-data-team-primary": 8}


def test_an_endpoint_that_is_there_is_used(land: Estate) -> None:
    (endpoint,) = land.secondary("ec2").describe_vpc_endpoints()["VpcEndpoints"]
    assert {"Key": "mwaa-dr:used-by:mwaa-data-team-secondary", "Value": "yes"} in endpoint["Tags"]


def test_dags_of_before_are_copied_once(land: Estate) -> None:
    eventually(lambda: land.keys(COPIES) == land.keys(DAGS))
    eventually(lambda: [message for message in land.aws.messages() if "Complete" in message.message])
    assert [entry["status"] for entry in land.copies_of_before()] == ["SUCCEEDED"]


def test_what_is_removed_is_removed_from_the_copied_dags_but_not_from_the_copied_backups(land: Estate) -> None:
    buckets = [(DAGS, COPIES), (land.backups("PRIMARY"), land.backups("SECONDARY"))]
    for source, copy in buckets:
        land.put(source, "dags/new.py")
        eventually(partial(land.has, copy, "dags/new.py"))
        land.primary("s3").delete_object(Bucket=source, Key="dags/new.py")
    eventually(lambda: "dags/new.py" not in land.keys(COPIES))
    assert "dags/new.py" in land.keys(land.backups("SECONDARY"))


def test_the_primary_has_its_variables_and_backs_up(land: Estate) -> None:
    assert land.airflow.variables["DR_BACKUP_BUCKET"] == land.backups("PRIMARY")
    assert land.airflow.variables["DR_BACKUP_SCHEDULE"] == "0 * * * *"
    assert land.airflow.paused == {"backup_metadata": False, "cleanup_metadata": True, "restore_metadata": True}


def test_an_update_of_one_setting_changes_nothing_else(land: Estate) -> None:
    land.put_golden_backup()
    land.stay_healthy()
    land.airflow.paused["backup_metadata"] = True  # by somebody, for a reason
    before = (land.airflow.variables, land.keys(DAGS), land.replication(DAGS))
    land.aws.forget_calls()
    land.deploy(HEALTH_CHECK_INTERVAL_MINS="10")
    schedule = land.secondary("scheduler").get_schedule(Name=land.config.schedule_name)
    assert schedule["ScheduleExpression"] == "rate(10 minutes)"
    assert (land.airflow.variables, land.keys(DAGS), land.replication(DAGS)) == before
    assert [call for call in land.aws.calls() if "Handler" in call.role] == []
    assert land.airflow.paused["backup_metadata"]
    assert len(land.copies_of_before()) == 1


def test_what_is_deployed_does_not_differ_and_is_not_changed_by_deploying_it_again(land: Estate) -> None:
    assert "Number of stacks with differences: 0" in land.checkout.built("diff")
    before = [stack["LastUpdatedTime"] for stack in land.stacks()]
    land.aws.forget_calls()
    assert land.checkout.built("deploy", *UNASKED).count("(no changes)") == 2
    assert [call.role for call in land.aws.calls() if "Handler" in call.role] == []
    assert [stack["LastUpdatedTime"] for stack in land.stacks()] == before


def test_a_healthy_primary_leaves_its_blueprint(land: Estate) -> None:
    assert land.recovered()["status"] == "SUCCEEDED"
    assert any(key.endswith(".json") and not key.startswith("data/") for key in land.keys(land.backups("SECONDARY")))


def test_destroying_takes_ours_away_and_keeps_backups_records_and_keys(land: Estate) -> None:
    backups = {bucket: land.keys(bucket) for bucket in map(land.backups, ("PRIMARY", "SECONDARY"))}
    keys = land.backup_keys()
    assert land.checkout.build("destroy").status == 1  # without --force, and nobody can be asked
    assert land.resources("SECONDARY")
    land.destroy()
    assert land.resources("PRIMARY") == land.resources("SECONDARY") == []
    assert land.keys(DAGS) == {*THEIRS}
    assert [rule["ID"] for rule in land.replication(DAGS)["Rules"]] == ["theirs"]
    assert land.airflow.variables == {}
    (endpoint,) = land.secondary("ec2").describe_vpc_endpoints()["VpcEndpoints"]
    assert [tag for tag in endpoint.get("Tags", []) if tag["Key"].startswith("mwaa-dr")] == []
    assert {bucket: land.keys(bucket) for bucket in backups} == backups
    assert land.secondary("dynamodb").list_tables()["TableNames"] == [land.config.records_table_name]
    assert land.backup_keys() == keys


def test_nothing_is_deployed_before_somebody_has_approved_what_changes(land: Estate) -> None:
    shown = land.checkout.built("diff")
    assert "Number of stacks with differences: 2" in shown
    assert "AWS::StepFunctions::StateMachine" in shown
    said = land.checkout.build("deploy")
    assert said.status == 1
    assert "security-sensitive updates, but terminal (TTY) is not attached" in said.text
    assert land.resources("PRIMARY") == land.resources("SECONDARY") == []


def test_a_later_deployment_adopts_what_was_kept_and_recovers_from_an_old_backup(land: Estate) -> None:
    keys = land.backup_keys()
    land.deploy()
    assert land.backup_keys() == keys
    assert land.replication(land.backups("PRIMARY"))["Role"] in land.roles()
    found = land.recovered(simulate_dr="YES")
    assert found["status"] == "SUCCEEDED", found
    assert found["output"]["preflight"]["backup_id"] == land.golden_id()


def test_a_person_rearms_after_the_failover(land: Estate) -> None:
    said = land.checkout.built("rearm")
    assert said == "the failover is forgotten; the health check is on again\n"
    assert land.checkout.built("rearm") == "no failover was recorded; the health check was on\n"


def test_an_execution_that_waits_for_nobody_is_not_approved(land: Estate) -> None:
    said = land.checkout.build("approve", "nowhere")
    assert (said.status, said.text.count("\n")) == (1, 1)
    assert "no execution 'nowhere' waits for an answer" in said.text
