"""Backups of every released format stay readable."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mwaa_dr.framework.manifest import FORMAT
from tests.conftest import Database
from tests.golden.make import NASTY, VARIABLES
from tests.support.engine import VERSION, restore, tables_of
from tests.support.fake_kms import use_fake_kms
from tests.support.fernet import decrypted
from tests.support.metadata import OTHER_FERNET, Metadata
from tests.support.state import dangling

GOLDEN = Path(__file__).parents[2] / "golden"
KEPT = sorted(path.name for path in GOLDEN.glob("format-*"))


def test_there_is_a_golden_backup_of_each_format() -> None:
    needed = [f"format-{number}" for number in range(1, FORMAT + 1)]
    assert needed == KEPT


@pytest.mark.parametrize("name", KEPT)
@pytest.mark.parametrize("kind", ["plain", "encrypted"])
@pytest.mark.parametrize("version", [VERSION, "2.11.2"])
def test_a_golden_backup_is_restored(
    name: str, kind: str, version: str, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_fake_kms(monkeypatch)
    shutil.copytree(GOLDEN / name / kind, tmp_path, dirs_exist_ok=True)
    target = Metadata(database(version))
    restore(target.url, tmp_path, version=version)
    found = dict(target.rows("SELECT event, extra FROM log WHERE event LIKE 'nasty%'"))
    assert [found[key] for key in sorted(found)] == NASTY
    values = dict(target.rows("SELECT key, val FROM variable WHERE is_encrypted"))
    assert {key: decrypted(OTHER_FERNET, value) for key, value in values.items()} == VARIABLES
    assert target.rows("SELECT run_id, state FROM dag_run ORDER BY 1") == [
        ("by_hand", "success"),
        ("r0", "success"),
        ("r1", "failed"),
        ("r2", "failed"),
        ("r3", "success"),
        ("r4", "failed"),
        ("r5", "failed"),
    ]
    odd = "SELECT duration::text, executor_config, end_date::text FROM task_instance WHERE run_id = 'r1'"
    assert [(d, bytes(c), e) for d, c, e in target.rows(f"{odd} AND task_id = 't1'")] == [
        ("NaN", b"\x80\x00\x0a\xff", "infinity")
    ]
    assert min(target.one(f"SELECT count(*) FROM {table}") for table in tables_of(version).names) > 0
    assert dangling(target, tables_of(version)) == []
