"""A backup counts when all of it is in this bucket, unaltered; the engine says the same of every one of them."""

from __future__ import annotations

import doctest
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from moto import mock_aws

from lib.functions import backup_manifest, clock
from lib.functions.backup_manifest import FILE_FIELDS, OPTIONAL, REQUIRED, DamagedBackup
from lib.functions.backups import BackupBucket, handler
from lib.functions.errors import Misconfigured, NotReady, PreflightFailed
from mwaa_dr.framework import backup_id as engine_id
from mwaa_dr.framework import manifest as engine_manifest
from mwaa_dr.framework.errors import DrError
from mwaa_dr.framework.storage.s3 import S3Storage
from mwaa_dr.framework.verify import Level, verify_backup
from tests.conftest import Database
from tests.support import engine
from tests.support.backups import FILES, PROD, a_backup, a_manifest
from tests.support.filled import fill
from tests.support.metadata import Metadata
from tests.support.stubbed_aws import StubbedAws, kept_client, stubbed_aws

REGION = "us-west-2"
BUCKET = "backups"
EARLIER, LATER = "20261121T220000Z-0000000000aa", "20261121T230000Z-0000000000bb"
PLACE = f"data/{PROD.id}/{LATER}"
SIZE = sum(map(len, FILES.values()))
VERIFY = {
    "bucket": BUCKET,
    "region": REGION,
    "path_prefix": "data",
    "environment": {"name": PROD.name, "region": PROD.region},
}


@pytest.fixture
def aws() -> Iterator[StubbedAws]:
    with mock_aws(), stubbed_aws() as aws:
        yield aws


@pytest.fixture
def s3(aws: StubbedAws) -> Any:
    client = kept_client("s3", REGION)
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    return client


def storage(s3: Any) -> S3Storage:
    return S3Storage(BUCKET, "data", client=s3)


def bucket(s3: Any, **changes: Any) -> BackupBucket:
    return replace(BackupBucket(s3, BUCKET, "data"), **changes)


@pytest.fixture
def two(s3: Any) -> Any:
    """Two whole backups, the later one being the latest."""
    a_backup(storage(s3), EARLIER)
    a_backup(storage(s3), LATER)
    return s3


def change_manifest(s3: Any, **changes: Any) -> None:
    raw = json.loads(s3.get_object(Bucket=BUCKET, Key=f"{PLACE}/manifest.json")["Body"].read())
    document = {name: value for name, value in {**raw, **changes}.items() if value is not ...}
    s3.put_object(Bucket=BUCKET, Key=f"{PLACE}/manifest.json", Body=json.dumps(document))


def change_file(s3: Any, **changes: Any) -> None:
    raw = json.loads(a_manifest(LATER).to_json())
    table = {name: value for name, value in {**raw["tables"][0], **changes}.items() if value is not ...}
    change_manifest(s3, tables=[table, *raw["tables"][1:]])


def put(name: str, body: bytes) -> Callable[[Any], None]:
    return lambda s3: s3.put_object(Bucket=BUCKET, Key=f"{PLACE}/{name}", Body=body)


def remove(name: str) -> Callable[[Any], None]:
    return lambda s3: s3.delete_object(Bucket=BUCKET, Key=f"{PLACE}/{name}")


