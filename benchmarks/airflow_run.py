"""What a whole backup run costs inside a real Airflow: its scheduler, an empty database, a folder to write to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.environments import AIRFLOW
from drill.airflow import Airflow
from drill.postgres import Postgres
from drill.venvs import chosen_lock, provision
from tests.support.real_airflow import RealAirflow

DAG = "backup_metadata"
START_SECONDS = 300.0
DATABASE = "airflow_run"


@dataclass(frozen=True)
class AirflowRun:
    """One run of the backup's DAG, in seconds."""

    whole: float
    """From being asked for to its end, as the scheduler writes it down."""
    task: float
    """From the begin of its task to its end, reading and writing included; the rest is the scheduler's."""


def measured_runs(server: Postgres, folder: Path, rounds: int) -> tuple[AirflowRun, ...]:
    """Trigger one backup after the other, each once the one before has ended; raises DrillError where one fails.

    The scheduler is that of a LocalExecutor, as quick as the drill's; there is nothing to back up but what Airflow
    writes itself.
    """
    url = server.create(DATABASE)
    settings = {"AIRFLOW_VAR_DR_STORAGE_TYPE": "LOCAL_FS"}
    airflow = RealAirflow(provision(chosen_lock(AIRFLOW)), folder / "airflow", url, settings)
    try:
        airflow.finish(airflow.migrate(), "migrate")
        airflow.start("scheduler")
        airflow.wait("the DAG", lambda: "" if airflow.query(_PARSED, DAG) else "not parsed", START_SECONDS)
        airflow.act(unpause=[DAG])
        return tuple(_run(airflow, f"bench~{number}") for number in range(rounds))
    finally:
        airflow.kill()


_PARSED = "SELECT 1 FROM serialized_dag WHERE dag_id = %s"
_TAKEN = (
    "SELECT extract(epoch FROM r.end_date - r.queued_at), extract(epoch FROM i.end_date - i.start_date)"
    " FROM dag_run r JOIN task_instance i USING (dag_id, run_id) WHERE r.dag_id = %s AND r.run_id = %s"
)


def _run(airflow: Airflow, run_id: str) -> AirflowRun:
    airflow.act(trigger=[{"dag_id": DAG, "run_id": run_id}])
    airflow.wait_for_run(DAG, run_id, START_SECONDS)
    [(whole, task)] = airflow.query(_TAKEN, DAG, run_id)
    return AirflowRun(float(whole), float(task))
