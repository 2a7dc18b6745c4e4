"""`python -m benchmarks.legacy_worker backup|restore`: the tasks of the peer's DAG, one after the other."""

from __future__ import annotations

import importlib
import sys
from types import SimpleNamespace
from typing import Any

from benchmarks.process import serve


def main(operation: str) -> None:
    """Wait for the start and call what its PythonOperators would call, without a scheduler between them."""
    module = importlib.import_module("mwaa_dr.v_2_10.dr_factory")
    factory = module.DRFactory_2_10(dag_id="bench", path_prefix="data", storage_type="LOCAL_FS")
    context = {"dag_run": SimpleNamespace(conf={})}
    tables = in_order(factory.tables(), factory.model)
    if operation == "backup":
        factory.setup_backup(**context)
    serve(lambda: [getattr(table, operation)(**context) for table in tables])


def in_order(tables: list[Any], model: Any) -> list[Any]:
    """Each table after those that it waits for in the peer's restore DAG."""
    done: list[Any] = []
    while len(done) < len(tables):
        done += [
            table for table in tables if table not in done and all(needed in done for needed in model.dependents(table))
        ]
    return done


if __name__ == "__main__":
    main(sys.argv[1])
