"""Write docs/tables.md: each table of each Airflow version, how it is carried or why it is not.

Run it after a change of the tables: PYTHONPATH=assets/dags python -m docs.tables
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from docs.markdown import code, grid
from mwaa_dr.framework.model.conditions import WORDS
from mwaa_dr.framework.model.table import Existing, Merge, Missing, Table
from mwaa_dr.framework.model.tables import Tables
from mwaa_dr.framework.model.unknown import KNOWN, OTHERWISE, PREFIXES
from mwaa_dr.versions import factory_for, served_versions

PAGE = Path(__file__).with_suffix(".md")

EXISTING = {
    Existing.KEEP: "what is there stays",
    Existing.REPLACE: "what is there is replaced",
    Existing.STRATEGY: "the restore strategy says what becomes of what is there",
}

HEAD = """\
<!-- Written by docs/tables.py from what the versions declare; do not edit. -->
# Tables

Every table of Airflow's metadata database is either carried from a backup into the restored environment, or
left out for a reason. A test holds both lists against the schema that each Airflow version really creates.
*since* is the first version with the table, 2.4 and 3.0 being the oldest of their lines that are served.
An increment holds the [changes](performance.md#increments) of tables of a megabyte and more, and all
rows of smaller ones.
"""
CARRIED = """
## Airflow {major}: carried

A DAG run is restored as one with all that belongs to it: where the target does not have it, it is added;
where it is finished there, the backup's takes its place; where it is unfinished there, the target's stays.
"""
ADDED = """
## Airflow {major}: from an older version

A backup of an older version can be restored, since columns were only added. These are required and have no
default, or were not required before; rows from before get this value where they have none.
"""
GONE = """
Columns that are no more: {columns}. A backup that has a value there is refused, and names the column.
"""
SKIPPED = """
## Airflow {major}: not carried
"""
UNKNOWN = """
## Not Airflow's own

These may lie in the same database. They are not carried either.
"""


def page() -> str:
    """The whole page."""
    unknown = [[code(name), why] for name, why in KNOWN.items()]
    unknown += [[code(f"{prefix}*"), why] for prefix, why in PREFIXES.items()]
    majors = dict.fromkeys(version.partition(".")[0] for version in served_versions())
    lines = [part for major in majors for part in _line(major)]
    return "\n".join([HEAD, *lines, UNKNOWN, grid(["table", "why"], [*unknown, ["any other", OTHERWISE]])])


def _line(major: str) -> list[str]:
    """The sections of a major version."""
    versions = {v: factory_for(v).tables for v in served_versions() if v.startswith(f"{major}.")}
    newest = list(versions.values())[-1]
    carried = [
        [
            code(t.name),
            _since(t.name, versions),
            _rows(t),
            _meets(t),
            _changes(t),
            f"all: {t.whole}" if t.whole else "changes",
            _cleaned(t),
        ]
        for t in _sorted(newest)
    ]
    added = [
        [code(f"{table.name}.{column}"), _since_added(table.name, column, versions), code(value)]
        for table in _sorted(newest)
        for column, value in sorted({**table.added, **table.filled}.items())
    ]
    reasons = {name: why for tables in versions.values() for name, why in tables.skipped.items()}
    skipped = [[code(n), _since(n, versions), why] for n, why in sorted(reasons.items()) if n not in newest]
    gone = [code(f"{table.name}.{column}") for table in _sorted(newest) for column in table.gone]
    return [
        CARRIED.format(major=major),
        grid(
            [
                "table",
                "since",
                "rows",
                "meets the target's rows",
                "differs from the original",
                "in an increment",
                "cleanup removes",
            ],
            carried,
        ),
        ADDED.format(major=major),
        grid(["column", "since", "value"], added),
        *([GONE.format(columns=", ".join(gone))] if gone else []),
        SKIPPED.format(major=major),
        grid(["table", "since", "why"], skipped),
    ]


def _sorted(tables: Tables) -> list[Table]:
    return sorted(tables, key=lambda table: table.name)


def _since(name: str, versions: Mapping[str, Tables]) -> str:
    return next(v for v, tables in versions.items() if name in {*tables.carried, *tables.skipped})


def _since_added(name: str, column: str, versions: Mapping[str, Tables]) -> str:
    found = ((version, tables[name]) for version, tables in versions.items() if name in tables)
    return next(version for version, table in found if column in {*table.added, *table.filled})


def _rows(table: Table) -> str:
    words = [WORDS[table.where]] if table.where else []
    if table.optional:
        words.append("where the FAB auth manager made the table, here and there")
    if vital := sorted({r.table for r in table.references if r.missing is Missing.DROP}):
        words.append(f"only with its {' and '.join(map(code, vital))}")
    if table.environment_bound:
        words.append(f"{WORDS[table.environment_bound]} only into the same environment")
    if table.superseded:
        words.append(f"not {WORDS[table.superseded]}")
    return "; ".join(words) or "all"


def _meets(table: Table) -> str:
    if table.merge is Merge.RUN:
        return "a run with all that belongs to it"
    if table.merge is Merge.RUN_CHILD:
        return "belongs to its run"
    if table.merge is Merge.VERSION:
        return "by the hash of the serialized DAG; what is there stays, and is numbered above what is added"
    if table.merge is Merge.DAGS:
        return "active DAGs become active; a DAG that is not parsed yet gets a row that parsing completes"
    if not table.key:
        return "those that are not there yet are added, by all columns but the id"
    keys = (", ".join(map(code, key)) for key in (table.key, *table.other_keys))
    return f"by {' or by '.join(keys)}; {EXISTING[table.existing]}"


def _changes(table: Table) -> str:
    words = [f"{code(column)} is left out of {WORDS[when]}" for column, when in table.redact.items()]
    if table.merge is not Merge.DAGS:
        words += [f"{code(column)} becomes {code(value)}" for column, value in table.fixed.items()]
    if secrets := [code(secret.split(":")[0]) for secret in table.secrets]:
        words.append(f"{' and '.join(secrets)} encrypted with the target's Fernet key")
    if table.confidential:
        words.append("the backup's file is encrypted where KMS keys are given")
    words += [f"only where the restore added the {code(r.table)}" for r in table.references if r.inserted_only]
    if table.below_highest:
        words.append("its id stays below the target's highest, which Airflow uses for new runs")
    return "; ".join(words) or "-"


def _cleaned(table: Table) -> str:
    if table.merge in (Merge.RUN, Merge.RUN_CHILD):
        return "all but those of its own run"
    if table.merge is Merge.DAGS:
        return "none; every DAG but this package's own is paused"
    return WORDS[table.emptied] if table.emptied else "none"


if __name__ == "__main__":
    PAGE.write_text(page())
