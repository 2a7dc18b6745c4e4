"""The order in which the peer's tables are restored."""

from __future__ import annotations

from benchmarks.legacy_worker import in_order


class Model:
    """As the peer's: who waits for whom."""

    def __init__(self, **waits_for: set[str]) -> None:
        self._waits_for = waits_for

    def dependents(self, table: str) -> set[str]:
        return self._waits_for.get(table, set())


def test_each_table_comes_after_those_that_it_waits_for() -> None:
    tables = ["xcom", "log", "task_instance", "dag_run"]
    model = Model(xcom={"task_instance"}, task_instance={"dag_run", "log"})
    assert in_order(tables, model) == ["log", "dag_run", "task_instance", "xcom"]
