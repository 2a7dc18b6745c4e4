"""CONFIG_ONLY on a real scheduler and a real API server with FAB: tasks without a database, secrets that REST masks.

A story in an order, of the first `-fab` that AIRFLOWS names, else of the newest: `AIRFLOWS=3.0.6-fab`.
"""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from drill.postgres import Postgres
from drill.variants import OF_FAB
from mwaa_dr.framework.csv_rows import records
from mwaa_dr.framework.manifest import Manifest, Mode
from mwaa_dr.framework.repository import BackupRepository
from mwaa_dr.framework.storage.local import LocalStorage
from tests.support.fab_mwaa import FabMwaa
from tests.support.mwaa import NAME, Mwaa
from tests.support.real_airflow import RealAirflow, venv, venvs
from tests.support.waiting_workflow import WaitingWorkflow

pytestmark = [pytest.mark.airflow, pytest.mark.slow]

VERSION = next((name for name in venvs() if name.endswith("-fab")), "3.3.1-fab")
SECRET, OTHER = "s3cr3t-of-the-primary", "an0ther-secret"
LONG = "with_a_long_id_" + "x" * 60
KEYS = {name: Fernet.generate_key().decode() for name in ("primary", "secondary")}
CLOSED = {"MWAA__DB__CREDENTIALS": "", "MWAA__DB__POSTGRES_HOST": "", "MWAA__DB__POSTGRES_DB": ""}
"""What a worker is left with where MWAA has closed the door."""
VARIABLES = [
    {"key": "plain", "val": "a value", "description": "told"},
    {"key": "api_password", "val": SECRET},
    {"key": "json", "val": json.dumps({"token": OTHER, "deep": [1, None, "é"]}, indent=3)},
    {"key": "empty", "val": ""},
    {"key": "DR_SHRINK_GUARD_PERCENT", "val": "60"},
]
CONNECTIONS: list[dict[str, Any]] = [
    {
        "conn_id": "everything",
        "conn_type": "postgres",
        "description": "told, too",
        "host": "db.example.com",
        "schema": "of it",
        "login": "user",
        "password": SECRET,
        "port": 5432,
        "extra": json.dumps({"private_key": OTHER, "sslmode": "require"}),
    },
    {"conn_id": "bare", "conn_type": "http"},
]
POOLS = [{"pool": "small", "slots": 3, "description": "a small one"}]
"""Told to the primary through Airflow's own code."""


@dataclass
class World:
    """Two environments of the same name in two Regions, of which the second knows nothing of the first."""

    primary: RealAirflow
    secondary: RealAirflow
    workflow: WaitingWorkflow

    def run(self, airflow: RealAirflow, operation: str, run_id: str, **conf: Any) -> str:
        """Have the scheduler run one of our DAGs; its state at the end."""
        dag_id = f"{operation}_metadata"
        airflow.trigger([(dag_id, run_id, {**conf, "task_token": run_id})])
        airflow.wait(run_id, lambda: "" if airflow.state(dag_id, run_id) in ("success", "failed") else "it runs", 300)
        return airflow.state(dag_id, run_id)

    def answer(self, run_id: str) -> tuple[str, dict[str, Any]]:
        """What the workflow was told, once."""
        [(action, sent)] = self.workflow.answers(run_id)
        return action, json.loads(sent["output"]) if "output" in sent else sent


