"""The real schema of each Airflow version, as SQL and as data.

`tests/schemas/X.json` describes a schema and `tests/schemas/ddl/X.sql` creates it, both taken from a database
that Airflow X migrated. `X-upgraded-from-Y` is what X leaves after it migrated a database of Y: in Airflow 2
the same tables with their columns in another order, so its SQL is the fresh one, reordered.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent.parent / "schemas"
EXTENSION = re.compile(r"^(CREATE|COMMENT ON) EXTENSION .*;$", re.M)
"""pgcrypto, left over from an old migration: no table needs it, and not every server has it."""
UPGRADED = "-upgraded-from-"
CREATE_TABLE = re.compile(r"^CREATE TABLE public\.\"?(?P<table>\w+)\"? \(\n(?P<body>.*?)\n\);", re.M | re.S)


def versions() -> list[str]:
    """Every schema that can be created, oldest Airflow first."""
    fresh = {path.stem for path in (FOLDER / "ddl").glob("*.sql")}
    upgraded = {path.stem for path in FOLDER.glob(f"2.*{UPGRADED}*.json")}
    return sorted(fresh | upgraded, key=_order)


def described() -> list[str]:
    """Every schema that is known as data, also those of upgraded databases that differ in more than an order."""
    return sorted((path.stem for path in FOLDER.glob("*.json")), key=_order)


@cache
def schema(version: str) -> dict[str, Any]:
    """The tables of a version, with columns, keys, indexes and sequences."""
    found: dict[str, Any] = json.loads((FOLDER / f"{version}.json").read_text())
    return found


@cache
def ddl(version: str) -> str:
    """The script that creates a version's schema and its Alembic revision, without rows."""
    path = FOLDER / "ddl" / f"{version}.sql"
    if path.exists():
        return EXTENSION.sub("", path.read_text())
    fresh, upgraded, _ = version.partition(UPGRADED)
    if not upgraded or not fresh.startswith("2."):
        raise LookupError(f"no schema of '{version}', there are {', '.join(versions())}")
    tables = schema(version)["tables"]
    return CREATE_TABLE.sub(lambda found: _reordered(found, tables[found["table"]]["columns"]), ddl(fresh))


def _reordered(found: re.Match[str], columns: dict[str, Any]) -> str:
    body = found["body"]
    lines = [line.rstrip(",") for line in body.split("\n")]
    named = {line.split()[0].strip('"'): line for line in lines}
    constraints = [line for name, line in named.items() if name == "CONSTRAINT"]
    ordered = [named[name] for name in sorted(columns, key=lambda name: columns[name]["position"])]
    if len(ordered) + len(constraints) != len(lines):
        raise LookupError(f"the columns of {found['table']} differ in more than their order")
    return found[0].replace(body, ",\n".join(ordered + constraints))


def _order(version: str) -> tuple[list[int], str]:
    number, _, kind = version.partition("-")
    return [int(part) for part in number.split(".")], kind
