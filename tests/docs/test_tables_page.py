"""The page about tables, which is written from what the versions declare."""

from __future__ import annotations

import pytest

from docs.tables import PAGE, page
from mwaa_dr.versions import factory_for, served_versions


def test_the_page_is_what_the_tables_declare_now() -> None:
    assert PAGE.read_text() == page(), "run: PYTHONPATH=assets/dags python -m docs.tables"


@pytest.mark.parametrize("version", served_versions())
def test_the_page_names_every_table(version: str) -> None:
    tables = factory_for(version).tables
    names = {line.split("`")[1] for line in page().splitlines() if line.startswith("| `")}
    assert {*tables.carried, *tables.skipped} <= names


def test_the_page_says_since_when_a_table_is_there() -> None:
    lines = page().splitlines()
    assert any(line.startswith("| `task_instance_history` | 2.10 |") for line in lines)
    assert any(line.startswith("| `dag_run.clear_number` | 2.8 | `0` |") for line in lines)
    assert any(line.startswith("| `dag_priority_parsing_request` | 2.10 |") for line in lines)
