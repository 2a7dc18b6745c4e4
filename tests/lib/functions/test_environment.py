"""What may be told of an environment, how it is deleted, and how its new DAGs get their old way back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from moto import mock_aws

from lib.functions import clock
from lib.functions.environment import OPS, handler
from lib.functions.errors import Misconfigured, NotReady, StillBusy
from tests.support.environments import OWNER_TAG, SECONDARY, STATUSES, an_environment
from tests.support.stubbed_aws import StubbedAws, kept_client, stubbed_aws

PAUSED = "core.dags_are_paused_at_creation"
LOOK = {"op": "look", "environment": SECONDARY}
DELETE = {"op": "delete", "environment": SECONDARY, "redrive_count": 2}
UNPAUSE = {"op": "unpause_at_creation", "environment": SECONDARY, "paused_at_creation_was": False}
DELETABLE = frozenset({"AVAILABLE", "UPDATE_FAILED", "CREATE_FAILED", "UNAVAILABLE"})
REFUSALS = [
    ("AccessDeniedException", 403, Misconfigured),
    ("ValidationException", 400, Misconfigured),
    ("ThrottlingException", 429, NotReady),
    ("InternalServerException", 500, NotReady),
    ("ServiceUnavailableException", 503, NotReady),
]


@pytest.fixture
def aws() -> Iterator[StubbedAws]:
    with stubbed_aws() as aws:
        yield aws


def script(aws: StubbedAws, environment: dict[str, Any] | None = None) -> Any:
    mwaa = aws.script("mwaa", SECONDARY["region"])
    if environment is None:
        mwaa.add_client_error("get_environment", "ResourceNotFoundException", "no", 404)
    else:
        mwaa.add_response("get_environment", {"Environment": environment}, {"Name": SECONDARY["name"]})
    return mwaa


def here(**changes: Any) -> dict[str, Any]:
    return an_environment(SECONDARY, **changes)


@pytest.mark.parametrize(
    ("mode", "web_server"),
    [("PRIVATE_ONLY", "PRIVATE"), ("PUBLIC_ONLY", "PUBLIC"), ("PUBLIC_AND_PRIVATE", "PUBLIC"), (None, "PRIVATE")],
)
def test_the_mode_of_the_web_server_says_from_where_it_is_reached(
    aws: StubbedAws, mode: str | None, web_server: str
) -> None:
    script(aws, here(WebserverAccessMode=mode, Tags=OWNER_TAG))

    assert handler(LOOK, None) == {
        "status": "AVAILABLE",
        "web_server": web_server,
        "version": "2.10.3",
        "tags": OWNER_TAG,
        "created_at": here()["CreatedAt"].isoformat(),
    }


def test_an_environment_that_is_not_there_has_no_web_server(aws: StubbedAws) -> None:
    script(aws)

    assert handler(LOOK, None) == {
        "status": "NOT_FOUND",
        "web_server": "NONE",
        "version": "",
        "tags": {},
        "created_at": "",
    }


def test_a_look_tells_no_airflow_option(aws: StubbedAws) -> None:
    script(aws, here(AirflowConfigurationOptions={"smtp.smtp_password": "hunter2"}))

    assert "hunter2" not in json.dumps(handler(LOOK, None))


@pytest.mark.parametrize(("code", "status", "raised"), REFUSALS[:4])
def test_a_look_that_fails_is_not_taken_for_an_answer(
    aws: StubbedAws, code: str, status: int, raised: type[Exception]
) -> None:
    aws.script("mwaa", SECONDARY["region"]).add_client_error("get_environment", code, "because", status)

    with pytest.raises(raised, match=f"environment 'prod-dr' in us-west-2.*{code}: because"):
        handler(LOOK, None)


@pytest.mark.parametrize("status", sorted(DELETABLE))
def test_a_deletion_begins_now_in_this_redrive(aws: StubbedAws, status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    script(aws, here(Status=status)).add_response("delete_environment", {}, {"Name": "prod-dr"})
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 11, 22, 2, 6, tzinfo=timezone.utc))

    assert handler(DELETE, None) == {
        "outcome": "DELETING",
        "started_at": "2026-11-22T02:06:00+00:00",
        "redrive_count": 2,
    }


@pytest.mark.parametrize(("status", "outcome"), [("DELETING", "DELETING"), ("DELETED", "GONE")])
def test_a_deletion_goes_on_where_one_was_begun(aws: StubbedAws, status: str, outcome: str) -> None:
    script(aws, here(Status=status))

    assert handler(DELETE, None)["outcome"] == outcome


def test_what_is_gone_needs_no_deletion(aws: StubbedAws) -> None:
    script(aws)

    assert handler(DELETE, None)["outcome"] == "GONE"


@pytest.mark.parametrize("status", sorted(STATUSES - DELETABLE - {"DELETING", "DELETED"}))
def test_what_is_changing_is_not_deleted_but_asked_again(aws: StubbedAws, status: str) -> None:
    script(aws, here(Status=status))

    with pytest.raises(NotReady, match=f"is {status}: it cannot be deleted now"):
        handler(DELETE, None)


def test_with_an_owner_tag_only_what_carries_it_is_deleted(aws: StubbedAws) -> None:
    script(aws, here())
    script(aws, here(Tags=OWNER_TAG)).add_response("delete_environment", {}, {"Name": "prod-dr"})

    with pytest.raises(Misconfigured, match="is not ours to delete"):
        handler({**DELETE, "owner_tag": OWNER_TAG}, None)
    assert handler({**DELETE, "owner_tag": OWNER_TAG}, None)["outcome"] == "DELETING"


@pytest.mark.parametrize(("code", "status", "raised"), REFUSALS)
def test_a_deletion_that_is_refused_says_why(aws: StubbedAws, code: str, status: int, raised: type[Exception]) -> None:
    script(aws, here()).add_client_error("delete_environment", code, "because", status)

    with pytest.raises(raised, match=f"cannot delete environment 'prod-dr' in us-west-2.*{code}: because"):
        handler(DELETE, None)


def test_new_dags_start_on_their_own_again_and_no_other_option_is_lost(aws: StubbedAws) -> None:
    mwaa = script(aws, here(AirflowConfigurationOptions={"core.parallelism": "64", PAUSED: "True"}))
    sent = {"Name": "prod-dr", "AirflowConfigurationOptions": {"core.parallelism": "64", PAUSED: "False"}}
    mwaa.add_response("update_environment", {"Arn": here()["Arn"]}, {**sent, "WorkerReplacementStrategy": "GRACEFUL"})

    assert handler(UNPAUSE, None)["changed"] is True


def test_a_region_without_graceful_updates_gets_the_other_one(aws: StubbedAws) -> None:
    mwaa = script(aws, here(AirflowConfigurationOptions={PAUSED: "True"}))
    mwaa.add_client_error("update_environment", "ValidationException", "not supported", 400)
    sent = {"Name": "prod-dr", "AirflowConfigurationOptions": {PAUSED: "False"}}
    mwaa.add_response("update_environment", {"Arn": here()["Arn"]}, sent)

    assert handler(UNPAUSE, None)["changed"] is True


@pytest.mark.parametrize("was", [None, True])
def test_where_the_blueprint_paused_new_dags_nothing_is_asked(aws: StubbedAws, was: bool | None) -> None:
    assert handler({**UNPAUSE, "paused_at_creation_was": was}, None)["changed"] is False


def test_an_option_that_is_set_is_not_set_again(aws: StubbedAws) -> None:
    script(aws, here(AirflowConfigurationOptions={PAUSED: "False"}))

    assert handler(UNPAUSE, None)["changed"] is False


@pytest.mark.parametrize("status", sorted(STATUSES - {"AVAILABLE", "UPDATE_FAILED"}))
def test_an_environment_that_cannot_be_updated_is_asked_again(aws: StubbedAws, status: str) -> None:
    script(aws, here(Status=status))

    with pytest.raises(NotReady, match=f"is {status}: it cannot be updated now"):
        handler(UNPAUSE, None)


@pytest.fixture
def shelf(aws: StubbedAws) -> Any:
    """The bucket of blueprints and notes."""
    with mock_aws():
        s3 = kept_client("s3", SECONDARY["region"])
        s3.create_bucket(Bucket="backups", CreateBucketConfiguration={"LocationConstraint": SECONDARY["region"]})
        yield s3


def store(shelf: Any, **options: str) -> None:
    fields = {"Name": "prod-dr", **({"AirflowConfigurationOptions": options} if options else {})}
    body = json.dumps({"blueprint_format": 1, "fields": fields, "unknown": []})
    shelf.put_object(Bucket="backups", Key="environment.json", Body=body)


def updating(*, restart: bool = False) -> dict[str, Any]:
    where = {"bucket": "backups", "bucket_region": SECONDARY["region"], "blueprint_key": "environment.json"}
    return {"op": "update", "environment": SECONDARY, "restart": restart, "redrive_count": 1, **where}


def expect_update(mwaa: Any, options: dict[str, str]) -> None:
    sent = {"Name": "prod-dr", "AirflowConfigurationOptions": options, "WorkerReplacementStrategy": "GRACEFUL"}
    mwaa.add_response("update_environment", {"Arn": here()["Arn"]}, sent)


@pytest.mark.parametrize("restart", [True, False])
def test_an_environment_gets_the_very_options_of_its_blueprint_back(aws: StubbedAws, shelf: Any, restart: bool) -> None:
    store(shelf, **{PAUSED: "false", "core.parallelism": "64"})
    mwaa = script(aws, here(AirflowConfigurationOptions={PAUSED: "True", "core.parallelism": "64"}))
    expect_update(mwaa, {PAUSED: "false", "core.parallelism": "64"})

    told = handler(updating(restart=restart), None)

    assert (told["outcome"], told["redrive_count"]) == ("UPDATING", 1)
    assert told["started_at"]


def test_an_environment_that_has_them_is_updated_only_to_restart(aws: StubbedAws, shelf: Any) -> None:
    store(shelf)
    script(aws, here(AirflowConfigurationOptions=None))
    assert handler(updating(), None)["outcome"] == "READY"

    expect_update(script(aws, here(AirflowConfigurationOptions=None)), {})
    assert handler(updating(restart=True), None)["outcome"] == "UPDATING"


def test_an_update_that_has_begun_is_gone_on_with(aws: StubbedAws, shelf: Any) -> None:
    script(aws, here(Status="UPDATING"))

    assert handler(updating(restart=True), None)["outcome"] == "UPDATING"


@pytest.mark.parametrize("status", sorted(STATUSES - {"AVAILABLE", "UPDATE_FAILED", "UPDATING"}))
def test_one_that_cannot_be_updated_now_is_asked_again(aws: StubbedAws, shelf: Any, status: str) -> None:
    script(aws, here(Status=status))

    with pytest.raises(NotReady, match=f"is {status}: it cannot be updated now"):
        handler(updating(), None)


def test_our_tag_is_taken_off_and_no_other(aws: StubbedAws) -> None:
    event = {"op": "untag", "environment": SECONDARY, "owner_tag": OWNER_TAG}
    mwaa = script(aws, here(Tags={"team": "data", **OWNER_TAG}))
    mwaa.add_response("untag_resource", {}, {"ResourceArn": here()["Arn"], "tagKeys": [*OWNER_TAG]})

    assert handler(event, None) == {"untagged": True}
    script(aws, here())
    assert handler(event, None) == {"untagged": False}
    script(aws)
    assert handler(event, None) == {"untagged": False}


@pytest.mark.parametrize(("checked", "outcome"), [(1, "AGAIN"), (2, "DELETING")])
def test_after_a_redrive_what_was_checked_before_a_deletion_is_checked_again(
    aws: StubbedAws, checked: int, outcome: str
) -> None:
    mwaa = script(aws, here())
    if outcome == "DELETING":
        mwaa.add_response("delete_environment", {}, {"Name": "prod-dr"})

    assert handler({**DELETE, "checked_in_redrive": checked}, None)["outcome"] == outcome


def test_what_is_being_deleted_is_not_checked_again(aws: StubbedAws) -> None:
    script(aws, here(Status="DELETING"))

    assert handler({**DELETE, "checked_in_redrive": 0}, None)["outcome"] == "DELETING"


@pytest.mark.parametrize("ended_at", ["", "2026-11-22T20:00:00+00:00", None])
def test_an_environment_whose_dags_are_active_again_is_not_deleted(
    aws: StubbedAws, shelf: Any, ended_at: str | None
) -> None:
    note: dict[str, Any] = {"active": [], "standing": [], "execution": "", "noted_at": "", "ended_at": ended_at}
    if ended_at is not None:
        shelf.put_object(Bucket="backups", Key="stops/prod-dr.us-west-2/active.json", Body=json.dumps(note))
    event = {**DELETE, "bucket": "backups", "bucket_region": SECONDARY["region"]}
    mwaa = script(aws, here())

    if ended_at == "":
        mwaa.add_response("delete_environment", {}, {"Name": "prod-dr"})
        assert handler(event, None)["outcome"] == "DELETING"
        return
    with pytest.raises(StillBusy, match="the DAGs of prod-dr are active again, it is not deleted"):
        handler(event, None)


def test_an_environment_that_is_younger_than_the_note_of_the_stop_is_not_deleted(aws: StubbedAws, shelf: Any) -> None:
    created = here()["CreatedAt"] - timedelta(seconds=1)
    note = {"active": [], "standing": [], "execution": "", "noted_at": created.isoformat(), "ended_at": ""}
    shelf.put_object(Bucket="backups", Key="stops/prod-dr.us-west-2/active.json", Body=json.dumps(note))
    script(aws, here())
    with pytest.raises(StillBusy, match="it is not deleted"):
        handler({**DELETE, "bucket": "backups", "bucket_region": SECONDARY["region"]}, None)


def test_an_unknown_op_is_refused() -> None:
    with pytest.raises(ValueError, match=f"one of {', '.join(OPS)}"):
        handler({"op": "stop"}, None)
