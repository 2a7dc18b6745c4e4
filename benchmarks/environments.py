"""The server of a benchmark, and the environments on it: one with history, and those that are restored into."""

from __future__ import annotations

from benchmarks.rows import OWN, Size, statements
from drill.postgres import FAST, Postgres
from tests.support.schemas import ddl

AIRFLOW = "2.10.3"
SOURCE, FRESH, FILLED, TARGET = "source", "fresh", "filled", "target"

SETTINGS = {**FAST, "shared_buffers": "1GB", "max_wal_size": "16GB", "checkpoint_timeout": "1h", "autovacuum": "off"}
"""Nothing of the server's own comes between: what is measured is the work that it is asked for."""


def prepare(server: Postgres, size: Size) -> None:
    """Make the environments, with the schema that Airflow itself migrated."""
    server.create(FRESH)
    server.load(ddl(AIRFLOW), FRESH)
    run(server, FRESH, *OWN)
    for name, content in ((SOURCE, size), (FILLED, size.beside)):
        server.create(name, template=FRESH)
        run(server, name, *statements(content))


def renew(server: Postgres, template: str) -> str:
    """An environment to restore into, as new; return its URL."""
    server.drop(TARGET)
    url = server.create(TARGET, template=template)
    with server.session() as cursor:
        cursor.execute("CHECKPOINT")
    return url


def counted(server: Postgres, database: str, tables: tuple[str, ...]) -> dict[str, int]:
    """The rows of tables."""
    with server.session(database) as cursor:
        counts = ", ".join(f"(SELECT count(*) FROM {table})" for table in tables)
        cursor.execute(f"SELECT {counts}")
        return dict(zip(tables, cursor.fetchone() or (), strict=True))


def run(server: Postgres, database: str, *script: str) -> None:
    """Execute statements in a database, as its superuser."""
    with server.session(database) as cursor:
        for statement in script:
            cursor.execute(statement)
