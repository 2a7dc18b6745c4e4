"""How workers share the tests with real Airflows."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.by_airflow import group

AIRFLOWS = ["2.4.3", "2.10.3", "2.10.3-py3.11"]


def test_a_folder_and_an_airflow_stay_together() -> None:
    tests = ("test_a.py::test_x[2.4.3]", "test_a.py::test_y[2.4.3-1]", "test_b.py::test_y[1-2.4.3]")
    assert len({group(f"tests/living/{test}", AIRFLOWS) for test in tests}) == 1


def test_other_folders_and_airflows_are_apart() -> None:
    tests = [f"tests/{folder}/test_a.py::test_x[{airflow}]" for folder in ("airflow", "living") for airflow in AIRFLOWS]
    assert len({group(test, AIRFLOWS) for test in tests}) == len(tests)


def test_they_are_where_living_looks_for_them() -> None:
    root = Path(__file__).parent.parent
    named = re.search(r"WITH_AIRFLOW=\((.+)\)", (root / "build.sh").read_text())
    assert named
    marked = [path for path in root.glob("tests/**/test_*.py") if "pytest.mark." + "airflow" in path.read_text()]
    assert {str(path.parent.relative_to(root)) for path in marked} == {*named[1].split()}
