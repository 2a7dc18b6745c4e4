"""Nothing is deleted with a backup that is altered, cut, half there or another one's, or without a way back."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from moto import mock_aws

from lib.functions import backup_rows, backups, clock, stopping
from lib.functions.airflow_versions import END_OF_SUPPORT
from lib.functions.blueprint import FORMAT
from lib.functions.blueprint_fields import carried
from lib.functions.errors import NotReady, PreflightFailed
from mwaa_dr.framework.csv_rows import encode
from mwaa_dr.framework.manifest import Environment, Mode, TableFile
from mwaa_dr.framework.storage.s3 import S3Storage
from tests.conftest import Database
from tests.support import engine
from tests.support.backups import a_manifest
from tests.support.environments import OWNER_TAG, SECONDARY, an_environment
from tests.support.fake_kms import HERE, use_fake_kms
from tests.support.filled import fill
from tests.support.metadata import Metadata
from tests.support.stubbed_aws import StubbedAws, kept_client, stubbed_aws

REGION = SECONDARY["region"]
PROD = Environment(SECONDARY["name"], REGION)
ID = "20261122T201000Z-0000000000aa"
PLACE = f"data/{PROD.id}/{ID}"
ROWS: dict[str, list[tuple[str | None, ...]]] = {
    "log": [("id", "extra"), ("1", 'two\nlines, "quoted"'), ("2", None), ("3", '"\n"'), ("4", "")],
    "xcom": [("value",), (None,), ("\n" * 5,), ("x" * 200_000,)],
    "sla_miss": [("dag_id",)],
}
UNCHANGED: Mapping[str, Any] = {}
FILES = ("plugins.zip", "requirements.txt", "startup.sh")
ENDED = dict(END_OF_SUPPORT)


def packed(rows: list[tuple[str | None, ...]]) -> bytes:
    return gzip.compress(b"".join(map(encode, rows)), mtime=0)


def table(name: str, data: bytes, **changes: Any) -> TableFile:
    file, rows = f"{name}.csv.gz", len(ROWS.get(name, [0])) - 1
    return replace(TableFile(name, file, ("id",), rows, len(data), hashlib.sha256(data).hexdigest()), **changes)


class Scene:
    """An environment, its DAGs bucket and its backups; MWAA is scripted."""

    def __init__(self, aws: StubbedAws) -> None:
        self.aws = aws
        self.s3 = kept_client("s3", REGION)
        for bucket in ("backups", "dags"):
            self.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.s3.put_bucket_versioning(Bucket="dags", VersioningConfiguration={"Status": "Enabled"})
        self.versions = {name: self.s3.put_object(Bucket="dags", Key=name)["VersionId"] for name in FILES}
        self.storage = S3Storage("backups", "data", client=self.s3)
        self.back_up({name: packed(rows) for name, rows in ROWS.items()})
        self.store_blueprint()

    def back_up(self, files: dict[str, bytes], *, tables: dict[str, Any] | None = None, **changes: Any) -> None:
        """A backup of these files, which the manifest tells of as they are but for the changes."""
        described = tuple(table(name, data, **(tables or {}).get(name, {})) for name, data in files.items())
        for file, data in zip(described, files.values(), strict=True):
            self.put(file.file, data)
        manifest = a_manifest(ID, PROD, tables=described, snapshot_time="2026-11-22T20:10:00+00:00")
        self.put("manifest.json", replace(manifest, **changes).to_json())

    def put(self, name: str, data: bytes) -> None:
        self.s3.put_object(Bucket="backups", Key=f"{PLACE}/{name}", Body=data)

    def get(self, name: str) -> bytes:
        data: bytes = self.s3.get_object(Bucket="backups", Key=f"{PLACE}/{name}")["Body"].read()
        return data

    def environment(self, **changes: Any) -> dict[str, Any]:
        """The environment that is to be stopped."""
        there = {f"{name}S3ObjectVersion": self.versions[file] for name, file in zip(NAMES, FILES, strict=True)}
        return an_environment(SECONDARY, **{**there, "SourceBucketArn": "arn:aws:s3:::dags", **changes})

    def store_blueprint(self, *, unknown: tuple[str, ...] = (), without: tuple[str, ...] = (), **changes: Any) -> None:
        fields = {name: value for name, value in carried(self.environment(**changes)).items() if name not in without}
        body = json.dumps({"blueprint_format": FORMAT, "fields": fields, "unknown": unknown})
        self.s3.put_object(Bucket="backups", Key="environment.json", Body=body)

    def verify(self, *, now: Mapping[str, Any] | None = UNCHANGED, **changes: Any) -> dict[str, Any]:
        """What the stop is told; the environment is as it was, but for what it is `now`; None: nobody asks."""
        if now is not None:
            self.aws.script("mwaa", REGION).add_response("get_environment", {"Environment": self.environment(**now)})
        event = {
            "op": "verify",
            "environment": SECONDARY,
            "bucket": "backups",
            "bucket_region": REGION,
            "path_prefix": "data",
            "backup_id": ID,
            "snapshot_time": "2026-11-22T20:10:00+00:00",
            "rows": 7,
            "blueprint_key": "environment.json",
            "dags_bucket": "dags",
            "role_arn": an_environment(SECONDARY)["ExecutionRoleArn"],
            "kms_key_arn": an_environment(SECONDARY)["KmsKey"],
            "version": "2.10.3",
            "owner_tag": OWNER_TAG,
            **changes,
        }
        return stopping.handler(event, None)


NAMES = ("Plugins", "Requirements", "StartupScript")


@pytest.fixture
def scene() -> Iterator[Scene]:
    with mock_aws(), stubbed_aws() as aws:
        yield Scene(aws)


def test_a_backup_that_holds_everything_is_proved(scene: Scene) -> None:
    size = sum(len(packed(rows)) for rows in ROWS.values())
    assert scene.verify() == {"rows": 7, "bytes": size, "warnings": []}


def test_a_backup_of_the_engine_is_proved_with_and_without_a_key(
    scene: Scene, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    primary = Metadata(database(engine.VERSION))
    fill(primary)
    primary.insert("variable", key="lines", val='a\n"b"\r\n,""', is_encrypted=False)
    primary.insert("log", event="x", extra='{"a": "b\\n\n"}')
    use_fake_kms(monkeypatch)
    for keys in ((), (HERE,)):
        report = engine.backup(primary.url, scene.storage, environment=PROD, kms_key_arns=keys)
        manifest = engine.manifest_of(scene.storage)
        assert any(file.encrypted for file in manifest.tables) is bool(keys)
        answer: dict[str, Any] = {
            "backup_id": report.backup_id,
            "snapshot_time": manifest.snapshot_time,
            "rows": manifest.rows,
        }
        assert scene.verify(**answer)["rows"] == manifest.rows


def test_an_increment_is_proved_with_the_files_that_it_adds_to(scene: Scene, database: Database) -> None:
    primary = Metadata(database(engine.VERSION))
    fill(primary, logs=300)
    engine.backup(primary.url, scene.storage, environment=PROD, **engine.ADDED_TO)
    primary.run_sql("DELETE FROM log WHERE id % 9 = 0")
    primary.run_sql("INSERT INTO log (event, extra) VALUES ('new', 'a \"b\nc\"')")
    report = engine.backup(primary.url, scene.storage, environment=PROD, **engine.ADDED_TO)
    manifest = engine.manifest_of(scene.storage)
    answer: dict[str, Any] = {
        "backup_id": report.backup_id,
        "snapshot_time": manifest.snapshot_time,
        "rows": manifest.rows,
    }

    assert scene.verify(**answer)["rows"] == manifest.rows

    key = f"data/{PROD.id}/{manifest.base}/log.csv.gz"
    body = scene.s3.get_object(Bucket="backups", Key=key)["Body"].read()
    scene.s3.put_object(Bucket="backups", Key=key, Body=altered(body))
    with pytest.raises(PreflightFailed, match=rf"file '{manifest.base}/log\.csv\.gz'"):
        scene.verify(**answer)


def altered(data: bytes) -> bytes:
    """One bit of the content is another."""
    return data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]


DAMAGES: dict[str, tuple[Callable[[Scene], object], str]] = {
    "altered": (lambda s: s.put("log.csv.gz", altered(s.get("log.csv.gz"))), r"file 'log\.csv\.gz' "),
    "altered far from its end": (
        lambda s: s.put("xcom.csv.gz", bytes([0x1E]) + s.get("xcom.csv.gz")[1:]),
        r"file 'xcom\.csv\.gz' ",
    ),
    "replaced by as many other rows": (
        lambda s: s.put("log.csv.gz", packed(ROWS["log"])[:-1] + b"!"),
        r"file 'log\.csv\.gz' ",
    ),
    "cut": (lambda s: s.put("log.csv.gz", s.get("log.csv.gz")[:-1]), r"of another size here: log\.csv\.gz"),
    "half there": (
        lambda s: s.s3.delete_object(Bucket="backups", Key=f"{PLACE}/xcom.csv.gz"),
        r"missing here: xcom\.csv\.gz, 1 of 3 files",
    ),
    "without a manifest": (
        lambda s: s.s3.delete_object(Bucket="backups", Key=f"{PLACE}/manifest.json"),
        "no manifest here",
    ),
    "of another id": (
        lambda s: s.back_up({}, backup_id=ID.replace("aa", "bb")),
        "its manifest is that of 20261122T201000Z-0000000000bb",
    ),
    "of another environment": (
        lambda s: s.back_up({}, environment=Environment("other", REGION)),
        r"its manifest is that of .* of 'other\.us-west-2'",
    ),
    "of another moment": (
        lambda s: s.back_up(
            {name: packed(rows) for name, rows in ROWS.items()}, snapshot_time="2026-11-22T20:10:01+00:00"
        ),
        r"is of 2026-11-22T20:10:01\+00:00, not 2026-11-22T20:10:00",
    ),
    "with fewer rows than were backed up": (
        lambda s: s.back_up({"log": packed(ROWS["log"])}),
        "has 4 rows, 7 were backed up",
    ),
    "with another number of rows": (
        lambda s: s.back_up({name: packed(rows) for name, rows in ROWS.items()}, tables={"log": {"rows": 5}}),
        r"file 'log\.csv\.gz' has 4 rows, the manifest says 5",
    ),
    "without a header": (
        lambda s: s.back_up({"log": packed(ROWS["log"][1:])}),
        r"file 'log\.csv\.gz' has 3 rows, the manifest says 4",
    ),
    "of a file that is empty": (lambda s: s.back_up({"log": b""}), r"file 'log\.csv\.gz' is cut short"),
    "cut before it was hashed": (
        lambda s: s.back_up({"log": packed(ROWS["log"])[:-1]}),
        r"file 'log\.csv\.gz' is cut short",
    ),
    "cut within a value": (
        lambda s: s.back_up({"log": gzip.compress(b'id,extra\n1,"two\nlines')}),
        r"file 'log\.csv\.gz' is cut short",
    ),
    "cut within a row": (
        lambda s: s.back_up({"log": gzip.compress(b"id,extra\n1,x\n2,y\n3,z\n4")}),
        r"file 'log\.csv\.gz' is cut short",
    ),
    "of a file that goes on": (
        lambda s: s.back_up({"log": packed(ROWS["log"]) + gzip.compress(b"5,\n")}),
        r"file 'log\.csv\.gz' goes on after its end",
    ),
    "of what is no gzip": (lambda s: s.back_up({"log": b"id\n1\n"}), r"file 'log\.csv\.gz' is no readable gzip"),
    "that shrank": (lambda s: s.put("report.json", b'{"promoted": false}'), "lost much .* DR_SHRINK_GUARD_PERCENT"),
    "of a newer Airflow": (
        lambda s: s.back_up({name: packed(rows) for name, rows in ROWS.items()}, airflow_version="2.11.0"),
        r"a backup of Airflow 2\.11\.0 is not restored into 2\.10\.3",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_nothing_is_deleted_with_a_backup(scene: Scene, damage: str) -> None:
    act, words = DAMAGES[damage]
    act(scene)
    with pytest.raises(PreflightFailed, match=rf"in the way of a stop, nothing has been changed: .*{words}"):
        scene.verify()


def test_a_file_that_is_sealed_is_proved_by_its_hash(scene: Scene) -> None:
    sealed = {"variable": b"MWAADR\x00\x01" + b"s" * 999}
    named = {"variable": {"file": "variable.csv.gz.enc", "rows": 7, "encrypted": True}}
    scene.back_up(sealed, tables=named)
    assert scene.verify()["rows"] == 7
    scene.put("variable.csv.gz.enc", b"MWAADR\x00\x01" + b"t" * 999)
    with pytest.raises(PreflightFailed, match=r"file 'variable\.csv\.gz\.enc' was altered: its SHA-256"):
        scene.verify()


def test_every_file_is_read_however_large_all_are_together(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backups, "AFFORDABLE", 0)
    scene.put("log.csv.gz", altered(scene.get("log.csv.gz")))
    with pytest.raises(PreflightFailed, match=r"file 'log\.csv\.gz'"):
        scene.verify()


@pytest.mark.parametrize("chunk", [1, 7, 1 << 20])
def test_rows_are_counted_wherever_the_pieces_of_a_file_end(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(backups, "CHUNK", chunk)
    monkeypatch.setattr(backup_rows, "_MOST", max(chunk // 2, 1))
    scene.back_up({"log": packed(ROWS["log"])})
    assert scene.verify(rows=4)["rows"] == 4


def test_what_could_not_be_decrypted_is_told(scene: Scene) -> None:
    files = {name: packed(rows) for name, rows in ROWS.items()}
    scene.back_up(files, unreadable_secrets=("variable 'old'",))
    [warning] = scene.verify()["warnings"]
    assert "lacks what could not be decrypted: variable 'old'" in warning


WAYS_BACK: dict[str, tuple[Callable[[Scene], object], str]] = {
    "an unknown field": (lambda s: s.store_blueprint(unknown=("Teams",)), "it would be lost: Teams"),
    "another class": (
        lambda s: s.store_blueprint(EnvironmentClass="mw1.small"),
        r"is not as its blueprint s3://backups/environment\.json says: EnvironmentClass",
    ),
    "an option less": (lambda s: s.store_blueprint(AirflowConfigurationOptions={}), "AirflowConfigurationOptions"),
    "no requirements": (
        lambda s: s.store_blueprint(RequirementsS3Path="gone.txt"),
        r"'gone\.txt' is not in the DAGs bucket 'dags'",
    ),
    "another version of the plugins": (
        lambda s: (
            s.s3.delete_object(Bucket="dags", Key="plugins.zip", VersionId=s.versions["plugins.zip"])
            and s.s3.put_object(Bucket="dags", Key="plugins.zip")
        ),
        r"version .* of 'plugins\.zip' is not in 'dags'",
    ),
    "too many tags": (
        lambda s: s.store_blueprint(Tags={f"tag{number}": "x" for number in range(50)}),
        "has 50 tags, and a start needs one more",
    ),
}


@pytest.mark.parametrize("lack", WAYS_BACK)
def test_nothing_is_deleted_without_a_way_back(scene: Scene, lack: str) -> None:
    act, words = WAYS_BACK[lack]
    act(scene)
    with pytest.raises(PreflightFailed, match=words):
        scene.verify()


@pytest.mark.parametrize("body", [b"{}", b"", None])
def test_without_a_blueprint_nothing_is_deleted(scene: Scene, body: bytes | None) -> None:
    scene.s3.delete_object(Bucket="backups", Key="environment.json")
    if body is not None:
        scene.s3.put_object(Bucket="backups", Key="environment.json", Body=body)
    with pytest.raises(PreflightFailed, match=r"s3://backups/environment\.json"):
        scene.verify(now=None)


@pytest.mark.parametrize(
    ("without", "lacks"),
    [("ExecutionRoleArn", "ExecutionRoleArn"), ("NetworkConfiguration", r"NetworkConfiguration\.SubnetIds")],
)
def test_a_blueprint_that_lacks_what_mwaa_needs_is_a_problem(scene: Scene, without: str, lacks: str) -> None:
    scene.store_blueprint(without=(without,))
    with pytest.raises(PreflightFailed, match=rf"s3://backups/environment\.json lacks .*{lacks}"):
        scene.verify(now=None)


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> None:
    """A moment at which a version of 2.6 may still be created, but not for long."""
    end = ENDED["2.6.3"]
    moment = datetime(end.year, end.month, end.day, tzinfo=timezone.utc) - timedelta(days=13)
    monkeypatch.setattr(clock, "now", lambda: moment)


@pytest.mark.parametrize(
    ("configured", "told"),
    [
        ({"kms_key_arn": None}, "MWAA_KMS_KEY_ARN is not set"),
        ({"role_arn": "arn:aws:iam::111222333444:role/other"}, "MWAA_EXECUTION_ROLE_ARN is arn:aws:iam::1112223334"),
    ],
)
def test_what_a_start_would_not_be_allowed_to_use_keeps_an_environment_from_its_stop(
    scene: Scene, configured: dict[str, Any], told: str
) -> None:
    with pytest.raises(PreflightFailed, match=told):
        scene.verify(**configured)


def test_an_environment_that_could_not_be_created_after_the_holidays_stays(scene: Scene, late: None) -> None:
    old: dict[str, Any] = {"AirflowVersion": "2.6.3"}
    scene.store_blueprint(**old)
    with pytest.raises(PreflightFailed, match=f"MWAA creates no environment with Airflow 2.6.3 since {ENDED['2.6.3']}"):
        scene.verify(now=old, version="2.6.3")


def test_every_problem_is_in_one_report(scene: Scene) -> None:
    scene.put("log.csv.gz", altered(scene.get("log.csv.gz")))
    scene.put("xcom.csv.gz", altered(scene.get("xcom.csv.gz")))
    scene.store_blueprint(unknown=("Teams",), EnvironmentClass="mw1.small")
    with pytest.raises(PreflightFailed, match=r"^4 things stand .*Teams.*EnvironmentClass.*log\.csv.*xcom\.csv"):
        scene.verify()


def test_endpoints_of_the_customer_are_told(scene: Scene) -> None:
    own: dict[str, Any] = {"EndpointManagement": "CUSTOMER"}
    scene.store_blueprint(**own)
    assert "will wait (PENDING) at its start" in scene.verify(now=own)["warnings"][0]


def test_what_does_not_answer_is_asked_again(scene: Scene) -> None:
    scene.aws.script("mwaa", REGION).add_client_error("get_environment", "ThrottlingException", "slowly", 429)
    with pytest.raises(NotReady, match="cannot look at environment 'prod-dr'"):
        scene.verify(now=None)


def test_nothing_is_deleted_on_the_strength_of_an_archive(scene: Scene) -> None:
    scene.back_up({name: packed(rows) for name, rows in ROWS.items()}, mode=Mode.CONFIG_ONLY)
    with pytest.raises(PreflightFailed, match=r"is CONFIG_ONLY, .* archive of the history, which would be lost with"):
        scene.verify()
