"""Change DAGs one by one, within MWAA's ten requests a second and within the time there is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from lib.functions.airflow_client.airflow import Changed

PAUSE = 0.11
"""Seconds between two requests: https://docs.aws.amazon.com/mwaa/latest/userguide/access-mwaa-apache-airflow-rest-api.html"""


def each(dag_ids: Iterable[str], change: Callable[[str], bool], seconds: float) -> Changed:
    """Change them in their order; `change` returns False for a DAG that is not there."""
    end = time.monotonic() + seconds
    waiting = list(dag_ids)
    found: dict[bool, list[str]] = {True: [], False: []}
    for number, dag_id in enumerate(waiting):
        if time.monotonic() > end:
            return Changed(tuple(found[True]), tuple(found[False]), tuple(waiting[number:]))
        found[change(dag_id)].append(dag_id)
        time.sleep(PAUSE)
    return Changed(tuple(found[True]), tuple(found[False]))
