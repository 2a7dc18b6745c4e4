"""A recovery that cannot succeed is refused with all the reasons, and nothing has been changed then."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest
from moto import mock_aws

from lib.functions import preflight
from lib.functions.airflow_versions import END_OF_SUPPORT
from lib.functions.blueprint import FORMAT
from lib.functions.blueprint_fields import carried
from lib.functions.errors import NotReady, PreflightFailed
from mwaa_dr.framework.storage.s3 import S3Storage
from tests.support.backups import PROD, a_backup, a_manifest
from tests.support.environments import OWNER_TAG, PRIMARY, SECONDARY, an_environment, failed
from tests.support.stubbed_aws import StubbedAws, kept_client, stubbed_aws

REGION = SECONDARY["region"]
EARLIER, LATER = "20261121T220000Z-0000000000aa", "20261121T230000Z-0000000000bb"
LOCATION = {"LocationConstraint": REGION}
FILES = ("plugins.zip", "requirements.txt", "startup.sh")


class Here:
    """The secondary Region: its buckets, simulated, and what MWAA and Service Quotas answer, scripted."""

    def __init__(self, aws: StubbedAws) -> None:
        self.aws = aws
        self.s3 = kept_client("s3", REGION)
        for bucket in ("backups", "dr-dags"):
            self.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=LOCATION)
        self.s3.put_bucket_versioning(Bucket="dr-dags", VersioningConfiguration={"Status": "Enabled"})
        self.versions = {name: self.put(name) for name in FILES}
        self.storage = S3Storage("backups", "data", client=self.s3)
        a_backup(self.storage, EARLIER)
        a_backup(self.storage, LATER)
        self.store_blueprint()

    def put(self, key: str) -> str:
        return str(self.s3.put_object(Bucket="dr-dags", Key=key, Body=b"x")["VersionId"])

    def store_blueprint(self, *, unknown: tuple[str, ...] = (), **changes: Any) -> None:
        replicated = {
            "PluginsS3ObjectVersion": self.versions["plugins.zip"],
            "RequirementsS3ObjectVersion": self.versions["requirements.txt"],
            "StartupScriptS3ObjectVersion": self.versions["startup.sh"],
        }
        fields = carried(an_environment(**{"KmsKey": None, **replicated, **changes}))
        body = json.dumps({"blueprint_format": FORMAT, "fields": fields, "unknown": unknown})
        self.s3.put_object(Bucket="backups", Key="environment.json", Body=body)

    def change_manifest(self, **changes: Any) -> None:
        manifest = a_manifest(LATER, **changes)
        self.s3.put_object(Bucket="backups", Key=f"data/{PROD.id}/{LATER}/manifest.json", Body=manifest.to_json())

    def mwaa(self, environment: dict[str, Any] | None = None, *, others: int | None = 0) -> None:
        """What GetEnvironment and, unless it is there, ListEnvironments say."""
        script = self.aws.script("mwaa", REGION)
        if environment is None:
            script.add_client_error("get_environment", "ResourceNotFoundException", "no", 404)
        else:
            script.add_response("get_environment", {"Environment": environment}, {"Name": SECONDARY["name"]})
        if environment is None and others is not None:
            script.add_response("list_environments", {"Environments": [f"other-{n}" for n in range(others)]}, {})


@pytest.fixture
def here() -> Iterator[Here]:
    with mock_aws(), stubbed_aws() as aws:
        yield Here(aws)


def check(strategy: str = "BACKUP_RESTORE", **secondary: Any) -> dict[str, Any]:
    event = {
        "strategy": strategy,
        "records": {"table": "mwaa-records", "region": REGION},
        "primary": PRIMARY,
        "secondary": {**SECONDARY, "dags_bucket": "dr-dags", "role_arn": "arn", "owner_tag": OWNER_TAG, **secondary},
        "backup_bucket": "backups",
        "path_prefix": "data",
        "blueprint_key": "environment.json",
        "version": "2.10.3",
    }
    return preflight.handler(event, None)


@contextmanager
def calls_of(client: Any) -> Iterator[list[str]]:
    """The operations that a client is asked for meanwhile."""
    calls: list[str] = []

    def note(model: Any, **_: Any) -> None:
        calls.append(model.name)

    client.meta.events.register("before-call.s3.*", note)
    yield calls
    client.meta.events.unregister("before-call.s3.*", note)


def test_a_recovery_that_can_succeed_has_its_backup_and_versions_fixed(here: Here) -> None:
    here.mwaa()

    found = check()

    assert found.pop("age_seconds") > 0
    assert found == {
        "backup_id": LATER,
        "backup_environment": "prod.us-east-1",
        "snapshot_time": "2026-11-21T23:05:00+00:00",
        "rows": 14,
        "warnings": [],
        "object_versions": {
            "PluginsS3ObjectVersion": here.versions["plugins.zip"],
            "RequirementsS3ObjectVersion": here.versions["requirements.txt"],
            "StartupScriptS3ObjectVersion": here.versions["startup.sh"],
        },
    }


def test_a_backup_that_is_half_replicated_leaves_the_one_before_with_a_warning(here: Here) -> None:
    here.s3.delete_object(Bucket="backups", Key=f"data/{PROD.id}/{LATER}/xcom.csv.gz")
    here.mwaa()

    found = check()

    assert found["backup_id"] == EARLIER
    assert found["warnings"] == [
        f"backup {LATER} is passed over: missing here: xcom.csv.gz, 1 of 2 files",
    ]


def test_every_problem_is_in_one_report_and_nothing_is_changed(here: Here) -> None:
    for name in (EARLIER, LATER):
        here.s3.delete_object(Bucket="backups", Key=f"data/{PROD.id}/{name}/manifest.json")
    tags = {f"tag{number}": "x" for number in range(50)}
    here.store_blueprint(AirflowVersion="2.6.3", Tags=tags, RequirementsS3Path="gone.txt")
    here.mwaa(others=10)
    quota = {"Quota": {"Value": 10.0}}
    here.aws.script("service-quotas", REGION).add_response("get_service_quota", quota)

    with calls_of(here.s3) as calls, pytest.raises(PreflightFailed) as raised:
        check()

    report = str(raised.value)
    assert report.startswith("5 things stand in the way of a recovery, nothing has been changed: (1) ")
    for words in (
        r"no whole backup in s3://backups/data/prod.us-east-1/",
        "10 environments are in us-west-2, more than 10 are not allowed",
        "MWAA creates no environment with Airflow 2.6.3",
        "has 50 tags",
        "'gone.txt' is not in the DAGs bucket 'dr-dags'",
    ):
        assert words in report
    assert calls
    assert all(name.startswith(("Get", "List", "Head")) for name in calls)


def test_without_a_blueprint_the_report_says_how_it_comes_to_be(here: Here) -> None:
    here.s3.delete_object(Bucket="backups", Key="environment.json")
    here.mwaa()

    with pytest.raises(PreflightFailed, match=r"1 thing stands .*no blueprint s3://backups/environment\.json .*once"):
        check()


@pytest.mark.parametrize("version", sorted(END_OF_SUPPORT))
def test_a_version_that_mwaa_no_longer_creates_is_a_problem(here: Here, version: str) -> None:
    here.store_blueprint(AirflowVersion=version)
    here.mwaa()

    with pytest.raises(PreflightFailed, match=f"no environment with Airflow {version} since {END_OF_SUPPORT[version]}"):
        check()
    assert END_OF_SUPPORT[version] < date.today()


def test_a_version_other_than_configured_is_a_warning(here: Here) -> None:
    here.store_blueprint(AirflowVersion="2.11.0")
    here.mwaa()

    assert check()["warnings"] == ["the blueprint is of Airflow 2.11.0, MWAA_VERSION is 2.10.3"]


def test_a_field_that_could_not_be_carried_is_a_warning(here: Here) -> None:
    here.store_blueprint(unknown=("Teams",))
    here.mwaa()

    assert check()["warnings"] == ["the functions' SDK did not know, so it is not carried: Teams"]


def test_a_backup_that_does_not_fit_the_version_is_a_problem(here: Here) -> None:
    here.change_manifest(airflow_version="2.11.0")
    here.mwaa()

    with pytest.raises(PreflightFailed, match=rf"backup {LATER}: a backup of Airflow 2\.11\.0 .* into 2\.10\.3"):
        check()


@pytest.mark.parametrize(("others", "allowed"), [(0, None), (9, None), (10, 11.0), (24, 25.0)])
def test_where_there_is_room_an_environment_can_be_created(here: Here, others: int, allowed: float | None) -> None:
    here.mwaa(others=others)
    if allowed:
        expected = {"ServiceCode": "airflow", "QuotaCode": "L-67D41C6B"}
        here.aws.script("service-quotas", REGION).add_response(
            "get_service_quota", {"Quota": {"Value": allowed}}, expected
        )

    assert check()["warnings"] == []


def test_a_quota_that_nobody_raised_is_that_of_everybody(here: Here) -> None:
    here.mwaa(others=12)
    here.aws.script("service-quotas", REGION).add_client_error("get_service_quota", "NoSuchResourceException", "", 404)

    with pytest.raises(PreflightFailed, match="12 environments are in us-west-2, more than 10 are not allowed"):
        check()


@pytest.mark.parametrize("code", ["AccessDeniedException", "ServiceException", "TooManyRequestsException"])
def test_a_quota_that_is_not_told_does_not_stop_a_recovery(here: Here, code: str) -> None:
    here.mwaa(others=10)
    here.aws.script("service-quotas", REGION).add_client_error("get_service_quota", code, "no", 400)

    [warning] = check()["warnings"]
    assert "whether there may be more could not be asked" in warning
    assert code in warning


def test_a_list_of_environments_that_is_not_told_does_not_stop_a_recovery(here: Here) -> None:
    here.mwaa(others=None)
    here.aws.script("mwaa", REGION).add_client_error("list_environments", "InternalServerException", "no", 500)

    assert "cannot list the environments in us-west-2 now" in check()["warnings"][0]


def test_the_place_of_an_environment_that_was_deleted_is_free(here: Here) -> None:
    here.mwaa(an_environment(SECONDARY, Status="DELETED"))
    names = [*(f"other-{number}" for number in range(9)), SECONDARY["name"]]
    here.aws.script("mwaa", REGION).add_response("list_environments", {"Environments": names}, {})

    assert check()["warnings"] == []


@pytest.mark.parametrize("status", ["AVAILABLE", "CREATING", "CREATE_FAILED", "DELETING"])
def test_an_environment_of_ours_is_gone_on_with(here: Here, status: str) -> None:
    here.mwaa(an_environment(SECONDARY, Status=status, Tags=OWNER_TAG))

    assert check()["warnings"] == []


def test_an_environment_of_ours_that_is_broken_is_a_problem(here: Here) -> None:
    here.mwaa(an_environment(SECONDARY, Status="UNAVAILABLE", Tags=OWNER_TAG))

    with pytest.raises(PreflightFailed, match="is UNAVAILABLE: repair or delete it"):
        check()


def test_an_environment_of_somebody_else_is_a_problem(here: Here) -> None:
    here.mwaa(an_environment(SECONDARY))

    with pytest.raises(PreflightFailed, match=r"environment 'prod-dr' in us-west-2 is there \(AVAILABLE\) and is not"):
        check()


def test_a_version_that_was_not_replicated_is_replaced_by_the_newest_with_a_warning(here: Here) -> None:
    here.put("requirements.txt.old")
    newest = here.put("requirements.txt")
    here.store_blueprint(RequirementsS3ObjectVersion="of-the-primary")
    here.mwaa()

    found = check()

    assert found["object_versions"]["RequirementsS3ObjectVersion"] == newest
    assert found["warnings"] == [
        f"version of-the-primary of 'requirements.txt' is not in 'dr-dags': its newest version there, {newest}, is used"
    ]


def test_an_older_version_that_is_there_is_used_even_when_the_object_was_deleted(here: Here) -> None:
    here.put("requirements.txt")
    here.s3.delete_object(Bucket="dr-dags", Key="requirements.txt")
    here.mwaa()

    assert check()["object_versions"]["RequirementsS3ObjectVersion"] == here.versions["requirements.txt"]


def test_another_object_with_a_name_that_begins_alike_is_not_taken(here: Here) -> None:
    here.put("setup.sh.bak")
    here.store_blueprint(StartupScriptS3Path="setup.sh")
    here.mwaa()

    with pytest.raises(PreflightFailed, match=r"'setup\.sh' is not in the DAGs bucket 'dr-dags'"):
        check()


def test_files_that_the_blueprint_does_not_have_are_not_looked_for(here: Here) -> None:
    nothing: dict[str, Any] = {"PluginsS3Path": None, "RequirementsS3Path": None, "StartupScriptS3ObjectVersion": None}
    here.store_blueprint(**nothing)
    here.mwaa()

    found = check()

    assert (found["object_versions"], found["warnings"]) == ({}, [])


def test_a_dags_bucket_that_does_not_answer_is_a_warning_and_the_versions_stay(here: Here) -> None:
    here.mwaa()

    found = check(dags_bucket="not-there")

    assert found["object_versions"] == {}
    assert "versions of s3://not-there/plugins.zip: NoSuchBucket" in found["warnings"][0]


def test_what_is_bound_to_the_primary_is_told_without_its_value(here: Here) -> None:
    options = {"secrets.backend_kwargs": '{"region": "us-east-1", "password": "hunter2"}', "a.b": "us-east-1"}
    here.store_blueprint(
        AirflowConfigurationOptions=options, KmsKey="arn:aws:kms:us-east-1:1:key/2", EndpointManagement="CUSTOMER"
    )
    here.mwaa()

    warnings = " | ".join(check(config_overrides={"a.b": "us-west-2"}, kms_key_arn=None)["warnings"])

    assert "Airflow options that name us-east-1: secrets.backend_kwargs;" in warnings
    assert "the secondary gets one of AWS" in warnings
    assert "will wait (PENDING) until you create its VPC endpoints" in warnings
    assert "hunter2" not in warnings


@pytest.mark.parametrize(("regions", "count"), [(["us-east-1"], 1), (["us-east-1", "us-west-2"], 0), ([], 0)])
def test_a_backup_that_needs_a_key_of_the_primary_is_a_warning(here: Here, regions: list[str], count: int) -> None:
    here.change_manifest(wrapped_keys={f"arn:aws:kms:{region}:1:key/2": "x" for region in regions})
    here.mwaa()

    warnings = check()["warnings"]

    assert len(warnings) == count
    assert all("DR_KMS_KEY_ARNS" in warning for warning in warnings)


@pytest.mark.parametrize("status", ["AVAILABLE", "UPDATING", "UPDATE_FAILED", "MAINTENANCE", "CREATING"])
def test_a_standby_that_is_or_may_become_available_is_enough(here: Here, status: str) -> None:
    here.s3.delete_object(Bucket="backups", Key="environment.json")
    here.mwaa(an_environment(SECONDARY, Status=status))

    found = check("WARM_STANDBY")

    assert (found["backup_id"], found["warnings"], found["object_versions"]) == (LATER, [], {})


@pytest.mark.parametrize("status", ["CREATE_FAILED", "UNAVAILABLE", "DELETING", "DELETED"])
def test_a_standby_that_will_not_be_available_is_a_problem(here: Here, status: str) -> None:
    here.mwaa(failed(status=status))

    with pytest.raises(PreflightFailed, match=f"us-west-2 is {status}, MWAA says: INCORRECT_CONFIGURATION"):
        check("WARM_STANDBY")


def test_a_standby_that_is_not_there_is_a_problem(here: Here) -> None:
    here.mwaa(others=None)

    with pytest.raises(PreflightFailed, match="environment 'prod-dr' in us-west-2 is NOT_FOUND"):
        check("WARM_STANDBY")


def test_a_standby_of_an_older_version_is_a_problem(here: Here) -> None:
    here.mwaa(an_environment(SECONDARY, AirflowVersion="2.9.2"))

    with pytest.raises(PreflightFailed, match=r"a backup of Airflow 2\.10\.3 is not restored into 2\.9\.2"):
        check("WARM_STANDBY")


@pytest.mark.parametrize(
    ("code", "status", "raised"), [("Throttling", 429, NotReady), ("AccessDenied", 403, PreflightFailed)]
)
def test_only_what_may_pass_is_asked_again(here: Here, code: str, status: int, raised: type[Exception]) -> None:
    here.aws.script("mwaa", REGION).add_client_error("get_environment", code, "because", status)

    with pytest.raises(raised, match=f"environment 'prod-dr' in us-west-2.*{code}: because"):
        check("WARM_STANDBY")


def test_a_real_problem_is_told_at_once_with_what_was_not_answered(here: Here) -> None:
    here.s3.delete_object(Bucket="backups", Key=f"data/{PROD.id}/{EARLIER}/manifest.json")
    here.s3.delete_object(Bucket="backups", Key=f"data/{PROD.id}/{LATER}/manifest.json")
    here.aws.script("mwaa", REGION).add_client_error("get_environment", "Throttling", "because", 429)

    with pytest.raises(PreflightFailed, match=r"^2 things stand .*no whole backup.*; \(2\) cannot look at .* now"):
        check("WARM_STANDBY")


def start(here: Here, backup_id: str | None = None, *, environment: dict[str, Any] | None = None) -> dict[str, Any]:
    """The preflight of an environment that comes back; the place of its backups and its own are the same."""
    script = here.aws.script("mwaa", PRIMARY["region"])
    if environment:
        script.add_response("get_environment", {"Environment": environment}, {"Name": PRIMARY["name"]})
    else:
        script.add_client_error("get_environment", "ResourceNotFoundException", "no", 404)
        script.add_response("list_environments", {"Environments": []}, {})
    event = {
        "strategy": "START",
        "primary": PRIMARY,
        "secondary": {**PRIMARY, "owner_tag": OWNER_TAG},
        "backup_bucket": "backups",
        "path_prefix": "data",
        "blueprint_key": "environment.json",
        "version": "2.10.3",
        "backup_id": backup_id,
    }
    return preflight.handler(event, None)


@pytest.fixture
def home() -> Iterator[Here]:
    """The Region of an environment that is stopped; its blueprint names its DAGs bucket."""
    with mock_aws(), stubbed_aws() as aws:
        here = Here(aws)
        here.store_blueprint(SourceBucketArn="arn:aws:s3:::dr-dags", AirflowConfigurationOptions={"a.b": "us-east-1"})
        yield here


@pytest.mark.parametrize(("asked", "chosen"), [(None, LATER), (LATER, LATER), (EARLIER, EARLIER)])
def test_a_start_takes_the_backup_that_is_named_or_the_newest(home: Here, asked: str | None, chosen: str) -> None:
    found = start(home, asked)
    assert (found["backup_id"], found["warnings"]) == (chosen, [])
    assert found["object_versions"]["PluginsS3ObjectVersion"] == home.versions["plugins.zip"]


def test_a_start_does_not_take_another_backup_than_the_one_that_is_named(home: Here) -> None:
    home.s3.delete_object(Bucket="backups", Key=f"data/{PROD.id}/{EARLIER}/xcom.csv.gz")
    with pytest.raises(PreflightFailed, match=r"in the way of a start, .*missing here: xcom\.csv\.gz"):
        start(home, EARLIER)


def test_a_start_goes_on_with_what_it_began_and_touches_nobody_elses(home: Here) -> None:
    assert start(home, environment=an_environment(Status="CREATING", Tags=OWNER_TAG))["backup_id"] == LATER
    with pytest.raises(PreflightFailed, match=r"environment 'prod' in us-east-1 is there \(AVAILABLE\) and is not"):
        start(home, environment=an_environment())


def test_a_start_names_the_variable_of_its_version(home: Here) -> None:
    home.store_blueprint(SourceBucketArn="arn:aws:s3:::dr-dags", AirflowVersion="2.11.0")
    assert start(home)["warnings"] == ["the blueprint is of Airflow 2.11.0, MWAA_ENV_VERSION is 2.10.3"]
