"""Who wrote a note in Airflow 3 with the FAB auth manager, which names a user by the key of its row, as text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Database
from tests.support.engine import backup, restore
from tests.support.metadata import Metadata

ANNA = {"username": "anna", "email": "anna@x"}
BOB = {"username": "bob", "email": "bob@x"}
AUTHORS = {"by_anna": "7", "by_one_who_is_gone": "8", "by_another_auth_manager": "admin", "by_nobody": None}


@pytest.fixture(params=["3.0.6", "3.3.1"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def primary(version: str, database: Database) -> Iterator[Metadata]:
    """An environment with FAB, and notes by all kinds of authors on a run and its task."""
    made = Metadata(database(f"{version}-fab"))
    made.dag()
    made.insert("ab_user", id=7, **ANNA)
    for run_id, author in AUTHORS.items():
        run = made.run_with_task(run_id=run_id)
        made.insert("dag_run_note", dag_run_id=run, user_id=author, content="of a run")
        task = made.one("SELECT id FROM task_instance WHERE run_id = %s", run_id)
        made.insert("task_instance_note", ti_id=task, user_id=author, content="of a task")
    yield made
    made.close()


def authors(db: Metadata) -> dict[str, set[str | None]]:
    """Run -> who wrote the notes on it and on its task."""
    rows = db.rows(
        "SELECT r.run_id, n.user_id FROM dag_run_note n JOIN dag_run r ON r.id = n.dag_run_id"
        " UNION ALL SELECT t.run_id, n.user_id FROM task_instance_note n JOIN task_instance t ON t.id = n.ti_id"
    )
    return {run_id: {author for run, author in rows if run == run_id} for run_id, _ in rows}


def test_the_author_of_a_note_stays_the_same_person(
    version: str, primary: Metadata, database: Database, tmp_path: Path
) -> None:
    secondary = Metadata(database(f"{version}-fab"))
    secondary.insert("ab_user", id=7, **BOB)
    secondary.insert("ab_user", id=8, username="carol", email="carol@x")
    backup(primary.url, tmp_path, version=version)
    restore(secondary.url, tmp_path, version=version)
    anna = secondary.one("SELECT id FROM ab_user WHERE username = 'anna'")
    assert anna not in (7, 8)
    assert authors(secondary) == {
        "by_anna": {str(anna)},
        "by_one_who_is_gone": {None},
        "by_another_auth_manager": {"admin"},
        "by_nobody": {None},
    }
    secondary.close()


def test_without_the_fab_auth_manager_an_author_stays_as_it_was_named(
    version: str, primary: Metadata, database: Database, tmp_path: Path
) -> None:
    secondary = Metadata(database(version))
    backup(primary.url, tmp_path, version=version)
    restore(secondary.url, tmp_path, version=version)
    assert authors(secondary) == {run_id: {author} for run_id, author in AUTHORS.items()}
    secondary.close()
