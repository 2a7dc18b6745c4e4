"""Tables that no Airflow version declares."""

from __future__ import annotations

import pytest

from mwaa_dr.framework.model.unknown import reason_for_unknown


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("celery_taskmeta", "Celery"),
        ("celery_tasksetmeta", "Celery"),
        ("_xcom_archive", "Airflow 3"),
        ("active_dags", "mwaa-dr"),
        ("_airflow_moved__2_2__dangling__task_instance", "migration"),
        ("_airflow_deleted__xcom__20240101000000", "airflow db clean"),
        ("edge_worker", "no table of Airflow itself"),
        ("my_airflow_moved", "no table of Airflow itself"),
    ],
)
def test_a_table_that_no_version_declares_has_a_reason(name: str, reason: str) -> None:
    assert reason in reason_for_unknown(name)