DAMAGES: dict[str, Callable[[Any], None]] = {
    "has no manifest": remove("manifest.json"),
    "missing here: xcom": remove("xcom.csv.gz"),
    "of another size here: xcom": put("xcom.csv.gz", FILES["xcom"][:-1]),
    "'log.csv.gz' was altered": put("log.csv.gz", FILES["log"].replace(b"rows", b"cows")),
    "cannot be read": put("manifest.json", b"{"),
    "cannot be read (TypeError)": put("manifest.json", b"7"),
    "cannot be read (KeyError)": lambda s3: change_manifest(s3, backup_id=...),
    "reads up to 3": lambda s3: change_manifest(s3, format=4),
    "it is that of another backup": lambda s3: change_manifest(s3, backup_id=EARLIER),
    "its environment is another one": lambda s3: change_manifest(s3, environment={"name": "other", "region": ""}),
    "its environment has no name": lambda s3: change_manifest(s3, environment={"region": "us-east-1"}),
    "its environment has more": lambda s3: change_manifest(s3, environment={"name": "prod", "zone": "a"}),
    "it has an unknown field": lambda s3: change_manifest(s3, new=1),
    "it has an unknown mode": lambda s3: change_manifest(s3, mode="HALF"),
    "its tables are no list": lambda s3: change_manifest(s3, tables=7),
    "its format is no number": lambda s3: change_manifest(s3, format="1"),
    "a table lacks a file": lambda s3: change_file(s3, parts=2),
    "a table has a file too many": lambda s3: change_file(s3, table="xcom"),
    "a file has no hash": lambda s3: change_file(s3, sha256=...),
    "a file has no size": lambda s3: change_file(s3, size="900"),
    "a file lies elsewhere": lambda s3: change_file(s3, file=f"../{EARLIER}/log.csv.gz"),
    "a file has another hash": lambda s3: change_file(s3, sha256="0" * 64),
}


DROPPED = engine_manifest.DroppedRows("log", "log.dropped.gz", 2, 4, hashlib.sha256(b"list").hexdigest())
NEITHER_OLDER_NOR_SAME = LATER.replace("bb", "cc")
BROKEN_CHAINS: dict[str, Callable[[Any], None]] = {
    "its file of the older backup is missing": lambda s3: s3.delete_object(
        Bucket=BUCKET, Key=f"data/{PROD.id}/{EARLIER}/xcom.csv.gz"
    ),
    "the older backup is missing": lambda s3: s3.delete_objects(
        Bucket=BUCKET,
        Delete={"Objects": [{"Key": f"data/{PROD.id}/{EARLIER}/{name}.csv.gz"} for name in FILES]},
    ),
    "its file of the older backup was cut": lambda s3: s3.put_object(
        Bucket=BUCKET, Key=f"data/{PROD.id}/{EARLIER}/xcom.csv.gz", Body=FILES["xcom"][:-1]
    ),
    "its file of the older backup was altered": lambda s3: s3.put_object(
        Bucket=BUCKET, Key=f"data/{PROD.id}/{EARLIER}/log.csv.gz", Body=FILES["log"].replace(b"rows", b"cows")
    ),
    "the list of dropped rows is missing": remove("log.dropped.gz"),
    "the list of dropped rows was altered": put("log.dropped.gz", b"LIST"),
    "it names no list of dropped rows": lambda s3: change_manifest(s3, dropped=[]),
    "it names two lists": lambda s3: change_manifest(s3, dropped=[vars(DROPPED), vars(DROPPED)]),
    "its parent is not older": lambda s3: change_manifest(s3, parent=NEITHER_OLDER_NOR_SAME),
    "its parent is no backup": lambda s3: change_manifest(s3, parent="../other"),
    "it is its own parent": lambda s3: change_manifest(s3, parent=LATER),
    "its format knows no parents": lambda s3: change_manifest(s3, format=2),
    "a file of the older backup is said to be encrypted": lambda s3: change_file_of_chain(s3, encrypted=True),
    "a file lies in a newer backup": lambda s3: change_file_of_chain(s3, backup_id=NEITHER_OLDER_NOR_SAME),
    "a file lies in another environment": lambda s3: change_file_of_chain(s3, backup_id=f"../other/{EARLIER}"),
}


