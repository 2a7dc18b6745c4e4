"""Write the golden backup of the current format; only for a new format, never over a released one.

`PYTHONPATH=.:assets/dags python -m tests.golden.make`
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

import pytest

from drill.postgres import Postgres
from mwaa_dr.framework.manifest import FORMAT
from tests.support import schemas
from tests.support.engine import ADDED_TO, PIECE, VERSION, backup
from tests.support.fake_kms import HERE, THERE, use_fake_kms
from tests.support.fernet import encrypted
from tests.support.filled import fill
from tests.support.metadata import FERNET, START, Metadata

TOP = Path(__file__).parent / f"format-{FORMAT}"
NASTY = [
    "",
    None,
    "\r\n",
    "\r",
    "a\nb",
    '"',
    "|",
    "\\N",
    "\\.",
    "\n\\.\n",
    "NULL",
    "é 🙂",
    " x ",
    ",",
    "'",
    "\x01",
    "t",
]
"""What a row of `log` holds in `extra`."""
VARIABLES = {"empty": "", "lines": 'a\n"b",\r\n', "sales_secret": "sales v"}


def fill_golden(db: Metadata) -> None:
    """A small environment, and values that are easily lost."""
    fill(db, logs=3_000)  # enough for several files
    for number, value in enumerate(NASTY):
        db.insert("log", event=f"nasty{number:02}", extra=value, dttm=START + timedelta(days=1))
    for key in ("empty", "lines"):
        db.insert("variable", key=key, val=encrypted(FERNET, VARIABLES[key]), is_encrypted=True)
    db.run_sql(
        "UPDATE task_instance SET duration = 'NaN', executor_config = '\\x80000aff', end_date = 'infinity'"
        " WHERE run_id = 'r1' AND task_id = 't1'"
    )


def change(db: Metadata) -> None:
    """What an increment finds: rows that are gone, new, and new versions of old ones, none of which tells by a time."""
    db.run_sql("DELETE FROM log WHERE id % 7 = 0 AND event NOT LIKE 'nasty%'")
    db.run_sql("UPDATE log SET extra = extra WHERE event LIKE 'nasty%' OR id % 11 = 0")
    db.run_sql("UPDATE task_instance SET duration = duration WHERE run_id = 'r1'")
    db.insert("log", event="new", dttm=START)


def _main() -> None:
    if TOP.exists():
        sys.exit(f"{TOP} is there already")
    with Postgres() as server, pytest.MonkeyPatch.context() as monkeypatch:
        use_fake_kms(monkeypatch)
        url = server.create("golden")
        server.load(schemas.ddl(VERSION), "golden")
        fill_golden(Metadata(url))
        for name, keys in {"plain": (), "encrypted": (HERE, THERE)}.items():
            backup(url, TOP / name, piece_size=PIECE, kms_key_arns=keys, **ADDED_TO)
            change(Metadata(url))
            backup(url, TOP / name, piece_size=PIECE, kms_key_arns=keys, **ADDED_TO)
    for report in TOP.rglob("report.json"):
        report.unlink()


if __name__ == "__main__":
    _main()
