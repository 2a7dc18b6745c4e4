"""DAGs that leave behind one of everything that a metadata database holds; Airflow 2.4 to 3.3."""

from __future__ import annotations

import os
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from drill_moved import DAG, IN_AIRFLOW_3, BaseOperator, Dataset, PythonOperator, PythonSensor, TimeDeltaTrigger, task

START = datetime(2024, 1, 1, tzinfo=timezone.utc)
SOON = 15 if IN_AIRFLOW_3 else 2
"""Seconds; a task that is queued anew before its scheduler heard of its first end fails in Airflow 3."""
FED = Dataset("s3://drill/fed?name=a+b&x=1", extra={"owner": "drill", "note": "a|b\n'c'"})
NAMED = [Dataset(name="named | 'a'", uri="s3://drill/named?name=a%20b")] if IN_AIRFLOW_3 else []
STARVED = Dataset("s3://drill/starved")
NASTY = "é 漢字 🙂 | \\N \\. 'single' \"double\" \r\n\ttab , ; %s"


class Deferring(BaseOperator):
    """Waits in the triggerer."""

    def __init__(self, *, seconds: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seconds = seconds

    def execute(self, context: Any) -> None:
        """Hand over to the triggerer."""
        trigger = TimeDeltaTrigger(timedelta(seconds=self.seconds))
        self.defer(trigger=trigger, method_name="resume", kwargs={"note": NASTY})

    def resume(self, context: Any, note: str, event: Any = None) -> str:
        """End with what was given to the trigger."""
        return note


@task
def give(value: Any) -> Any:
    """Return a value as XCom."""
    return value


@task
def twice(number: int) -> int:
    """Be mapped over numbers."""
    return number * 2


@task
def total(numbers: Any) -> int:
    """Collect from a mapped task."""
    return sum(numbers)


@task
def sleep(seconds: int) -> None:
    """Be at work for a while."""
    time.sleep(seconds)


def do_nothing() -> None:
    """Succeed at once."""


def fail() -> None:
    """Fail at every try."""
    raise RuntimeError(f"this one always fails: {NASTY}")


def fail_at_first(ti: Any) -> str:
    """Fail once, then succeed."""
    if ti.try_number < 2:
        raise RuntimeError("this one fails once")
    return "second try"


def push_many(ti: Any) -> str:
    """Push XComs of all sizes and shapes."""
    ti.xcom_push(key="large", value="0123456789abcdef" * 65536)
    ti.xcom_push(key="nested", value={"a": [1, 2.5, None, True, {"b": NASTY}], "": []})
    if not IN_AIRFLOW_3:  # the API of Airflow 3.0 refuses it
        ti.xcom_push(key="nothing", value=None)
    ti.xcom_push(key="key | with 'nasty' \"signs\" é", value=[NASTY])
    return NASTY


def is_second_look(run_id: str) -> bool:
    """Make a rescheduling sensor look again."""
    mark = Path(os.environ["AIRFLOW_HOME"], f"looked in {run_id}")
    if mark.exists():
        return True
    mark.touch()
    return False


with DAG("drill_mapped", start_date=START, schedule=None, tags=["drill", "é"], description=NASTY):
    doubled = twice.expand(number=give.override(task_id="numbers")([1, 2, 3]))
    total(doubled)
    twice.override(task_id="none_at_all").expand(number=give.override(task_id="no_numbers")([]))

with DAG("drill_failing", start_date=START, schedule=None):
    failing = PythonOperator(task_id="always_fails", python_callable=fail, retries=1, retry_delay=timedelta(seconds=1))
    flaky = PythonOperator(
        task_id="fails_once", python_callable=fail_at_first, retries=2, retry_delay=timedelta(seconds=1)
    )
    failing >> give.override(task_id="never_reached")(1)

with DAG("drill_xcoms", start_date=START, schedule=None):
    PythonOperator(task_id="push", python_callable=push_many)

with DAG("drill_deferrable", start_date=START, schedule=None):
    Deferring(task_id="deferred_once", seconds=SOON) >> give.override(task_id="after")(NASTY)

with DAG("drill_pooled", start_date=START, schedule=None):
    PythonOperator(
        task_id="in_a_pool",
        python_callable=do_nothing,
        pool="drill_pool",
        pool_slots=2,
        priority_weight=7,
        executor_config={"KubernetesExecutor": {"request_memory": "1Gi", "note": NASTY}},
        doc_md="In a pool",
    )

with DAG("drill_rescheduled", start_date=START, schedule=None):
    PythonSensor(
        task_id="looks_again", python_callable=is_second_look, mode="reschedule", poke_interval=SOON, timeout=120
    )

with DAG("drill_producer", start_date=START, schedule=None):
    PythonOperator(task_id="produce", python_callable=do_nothing, outlets=[FED, *NAMED])

with DAG("drill_consumer", start_date=START, schedule=[FED]):
    give(1)

with DAG("drill_half_fed", start_date=START, schedule=[FED, STARVED]):
    give(1)

with DAG(
    "drill_yearly",
    start_date=datetime(datetime.now().year - 3, 1, 1, tzinfo=timezone.utc),
    schedule="@yearly",
    catchup=True,
):
    give(1)

with DAG("drill_interrupted", start_date=START, schedule=None):
    give.override(task_id="finished")(NASTY) >> sleep(3600) >> give.override(task_id="not_started")(1)

with DAG("drill_waiting", start_date=START, schedule=None):
    Deferring(task_id="deferred_for_long", seconds=3600)

with DAG("drill_resting", start_date=START, schedule=None):
    give(NASTY)
