"""How workers share the tests with real Airflows."""

from __future__ import annotations

from tests.support.by_airflow import group

AIRFLOWS = ["2.4.3", "2.10.3", "2.10.3-py3.11"]


def test_a_file_and_an_airflow_stay_together() -> None:
    story = {
        group(f"living/test_a.py::{test}", AIRFLOWS) for test in ("test_x[2.4.3]", "test_y[2.4.3-1]", "test_y[1-2.4.3]")
    }
    assert len(story) == 1


def test_other_files_and_airflows_are_apart() -> None:
    files = [f"living/test_{name}.py::test_x[{airflow}]" for name in "ab" for airflow in AIRFLOWS]
    assert len({group(file, AIRFLOWS) for file in files}) == len(files)
