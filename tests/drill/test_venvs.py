"""Which Airflow a drill takes, and its words when it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from drill import venvs
from drill.__main__ import main


@pytest.fixture
def pythons(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The minor versions of Python that are found; tests change the set."""
    there = {"3.10", "3.11", "3.12"}
    monkeypatch.setattr(venvs, "find_python", lambda minor: Path("python") if minor in there else None)
    return there


def test_each_version_of_the_matrix_has_a_lock_that_pins_it() -> None:
    locks = venvs.locks()
    for version in venvs.MATRIX:
        assert f"apache-airflow=={version}" in locks[version].path.read_text().splitlines()


def test_the_default_is_2_10_3_where_its_python_is(pythons: set[str]) -> None:
    assert venvs.chosen_lock().airflow == "2.10.3"


@pytest.mark.parametrize(("python", "airflow"), [("3.10", "2.6.3"), ("3.12", "2.11.2")])
def test_elsewhere_the_default_is_the_newest_that_a_python_runs(pythons: set[str], python: str, airflow: str) -> None:
    pythons.intersection_update({python})
    assert venvs.chosen_lock().airflow == airflow


def test_without_a_fitting_python_the_drill_says_which_one_it_needs(
    pythons: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    pythons.remove("3.10")
    assert main(["--airflow", "2.4.3"]) == 2
    assert capsys.readouterr().err.splitlines()[-2:] == [
        "drill: Airflow 2.4.3 needs Python 3.10, which is not here",
        "HINT: Put a python3.10 on PATH, or choose another version with --airflow.",
    ]


def test_an_unknown_version_is_refused_with_those_that_are_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--airflow", "1.10.15"]) == 2
    error = capsys.readouterr().err
    assert "there is no lock file for Airflow 1.10.15" in error
    assert "2.4.3, 2.5.1" in error