@pytest.fixture
def chain(s3: Any) -> Any:
    """A full backup and an increment, which holds nothing but the list of rows that are gone."""
    a_backup(storage(s3), EARLIER)
    files = tuple(replace(file, backup_id=EARLIER) for file in a_manifest(LATER).tables)
    tables = (replace(files[0], rows=5, dropped=2), *files[1:])
    put("log.dropped.gz", b"list")(s3)
    an_increment = a_manifest(LATER, tables=tables, format=3, parent=EARLIER, base=EARLIER, dropped=(DROPPED,))
    put("manifest.json", an_increment.to_json())(s3)
    return s3


def change_file_of_chain(s3: Any, **changes: Any) -> None:
    raw = json.loads(s3.get_object(Bucket=BUCKET, Key=f"{PLACE}/manifest.json")["Body"].read())
    change_manifest(s3, tables=[{**raw["tables"][0], **changes}, *raw["tables"][1:]])


def engine_accepts(s3: Any, backup_id: str) -> bool:
    try:
        return verify_backup(storage(s3), Level.FILES, source=PROD.id, backup_id=backup_id).passed
    except DrError:
        return False


def we_accept(s3: Any, backup_id: str) -> bool:
    try:
        bucket(s3).verify(PROD.id, backup_id)
    except DamagedBackup:
        return False
    return True


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_the_engine_refuses_is_refused_and_the_backup_before_is_taken(two: Any, damage: str) -> None:
    DAMAGES[damage](two)

    assert [engine_accepts(two, LATER), we_accept(two, LATER)] == [False, False]
    assert [engine_accepts(two, EARLIER), we_accept(two, EARLIER)] == [True, True]
    found = bucket(two).newest(PROD.id)
    assert found.backup.id == EARLIER
    assert [LATER in warning for warning in found.warnings] == [True]


def test_an_increment_is_whole_with_what_it_adds_to(chain: Any) -> None:
    assert [engine_accepts(chain, LATER), we_accept(chain, LATER)] == [True, True]
    found = bucket(chain).newest(PROD.id).backup
    assert (found.id, found.manifest.rows, found.unread) == (LATER, 12, ())
    assert bucket(chain).newest_whole(PROD.id) == LATER


@pytest.mark.parametrize("damage", BROKEN_CHAINS)
def test_an_increment_of_a_broken_chain_is_refused_as_the_engine_refuses_it(chain: Any, damage: str) -> None:
    BROKEN_CHAINS[damage](chain)

    assert [engine_accepts(chain, LATER), we_accept(chain, LATER)] == [False, False]


def test_an_increment_whose_parent_is_not_replicated_yet_is_passed_over(chain: Any) -> None:
    oldest = EARLIER.replace("22", "21")
    a_backup(storage(chain), oldest)
    for name in FILES:
        chain.delete_object(Bucket=BUCKET, Key=f"data/{PROD.id}/{EARLIER}/{name}.csv.gz")

    found = bucket(chain).newest(PROD.id)

    assert found.backup.id == oldest
    assert f"missing here: {EARLIER}/log.csv.gz, {EARLIER}/xcom.csv.gz, 2 of 3 files" in found.warnings[0]
    assert bucket(chain).newest_whole(PROD.id) == oldest


@pytest.mark.parametrize(
    "harmless",
    [
        lambda s3: None,
        put("report.json", b"{"),
        put("report.json", b'{"promoted": true}'),
        put("something.else", b""),
        lambda s3: change_manifest(s3, wrapped_keys=..., active_dags=..., not_carried=..., seconds=..., mode=...),
        lambda s3: s3.delete_object(Bucket=BUCKET, Key=f"data/{PROD.id}/latest.json"),
        lambda s3: s3.put_object(Bucket=BUCKET, Key=f"data/{PROD.id}/latest.json", Body=b"{"),
        lambda s3: s3.put_object(Bucket=BUCKET, Key=f"data/{PROD.id}/notes/readme", Body=b""),
    ],
)
def test_what_the_engine_accepts_is_accepted(two: Any, harmless: Callable[[Any], None]) -> None:
    harmless(two)

    assert [engine_accepts(two, LATER), we_accept(two, LATER)] == [True, True]
    assert bucket(two).newest(PROD.id).backup.id == LATER


