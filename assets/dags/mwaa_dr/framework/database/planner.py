"""What the planner knows of restored tables; without it the scheduler's first queries are slow."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, suppress

from mwaa_dr.framework.database.connection import Connection, MetadataDb
from mwaa_dr.framework.database.names import ident
from mwaa_dr.framework.parallel import in_parallel


def analyze(db: MetadataDb, connection: Connection, tables: Sequence[str], *, with_another: bool) -> None:
    """Look at tables anew, in this order, `with_another` connection where one can be had.

    The rows are committed: what cannot be looked at is left to the server's own autovacuum.
    """
    with ExitStack() as stack:
        connections = [connection]
        if with_another:
            with suppress(Exception):
                connections.append(stack.enter_context(db.connection()))
        in_parallel(tuple(connections), tables, _analyze)


def _analyze(connection: Connection, table: str) -> None:
    with suppress(Exception), connection, connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {ident(table)}")
