"""Versions of DAGs in Airflow 3, as far as runs refer to them; the target's current version stays the current one."""

from __future__ import annotations

from collections.abc import Mapping

from mwaa_dr.framework.database.keys import renumber
from mwaa_dr.framework.database.match import Merged, follow_references, make_map, target_columns, values
from mwaa_dr.framework.database.names import ident, key_map, staged
from mwaa_dr.framework.database.staging import Staged
from mwaa_dr.framework.database.work import Work

_NUMBERS = "mwaa_dr_version_numbers"
_MOMENTS = (
    ("dag_version", "id", "created_at"),
    ("serialized_dag", "dag_version_id", "created_at"),
    ("dag_code", "dag_version_id", "last_updated"),
)
"""Table, the column with the version's key, and the column whose newest value says which version is the latest.

Airflow 3.3 goes by the number of the version instead."""


def merge_versions(work: Work, stage: Staged, stages: Mapping[str, Staged]) -> Merged:
    """Insert the versions that the target lacks, under numbers that nobody uses until `settle_versions`.

    A number counts per environment: what tells a version is the hash of its serialized DAG, without which the parser
    of a version that is the latest would never write a new one.
    """
    follow_references(work, stage, stages)
    make_map(work, stage)
    mapped = key_map(stage.table.name)
    if "serialized_dag" in stages:
        work.run(
            f"INSERT INTO {mapped} SELECT s.id, COALESCE(t.id, s.id), t.id IS NULL FROM {stage.name} s"
            f" JOIN {staged('serialized_dag')} d ON d.dag_version_id = s.id LEFT JOIN ("
            " SELECT DISTINCT ON (v.dag_id, x.dag_hash) v.id, v.dag_id, x.dag_hash FROM dag_version v"
            " JOIN serialized_dag x ON x.dag_version_id = v.id"
            " ORDER BY v.dag_id, x.dag_hash, v.version_number DESC"
            ") t ON t.dag_id = s.dag_id AND t.dag_hash = d.dag_hash"
        )
    work.run(f"ANALYZE {mapped}")
    renumber(work, stage)
    instead = {"id": "m.new", "version_number": "-s.version_number"}
    inserted = work.run(
        f"INSERT INTO {ident(stage.table.name)} ({target_columns(stage)}) SELECT {values(stage, 's', instead)}"
        f" FROM {stage.name} s JOIN {mapped} m ON m.old = s.id WHERE m.inserted"
    )
    return Merged(inserted=inserted, kept=work.one(f"SELECT count(*) FROM {mapped} WHERE NOT inserted"))


def settle_versions(work: Work, stage: Staged) -> None:
    """Number the versions of each DAG that got one: as in the backup, then the target's others, then its current one.

    Last of all: a new task instance refers to the current version, and the scheduler would wait for its row.
    """
    mapped = key_map(stage.table.name)
    if not work.exists(f"SELECT 1 FROM {mapped} WHERE inserted"):
        return
    work.run(
        f"CREATE TEMPORARY TABLE {_NUMBERS} ON COMMIT DROP AS"
        " WITH known AS (SELECT v.id, v.dag_id, v.version_number AS ours, max(s.version_number) AS theirs,"
        f"  v.version_number > 0 AND v.version_number = max(v.version_number) OVER (PARTITION BY v.dag_id) AS current"
        f"  FROM dag_version v LEFT JOIN {mapped} m ON m.new = v.id LEFT JOIN {stage.name} s ON s.id = m.old"
        f"  WHERE v.dag_id IN (SELECT i.dag_id FROM {stage.name} i JOIN {mapped} n ON n.old = i.id WHERE n.inserted)"
        "  GROUP BY v.id),"
        " placed AS (SELECT *, max(theirs) OVER same AS highest, theirs IS NOT NULL AND NOT current AS given,"
        "  count(*) FILTER (WHERE theirs IS NULL AND NOT current) OVER same AS others FROM known"
        "  WINDOW same AS (PARTITION BY dag_id))"
        " SELECT id, dag_id, current, CASE WHEN given OR (current AND theirs = highest AND others = 0) THEN theirs"
        "  ELSE highest + row_number() OVER (PARTITION BY dag_id, given ORDER BY current, ours) END AS number"
        " FROM placed"
    )
    for number in ("-1000000 - n.number", "n.number"):
        # Below zero first: two rows that change places would meet.
        work.run(f"UPDATE dag_version v SET version_number = {number} FROM {_NUMBERS} n WHERE n.id = v.id")
    for table, key, moment in _MOMENTS:
        work.run(
            f"UPDATE {table} t SET {moment} = GREATEST(clock_timestamp(), newest.at + interval '1 microsecond')"
            f" FROM {_NUMBERS} n CROSS JOIN LATERAL"
            f" (SELECT max(o.{moment}) AS at FROM {table} o WHERE o.dag_id = n.dag_id AND o.{key} <> n.id) newest"
            f" WHERE n.current AND t.{key} = n.id AND t.{moment} <= newest.at"
        )
