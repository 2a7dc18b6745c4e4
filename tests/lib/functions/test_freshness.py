"""Backups of the primary arrive, or somebody hears since when they do not; a healthy answer costs two listings."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import boto3
import pytest

from lib.functions import freshness
from lib.functions.backup_manifest import TIME_FORM
from lib.functions.errors import Misconfigured, NotReady
from lib.functions.freshness import handler
from lib.functions.record_table import BACKUPS, FAILED_OVER
from mwaa_dr.framework.storage.s3 import S3Storage
from tests.support.backups import FILES, PROD, a_backup
from tests.support.record_tables import RECORDS, REGION, Account
from tests.support.stubbed_aws import stubbed_aws

BUCKET = "backups"
LIMIT = 150
NOTHING = {"backup_id": "", "trouble": ""}


class Backups:
    """The backups of `prod` in the secondary's bucket."""

    def __init__(self, aws: Account) -> None:
        self._aws = aws
        self.s3 = boto3.client("s3", region_name=REGION)
        self.asked: list[str] = []
        self.s3.meta.events.register("before-call.s3", lambda model, **_: self.asked.append(model.name))

    def take(self, *, minutes_ago: int = 0, complete: bool = True) -> str:
        """A backup that was begun so long ago."""
        begun: datetime = self._aws.now - timedelta(minutes=minutes_ago)
        backup_id = f"{begun:{TIME_FORM}}-0123456789ab"
        a_backup(S3Storage(BUCKET, "data", client=self.s3), backup_id, complete=complete)
        return backup_id

    def look(self, *, created_at: str = "2026-01-01T00:00:00+00:00") -> dict[str, Any]:
        """What is said of them, and which calls it took."""
        self.asked.clear()
        event = {
            "primary": {"name": PROD.name, "region": PROD.region},
            "bucket": BUCKET,
            "region": REGION,
            "path_prefix": "data",
            "max_age_mins": LIMIT,
            "health": {"answer": "HEALTHY", "reason": "", "created_at": created_at},
            "records": RECORDS,
        }
        return handler(event, None)


@pytest.fixture
def backups(aws: Account, monkeypatch: pytest.MonkeyPatch) -> Backups:
    """None yet, and they are looked at for the first time."""
    found = Backups(aws)
    bucket = boto3.resource("s3", region_name=REGION).Bucket(BUCKET)
    if bucket.creation_date:
        bucket.objects.all().delete()
    else:
        bucket.create(CreateBucketConfiguration={"LocationConstraint": REGION})
    monkeypatch.setattr(freshness, "client", lambda *_: found.s3)
    return found


@pytest.fixture
def watched(aws: Account, backups: Backups) -> Backups:
    """They have been looked at for a day, and none has come."""
    backups.look()
    aws.later(days=1)
    return backups


def test_a_young_backup_is_well(watched: Backups) -> None:
    newest = watched.take(minutes_ago=LIMIT - 1)
    assert watched.look() == {"backup_id": newest, "trouble": ""}


def test_the_same_backup_is_read_once_and_then_only_listed(watched: Backups) -> None:
    watched.take(minutes_ago=5)
    watched.look()
    assert watched.asked == ["ListObjectsV2", "ListObjectsV2", "GetObject"]
    assert watched.look()["trouble"] == ""
    assert watched.asked == ["ListObjectsV2"]


def test_no_file_of_a_backup_is_read(watched: Backups) -> None:
    newest = watched.take(minutes_ago=5)
    damaged = b"x" * len(FILES["xcom"])
    watched.s3.put_object(Bucket=BUCKET, Key=f"data/{PROD.id}/{newest}/xcom.csv.gz", Body=damaged)
    assert watched.look() == {"backup_id": newest, "trouble": ""}


def test_an_old_backup_is_told_with_its_age_and_the_limit(watched: Backups) -> None:
    newest = watched.take(minutes_ago=LIMIT + 1)
    told = watched.look()
    assert told["backup_id"] == newest
    assert told["trouble"] == (
        f"the newest whole backup of environment 'prod' in us-east-1 in s3://backups is {newest}, begun at "
        "2026-11-23T09:40:30+00:00, 2 h 31 min ago: a new one should have arrived within 150 minutes, which "
        "BACKUP_MAX_AGE_MINS says"
    )


