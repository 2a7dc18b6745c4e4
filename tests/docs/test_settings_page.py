"""The page about settings, and the DAGs' own description of theirs."""

from __future__ import annotations

import pytest

from docs.settings import PAGE, page
from mwaa_dr.framework.model.setting import Operation
from mwaa_dr.framework.model.settings import table
from mwaa_dr.framework.settings_page import settings_table


def test_the_page_is_what_the_settings_declare_now() -> None:
    assert PAGE.read_text() == page(), "run: PYTHONPATH=assets/dags python docs/settings.py"


def test_the_page_names_every_setting_once() -> None:
    named = [line.split("|")[1:3] for line in page().splitlines() if line.startswith("|")]
    for row in table():
        name = f"`{row.conf or row.variable or row.environ[0]}`"
        assert sum(name in cell for cells in named for cell in cells) == 1, name


@pytest.mark.parametrize("operation", list(Operation))
def test_a_dag_describes_the_settings_that_it_uses_and_no_others(operation: Operation) -> None:
    lines = settings_table(operation).splitlines()[2:]
    assert len(lines) == len([row for row in table() if operation in row.used_by])


def test_every_row_has_as_many_cells_as_the_head() -> None:
    lines = settings_table().splitlines()
    assert {line.count("|") for line in lines} == {lines[0].count("|")}
