"""What the versions declare about their tables, held against the schemas that Airflow really creates."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import pytest

from mwaa_dr.framework.model.table import Existing, Merge, Missing, Table
from mwaa_dr.framework.model.tables import Tables
from mwaa_dr.versions import factory_for
from tests.support.schemas import described, schema

SCHEMAS = described()
FRESH = [version for version in SCHEMAS if "-" not in version]
LINES = [[version for version in FRESH if version.startswith(major)] for major in ("2.", "3.")]

WITHOUT_UNIQUE_KEY = {
    "job": "nothing else tells two jobs apart; two equal ones are worth no more than one",
    "log_template": "the same pair may come back after another one was the current one",
    "backfill": "nothing else tells two backfills of a DAG apart",
    "asset_partition_dag_run": "a partition may wait again after its run was made",
    "callback": "a run may have several deadlines; they are paired in the order of their UUIDs, which is that of time",
    "deadline_alert": "only those of serialized DAGs that the restore inserts are carried, so none is there",
}
KEYS_OF_RUNS = {"dag_run_id": "", "dagrun_id": "", "ti_id": "id", "ti_history_id": "task_instance_id"}
"""Columns that say which run a row belongs to -> the column of a task instance, or of a try, that they hold."""
LEFT_BY_OTHERS = {"_xcom_archive", "sla_miss", "session", "ab_register_user", "alembic_version_fab"}
"""What only an upgrade from Airflow 2 or the FAB auth manager leaves in a database of Airflow 3."""
WRITTEN_ALIKE = {("json", "jsonb"), ("jsonb", "json"), ("double precision", "json")}
"""Types that the text of another one fits."""
SHAPED_ANEW = {"deadline", "team"}
"""Tables of which an older backup is refused unless they are empty, by their columns that are gone."""
SOFT_REFERENCES = {
    "2": {
        ("dag", "pickle_id"),
        ("dag_run", "creating_job_id"),
        ("dataset_event", "dataset_id"),
        ("task_instance", "job_id"),
        ("task_instance", "queued_by_job_id"),
        ("xcom", "dag_run_id"),
    },
    "3": {
        ("asset_event", "asset_id"),
        ("dag_run", "creating_job_id"),
        ("dag_run", "scheduled_by_job_id"),
        ("task_instance", "queued_by_job_id"),
        ("task_instance_history", "dag_version_id"),
        ("xcom", "dag_run_id"),
    },
}
"""Columns that hold another table's surrogate key without a foreign key, as in Airflow's models."""

each_schema = pytest.mark.parametrize("version", SCHEMAS)
each_upgrade = pytest.mark.parametrize(("older", "newer"), [pair for line in LINES for pair in pairwise(line)])


def tables_of(version: str) -> Tables:
    return factory_for(version.partition("-")[0]).tables.present(live(version))


def live(version: str) -> dict[str, Any]:
    found: dict[str, Any] = schema(version)["tables"]
    return found


def columns_of(version: str, table: str) -> dict[str, Any]:
    found: dict[str, Any] = live(version)[table]["columns"]
    return found


def named_columns(table: Table) -> set[str]:
    expressions = [expression for key in table.other_keys for expression in key]
    return {
        *table.key,
        *(re.sub(r"\w+\((\w+)\)", r"\1", expression) for expression in expressions),
        *table.run,
        *(reference.column for reference in table.references),
        *table.redact,
        *table.fixed,
        *table.added,
        *table.filled,
        *(column for secret in table.secrets for column in secret.split(":")),
        *filter(None, [table.within, table.surrogate, table.run_surrogate]),
    }


def unique_keys(version: str, table: str) -> set[tuple[str, ...]]:
    indexes = [index for index in live(version)[table]["indexes"].values() if "UNIQUE" in index]
    found = [re.search(r"USING btree \((.*)\)", index) for index in indexes]
    return {tuple(re.sub(r"\((\w+)\)::text", r"\1", match[1]).split(", ")) for match in found if match}


def required(column: dict[str, Any]) -> bool:
    return not column["nullable"] and column["default"] is None


@each_schema
def test_every_table_is_carried_or_skipped_with_a_reason(version: str) -> None:
    tables = tables_of(version)
    declared = set(tables.carried) | set(tables.skipped)
    assert set(live(version)) <= declared
    assert declared - set(live(version)) <= LEFT_BY_OTHERS
    assert not set(tables.carried) & set(tables.skipped)
    assert all(len(reason) > 20 for reason in tables.skipped.values())


@each_schema
def test_every_column_that_a_table_names_exists(version: str) -> None:
    for table in tables_of(version):
        assert named_columns(table) <= set(columns_of(version, table.name)), table.name


@each_schema
def test_every_column_that_a_sequence_feeds_is_the_surrogate_key(version: str) -> None:
    for table in tables_of(version):
        columns = columns_of(version, table.name).items()
        fed = [name for name, column in columns if "nextval" in (column["default"] or "")]
        by_name = table.optional and not fed and f"{table.name}_id_seq" in schema(version)["sequences"]
        assert fed == ([] if table.is_uuid or by_name else [table.surrogate] * bool(table.surrogate)), table.name


@each_schema
def test_a_surrogate_key_that_no_sequence_feeds_is_a_uuid(version: str) -> None:
    for table in tables_of(version):
        if table.surrogate:
            kind = columns_of(version, table.name)[table.surrogate]["type"]
            assert kind == ("uuid" if table.is_uuid else "integer"), table.name


@each_schema
def test_every_foreign_key_has_a_declared_end(version: str) -> None:
    for table in tables_of(version):
        parents = table.depends_on if table.merge is Merge.RUN_CHILD else set()
        declared = {((r.column,), r.table) for r in table.references}
        for key in live(version)[table.name]["foreign_keys"].values():
            if not set(key["columns"]) <= set(table.fixed) and key["ref_table"] not in parents:
                assert (tuple(key["columns"]), key["ref_table"]) in declared, (table.name, key)


@each_schema
def test_a_run_child_names_the_table_that_its_foreign_key_points_at(version: str) -> None:
    for table in tables_of(version):
        if table.merge is Merge.RUN_CHILD:
            pointed_at = {key["ref_table"] for key in live(version)[table.name]["foreign_keys"].values()}
            of_a_try = [name for name in ("task_instance", "task_instance_history") if name in pointed_at]
            parent = of_a_try[0] if of_a_try else "dag_run"
            assert (table.parent, parent in pointed_at) == (parent, True), table.name


@each_schema
def test_a_run_child_names_its_run_and_repeats_its_surrogate_key_where_it_has_both(version: str) -> None:
    for table in tables_of(version):
        if table.merge is Merge.RUN_CHILD:
            columns = set(columns_of(version, table.name))
            by_name = {"dag_id", "run_id"} <= columns
            repeated = "dag_run_id" if by_name and "dag_run_id" in columns else ""
            [run] = [("dag_id", "run_id")] if by_name else [(c,) for c in columns & set(KEYS_OF_RUNS)]
            assert (table.run, table.run_surrogate) == (run, repeated), table.name
            parent_key = "" if by_name else KEYS_OF_RUNS[run[0]]
            assert table.parent_key == parent_key, table.name


@each_schema
def test_every_column_that_may_hold_a_key_of_another_table_is_declared(version: str) -> None:
    found = {
        (table.name, name)
        for table in tables_of(version)
        for name, column in columns_of(version, table.name).items()
        if column["type"] in ("integer", "uuid") and name.endswith(("_id", "_fk")) and name != table.surrogate
    }
    assert found >= SOFT_REFERENCES[version[0]]
    for name, column in found:
        table = tables_of(version)[name]
        references = {reference.column for reference in table.references}
        own = {"task_instance_id"} if name == "task_instance_history" else set()
        assert column in references | set(table.run) | {table.run_surrogate} | set(table.fixed) | own, (
            name,
            column,
        )


@each_schema
def test_every_reference_ends_at_a_carried_table_that_comes_before(version: str) -> None:
    tables = tables_of(version)
    order = [table.name for table in tables]
    for table in tables:
        assert all(order.index(name) < order.index(table.name) for name in table.depends_on), table.name


@each_schema
def test_every_natural_key_is_unique_and_every_unique_key_is_declared(version: str) -> None:
    for table in tables_of(version):
        if table.merge not in (Merge.RUN_CHILD, Merge.VERSION):
            declared = {key for key in (table.key, *table.other_keys) if key}
            unique = unique_keys(version, table.name) - {(table.surrogate,)}
            if table.name in WITHOUT_UNIQUE_KEY:
                assert declared, table.name
                assert not unique, table.name
            else:
                assert declared == unique, table.name


@each_schema
def test_what_is_emptied_may_be_empty(version: str) -> None:
    for table in tables_of(version):
        emptied = {reference.column for reference in table.references if reference.missing is Missing.NULL}
        emptied |= set(table.redact) | {name for name, value in table.fixed.items() if value == "NULL"}
        columns = columns_of(version, table.name)
        assert all(columns[name]["nullable"] for name in emptied), table.name


@each_schema
def test_a_row_is_dropped_for_a_missing_reference_only_where_it_means_nothing_without(version: str) -> None:
    for table in tables_of(version):
        columns = columns_of(version, table.name)
        for reference in table.references:
            is_vital = reference.column in table.key or not columns[reference.column]["nullable"]
            assert (reference.missing is Missing.DROP) == is_vital, (table.name, reference)


@each_schema
def test_a_table_without_a_key_is_compared_within_a_time_range(version: str) -> None:
    for table in tables_of(version):
        if table.merge is Merge.MATCH:
            assert table.within or table.key, table.name
            if table.within:
                # Rows of another moment are other rows.
                assert not table.key or table.within in table.key, table.name
                kind = columns_of(version, table.name)[table.within]["type"]
                assert kind == "timestamp with time zone", table.name


@each_schema
def test_every_encrypted_column_is_a_secret(version: str) -> None:
    for table in tables_of(version):
        flags = {name for name in columns_of(version, table.name) if re.fullmatch(r"is_(\w+_)?encrypted", name)}
        assert flags == {secret.split(":")[1] for secret in table.secrets}, table.name
        assert table.confidential >= ("password" in columns_of(version, table.name) or bool(table.secrets))


@each_schema
def test_a_dag_that_is_not_parsed_yet_is_inactive_without_a_file_or_a_next_run(version: str) -> None:
    fixed = tables_of(version)["dag"].fixed
    next_run = {name for name in columns_of(version, "dag") if name.startswith("next_dagrun")}
    if version.startswith("3."):
        unknown = {"bundle_version", "last_parsed_time", *next_run}
        assert fixed == {**dict.fromkeys(unknown, "NULL"), "is_stale": "true", "has_import_errors": "false"}
        return
    unknown = {"fileloc", "processor_subdir", "last_parsed_time", "pickle_id", *next_run}
    assert fixed == {**dict.fromkeys(unknown, "NULL"), "is_active": "false", "has_import_errors": "false"}


@each_schema
def test_a_missed_sla_comes_back_as_sent(version: str) -> None:
    if version.startswith("3."):
        assert "sla_miss" not in tables_of(version)
        return
    sent = {name for name in columns_of(version, "sla_miss") if name.endswith("_sent")}
    assert tables_of(version)["sla_miss"].fixed == dict.fromkeys(sent, "true")


@each_schema
def test_what_is_there_is_kept_but_for_pools_variables_and_connections(version: str) -> None:
    found = {table.name: table.existing for table in tables_of(version) if table.existing is not Existing.KEEP}
    assert found == {
        "slot_pool": Existing.REPLACE,
        "variable": Existing.STRATEGY,
        "connection": Existing.STRATEGY,
    }


@each_schema
def test_our_settings_and_our_dags_stay_in_their_environment(version: str) -> None:
    assert {table.name for table in tables_of(version) if table.environment_bound} == {"variable", "dag"}


@each_schema
def test_cleanup_empties_history_and_pools_but_no_variables_connections_roles_or_datasets(version: str) -> None:
    stays = {"variable", "connection", "dataset", "dataset_alias", "log_template", "dag", "ab_user", "ab_role"}
    stays |= {"asset", "asset_alias", "dag_bundle", "serialized_dag", "dag_code", "deadline_alert", "callback", "team"}
    for table in tables_of(version):
        if table.merge in (Merge.MATCH, Merge.DAGS):
            assert bool(table.emptied) == (table.name not in stays and not table.name.startswith("ab_")), table.name


@each_schema
def test_a_restored_log_template_never_becomes_the_current_one(version: str) -> None:
    assert [table.name for table in tables_of(version) if table.below_highest] == ["log_template"]


@each_upgrade
def test_every_required_column_that_a_version_adds_has_a_value(older: str, newer: str) -> None:
    before = tables_of(older)
    for table in tables_of(newer):
        if table.name in before:
            old, new = columns_of(older, table.name), columns_of(newer, table.name)
            wanted = {name for name in set(new) - set(old) if required(new[name]) and not SHAPED_ANEW & {table.name}}
            inherited = set(before[table.name].added)
            assert set(table.added) == inherited | wanted, table.name


@each_upgrade
def test_no_version_drops_or_renames_what_an_older_one_carried(older: str, newer: str) -> None:
    after = tables_of(newer)
    for table in tables_of(older):
        assert table.name in after
        dropped = set(columns_of(older, table.name)) - set(columns_of(newer, table.name))
        assert dropped <= set(after[table.name].gone), table.name


@each_upgrade
def test_no_version_narrows_a_type(older: str, newer: str) -> None:
    for table in tables_of(older):
        new = columns_of(newer, table.name)
        for name, column in columns_of(older, table.name).items():
            if name not in new:
                continue
            was, becomes = column["type"], new[name]["type"]
            lengths = [int(length) for kind in (was, becomes) for length in re.findall(r"\((\d+)\)", kind)]
            widened = becomes == "text" or lengths == sorted(lengths)
            as_json = (was, becomes) in WRITTEN_ALIKE
            assert was == becomes or as_json or ("character varying" in was and widened), (table.name, name)


@each_upgrade
def test_no_version_forbids_a_null_that_an_older_one_allowed(older: str, newer: str) -> None:
    for table in tables_of(older):
        new = columns_of(newer, table.name)
        for name, column in columns_of(older, table.name).items():
            filled = tables_of(newer)[table.name].filled
            allowed = name not in new or new[name]["nullable"] or not column["nullable"]
            assert allowed or name in filled, (table.name, name)


def test_the_declared_values_for_old_backups_are_these() -> None:
    declared = {(table.name, *item) for table in factory_for("2.11.2").tables for item in table.added.items()}
    assert declared == {
        ("slot_pool", "include_deferred", "false"),
        ("dag_run", "clear_number", "0"),
        ("dag", "max_consecutive_failed_dag_runs", "0"),
    }
