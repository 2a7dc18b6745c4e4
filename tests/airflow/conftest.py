"""Tests with real Airflows: AIRFLOWS names their versions, or folders of virtual environments, as in PATH.

    AIRFLOWS=2.4.3:2.10.3 ./build.sh living tests/airflow

A version is installed from its lock into the drill's cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from drill.postgres import Postgres
from tests.support.real_airflow import RealAirflow, venv, venvs
from tests.support.waiting_workflow import WaitingWorkflow

SETTINGS = {
    "AIRFLOW_VAR_DR_STORAGE_TYPE": "LOCAL_FS",
    "AIRFLOW__CORE__FERNET_KEY": "V1oP0c1AOQ8oPB9vWXmqVUqBL7cPAQ0S0jZ0T0a1T0g=",
}


@pytest.fixture(scope="module")
def workflow() -> Iterator[WaitingWorkflow]:
    """A workflow that waits for runs to answer."""
    with WaitingWorkflow() as waiting:
        yield waiting


@dataclass(frozen=True)
class Installed:
    """One Airflow version: where it is installed, and the database that it migrated."""

    venv: Path
    template: str


@pytest.fixture(scope="session", params=venvs() or [""], ids=lambda name: Path(name).name or "none")
def installed(
    request: pytest.FixtureRequest, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Installed:
    """An Airflow of this version, migrated once for all that is told of it."""
    if not request.param:
        pytest.fail("AIRFLOWS names no version: run ./build.sh living")
    found = Installed(venv(request.param), f"template_{Path(request.param).name}")
    url = postgres.create(found.template)
    migrating = RealAirflow(found.venv, tmp_path_factory.mktemp("template") / "home", url, SETTINGS)
    migrating.finish(migrating.migrate(), "migrate")
    return found


@pytest.fixture(scope="module")
def airflow(
    installed: Installed,
    request: pytest.FixtureRequest,
    postgres: Postgres,
    workflow: WaitingWorkflow,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RealAirflow]:
    """A migrated Airflow with this package in its DAGs folder."""
    name = f"{request.module.__name__.split('.')[-1]}_{installed.venv.name}"
    home = tmp_path_factory.mktemp(installed.venv.name) / "home"
    found = RealAirflow(
        installed.venv, home, postgres.create(name, installed.template), {**SETTINGS, **workflow.environ}
    )
    yield found
    found.kill()
    postgres.drop(name)
