"""Which versions are served, and how one is found."""

from __future__ import annotations

import doctest
import importlib
import json
from itertools import pairwise
from pathlib import Path

import pytest

import mwaa_dr
from mwaa_dr import versions
from mwaa_dr.framework.errors import UnservedVersionError
from mwaa_dr.framework.factory.base_dr_factory import BaseDRFactory
from mwaa_dr.versions import REVISIONS, factory_for, served_versions, version_of
from tests.support.schemas import FOLDER, schema

SERVED = ["2.4", "2.5", "2.6", "2.7", "2.8", "2.9", "2.10", "2.11", "3.0", "3.1", "3.2", "3.3"]
LINES = [[line for line in SERVED if line.startswith(major)] for major in ("2.", "3.")]


def test_these_versions_are_served_in_the_order_of_their_numbers() -> None:
    assert served_versions() == SERVED


@pytest.mark.parametrize("line", SERVED)
def test_each_version_has_a_factory_of_its_name(line: str) -> None:
    name = line.replace(".", "_")
    found = factory_for(f"{line}.1")
    assert found.__name__ == f"DRFactory_{name}"
    assert found is vars(importlib.import_module(f"mwaa_dr.v_{name}.dr_factory"))[found.__name__]


@pytest.mark.parametrize(("older", "newer"), [pair for line in LINES for pair in pairwise(line)])
def test_each_factory_is_the_one_before_with_a_delta(older: str, newer: str) -> None:
    assert factory_for(newer).__bases__ == (factory_for(older),)
    assert "Airflow " + newer in (factory_for(newer).__doc__ or "")


@pytest.mark.parametrize("oldest", ["2.4.3", "3.0.6"])
def test_the_oldest_factory_of_a_line_stands_on_the_base(oldest: str) -> None:
    assert factory_for(oldest).__bases__ == (BaseDRFactory,)


@pytest.mark.parametrize("version", ["2.10.3", "2.10", "2.10.0rc1", "2.10.3.dev0", "2.10.3+astro.1", "2.10.3.post1"])
def test_a_version_is_known_by_its_first_two_numbers(version: str) -> None:
    assert factory_for(version).__name__ == "DRFactory_2_10"


@pytest.mark.parametrize("version", ["2.3.4", "2.12.0", "1.10.15", "3.4.0", "9.9.9", "2.100.0"])
def test_a_version_without_a_folder_is_refused_with_the_served_ones(version: str) -> None:
    with pytest.raises(UnservedVersionError) as refused:
        factory_for(version)
    assert refused.value.message == f"Airflow {version} is not served"
    assert refused.value.hint == "Served are 2.4, 2.5, 2.6, 2.7, 2.8, 2.9, 2.10, 2.11, 3.0, 3.1, 3.2, 3.3."


@pytest.mark.parametrize(
    "version",
    ["", "2", "latest", "v2.10.3", "2.10.3 ", "2.10;3", "2..10", "../2.10", "2.1O.3", "٢.٤.٣", "9" * 5000],
)
def test_what_is_no_version_is_refused_in_words(version: str) -> None:
    with pytest.raises(UnservedVersionError, match="is not a version of Airflow"):
        factory_for(version)


def test_a_folder_is_all_that_makes_a_version_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "v_2_12"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "dr_factory.py").write_text("class DRFactory_2_12: ...\n")
    (tmp_path / "v_of_something_else").mkdir()
    monkeypatch.setattr("mwaa_dr.__path__", [*mwaa_dr.__path__, str(tmp_path)])
    assert served_versions() == [*LINES[0], "2.12", *LINES[1]]
    assert factory_for("2.12.1").__name__ == "DRFactory_2_12"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_every_real_schema_is_known_by_its_alembic_revision(path: Path) -> None:
    revision = json.loads(path.read_text())["alembic_head"]
    found, real = version_of(revision), path.stem.partition("-")[0]
    order = [[int(part) for part in version.split(".")] for version in (found, real)]
    assert order == sorted(order)
    assert factory_for(found).tables == factory_for(real).tables


def test_each_served_version_is_found_by_a_revision() -> None:
    found = {version.rpartition(".")[0] for version in REVISIONS.values()}
    assert found >= set(SERVED) - {"2.11"}
    assert version_of(schema("2.11.2")["alembic_head"]) == "2.10.3"


def test_an_unknown_revision_is_refused_in_words() -> None:
    with pytest.raises(UnservedVersionError, match="no known Airflow has the Alembic revision 'abc'"):
        version_of("abc")


def test_the_examples_in_the_documentation_are_true() -> None:
    done = doctest.testmod(versions)
    assert (done.attempted > 3, done.failed) == (True, 0)
