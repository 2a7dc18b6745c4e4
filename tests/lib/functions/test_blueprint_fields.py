"""No field of an environment is forgotten, and none of the wrong Region is taken over."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.model import StructureShape

from lib.functions.blueprint_fields import (
    CARRIED,
    LOG_MEMBERS,
    NEWER,
    READ_ONLY,
    REPLACED,
    REQUIRED,
    Own,
    carried,
    creation,
    incomplete,
    options,
    paused_at_creation,
)
from tests.support.environments import OWNER_TAG, an_environment, mwaa_model, own, returning

PAUSED = "core.dags_are_paused_at_creation"


def told() -> StructureShape:
    shape = mwaa_model().shape_for("Environment")
    assert isinstance(shape, StructureShape)
    return shape


def taken() -> StructureShape:
    shape = mwaa_model().operation_model("CreateEnvironment").input_shape
    assert isinstance(shape, StructureShape)
    return shape


def created(fields: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    return creation(carried(an_environment(**(fields or {}))), Own.of(own(**changes), {}))


def test_every_field_that_a_creation_takes_is_carried() -> None:
    assert set(taken().members) <= set(CARRIED)
    assert set(CARRIED) - set(taken().members) <= set(NEWER)


def test_every_field_that_mwaa_tells_is_carried_or_has_a_reason_not_to_be() -> None:
    assert set(told().members) <= set(CARRIED) | set(READ_ONLY)
    assert not set(CARRIED) & set(READ_ONLY)
    assert all(READ_ONLY.values())


def test_of_a_log_only_the_group_is_not_taken() -> None:
    logging = taken().members["LoggingConfiguration"]
    assert isinstance(logging, StructureShape)

    for module, shape in logging.members.items():
        assert isinstance(shape, StructureShape), module
        assert set(shape.members) == set(LOG_MEMBERS), module


def test_the_sample_has_every_field() -> None:
    assert set(an_environment()) == set(told().members) - set(NEWER)


def test_everything_but_the_own_values_arrives_unchanged() -> None:
    before, arguments = an_environment(), created()
    changed = {*REPLACED, "AirflowConfigurationOptions", "LoggingConfiguration", "Tags"}

    for field in set(taken().members) - changed:
        assert arguments[field] == before[field], field
    assert {module: log["LogLevel"] for module, log in arguments["LoggingConfiguration"].items()} == {
        module: log["LogLevel"] for module, log in before["LoggingConfiguration"].items()
    }
    assert "CloudWatchLogGroupArn" not in str(arguments)


def test_nothing_of_the_primary_region_is_left() -> None:
    arguments = created(kms_key_arn="arn:aws:kms:us-west-2:111222333444:key/9")

    assert {field: arguments[field] for field in REPLACED} == {
        "Name": "prod-dr",
        "ExecutionRoleArn": "arn:aws:iam::111222333444:role/dr-role",
        "SourceBucketArn": "arn:aws:s3:::dr-dags",
        "NetworkConfiguration": {"SubnetIds": ["subnet-8", "subnet-9"], "SecurityGroupIds": ["sg-9"]},
        "KmsKey": "arn:aws:kms:us-west-2:111222333444:key/9",
        "DagS3Path": "dags",
    }
    assert "us-east-1" not in str(arguments)


def test_without_a_key_of_its_own_it_gets_one_of_aws_and_not_the_primarys() -> None:
    assert "KmsKey" not in created(kms_key_arn=None)


def test_the_bucket_is_in_the_partition_of_the_role() -> None:
    assert created(role_arn="arn:aws-cn:iam::1:role/r")["SourceBucketArn"] == "arn:aws-cn:s3:::dr-dags"


def test_its_own_options_win_and_none_unsets_one() -> None:
    options = created(config_overrides={"core.parallelism": None, "secrets.backend_kwargs": "{}"})

    assert options["AirflowConfigurationOptions"] == {
        "core.default_timezone": "utc",
        "secrets.backend_kwargs": "{}",
        PAUSED: "True",
    }


@pytest.mark.parametrize("said", ["False", "True", None])
def test_no_new_environment_starts_on_its_own(said: str | None) -> None:
    fields = {"AirflowConfigurationOptions": {PAUSED: said} if said else None}

    assert created(fields)["AirflowConfigurationOptions"][PAUSED] == "True"
    assert created(fields, config_overrides={PAUSED: "False"})["AirflowConfigurationOptions"][PAUSED] == "True"


@pytest.mark.parametrize(
    ("said", "overridden", "was"),
    [
        (None, {}, None),
        ("False", {}, False),
        ("false", {}, False),
        ("True", {}, True),
        ("True", {PAUSED: "False"}, False),
        ("False", {PAUSED: None}, None),
    ],
)
def test_what_the_blueprint_said_of_new_dags_is_known(
    said: str | None, overridden: dict[str, str | None], was: bool | None
) -> None:
    fields = {"AirflowConfigurationOptions": {PAUSED: said}} if said else {}

    assert paused_at_creation(fields, overridden) is was


def test_tags_are_carried_but_those_of_aws_and_ours_are_added() -> None:
    assert created()["Tags"] == {"team": "data", **OWNER_TAG}
    assert created({"Tags": {"aws:created": "x"}})["Tags"] == OWNER_TAG


def test_the_versions_of_its_own_bucket_win_and_none_means_the_newest() -> None:
    arguments = created(object_versions={"RequirementsS3ObjectVersion": "other", "PluginsS3ObjectVersion": None})

    assert arguments["RequirementsS3ObjectVersion"] == "other"
    assert "PluginsS3ObjectVersion" not in arguments
    assert arguments["StartupScriptS3ObjectVersion"] == "startup-v1"


def test_a_folder_that_only_ends_with_a_slash_stays_as_it_was() -> None:
    assert created({"DagS3Path": "dags/"})["DagS3Path"] == "dags/"
    assert created({"DagS3Path": "airflow/dags"})["DagS3Path"] == "dags"


def test_what_is_empty_is_left_out() -> None:
    fields = carried(an_environment(PluginsS3Path="", AirflowConfigurationOptions={}, MinWorkers=None))

    assert not {"PluginsS3Path", "AirflowConfigurationOptions", "MinWorkers"} & set(fields)
    assert options(fields, {}) == {}


def test_a_log_without_a_level_is_left_off() -> None:
    logging = {"TaskLogs": {"Enabled": False}, "WorkerLogs": {"Enabled": True, "LogLevel": "DEBUG"}}

    assert carried(an_environment(LoggingConfiguration=logging))["LoggingConfiguration"] == {
        "WorkerLogs": {"Enabled": True, "LogLevel": "DEBUG"}
    }


def returned(**fields: Any) -> dict[str, Any]:
    """The creation of an environment that comes back to its own place."""
    saved = carried(an_environment(**fields))
    return creation(saved, Own.of(returning(owner_tag={}), saved))


def test_an_environment_that_comes_back_is_in_every_field_what_it_was() -> None:
    assert returned() == carried(an_environment())
    assert returned(KmsKey=None, AirflowConfigurationOptions=None) == carried(
        an_environment(KmsKey=None, AirflowConfigurationOptions=None)
    )
    assert returned(SourceBucketArn="arn:aws-cn:s3:::b", ExecutionRoleArn="arn:aws-cn:iam::1:role/r") == carried(
        an_environment(SourceBucketArn="arn:aws-cn:s3:::b", ExecutionRoleArn="arn:aws-cn:iam::1:role/r")
    )


@pytest.mark.parametrize(
    ("said", "created_with"),
    [(None, None), ("True", "True"), ("true", "true"), ("False", "True"), ("false", "True"), ("0", "True")],
)
def test_new_dags_of_one_that_comes_back_are_paused_however_it_said_so(
    said: str | None, created_with: str | None
) -> None:
    options = {"core.parallelism": "64", **({PAUSED: said} if said else {})}
    sent = returned(AirflowConfigurationOptions=options)["AirflowConfigurationOptions"]
    assert (sent.get(PAUSED), sent["core.parallelism"]) == (created_with, "64")


@pytest.mark.parametrize(
    ("fields", "lacking"),
    [
        ({}, []),
        ({"ExecutionRoleArn": None, "DagS3Path": None}, ["ExecutionRoleArn", "DagS3Path"]),
        (
            {"NetworkConfiguration": None},
            ["NetworkConfiguration", "NetworkConfiguration.SubnetIds", "NetworkConfiguration.SecurityGroupIds"],
        ),
        ({"NetworkConfiguration": {"SubnetIds": ["s"]}}, ["NetworkConfiguration.SecurityGroupIds"]),
    ],
)
def test_what_a_blueprint_lacks_is_named(fields: dict[str, Any], lacking: list[str]) -> None:
    assert incomplete(carried(an_environment(**fields))) == lacking


def test_what_mwaa_requires_is_known() -> None:
    assert set(REQUIRED) == set(taken().required_members)
