"""Fixtures for all: a real PostgreSQL, and databases with the schema of an Airflow version."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import hypothesis
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from drill.postgres import Postgres
from tests.support import schemas
from tests.support.by_airflow import ByAirflow, fits
from tests.support.in_memory import in_memory

Database = Callable[..., str]
"""`database()` gives the URL of an empty database, `database("2.10.3")` of one with that Airflow's schema."""

# The same examples each time, on a slow machine too: what is new must not fail where nothing was changed.
hypothesis.settings.register_profile(
    "steady", derandomize=True, deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("steady")

_numbers = itertools.count(1)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling | None:
    """Share tests with real Airflows among workers in the way that they need."""
    return ByAirflow(config, log) if config.getoption("dist") == "loadgroup" else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what this version of Airflow does not have; have workers begin with what takes long."""
    strange = [item for item in items if not fits(item)]
    items[:] = [item for item in items if item not in strange]
    config.hook.pytest_deselected(items=strange)
    if hasattr(config, "workerinput"):
        slow = {item.path for item in items if item.get_closest_marker("slow")}
        items.sort(key=lambda item: (item.path not in slow, item.path.parent.name != "living"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server of this test session."""
    with Postgres(place=in_memory()) as server:
        yield server


@pytest.fixture(scope="session")
def _templates() -> dict[str, str]:
    """Schema -> the database that is cloned for it."""
    return {}


@pytest.fixture
def database(postgres: Postgres, _templates: dict[str, str]) -> Iterator[Database]:
    """A factory of databases, dropped after the test; it returns the URL for the role that owns it."""
    created: list[str] = []

    def create(version: str = "") -> str:
        name = f"test_{next(_numbers)}"
        template = "template0"
        if version:
            template = _templates.get(version) or _template(postgres, version)
            _templates[version] = template
        created.append(name)
        return postgres.create(name, template)

    yield create
    for name in created:
        postgres.drop(name)


def _template(postgres: Postgres, version: str) -> str:
    name = f"template_{version}"
    postgres.create(name)
    postgres.load(schemas.ddl(version), name)
    return name
