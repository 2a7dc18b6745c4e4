"""DAGs that a restore meets: scheduled, catching up, interrupted, alarming; Airflow 2.4 to 3.3."""

from __future__ import annotations

import os
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import airflow
import living_alarms
from drill_moved import (
    DAG,
    IN_AIRFLOW_3,
    BaseOperator,
    Dataset,
    EmptyOperator,
    PythonOperator,
    PythonSensor,
    TimeDeltaTrigger,
    task,
)

START = datetime.fromisoformat(os.environ["LIVING_START"])
LAST_YEAR = datetime(START.year - 1, 1, 1, tzinfo=timezone.utc)
HOME = Path(os.environ["AIRFLOW_HOME"])
HOUR = timedelta(hours=1)
SOON = timedelta(seconds=15 if IN_AIRFLOW_3 else 1)
"""A task that is queued anew before its scheduler heard of its first end fails in Airflow 3."""
MAILS: dict[str, Any] = {} if IN_AIRFLOW_3 else {"email": "people@example.com", "email_on_failure": True}
"""Airflow 3.1 and newer send none without the SMTP provider."""
DEADLINES: dict[str, Any] = {} if IN_AIRFLOW_3 else {"sla": HOUR}
CALLED_WHEN_MISSED: dict[str, Any] = {} if IN_AIRFLOW_3 else {"sla_miss_callback": living_alarms.sla_missed}
"""Airflow 3 has no SLAs."""


def is_told() -> bool:
    """Whether this environment lets everything end."""
    return (HOME / "told").exists()


def note_down(ti: Any) -> str:
    """Leave a trace of each execution."""
    with (HOME / "effects").open("a") as effects:
        effects.write(f"{ti.dag_id} {ti.run_id} {ti.task_id} {ti.map_index}\n")
    return f"{ti.task_id} was here"


def stay_until_told(ti: Any) -> None:
    """Be at work for as long as this environment lives."""
    note_down(ti)
    while not is_told():
        time.sleep(0.5)


def stay_until_let_go(ti: Any) -> None:
    """Be at work until the test wants the run to end."""
    note_down(ti)
    while not (HOME / "let_go").exists():
        time.sleep(0.5)


def stay_until_called() -> None:
    """Be at work until a deadline is missed."""
    while not (HOME / "alarms").exists() or "deadline_missed hasty" not in (HOME / "alarms").read_text():
        time.sleep(0.5)


def fail_until_told(ti: Any) -> None:
    """Fail, and wait long for the next try."""
    note_down(ti)
    if not is_told():
        raise RuntimeError("not told to succeed yet")


def look_until_told(ti: Any) -> bool:
    """Look, and look again much later."""
    note_down(ti)
    return is_told()


def fail_if_asked(dag_run: Any) -> None:
    """Fail where the run's conf says so."""
    if (dag_run.conf or {}).get("fail"):
        raise RuntimeError("asked to fail")


def pull(ti: Any) -> str:
    """Push one more XCom, and pull that of the task before."""
    ti.xcom_push(key="pushed", value=[ti.run_id])
    return f"pulled: {ti.xcom_pull(task_ids='first')}"


class Deferring(BaseOperator):
    """Waits in the triggerer, for long, until told."""

    def execute(self, context: Any) -> None:
        """Hand over to the triggerer."""
        note_down(context["ti"])
        self.defer(trigger=TimeDeltaTrigger(SOON if is_told() else HOUR), method_name="resume")

    def resume(self, context: Any, event: Any = None) -> str:
        """End."""
        return "waited"


@task
def stay_for(which: str, ti: Any = None) -> None:
    """End at once, or when told."""
    note_down(ti)
    while which == "slow" and not is_told():
        time.sleep(0.5)


for name in ("hourly", "hourly_paused"):
    with DAG(name, start_date=START, schedule=HOUR, catchup=True):
        EmptyOperator(task_id="nothing")

with DAG("yearly", start_date=LAST_YEAR, schedule="@yearly", catchup=True):
    EmptyOperator(task_id="nothing")

with DAG(
    "contested",
    start_date=START,
    end_date=START + 4 * HOUR,
    schedule=timedelta(minutes=1),
    catchup=True,
    max_active_runs=4,
):
    EmptyOperator(task_id="nothing")

for name in ("overlapping", "private"):
    with DAG(
        name,
        start_date=START,
        end_date=START + timedelta(minutes=2),
        schedule=timedelta(minutes=1),
        catchup=True,
        max_active_runs=2,
    ):
        PythonOperator(task_id="stay", python_callable=stay_until_let_go)

with DAG("ticking", start_date=START, schedule=timedelta(seconds=20), catchup=False, max_active_runs=2):
    PythonOperator(task_id="tick", python_callable=note_down)

with DAG("chatty", start_date=START, schedule="@daily", catchup=False, tags=["living"]):
    PythonOperator(task_id="first", python_callable=note_down) >> PythonOperator(task_id="second", python_callable=pull)

with DAG(
    "alarming",
    start_date=LAST_YEAR,
    schedule="@yearly",
    catchup=False,
    default_args={**MAILS, **DEADLINES},
    on_failure_callback=living_alarms.run_failed,
    **CALLED_WHEN_MISSED,
):
    EmptyOperator(task_id="punctual") >> PythonOperator(
        task_id="fails", python_callable=fail_if_asked, on_failure_callback=living_alarms.task_failed
    )

with DAG(
    "interrupted",
    start_date=START,
    schedule=None,
    on_failure_callback=living_alarms.run_failed,
    default_args={**MAILS, "on_failure_callback": living_alarms.task_failed},
):
    first = PythonOperator(task_id="first", python_callable=note_down)
    last = PythonOperator(task_id="last", python_callable=note_down)
    at_work = [
        PythonOperator(task_id="staying", python_callable=stay_until_told),
        Deferring(task_id="deferring"),
        PythonOperator(task_id="retrying", python_callable=fail_until_told, retries=3, retry_delay=HOUR),
        PythonSensor(
            task_id="looking", python_callable=look_until_told, mode="reschedule", poke_interval=3600, timeout=86400
        ),
        stay_for.expand(which=["quick", "slow"]),
    ]
    first >> at_work >> last

MADE = Dataset("s3://living/made")

with DAG("producing", start_date=START, schedule=None):
    PythonOperator(task_id="produce", python_callable=note_down, outlets=[MADE])

with DAG("consuming", start_date=START, schedule=[MADE]):
    PythonOperator(task_id="consume", python_callable=note_down)

if IN_AIRFLOW_3:
    with DAG("refilled", start_date=START, schedule=HOUR, catchup=False):
        EmptyOperator(task_id="nothing")

if airflow.__version__ >= "3.1":
    from airflow.sdk.definitions.deadline import AsyncCallback, DeadlineAlert, DeadlineReference

    for name, soon, stay in (("deadlined", HOUR, stay_until_told), ("hasty", timedelta(seconds=1), stay_until_called)):
        called = AsyncCallback("living_alarms.deadline_missed", kwargs={"dag": name})
        alert = DeadlineAlert(reference=DeadlineReference.DAGRUN_QUEUED_AT, interval=soon, callback=called)
        with DAG(name, start_date=START, schedule=None, deadline=alert):
            PythonOperator(task_id="stay", python_callable=stay)
