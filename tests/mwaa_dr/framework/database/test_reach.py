"""Where the metadata database is found, in which order, and that it is proved to be Airflow's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import create_engine, event

from mwaa_dr.framework.database.connection import MetadataDb
from mwaa_dr.framework.database.left_behind import LeftBehind
from mwaa_dr.framework.database.reach import NotHereError, Place, engine_by_parts, engine_of, in_the_environment, reach
from mwaa_dr.framework.errors import DatabaseError
from mwaa_dr.versions import revision_of
from tests.conftest import Database
from tests.support.metadata import Metadata

VERSION = "3.0.6"
NOWHERE = "postgresql://airflow:a-secret@127.0.0.1:1/airflow"


def of_mwaa(url: str, **changes: str) -> dict[str, str]:
    parts = urlsplit(url)
    return {
        "MWAA__DB__CREDENTIALS": json.dumps({"username": parts.username, "password": "a-secret"}),
        "MWAA__DB__POSTGRES_HOST": str(parts.hostname),
        "MWAA__DB__POSTGRES_PORT": str(parts.port),
        "MWAA__DB__POSTGRES_DB": parts.path[1:],
        **changes,
    }


def of_celery(url: str) -> dict[str, str]:
    return {"AIRFLOW__CELERY__RESULT_BACKEND": f"db+{url}"}


def named(url: str) -> Place:
    return Place("DR_DATABASE_URL", lambda: engine_of(url), asked_for=True)


def own(engine: object = None) -> Place:
    def given() -> object:
        if engine is None:
            raise NotHereError("is kept from tasks")
        return engine

    return Place("Airflow's own engine", given, own=True)


def name_of(db: MetadataDb) -> str:
    with db.connection() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        return str(cursor.fetchone()[0])


def refused(*places: Place, version: str = VERSION) -> str:
    with pytest.raises(DatabaseError) as error:
        reach(places, version)
    assert "a-secret" not in str(error.value)
    assert "a-secret" not in repr(error.value.__cause__)
    return error.value.message


def test_each_place_leads_to_the_database(database: Database) -> None:
    url = database(VERSION)
    name = url.rsplit("/", 1)[1]
    for places in ([named(url)], [own(engine_of(url))], in_the_environment(of_mwaa(url))):
        assert name_of(reach(places, VERSION)) == name
    assert name_of(reach(in_the_environment(of_celery(url)), VERSION)) == name


def test_the_first_place_that_leads_there_is_taken(database: Database) -> None:
    mwaas, celerys = database(VERSION), database(VERSION)
    both = [own(), *in_the_environment({**of_mwaa(mwaas), **of_celery(celerys)})]
    assert name_of(reach(both, VERSION)) == mwaas.rsplit("/", 1)[1]
    closed = [own(), *in_the_environment({**of_mwaa(NOWHERE), **of_celery(celerys)})]
    assert name_of(reach(closed, VERSION)) == celerys.rsplit("/", 1)[1]


def test_what_somebody_named_is_not_replaced_by_what_lies_around(database: Database) -> None:
    url = database(VERSION)
    said = refused(named(NOWHERE), *in_the_environment(of_celery(url)))
    assert said.startswith("DR_DATABASE_URL does not lead to the metadata database: ")
    assert "Connection refused" in said


def test_nothing_in_reach_is_said_in_one_line_with_all_that_was_tried() -> None:
    said = refused(own(), *in_the_environment({}))
    assert said == (
        "the metadata database is not in reach: Airflow's own engine is kept from tasks;"
        " MWAA__DB__* are not set (MWAA__DB__CREDENTIALS, MWAA__DB__POSTGRES_HOST, MWAA__DB__POSTGRES_DB);"
        " AIRFLOW__CELERY__RESULT_BACKEND is not set"
    )


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        (of_mwaa(NOWHERE, MWAA__DB__CREDENTIALS="a-secret"), "MWAA__DB__* are not as they are known"),
        (of_mwaa(NOWHERE, MWAA__DB__CREDENTIALS='["a-secret"]'), "MWAA__DB__* are not as they are known"),
        (of_mwaa(NOWHERE, MWAA__DB__POSTGRES_PORT="a-secret"), "MWAA__DB__* are not as they are known"),
        (of_mwaa(NOWHERE), "MWAA__DB__* does not lead to it (the metadata database cannot be reached: "),
        (of_celery("redis://:a-secret@h/0"), "AIRFLOW__CELERY__RESULT_BACKEND is no PostgreSQL"),
        (of_celery("a-secret"), "AIRFLOW__CELERY__RESULT_BACKEND is no URL of a database"),
        ({"AIRFLOW__CELERY__RESULT_BACKEND": "redis://:a-secret@h/0"}, "BACKEND is no database"),
        (of_celery("airflow-db-not-allowed:///"), "BACKEND is no URL of a database"),
    ],
)
def test_a_place_that_leads_nowhere_is_told_without_its_secret(environ: Mapping[str, str], words: str) -> None:
    assert words in refused(*in_the_environment(environ))


def test_another_database_than_airflows_is_refused(database: Database) -> None:
    assert "there is no table 'alembic_version'" in refused(named(database()))


def test_the_database_of_another_airflow_is_refused(database: Database) -> None:
    said = refused(named(database("2.10.3")))
    assert said.endswith("this database is one of Airflow 2.10.3, and Airflow 3.0.6 runs here")


def test_a_schema_that_nobody_knows_is_refused(database: Database) -> None:
    url = database(VERSION)
    changed = Metadata(url)
    changed.run_sql("UPDATE alembic_version SET version_num = 'abc'")
    changed.close()
    assert "no known Airflow has the Alembic revision 'abc'" in refused(named(url))


@pytest.mark.parametrize("version", ["3.0.6", "3.1.8", "3.2.1", "3.3.1-fab", "3.3.2-upgraded-from-2.4.3", "2.11.2"])
def test_every_version_knows_its_own_schema(version: str, database: Database) -> None:
    assert reach([named(database(version))], version.partition("-")[0])


def test_a_patch_that_moved_the_schema_is_told_from_the_one_before() -> None:
    assert revision_of("3.1.7") != revision_of("3.1.8")
    assert revision_of("3.2.1") == revision_of("3.2.0")


def test_a_token_that_a_listener_swaps_in_is_used(database: Database) -> None:
    url = urlsplit(database(VERSION))
    parts = {"host": url.hostname, "port": url.port, "name": url.path[1:], "sslmode": "disable"}
    engine = engine_by_parts(user="nobody-there", password="a-secret", **parts)  # type: ignore[arg-type]
    assert "does not exist" in refused(Place("listener", lambda: engine))

    @event.listens_for(engine, "do_connect")
    def swap(dialect: Any, record: Any, arguments: Any, options: dict[str, Any]) -> None:
        options["user"] = url.username

    assert reach([Place("listener", lambda: engine)], VERSION)


def test_airflows_own_engine_must_be_psycopg2(database: Database) -> None:
    sqlite = create_engine("sqlite://")
    assert "the metadata database is sqlite through pysqlite" in refused(own(sqlite))


def test_a_connection_is_really_closed(database: Database) -> None:
    url = database(VERSION)
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg2://"))
    with reach([own(engine)], VERSION).connection() as connection:
        assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    assert connection.closed


def test_a_callback_reads_what_the_run_left(database: Database) -> None:
    db = Metadata(database(VERSION))
    run = db.insert("dag_run", dag_id="d", run_id="r", run_type="manual", conf='{"task_token": "t"}')
    ti = {"dag_id": "d", "run_id": "r", "task_id": "t", "map_index": -1}
    db.insert("task_instance", **ti, id="0199a5c0-0000-7000-8000-000000000001", pool="p")
    db.insert("xcom", **ti, dag_run_id=run, key="result", value='{"rows": 1}')
    left = LeftBehind(lambda: MetadataDb.from_url(db.url), "d", "r")
    assert (left.conf(), left.xcom("result"), left.xcom("failure")) == ({"task_token": "t"}, {"rows": 1}, None)
    assert LeftBehind(lambda: MetadataDb.from_url(db.url), "d", "another").conf() is None
    db.close()


@pytest.mark.parametrize(("version", "is_offered"), [("3.0.6", True), ("3.3.1", True), ("2.11.2", False)])
def test_what_goes_without_a_database_is_offered_to_airflow_3(version: str, is_offered: bool) -> None:
    with pytest.raises(DatabaseError) as error:
        reach([own()], version)
    assert ("DR_MODE=CONFIG_ONLY" in error.value.hint) is is_offered