def test_backups_of_the_engine_are_accepted_with_their_facts(s3: Any, database: Database) -> None:
    primary = Metadata(database(engine.VERSION))
    fill(primary)
    engine.backup(primary.url, storage(s3), environment=PROD)
    report = engine.backup(primary.url, storage(s3), environment=PROD)
    manifest = engine.manifest_of(storage(s3))

    facts = handler(VERIFY, None)

    assert facts.pop("age_seconds") >= 0
    assert facts == {
        "backup_id": report.backup_id,
        "backup_environment": "prod.us-east-1",
        "snapshot_time": manifest.snapshot_time,
        "rows": manifest.rows,
        "warnings": [],
    }
    assert engine_accepts(s3, report.backup_id)
    assert not s3.delete_objects(
        Bucket=BUCKET,
        Delete={"Objects": [{"Key": f"data/{PROD.id}/{report.backup_id}/{manifest.tables[3].file}"}]},
    ).get("Errors")
    assert handler(VERIFY, None)["backup_id"] != report.backup_id
    assert not engine_accepts(s3, report.backup_id)


def test_a_backup_that_shrank_is_passed_over_as_the_engine_does(s3: Any, database: Database) -> None:
    primary = Metadata(database(engine.VERSION))
    fill(primary)
    whole = engine.backup(primary.url, storage(s3), environment=PROD)
    primary.run_sql("DELETE FROM variable")
    shrunk = engine.backup(primary.url, storage(s3), environment=PROD, shrink_guard_percent=50)
    assert shrunk.promoted is False

    found = bucket(s3).newest(PROD.id)

    assert found.backup.id == whole.backup_id
    assert shrunk.backup_id in found.warnings[0]
    assert "lost much" in found.warnings[0]


def test_a_backup_that_shrank_is_better_than_none(s3: Any) -> None:
    a_backup(storage(s3), LATER)
    put("report.json", b'{"promoted": false}')(s3)

    found = bucket(s3).newest(PROD.id)

    assert (found.backup.id, len(found.warnings)) == (LATER, 1)


def test_the_newest_is_chosen_whatever_the_pointer_says(two: Any) -> None:
    a_backup(storage(two), EARLIER.replace("22", "21"), promote=True)

    assert bucket(two).newest(PROD.id).backup.id == LATER


def test_the_backups_of_another_environment_are_not_taken(two: Any) -> None:
    with pytest.raises(DamagedBackup, match=r"no whole backup in s3://backups/data/prod\.us-west-2/ \(0 were begun"):
        bucket(two).newest("prod.us-west-2")


def test_without_a_whole_backup_the_reasons_are_told(s3: Any) -> None:
    for hour in range(20, 24):
        a_backup(storage(s3), f"20261121T{hour}0000Z-0000000000aa", complete=False)

    with pytest.raises(PreflightFailed, match=r"4 were begun.*T230000Z-.* not yet replicated.* 1 older ones"):
        handler(VERIFY, None)


def test_what_cannot_be_afforded_is_said_and_the_rest_is_read(two: Any) -> None:
    put("xcom.csv.gz", b"x" * len(FILES["xcom"]))(two)

    backup = bucket(two, budget=SIZE - 1).verify(PROD.id, LATER)

    assert [file.name for file in backup.unread] == ["xcom.csv.gz"]
    assert "of xcom.csv.gz (2,000,000 bytes) only the sizes" in backup.facts()["warnings"][0]
    with pytest.raises(DamagedBackup):
        bucket(two, budget=SIZE).verify(PROD.id, LATER)


def test_the_size_of_a_file_is_always_compared(two: Any) -> None:
    put("xcom.csv.gz", FILES["xcom"][:-1])(two)

    with pytest.raises(DamagedBackup, match=r"of another size here: xcom\.csv\.gz, 1 of 2 files"):
        bucket(two, budget=0).verify(PROD.id, LATER)


