"""An environment is created once, whoever asks and how often, and nobody else's is touched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from lib.functions.blueprint import handler as blueprint
from lib.functions.blueprint_fields import Own, carried, creation
from lib.functions.environment import handler
from lib.functions.errors import BlueprintMissing, EnvironmentBroken, Misconfigured, NotReady
from tests.support.environments import OWNER_TAG, PRIMARY, SECONDARY, STATUSES, an_environment, failed, own, returning
from tests.support.stubbed_aws import StubbedAws, stubbed_aws

REGION = SECONDARY["region"]
PAUSED = "core.dags_are_paused_at_creation"
CREATED = {"Arn": an_environment(SECONDARY)["Arn"]}


@pytest.fixture
def empty() -> Iterator[StubbedAws]:
    """The secondary Region before any blueprint was stored."""
    with mock_aws(), stubbed_aws() as aws:
        location = {"LocationConstraint": REGION}
        boto3.client("s3", region_name=REGION).create_bucket(Bucket="backups", CreateBucketConfiguration=location)
        yield aws


@pytest.fixture
def aws(empty: StubbedAws) -> StubbedAws:
    """With the blueprint of the primary."""
    store(empty)
    return empty


def store(aws: StubbedAws, **changes: Any) -> None:
    primary = aws.script("mwaa", PRIMARY["region"])
    primary.add_response("get_environment", {"Environment": an_environment(**changes)})
    place = {"bucket": "backups", "key": "environment.json", "bucket_region": REGION}
    assert blueprint({"op": "store", "environment": PRIMARY, **place}, None)["stored"]


def tell(aws: StubbedAws, environment: dict[str, Any] | None = None) -> Any:
    mwaa = aws.script("mwaa", REGION)
    if environment is None:
        mwaa.add_client_error("get_environment", "ResourceNotFoundException", "no", 404)
    else:
        mwaa.add_response("get_environment", {"Environment": environment}, {"Name": "prod-dr"})
    return mwaa


def ours(status: str) -> dict[str, Any]:
    return an_environment(SECONDARY, Status=status, Tags={"team": "data", **OWNER_TAG})


def test_a_new_environment_has_all_of_the_blueprint_and_its_own_values(aws: StubbedAws) -> None:
    expected = creation(carried(an_environment()), Own.of(own(), {}))
    tell(aws).add_response("create_environment", CREATED, expected)

    answer = handler(own(redrive_count=3), None)

    assert answer.pop("started_at")
    assert answer == {"outcome": "CREATING", "paused_at_creation_was": None, "redrive_count": 3}


@pytest.mark.parametrize(("said", "was"), [("False", False), ("True", True)])
def test_what_the_blueprint_said_of_new_dags_is_handed_on(empty: StubbedAws, said: str, was: bool) -> None:
    store(empty, AirflowConfigurationOptions={PAUSED: said})
    tell(empty).add_response("create_environment", CREATED)

    assert handler(own(), None)["paused_at_creation_was"] is was


def test_one_that_was_deleted_is_created_again(aws: StubbedAws) -> None:
    tell(aws, ours("DELETED")).add_response("create_environment", CREATED)

    assert handler(own(), None)["outcome"] == "CREATING"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [("AVAILABLE", "READY"), ("UPDATE_FAILED", "READY"), ("DELETING", "DELETING")]
    + [(status, "CREATING") for status in ("CREATING", "PENDING", "UPDATING", "ROLLING_BACK")]
    + [(status, "CREATING") for status in ("CREATING_SNAPSHOT", "MAINTENANCE")],
)
def test_a_new_execution_goes_on_with_what_one_of_ours_began(aws: StubbedAws, status: str, outcome: str) -> None:
    tell(aws, ours(status))

    assert handler(own(), None)["outcome"] == outcome


def test_a_creation_of_ours_that_failed_is_deleted_first(aws: StubbedAws) -> None:
    tell(aws, failed(Tags=OWNER_TAG)).add_response("delete_environment", {}, {"Name": "prod-dr"})

    assert handler(own(), None)["outcome"] == "DELETING"


def test_one_of_ours_that_has_lived_is_never_deleted(aws: StubbedAws) -> None:
    tell(aws, failed(status="UNAVAILABLE", Tags=OWNER_TAG))

    with pytest.raises(EnvironmentBroken, match=r"is UNAVAILABLE, MWAA says: .* HINT: It has lived"):
        handler(own(), None)


@pytest.mark.parametrize("status", sorted(STATUSES - {"DELETED"}))
def test_an_environment_of_somebody_else_is_refused_whatever_its_state(aws: StubbedAws, status: str) -> None:
    other = dict.fromkeys(OWNER_TAG, "another deployment")
    tell(aws, an_environment(SECONDARY, Status=status, Tags=other))

    with pytest.raises(Misconfigured, match=r"is there .* and is not ours: it lacks the tag mwaa-dr:created-by"):
        handler(own(), None)


def test_a_creation_whose_answer_was_lost_is_found_again(aws: StubbedAws) -> None:
    tell(aws).add_client_error("create_environment", "ValidationException", "it exists", 400)
    tell(aws, ours("CREATING"))

    assert handler(own(), None)["outcome"] == "CREATING"


@pytest.mark.parametrize(
    ("code", "status", "raised"),
    [
        ("AccessDeniedException", 403, Misconfigured),
        ("InternalServerException", 500, NotReady),
        ("ServiceUnavailableException", 503, NotReady),
        ("ThrottlingException", 429, NotReady),
    ],
)
def test_a_creation_that_is_refused_says_why(aws: StubbedAws, code: str, status: int, raised: type[Exception]) -> None:
    tell(aws).add_client_error("create_environment", code, "because", status)

    with pytest.raises(raised, match=f"cannot create environment 'prod-dr' in us-west-2.*{code}: because"):
        handler(own(), None)


def test_a_creation_that_mwaa_does_not_accept_says_why(aws: StubbedAws) -> None:
    tell(aws).add_client_error("create_environment", "ValidationException", "unable to access version", 400)
    tell(aws)

    with pytest.raises(Misconfigured, match="ValidationException: unable to access version"):
        handler(own(), None)


def test_without_a_blueprint_nothing_is_asked_of_mwaa(empty: StubbedAws) -> None:
    with pytest.raises(BlueprintMissing):
        handler(own(), None)


def test_an_environment_comes_back_to_its_own_place_from_its_blueprint_alone(aws: StubbedAws) -> None:
    saved = carried(an_environment())
    mwaa = aws.script("mwaa", PRIMARY["region"])
    mwaa.add_client_error("get_environment", "ResourceNotFoundException", "no", 404)
    mwaa.add_response("create_environment", CREATED, {**saved, "Tags": {**saved["Tags"], **OWNER_TAG}})

    assert handler(returning(bucket_region=REGION, object_versions={}), None)["outcome"] == "CREATING"


def test_a_blueprint_that_lacks_what_mwaa_needs_creates_nothing(empty: StubbedAws) -> None:
    store(empty, ExecutionRoleArn=None)

    with pytest.raises(BlueprintMissing, match=r"s3://backups/environment\.json lacks ExecutionRoleArn"):
        handler(returning(bucket_region=REGION), None)
