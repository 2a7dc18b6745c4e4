"""One execution at a time stops or starts an environment, and says so before it does what cannot be undone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest

from lib.functions import record_table
from lib.functions.errors import LeaseLost, Misconfigured, NotRestored, StillBusy
from lib.functions.record_table import RecordTable
from lib.functions.stopping import handler
from tests.support.environments import OWNER_TAG, STATUSES, an_environment
from tests.support.record_tables import RECORDS, REGION, Account
from tests.support.stubbed_aws import StubbedAws, stubbed_aws

PLACE = {"name": "dev", "region": REGION}
OTHER = {**PLACE, "name": "staging"}
LEASE = record_table.transition(PLACE)
STOPPED = record_table.stopped(PLACE)
DR_RECORDS = {"table": "mwaa-dr-records", "region": "us-east-1"}
NOTE = "stops/dev.us-west-2/active.json"
NOTED = {"active": ["sales"], "standing": [], "execution": "one", "noted_at": "before", "ended_at": ""}


def do(op: str, execution: str = "", environment: dict[str, str] = PLACE, **more: Any) -> dict[str, Any]:
    event = {
        "op": op,
        "environment": environment,
        "records": RECORDS,
        "also_records": [],
        "bucket": "stops",
        "bucket_region": REGION,
        "execution": execution,
        "owner_tag": OWNER_TAG,
        **more,
    }
    return handler(event, None)


def stop(execution: str, **more: Any) -> dict[str, Any]:
    return do("record_stop", execution, backup_id="20261122T120000Z", rows=42, note_key=NOTE, **more)


def forget(aws: Account) -> None:
    """What a start does in its end, or a reactivation."""
    one = aws.execution()
    do("take_lease", one)
    do("record_start", one)
    do("release", one)


@pytest.fixture
def bucket(aws: Account) -> Iterator[Any]:
    """The bucket of the note, with one that is unfinished."""
    s3 = boto3.client("s3", region_name=REGION)
    s3.create_bucket(Bucket="stops", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="stops", Key=NOTE, Body=json.dumps(NOTED))
    yield s3
    s3.delete_object(Bucket="stops", Key=NOTE)
    s3.delete_bucket(Bucket="stops")


@pytest.fixture
def dr_table(aws: Account) -> Iterator[RecordTable]:
    """The records of disaster recovery, in the secondary Region."""
    database = boto3.client("dynamodb", region_name=DR_RECORDS["region"])
    database.create_table(
        TableName=DR_RECORDS["table"],
        KeySchema=[{"AttributeName": record_table.KEY, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": record_table.KEY, "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    yield RecordTable(DR_RECORDS)
    database.delete_table(TableName=DR_RECORDS["table"])


def ended_at(s3: Any) -> str:
    return str(json.loads(s3.get_object(Bucket="stops", Key=NOTE)["Body"].read())["ended_at"])


def test_of_a_stop_and_a_start_one_acts(aws: Account) -> None:
    one, other = aws.execution(), aws.execution()
    assert do("take_lease", one)["outcome"] == "TAKEN"
    assert do("take_lease", one)["outcome"] == "TAKEN"
    told = do("take_lease", other)
    assert (told["outcome"], told["holder"]) == ("HELD", one)
    assert told["reason"].endswith("is stopping or starting dev")


def test_another_environment_is_not_kept_from_its_stop(aws: Account) -> None:
    do("take_lease", aws.execution())
    assert do("take_lease", aws.execution(), OTHER)["outcome"] == "TAKEN"


def test_the_lease_of_an_execution_that_has_ended_is_taken_over(aws: Account) -> None:
    do("take_lease", aws.execution(running=False))
    assert do("take_lease", aws.execution())["outcome"] == "TAKEN"


def test_only_the_holder_gives_the_lease_back(aws: Account) -> None:
    one = aws.execution()
    do("take_lease", one)
    assert do("release", aws.execution()) == {"released": False}
    assert do("release", one) == {"released": True}
    assert aws.table.get(LEASE) == {}


def test_a_stop_is_recorded_in_every_table_until_the_start(aws: Account, bucket: Any, dr_table: RecordTable) -> None:
    one = aws.execution()
    assert stop(one, also_records=[DR_RECORDS]) == {"stopped": True, "at": "2026-11-22T12:11:30+00:00"}
    written = {
        "execution": one,
        "at": "2026-11-22T12:11:30+00:00",
        "backup_id": "20261122T120000Z",
        "rows": "42",
        "note": NOTE,
    }
    assert aws.table.get(STOPPED) == dr_table.get(STOPPED) == written
    assert do("record_start", one, also_records=[DR_RECORDS]) == {"stopped": False, "was": True}
    assert (aws.table.get(STOPPED), dr_table.get(STOPPED)) == ({}, {})
    assert do("record_start", one, also_records=[DR_RECORDS]) == {"stopped": False, "was": False}


def test_a_stop_that_disaster_recovery_cannot_know_of_is_not_recorded_here_either(aws: Account, bucket: Any) -> None:
    with pytest.raises(Misconfigured, match="the table mwaa-dr-records in us-east-1: ResourceNotFoundException"):
        stop(aws.execution(), also_records=[DR_RECORDS])
    assert aws.table.get(STOPPED) == {}


def test_a_stop_that_is_redriven_while_another_execution_acts_is_not_recorded(aws: Account, bucket: Any) -> None:
    do("take_lease", aws.execution())
    with pytest.raises(StillBusy, match=r"acts on dev by now\. HINT: Start a new execution"):
        stop(aws.execution())
    assert aws.table.get(STOPPED) == {}


def test_a_stop_whose_dags_are_active_again_is_not_recorded(aws: Account, bucket: Any) -> None:
    forget(aws)
    with pytest.raises(StillBusy, match="the DAGs of dev are active again"):
        stop(aws.execution())
    assert aws.table.get(STOPPED) == {}


def test_in_the_end_the_note_is_ended_and_the_lease_given_back(aws: Account, bucket: Any) -> None:
    one = aws.execution()
    do("take_lease", one)
    aws.later(hours=1)
    assert do("finish", one) == {"note": True, "released": True}
    assert ended_at(bucket) == "2026-11-22T13:11:30+00:00"
    assert aws.table.get(LEASE) == {}
    aws.later(hours=1)
    assert do("finish", one)["note"] is False
    assert ended_at(bucket) == "2026-11-22T13:11:30+00:00"
    assert aws.table.get(LEASE) == {}


def test_a_start_ends_the_note_of_a_stop_that_did_not_get_so_far(aws: Account, bucket: Any) -> None:
    forget(aws)
    assert ended_at(bucket)


def test_an_old_start_that_is_redriven_does_not_forget_the_stop_since(aws: Account, bucket: Any) -> None:
    """Recovery would begin, for an environment that nobody misses."""
    old, one = aws.execution(running=False), aws.execution()
    do("take_lease", old)
    do("take_lease", one)
    stop(one)
    with pytest.raises(LeaseLost, match="nothing is done any more"):
        do("record_start", old)
    assert aws.table.get(STOPPED)["execution"] == one
    assert not ended_at(bucket)


def test_a_start_that_is_redriven_after_the_next_stop_forgets_nothing_of_it(aws: Account, bucket: Any) -> None:
    start, next_stop = aws.execution(running=False), aws.execution()
    do("take_lease", start)
    do("take_lease", next_stop)
    stop(next_stop)
    for op in ("record_start", "forget_stop"):
        with pytest.raises(LeaseLost):
            do(op, start)
    assert aws.table.get(STOPPED)
    assert ended_at(bucket) == ""


def test_an_old_stop_that_is_redriven_does_not_end_the_note_of_the_one_since(aws: Account, bucket: Any) -> None:
    """Its DAGs would stay paused if it failed."""
    old, one = aws.execution(running=False), aws.execution()
    do("take_lease", old)
    do("take_lease", one)
    assert do("finish", old) == {"note": False, "released": False}
    assert not ended_at(bucket)
    assert do("finish", one) == {"note": True, "released": True}


@pytest.fixture
def mwaa(aws: Account) -> Iterator[StubbedAws]:
    with stubbed_aws() as scripted:
        yield scripted


def look_back(mwaa: StubbedAws, environment: dict[str, Any] | None) -> dict[str, Any]:
    script = mwaa.script("mwaa", REGION)
    if environment is None:
        script.add_client_error("get_environment", "ResourceNotFoundException", "no", 404)
    else:
        script.add_response("get_environment", {"Environment": environment}, {"Name": "dev"})
    return do("look_back")


def test_a_backup_that_a_person_has_asked_for_counts(aws: Account, mwaa: StubbedAws, bucket: Any) -> None:
    stop(aws.execution())
    mwaa.script("mwaa", REGION).add_client_error("get_environment", "ResourceNotFoundException", "no", 404)
    told = do("look_back", backup_id="20261101T120000Z")
    assert (told["backup_id"], told["in_flight"]) == ("20261101T120000Z", "drop")


def here(aws: Account, status: str = "AVAILABLE", *, hours: float = 1, ours: bool = True) -> dict[str, Any]:
    """The environment, created so many hours after now."""
    tags = {"team": "data", **(OWNER_TAG if ours else {})}
    return an_environment(PLACE, Status=status, Tags=tags, CreatedAt=aws.now + timedelta(hours=hours))


def test_what_was_recorded_is_told_and_the_environment_is_created(aws: Account, mwaa: StubbedAws, bucket: Any) -> None:
    stop(aws.execution())
    assert look_back(mwaa, None) == {
        "stopped": True,
        "stopped_at": "2026-11-22T12:11:30+00:00",
        "backup_id": "20261122T120000Z",
        "rows": 42,
        "in_flight": "resume",
        "status": "NOT_FOUND",
        "outcome": "CREATE",
    }


def test_without_a_record_nothing_is_known_and_it_is_created_all_the_same(aws: Account, mwaa: StubbedAws) -> None:
    nothing = {"stopped": False, "stopped_at": None, "backup_id": None, "rows": None, "in_flight": "drop"}
    assert look_back(mwaa, here(aws, "DELETED")) == {**nothing, "status": "DELETED", "outcome": "CREATE"}


@pytest.mark.parametrize("status", sorted(STATUSES - {"DELETED", "DELETING"}))
def test_what_a_start_of_ours_has_begun_is_gone_on_with(
    aws: Account, mwaa: StubbedAws, bucket: Any, status: str
) -> None:
    stop(aws.execution())
    assert look_back(mwaa, here(aws, status))["outcome"] == "GO_ON"


@pytest.mark.parametrize("ours", [True, False])
def test_an_environment_that_was_not_deleted_is_there_whatever_tag_it_has(
    aws: Account, mwaa: StubbedAws, bucket: Any, ours: bool
) -> None:
    stop(aws.execution())
    assert look_back(mwaa, here(aws, hours=-1, ours=ours))["outcome"] == "THERE"


def test_one_that_somebody_has_created_meanwhile_is_there(aws: Account, mwaa: StubbedAws, bucket: Any) -> None:
    stop(aws.execution())
    assert look_back(mwaa, here(aws, ours=False))["outcome"] == "THERE"
    assert look_back(mwaa, here(aws, "CREATING", ours=False))["outcome"] == "THERE"


def test_one_that_came_back_before_is_there(aws: Account, mwaa: StubbedAws) -> None:
    told = look_back(mwaa, here(aws, ours=False))
    assert (told["stopped"], told["outcome"]) == (False, "THERE")


def test_what_a_start_has_begun_without_a_stop_before_is_gone_on_with(aws: Account, mwaa: StubbedAws) -> None:
    assert look_back(mwaa, here(aws))["outcome"] == "GO_ON"


def whole(mwaa: StubbedAws, environment: dict[str, Any]) -> dict[str, Any]:
    mwaa.script("mwaa", REGION).add_response("get_environment", {"Environment": environment}, {"Name": "dev"})
    return do("require_whole")


@pytest.mark.parametrize("recorded", [True, False])
def test_an_environment_that_a_failed_start_has_not_restored_is_not_stopped(
    aws: Account, mwaa: StubbedAws, bucket: Any, recorded: bool
) -> None:
    if recorded:
        stop(aws.execution())
    with pytest.raises(NotRestored, match=r"'dev' in us-west-2 was created by a start that has not restored it"):
        whole(mwaa, here(aws))


def test_what_has_come_back_or_was_never_away_may_be_stopped(aws: Account, mwaa: StubbedAws, bucket: Any) -> None:
    assert whole(mwaa, here(aws, ours=False)) == {"whole": True}
    stop(aws.execution())
    assert whole(mwaa, here(aws, ours=False)) == {"whole": True}
    assert whole(mwaa, here(aws, hours=-1)) == {"whole": True}


@pytest.mark.parametrize("ours", [True, False])
def test_one_that_a_start_has_restored_is_not_restored_again_but_finished(
    aws: Account, mwaa: StubbedAws, bucket: Any, ours: bool
) -> None:
    restored(aws, mwaa, created=1)
    assert look_back(mwaa, here(aws, hours=1, ours=ours))["outcome"] == "FINISH"
    assert look_back(mwaa, here(aws, "DELETING", hours=1, ours=ours))["outcome"] == "LEAVING"


def test_one_that_was_created_anew_since_the_restore_is_restored(aws: Account, mwaa: StubbedAws, bucket: Any) -> None:
    restored(aws, mwaa, created=1)
    assert look_back(mwaa, here(aws, hours=2))["outcome"] == "GO_ON"
    assert look_back(mwaa, None)["outcome"] == "CREATE"


def test_a_restore_after_no_stop_is_not_recorded(aws: Account, mwaa: StubbedAws, bucket: Any) -> None:
    one = aws.execution()
    do("take_lease", one)
    mwaa.script("mwaa", REGION).add_response("get_environment", {"Environment": here(aws)}, {"Name": "dev"})
    assert do("record_restore", one) == {"recorded": False}
    assert aws.table.get(STOPPED) == {}


def test_an_old_start_records_no_restore(aws: Account, bucket: Any) -> None:
    stop(aws.execution())
    with pytest.raises(LeaseLost):
        do("record_restore", aws.execution(running=False))
    assert "restored_of" not in aws.table.get(STOPPED)


def test_what_a_start_has_restored_may_be_stopped_although_it_came_to_no_end(
    aws: Account, mwaa: StubbedAws, bucket: Any
) -> None:
    restored(aws, mwaa, created=1)
    assert whole(mwaa, here(aws, hours=1)) == {"whole": True}


def restored(aws: Account, mwaa: StubbedAws, *, created: float) -> None:
    """A stop, and the restore of what was created so many hours after it."""
    one = aws.execution()
    stop(one)
    found = {"Environment": here(aws, hours=created)}
    mwaa.script("mwaa", REGION).add_response("get_environment", found, {"Name": "dev"})
    assert do("record_restore", one) == {"recorded": True}


@pytest.mark.parametrize(("hours", "paused"), [(-1, True), (1, False)], ids=["of this life", "of the one before"])
def test_a_start_that_finds_it_there_tells_whether_a_stop_has_left_dags_paused(
    aws: Account, mwaa: StubbedAws, bucket: Any, hours: float, paused: bool
) -> None:
    note = {**NOTED, "noted_at": aws.now.isoformat()}
    bucket.put_object(Bucket="stops", Key=NOTE, Body=json.dumps(note))
    start = aws.execution(running=False)
    stop(start)
    mwaa.script("mwaa", REGION).add_response("get_environment", {"Environment": here(aws, hours=hours)})
    assert do("forget_stop", start) == {"stopped": False, "was": True, "paused": paused}
    assert (aws.table.get(STOPPED), ended_at(bucket)) == ({}, "")


def test_one_that_is_being_deleted_is_waited_for(aws: Account, mwaa: StubbedAws, bucket: Any) -> None:
    stop(aws.execution())
    assert look_back(mwaa, here(aws, "DELETING"))["outcome"] == "LEAVING"


def test_an_unknown_op_is_refused_in_words() -> None:
    with pytest.raises(Misconfigured, match="unknown op 'stop', allowed: take_lease, hold_lease, release"):
        do("stop")
