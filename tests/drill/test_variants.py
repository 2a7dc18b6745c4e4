"""Databases that were upgraded and those with tables of FAB: what the engine's drill can have, and refuses in words."""

from __future__ import annotations

import pytest

from drill.__main__ import main
from drill.matrix import ALL
from drill.variants import OF_FAB, OLDER, Variant
from drill.venvs import MATRIX, locks


def test_each_variant_of_the_matrix_has_a_lock_of_its_airflow() -> None:
    for name in ALL:
        version = name.partition("+")[0].removesuffix("-fab")
        assert f"apache-airflow=={version}" in Variant(name).lock.path.read_text().splitlines()
        assert ("apache-airflow-providers-fab" in Variant(name).lock.path.read_text()) >= Variant(name).has_fab


def test_every_airflow_3_of_the_matrix_is_upgraded_and_two_have_fab() -> None:
    upgraded = {name.partition("+")[0].removesuffix("-fab") for name in ALL if "+" in name}
    assert upgraded == {version for version in MATRIX if version.startswith("3.")}
    assert {Variant(name).lock.airflow for name in ALL if Variant(name).has_fab} == {"3.0.6-fab", "3.3.1-fab"}
    assert OLDER in locks()


def test_a_variant_says_which_environment_was_upgraded_and_what_is_migrated() -> None:
    fresh, upgraded = Variant("3.0.6"), Variant("3.3.1-fab+to-upgraded")
    assert [(one.is_upgraded("primary"), one.is_upgraded("second")) for one in (fresh, upgraded)] == [
        (False, False),
        (False, True),
    ]
    assert (fresh.schemas, upgraded.schemas) == (("db",), ("db", "fab-db"))
    assert (fresh.settings, upgraded.settings) == ({}, OF_FAB)


@pytest.mark.parametrize("name", ["3.2.1+upgraded", "3.2.1+", "2.11.2+from-upgraded"])
def test_an_unknown_variant_is_refused_with_those_that_are_known(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--strategy", "engine", "--airflow", name]) == 2
    assert capsys.readouterr().err.splitlines() == [
        f"drill: there is no variant {name}",
        "HINT: Give an Airflow 3 one of +from-upgraded, +to-upgraded.",
    ]


def test_a_variant_is_of_the_engine_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--strategy", "warm_standby", "--airflow", "3.2.1+from-upgraded"]) == 2
    assert capsys.readouterr().err.splitlines()[-2:] == [
        "drill: 3.2.1+from-upgraded is a variant of the engine's drill",
        "HINT: Choose --strategy engine.",
    ]