def test_a_prefix_may_be_empty_or_have_slashes(s3: Any) -> None:
    a_backup(S3Storage(BUCKET, "", client=s3), EARLIER)
    a_backup(S3Storage(BUCKET, "a/b", client=s3), LATER)

    assert bucket(s3, path_prefix="").newest(PROD.id).backup.id == EARLIER
    assert bucket(s3, path_prefix="/a/b/").newest(PROD.id).backup.id == LATER


def test_the_age_of_a_backup_is_that_of_its_snapshot(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    a_backup(storage(s3), LATER)
    moment = datetime.fromisoformat(a_manifest(LATER).snapshot_time)
    monkeypatch.setattr(clock, "now", lambda: moment + timedelta(hours=5))

    assert handler({**VERIFY, "backup_id": LATER}, None)["age_seconds"] == 5 * 3600


def test_a_backup_that_is_named_and_damaged_is_not_replaced(two: Any) -> None:
    remove("log.csv.gz")(two)

    with pytest.raises(PreflightFailed, match=rf"backup {LATER} of 'prod\.us-east-1': missing here: log\.csv\.gz"):
        handler({**VERIFY, "backup_id": LATER}, None)


@pytest.mark.parametrize(
    ("code", "status", "raised"), [("AccessDenied", 403, Misconfigured), ("SlowDown", 503, NotReady)]
)
def test_a_bucket_that_does_not_answer_is_no_damaged_backup(
    aws: StubbedAws, code: str, status: int, raised: type[Exception]
) -> None:
    aws.script("s3", REGION).add_client_error("list_objects_v2", code, "because", status)

    with pytest.raises(raised, match=f"s3://backups/data/prod.us-east-1/.*{code}"):
        handler(VERIFY, None)


def test_a_file_that_may_not_be_read_is_no_damaged_backup(aws: StubbedAws) -> None:
    files = [f"data/{PROD.id}/{LATER}/manifest.json"]
    script = aws.script("s3", REGION)
    script.add_response("list_objects_v2", {"Contents": [{"Key": key, "Size": 1} for key in files]})
    script.add_client_error("get_object", "AccessDenied", "no kms:Decrypt", 403)

    with pytest.raises(Misconfigured, match=r"manifest\.json: AccessDenied: no kms:Decrypt"):
        handler({**VERIFY, "backup_id": LATER}, None)


def test_both_readers_know_the_same_fields() -> None:
    assert {field.name for field in fields(engine_manifest.Manifest)} == REQUIRED | OPTIONAL
    assert set(FILE_FIELDS) <= {field.name for field in fields(engine_manifest.TableFile)}
    assert backup_manifest.FORMAT == engine_manifest.FORMAT
    assert backup_manifest.MANIFEST_NAME == engine_manifest.MANIFEST_NAME


@pytest.mark.parametrize(
    "name", [LATER, "20261121T230000Z-12345678", "20261321T230000Z-12345678", "latest.json", "", "20261121T230000Z-1"]
)
def test_both_readers_know_the_same_backup_ids(name: str) -> None:
    assert backup_manifest.backup_time(name) == engine_id.backup_time(name)


def test_the_examples_in_the_documentation_are_true() -> None:
    done = doctest.testmod(backup_manifest)

    assert (done.attempted > 0, done.failed) == (True, 0)


def test_an_archive_of_the_history_is_taken_and_told(s3: Any) -> None:
    a_backup(storage(s3), LATER, mode=engine_manifest.Mode.CONFIG_ONLY)

    facts = handler(VERIFY, None)
    assert facts["backup_id"] == LATER
    assert facts["warnings"] == [
        f"backup {LATER} is CONFIG_ONLY, the configuration and an archive of the history:"
        " the history stays in the backup, and no restore brings it back"
    ]