def test_a_new_backup_that_is_not_whole_does_not_count(watched: Backups) -> None:
    old = watched.take(minutes_ago=LIMIT + 60)
    watched.take(minutes_ago=10, complete=False)
    told = watched.look()
    assert told["backup_id"] == old
    assert old in told["trouble"]


def test_a_new_backup_that_is_still_replicated_does_not_hide_the_one_before(watched: Backups) -> None:
    before = watched.take(minutes_ago=60)
    watched.take(minutes_ago=1, complete=False)
    assert watched.look() == {"backup_id": before, "trouble": ""}


def test_backups_that_stop_are_told_when_the_last_one_is_too_old(aws: Account, watched: Backups) -> None:
    watched.take()
    troubles = []
    for _ in range(5):
        troubles.append(bool(watched.look()["trouble"]))
        aws.later(minutes=50)
    assert troubles == [False, False, False, False, True]


def test_one_that_arrives_again_is_well_again(watched: Backups) -> None:
    watched.take(minutes_ago=LIMIT * 2)
    assert watched.look()["trouble"]
    newest = watched.take()
    assert watched.look() == {"backup_id": newest, "trouble": ""}


def test_none_at_all_is_told_once_one_could_have_come(aws: Account, backups: Backups) -> None:
    assert backups.look() == NOTHING
    aws.later(minutes=LIMIT - 1)
    assert backups.look() == NOTHING
    aws.later(minutes=1)
    told = backups.look()
    assert told["trouble"].startswith("there is no whole backup of environment 'prod' in us-east-1 in s3://backups")
    assert "looked for since 2026-11-22T12:11:30+00:00" in told["trouble"]


def test_an_environment_that_was_just_created_or_started_is_given_time(aws: Account, watched: Backups) -> None:
    watched.take(minutes_ago=3000)
    created_at = aws.now.isoformat()
    assert watched.look(created_at=created_at)["trouble"] == ""
    aws.later(minutes=LIMIT)
    assert watched.look(created_at=created_at)["trouble"]


def test_a_primary_whose_creation_is_not_told_has_no_more_time(watched: Backups) -> None:
    assert watched.look(created_at="")["trouble"]


def test_the_backups_of_a_primary_that_has_failed_over_are_nobody_s_concern(aws: Account, watched: Backups) -> None:
    aws.table.put(FAILED_OVER, {"environment": "prod-dr.us-west-2"})
    assert watched.look() == NOTHING
    aws.table.delete(FAILED_OVER)
    assert watched.look()["trouble"]


def test_backups_of_another_environment_do_not_count(watched: Backups, aws: Account) -> None:
    other = S3Storage(BUCKET, "data", client=watched.s3)
    a_backup(other, f"{aws.now:{TIME_FORM}}-0123456789ab", type(PROD)("prod", "eu-west-1"))
    assert "there is no whole backup" in watched.look()["trouble"]


def test_the_record_is_written_only_when_something_is_new(aws: Account, watched: Backups) -> None:
    newest = watched.take()
    watched.look()
    written = aws.table.get(BACKUPS)
    assert written == {"since": "2026-11-22T12:11:30+00:00", "backup_id": newest}
    aws.later(minutes=5)
    watched.look()
    assert aws.table.get(BACKUPS) == written


@pytest.mark.parametrize(
    ("code", "status", "raised"),
    [("AccessDenied", 403, Misconfigured), ("NoSuchBucket", 404, Misconfigured), ("SlowDown", 503, NotReady)],
)
def test_a_bucket_that_cannot_be_listed_is_an_error_that_names_it(
    watched: Backups, monkeypatch: pytest.MonkeyPatch, code: str, status: int, raised: type[Exception]
) -> None:
    with stubbed_aws() as scripted:
        script = scripted.script("s3", REGION)
        script.add_client_error("list_objects_v2", code, "no", status)
        monkeypatch.setattr(freshness, "client", lambda *_: script.client)
        with pytest.raises(raised, match=r"s3://backups/data/prod\.us-east-1/"):
            watched.look()
