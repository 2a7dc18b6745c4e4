"""Versions end, and a backup fits into some only; the engine says the same."""

from __future__ import annotations

from datetime import date
from itertools import product

import pytest

from lib.config.versions import VERSIONS
from lib.functions.airflow_versions import END_OF_SUPPORT, creation_problem, restore_problem
from mwaa_dr.framework.compatibility import check_versions
from mwaa_dr.framework.errors import IncompatibleBackupError
from tests.support.backups import a_manifest

SOME = ("2.7.2", "2.10.3", "2.11.0", "3.0.6", "3.2.1", "x")


def test_a_version_can_be_created_until_its_end() -> None:
    end = END_OF_SUPPORT["2.6.3"]

    assert creation_problem("2.6.3", date(2025, 12, 29)) == ""
    assert f"no environment with Airflow 2.6.3 since {end}" in creation_problem("2.6.3", end)


@pytest.mark.parametrize("version", ["2.10.3", "3.3.1", "4.0.0"])
def test_a_version_without_an_end_can_be_created(version: str) -> None:
    assert creation_problem(version, date(2030, 1, 1)) == ""


def test_every_version_that_ends_is_in_the_table_of_versions() -> None:
    assert set(END_OF_SUPPORT) <= set(VERSIONS)


@pytest.mark.parametrize(
    ("backup", "target"), list(product(["2.7.2", "2.10.3", "2.11.0", "3.0.6", "3.2.1", "x"], repeat=2))
)
def test_what_may_be_restored_is_what_the_engine_restores(backup: str, target: str) -> None:
    try:
        check_versions(a_manifest("20261121T230000Z-0000000000bb", airflow_version=backup), target)
        accepted = True
    except IncompatibleBackupError:
        accepted = False

    assert (restore_problem(backup, target) == "") is accepted
