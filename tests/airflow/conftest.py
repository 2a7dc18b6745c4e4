"""Tests with real Airflows: AIRFLOWS names their versions, or folders of virtual environments, as in PATH.

    AIRFLOWS=2.4.3:2.10.3 ./build.sh living tests/airflow

A version is installed from its lock into the drill's cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from drill.postgres import Postgres
from tests.support.real_airflow import RealAirflow, venv, venvs
from tests.support.waiting_workflow import WaitingWorkflow


@pytest.fixture(scope="module")
def workflow() -> Iterator[WaitingWorkflow]:
    """A workflow that waits for runs to answer."""
    with WaitingWorkflow() as waiting:
        yield waiting


@pytest.fixture(scope="module", params=venvs() or [""], ids=lambda name: Path(name).name or "none")
def airflow(
    request: pytest.FixtureRequest,
    postgres: Postgres,
    workflow: WaitingWorkflow,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RealAirflow]:
    """A migrated Airflow with this package in its DAGs folder."""
    if not request.param:
        pytest.fail("AIRFLOWS names no version: run ./build.sh living")
    folder = venv(request.param)
    home = tmp_path_factory.mktemp(folder.name) / "home"
    url = postgres.create(f"{request.module.__name__.split('.')[-1]}_{folder.name}")
    settings = {
        **workflow.environ,
        "AIRFLOW_VAR_DR_STORAGE_TYPE": "LOCAL_FS",
        "AIRFLOW__CORE__FERNET_KEY": "V1oP0c1AOQ8oPB9vWXmqVUqBL7cPAQ0S0jZ0T0a1T0g=",
    }
    installed = RealAirflow(folder, home, url, settings)
    installed.finish(installed.migrate(), "migrate")
    yield installed
    installed.kill()
    postgres.drop(url.rsplit("/", 1)[1])
