"""Stories about living Airflows, told with each version that AIRFLOWS names, as in `tests/airflow`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from drill.postgres import Postgres
from tests.living import primary as story
from tests.living.environment import Living, story_start
from tests.living.primary import Remains
from tests.support.real_airflow import venv, venvs


@dataclass(frozen=True)
class World:
    """One Airflow version: where it is installed, its migrated database, and what is left of its primary."""

    version: str
    venv: Path
    template: str
    place: Path
    """The storage that holds the backup."""
    remains: Remains


@pytest.fixture(scope="session", params=venvs() or [""], ids=lambda name: Path(name).name or "none")
def world(request: pytest.FixtureRequest, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A primary of this version lived, was lost, and left a backup."""
    if not request.param:
        pytest.fail("AIRFLOWS names no version: run ./build.sh living")
    installed = venv(request.param)
    version = installed.name.partition("-")[0]
    folder = tmp_path_factory.mktemp(version)
    template = _migrated(version, installed, postgres, folder / "template")
    place = folder / "storage"
    return World(version, installed, template, place, _lived(installed, postgres, template, folder / "primary", place))


def _migrated(version: str, installed: Path, postgres: Postgres, home: Path) -> str:
    name = f"template_living_{version}"
    airflow = Living("template", installed, home, postgres.create(name), story_start())
    airflow.finish(airflow.migrate(), "migrate")
    return name


def _lived(installed: Path, postgres: Postgres, template: str, home: Path, place: Path) -> Remains:
    start = story_start()
    url = postgres.create("primary_" + template, template)
    primary = Living("primary", installed, home, url, start, "living.py", "late.py", "newcomer.py")
    try:
        story.live(primary, start)
        remains = story.lose(primary, start)
        story.back_up(primary, place)
        story.clear_by_airflow(primary, remains)
    finally:
        primary.kill()
    return remains


@pytest.fixture(scope="module")
def second(
    world: World, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Living]:
    """The environment that is restored into, with a database of its own; the story starts its components."""
    name = f"{request.module.__name__.rpartition('.')[2]}_{world.version}"
    folder = tmp_path_factory.mktemp("second")
    url = postgres.create(name, world.template)
    airflow = Living("second", world.venv, folder / "home", url, world.remains.begin, "living.py")
    yield airflow
    airflow.kill()
    postgres.drop(name)