@pytest.fixture(scope="module")
def world(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Both, the primary at work."""
    with ExitStack() as stack:
        workflow = stack.enter_context(WaitingWorkflow())
        airflows = []
        for name, key in KEYS.items():
            double = stack.enter_context(Mwaa(tmp_path_factory.mktemp(f"mwaa_{name}")))
            url = postgres.create(f"config_only_{name}")
            stack.callback(postgres.drop, f"config_only_{name}")
            settings = {
                **double.environ,
                **workflow.environ,
                **CLOSED,
                **OF_FAB,
                "AIRFLOW_ENV_NAME": NAME,
                "AIRFLOW_VAR_DR_ENVIRONMENT_NAME": name,
                "AIRFLOW_VAR_DR_STORAGE_TYPE": "LOCAL_FS",
                "AIRFLOW__CORE__FERNET_KEY": key,
            }
            home = tmp_path_factory.mktemp(name) / "home"
            airflow = RealAirflow(venv(VERSION), home, url, settings)
            stack.callback(airflow.kill)
            shutil.copy(Path(__file__).parent / "dags" / "archived.py", airflow.dags)
            airflow.migrate()
            airflows.append((airflow, double))
        for airflow, double in airflows:
            airflow.finish(airflow._processes["migrate"], "migrate")
            FabMwaa(double, airflow)
        primary, secondary = (airflow for airflow, _ in airflows)
        primary.start("scheduler")
        active = ["archived", "backup_metadata", "restore_metadata"]
        primary.act(variables=VARIABLES, connections=CONNECTIONS, pools=POOLS, unpause=active)
        yield World(primary, secondary, workflow)


def rows_of(airflow: RealAirflow) -> dict[str, list[tuple[Any, ...]]]:
    """What people set in an Airflow, in plain text."""
    fernet = Fernet(KEYS[airflow.dags.parent.parent.name.rstrip("0123456789")])

    def opened(value: str | None) -> str | None:
        return fernet.decrypt(value.encode()).decode() if value else value

    variables = airflow.query("SELECT key, val, description FROM variable ORDER BY key")
    connections = airflow.query(
        "SELECT conn_id, conn_type, description, host, schema, login, port, password, extra FROM connection ORDER BY 1"
    )
    return {
        "variable": [(key, opened(val), told) for key, val, told in variables],
        "connection": [(*row[:-2], *map(opened, row[-2:])) for row in connections],
        "slot_pool": airflow.query("SELECT pool, slots, description, include_deferred FROM slot_pool ORDER BY pool"),
    }


def backups(airflow: RealAirflow) -> BackupRepository:
    return BackupRepository(LocalStorage(airflow.dags / "data"))


def manifest(airflow: RealAirflow) -> Manifest:
    return backups(airflow).latest("primary.eu-west-1")


def stored(airflow: RealAirflow, table: str) -> list[dict[str, str | None]]:
    found = manifest(airflow)
    path = airflow.dags / "data" / found.environment.id / found.backup_id / f"{table}.csv.gz"
    with gzip.open(path) as file:
        header, *rows = records(file)
    return [dict(zip(map(str, header), row, strict=True)) for row in rows]


def test_without_a_database_the_first_task_says_what_to_do(world: World) -> None:
    assert world.run(world.primary, "restore", "no-way") == "failed"
    log = world.primary.task_log("restore_metadata")
    assert "the metadata database is not in reach: Airflow's own engine is kept from tasks" in log
    assert "DR_MODE=CONFIG_ONLY backs up the configuration" in log


def test_a_backup_is_taken_that_says_what_it_is(world: World) -> None:
    for number in (1, 2):
        world.primary.trigger([("archived", f"run-{number}", {"number": number})])
    for number in (1, 2):
        world.primary.wait_for_run("archived", f"run-{number}", 180)
    world.primary.act(variables=[{"key": "DR_MODE", "val": "CONFIG_ONLY"}])
    assert world.run(world.primary, "backup", "taken") == "success"
    action, told = world.answer("taken")
    assert (action, told["mode"], told["promoted"]) == ("SendTaskSuccess", "CONFIG_ONLY", True)
    found = manifest(world.primary)
    assert (found.mode, found.active_dags, found.interrupted) == (Mode.CONFIG_ONLY, 4, ())


def test_it_holds_what_rest_masks(world: World) -> None:
    variables = {row["key"]: row["val"] for row in stored(world.primary, "variable")}
    assert variables == {"DR_MODE": "CONFIG_ONLY", **{str(entry["key"]): entry["val"] for entry in VARIABLES}}
    [everything] = [row for row in stored(world.primary, "connection") if row["conn_id"] == "everything"]
    assert (everything["password"], everything["extra"]) == (CONNECTIONS[0]["password"], CONNECTIONS[0]["extra"])


def test_the_history_is_in_the_archive(world: World) -> None:
    runs = stored(world.primary, "archive_dag_run")
    mine = {row["run_id"]: json.loads(str(row["document"])) for row in runs if row["dag_id"] == "archived"}
    assert [mine[f"run-{number}"]["conf"] for number in (1, 2)] == [{"number": 1}, {"number": 2}]
    tasks = stored(world.primary, "archive_task_instance")
    states = {(row["run_id"], row["task_id"]): row["state"] for row in tasks if row["dag_id"] == "archived"}
    assert states == {(f"run-{n}", task): "success" for n in (1, 2) for task in ("first", "second")}
    assert all("taken" not in str(row["document"]) for row in stored(world.primary, "archive_log"))


def test_a_backup_that_would_hold_a_mask_is_refused_and_leaves_nothing(world: World) -> None:
    before = backups(world.primary).backup_ids("primary.eu-west-1")
    world.primary.act(variables=[{"key": "restored_by_rest", "val": '{"password": "***"}'}])
    assert world.run(world.primary, "backup", "masked") == "failed"
    action, told = world.answer("masked")
    assert (action, told["error"]) == ("SendTaskFailure", "SecretError")
    assert told["cause"].startswith("variable 'restored_by_rest' holds a masked value, not the real one")
    assert backups(world.primary).backup_ids("primary.eu-west-1") == before
    folders = [path.name for path in (world.primary.dags / "data" / "primary.eu-west-1").iterdir() if path.is_dir()]
    assert folders == before


def test_another_environment_gets_the_configuration(world: World) -> None:
    world.primary.stop()
    shutil.copytree(world.primary.dags / "data", world.secondary.dags / "data")
    world.secondary.start("scheduler")
    world.secondary.act(unpause=["left_alone", "restore_metadata"])
    assert world.run(world.secondary, "restore", "restored", mode="CONFIG_ONLY") == "success"
    action, told = world.answer("restored")
    assert (action, told["mode"]) == ("SendTaskSuccess", "CONFIG_ONLY")
    assert told["notes"][0].startswith("not restored, REST takes no history: it stays in the backup (")
    before, after = rows_of(world.primary), rows_of(world.secondary)
    before["variable"] = [row for row in before["variable"] if row[0] not in OF_THE_PRIMARY]
    assert after == before
    paused = dict(world.secondary.query("SELECT dag_id, is_paused FROM dag"))
    assert {dag_id: paused[dag_id] for dag_id in ("archived", "left_alone", LONG)} == {
        "archived": False,
        "left_alone": True,
        LONG: True,
    }
    assert world.secondary.query("SELECT count(*) FROM dag_run WHERE dag_id = 'archived'") == [(0,)]


OF_THE_PRIMARY = ("DR_MODE", "DR_SHRINK_GUARD_PERCENT", "restored_by_rest")
"""Settings of its own, and what came after the backup."""


def test_what_is_there_is_kept_or_replaced_as_asked(world: World) -> None:
    airflow = world.secondary
    airflow.act(
        variables=[{"key": "plain", "val": "of the second"}],
        connections=[{"conn_id": "everything", "conn_type": "http", "extra": '{"mine": 1}'}],
    )
    mine = rows_of(airflow)
    assert world.run(airflow, "restore", "appended", mode="CONFIG_ONLY") == "success"
    assert rows_of(airflow) == mine
    strategies = {"variable_restore_strategy": "REPLACE", "connection_restore_strategy": "REPLACE"}
    assert world.run(airflow, "restore", "replaced", mode="CONFIG_ONLY", **strategies) == "success"
    before = rows_of(world.primary)
    before["variable"] = [row for row in before["variable"] if row[0] not in OF_THE_PRIMARY]
    assert rows_of(airflow) == before


def test_no_secret_is_in_a_log(world: World) -> None:
    for airflow in (world.primary, world.secondary):
        extras = " ".join(str(extra) for (extra,) in airflow.query("SELECT extra FROM log WHERE extra IS NOT NULL"))
        for secret in (SECRET, OTHER):
            assert secret not in airflow.log_text()
            assert secret not in extras
