"""Where the metadata database is found, and the proof that it is that of the Airflow that runs here.

Airflow 3 keeps its own connection from tasks. It masks one variable of the environment and the ORM, nothing else;
AWS documents access from tasks as unsupported (samples-database-cleanup.md), so nothing here takes it for granted.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mwaa_dr.framework.database.catalog import alembic_revision, read_catalog
from mwaa_dr.framework.database.connection import MetadataDb
from mwaa_dr.framework.errors import DatabaseError, DrError

logger = logging.getLogger(__name__)

Engine = Any
DRIVER = "postgresql+psycopg2"
"""Always named: SQLAlchemy 2.1 takes psycopg 3 for a bare `postgresql`."""
CREDENTIALS, HOST, PORT, NAME, SSLMODE = (
    f"MWAA__DB__{name}" for name in ("CREDENTIALS", "POSTGRES_HOST", "POSTGRES_PORT", "POSTGRES_DB", "POSTGRES_SSLMODE")
)
CELERY = "AIRFLOW__CELERY__RESULT_BACKEND"
HINT = "Name the database by DR_DATABASE_URL in the environment or by an Airflow Connection in DR_DATABASE_CONN_ID."
WITHOUT = (
    " Without it, the Airflow Variable DR_MODE=CONFIG_ONLY backs up the configuration, and the history as an archive."
)


class NotHereError(Exception):
    """A place that tells of no database; its words go behind the name of the place."""


@dataclass(frozen=True)
class Place:
    """Where a connection may come from."""

    name: str
    engine: Callable[[], Engine]
    """SQLAlchemy's engine; raises NotHereError."""
    asked_for: bool = False
    """Somebody named it: when it does not lead to the database, nothing else is tried."""
    own: bool = False
    """Airflow's own engine, which proves itself."""


def reach(places: Iterable[Place], airflow_version: str) -> MetadataDb:
    """The metadata database from the first place that leads to it; the DatabaseError names all that were tried."""
    tried = []
    without = WITHOUT if int(airflow_version.split(".", maxsplit=1)[0]) >= 3 else ""
    for place in places:
        found = _try(place, airflow_version)
        if isinstance(found, MetadataDb):
            logger.info("the metadata database is reached by %s", place.name)
            return found
        tried.append(f"{place.name} {found}")
    raise DatabaseError(f"the metadata database is not in reach: {'; '.join(tried)}", HINT + without)


def _try(place: Place, airflow_version: str) -> MetadataDb | str:
    """The database, or why this is no way to it."""
    try:
        db = MetadataDb(_connect(place.engine()))
        if not place.own:
            _prove(db, airflow_version)
    except NotHereError as err:
        return str(err)
    except DrError as err:
        if place.asked_for:
            raise DatabaseError(f"{place.name} does not lead to the metadata database: {err.message}", HINT) from err
        return f"does not lead to it ({err.message})"
    return db


def in_the_environment(environ: Mapping[str, str]) -> list[Place]:
    """What MWAA's images set in every container, that of a worker too."""
    return [
        Place("MWAA__DB__*", lambda: _of_mwaa(environ)),
        Place(CELERY, lambda: _of_celery(environ.get(CELERY, ""))),
    ]


def engine_of(url: object) -> Engine:
    """An engine for a URL; SQLAlchemy's, so that a `do_connect` listener may swap a token in. Raises NotHereError."""
    from sqlalchemy import create_engine
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError
    from sqlalchemy.pool import NullPool

    try:
        parsed = make_url(url)  # type: ignore[arg-type]  # a string or a URL
    except (ArgumentError, ValueError):
        # Its message may show the whole URL.
        raise NotHereError("is no URL of a database") from None
    if parsed.get_backend_name() not in ("postgresql", "postgres"):
        raise NotHereError("is no PostgreSQL")
    options = {"connect_timeout": 15, "application_name": "mwaa_dr"}
    return create_engine(parsed.set(drivername=DRIVER), poolclass=NullPool, connect_args=options)


def engine_by_parts(
    *, user: str | None, password: str | None, host: str | None, port: int | None, name: str | None, sslmode: str
) -> Engine:
    """An engine for what an Airflow Connection, or MWAA, says of a database."""
    from sqlalchemy.engine import URL

    query = {"sslmode": sslmode} if sslmode else {}
    return engine_of(URL.create(DRIVER, user, password, host, port, name, query))


def _of_mwaa(environ: Mapping[str, str]) -> Engine:
    missing = [name for name in (CREDENTIALS, HOST, NAME) if not environ.get(name)]
    if missing:
        raise NotHereError(f"are not set ({', '.join(missing)})")
    try:
        found = json.loads(environ[CREDENTIALS])
        user, password, port = found["username"], found["password"], int(environ.get(PORT) or 5432)
    except (ValueError, KeyError, TypeError):
        raise NotHereError("are not as they are known: a user and a password as JSON, a port") from None
    return engine_by_parts(
        user=user,
        password=password,
        host=environ[HOST],
        port=port,
        name=environ[NAME],
        sslmode=environ.get(SSLMODE, ""),
    )


def _of_celery(backend: str) -> Engine:
    if not backend:
        raise NotHereError("is not set")
    if not backend.startswith("db+"):
        raise NotHereError("is no database")
    return engine_of(backend.removeprefix("db+"))


def _connect(engine: Engine) -> Callable[[], Any]:
    if engine.dialect.name != "postgresql" or engine.dialect.driver != "psycopg2":
        raise DatabaseError(
            f"the metadata database is {engine.dialect.name} through {engine.dialect.driver}",
            "Only PostgreSQL through psycopg2 is served.",
        )

    def connect() -> Any:
        # Out of the pool, so that closing it really closes it.
        pooled = engine.raw_connection()
        pooled.detach()
        return pooled.dbapi_connection

    return connect


def _prove(db: MetadataDb, airflow_version: str) -> None:
    """Raise a DrError unless the database is one that this version of Airflow has migrated."""
    from mwaa_dr.versions import revision_of, version_of

    with db.connection() as connection, connection.cursor() as cursor:
        read_catalog(cursor)
        found = alembic_revision(cursor)
    if found != revision_of(airflow_version):
        raise DatabaseError(
            f"this database is one of Airflow {version_of(found)}, and Airflow {airflow_version} runs here"
        )
