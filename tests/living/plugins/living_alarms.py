"""Where mails and callbacks of the living DAGs go: a line each in the file `alarms`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def sound(line: str) -> None:
    """Leave a line."""
    with Path(os.environ["AIRFLOW_HOME"], "alarms").open("a") as alarms:
        alarms.write(line + "\n")


def send_mail(to: Any, subject: str, html_content: str, **_: Any) -> None:
    """Stand in for an e-mail backend."""
    sound("mail " + " ".join(f"{subject} {html_content}".split()))


def task_failed(context: Any) -> None:
    """Be a task's on_failure_callback."""
    sound(f"task_failed {context['ti'].task_id} {context['run_id']}")


def run_failed(context: Any) -> None:
    """Be a DAG's on_failure_callback."""
    sound(f"run_failed {context['dag'].dag_id} {context['run_id']}")


def sla_missed(dag: Any, task_list: str, blocking_task_list: str, slas: Any, blocking_tis: Any) -> None:
    """Be a DAG's sla_miss_callback."""
    sound(f"sla_missed {' '.join(task_list.split())}")


async def deadline_missed(dag: str, **_: Any) -> None:
    """Be what a deadline calls in the triggerer."""
    sound(f"deadline_missed {dag}")
