"""No secret and no task token lies in a backup or in a log, in any spelling."""

from __future__ import annotations

import base64
import gzip
import json
import logging
import pickle
import shutil
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from mwaa_dr.framework.errors import DamagedBackupError, DrError, SecretError
from mwaa_dr.framework.manifest import Environment
from mwaa_dr.framework.model.options import Strategy
from tests.support.engine import PRIMARY, backup, restore
from tests.support.fake_kms import HERE, use_fake_kms
from tests.support.fernet import decrypted, encrypted
from tests.support.metadata import FERNET, OTHER_FERNET, START, Metadata

SECRETS = ["variable-Secret-1", "password-Secret-2", "extra-Secret-3", "hash-Secret-4", FERNET, OTHER_FERNET]
TOKEN = "AAAAKgAAAAIAAAAAAAAAtoken"


@pytest.fixture
def kms() -> Iterator[tuple[str, ...]]:
    """The ARNs of a KMS key in each of two Regions."""
    with mock_aws():
        regions = ("us-east-1", "us-west-2")
        yield tuple(boto3.client("kms", region_name=region).create_key()["KeyMetadata"]["Arn"] for region in regions)


@pytest.fixture
def secretive(primary: Metadata) -> Metadata:
    """An environment with secrets, and with a task token wherever Airflow may have put one."""
    variable, password, extra, hashed, *_ = SECRETS
    primary.insert("variable", key="v", val=encrypted(FERNET, variable), is_encrypted=True)
    primary.insert("variable", key="plain", val=variable, is_encrypted=False)
    primary.insert(
        "connection",
        conn_id="c",
        conn_type="t",
        password=encrypted(FERNET, password),
        is_encrypted=True,
        extra=encrypted(FERNET, json.dumps({"key": extra})),
        is_extra_encrypted=True,
    )
    primary.insert("ab_user", id=1, username="u", email="u@x", password=hashed)
    conf = {"bucket": "b", "task_token": TOKEN}
    for dag_id in ("backup_metadata", "restore_metadata"):
        primary.dag(dag_id)
        primary.run_with_task(dag_id, "r1", conf=pickle.dumps(conf))
        ti = {"dag_id": dag_id, "run_id": "r1", "task_id": "load", "map_index": -1}
        primary.insert("rendered_task_instance_fields", **ti, rendered_fields=json.dumps({"env": conf}))
        primary.insert("log", event="trigger", dag_id=dag_id, extra=json.dumps(conf["task_token"]), dttm=START)
    command = ["airflow", "dags", "trigger", "-c", json.dumps(conf)]
    primary.insert("log", event="cli_dag_trigger", extra=json.dumps({"full_command": command}), dttm=START)
    primary.dag("sales")
    primary.run_with_task(conf=pickle.dumps({"customer": 7}))
    return primary


def spellings(text: str) -> list[bytes]:
    """As it is, as a bytea in a CSV, in base64 from any offset, and doubled for UTF-16."""
    data = text.encode()
    shifted = [base64.b64encode(bytes(n) + data)[4 if n else 0 : -4] for n in range(3)]
    return [data, data.hex().encode(), text.encode("utf-16-le"), *shifted]


def stored(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The bytes of every file, and what is in it where it is compressed."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.name, path.read_bytes()
            if path.suffix == ".gz":
                yield path.name, gzip.decompress(path.read_bytes())


def found(folder: Path, texts: list[str]) -> list[tuple[str, str]]:
    return [(name, text) for name, data in stored(folder) for text in texts if any(s in data for s in spellings(text))]


def test_the_search_finds_what_is_there(secretive: Metadata, tmp_path: Path) -> None:
    backup(secretive.url, tmp_path)
    assert {name for name, _ in found(tmp_path, SECRETS)} == {"variable.csv.gz", "connection.csv.gz", "ab_user.csv.gz"}
    (tmp_path / "conf.csv.gz").write_bytes(gzip.compress(pickle.dumps({"task_token": TOKEN}).hex().encode()))
    assert found(tmp_path, [TOKEN]) == [("conf.csv.gz", TOKEN)]


def test_no_secret_and_no_token_lies_in_a_backup_or_in_a_log(
    secretive: Metadata, secondary: Metadata, tmp_path: Path, kms: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    report = backup(secretive.url, tmp_path, kms_key_arns=kms)
    restored = restore(secondary.url, tmp_path, variables=Strategy.REPLACE)
    assert found(tmp_path, [*SECRETS, TOKEN]) == []
    logged = "\n".join(json.dumps(vars(record), default=repr) for record in caplog.records)
    shown = "\n".join([*report.lines(), *restored.lines()])
    for text in [*SECRETS, TOKEN]:
        assert text not in logged + shown
    assert "backup" in shown
    found_values = dict(secondary.rows("SELECT key, val FROM variable"))
    assert decrypted(OTHER_FERNET, found_values["v"]) == SECRETS[0]
    assert secondary.one("SELECT password FROM ab_user WHERE username = 'u'") == SECRETS[3]


def test_a_token_is_left_out_without_a_kms_key_too(secretive: Metadata, secondary: Metadata, tmp_path: Path) -> None:
    backup(secretive.url, tmp_path)
    assert found(tmp_path, [TOKEN]) == []
    restore(secondary.url, tmp_path)
    assert secondary.rows("SELECT dag_id, conf IS NULL FROM dag_run ORDER BY 1") == [
        ("backup_metadata", True),
        ("restore_metadata", True),
        ("sales", False),
    ]


def test_a_file_of_another_environment_is_refused_even_in_a_whole_copy(
    secretive: Metadata, secondary: Metadata, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_fake_kms(monkeypatch)
    backup(secretive.url, tmp_path, kms_key_arns=(HERE,))
    source, target = tmp_path / PRIMARY.id, tmp_path / "test.us-east-1"
    shutil.copytree(source, target)
    manifest = next(target.rglob("manifest.json"))
    raw = json.loads(manifest.read_bytes())
    raw["environment"] = vars(Environment("test", "us-east-1"))
    manifest.write_text(json.dumps(raw))
    with pytest.raises(DrError) as caught:
        restore(secondary.url, tmp_path, source="test.us-east-1", backup_id=raw["backup_id"])
    assert isinstance(caught.value, (SecretError, DamagedBackupError))
    assert secondary.one("SELECT count(*) FROM variable") == 0
    restore(secondary.url, tmp_path, source=PRIMARY.id)


@pytest.mark.parametrize("keys", ["", OTHER_FERNET])
def test_an_error_about_a_secret_shows_none(secretive: Metadata, tmp_path: Path, keys: str) -> None:
    with pytest.raises(SecretError) as caught:
        backup(secretive.url, tmp_path, fernet_keys=keys)
    error: BaseException | None = caught.value
    while error:
        assert not any(text in repr(error) for text in SECRETS)
        error = error.__cause__ or error.__context__
    assert not list(tmp_path.rglob("*.gz"))
