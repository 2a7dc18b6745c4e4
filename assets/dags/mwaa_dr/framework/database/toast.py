"""How the server stores large values: https://www.postgresql.org/docs/current/storage-toast.html."""

from __future__ import annotations

import logging

from mwaa_dr.framework.database.connection import Cursor, first_line

logger = logging.getLogger(__name__)

QUICK = "lz4"


def compress_quickly(cursor: Cursor) -> None:
    """Have large values compressed by lz4 until the end of the transaction, where the server can: from 14 on.

    PostgreSQL's own method takes half of the time that it takes to load values of 50 kB. What is stored is read by
    every server that could store it, and says of itself how it is compressed. A server that refuses goes on as before.
    """
    from psycopg2 import errors

    cursor.execute("SAVEPOINT toast")
    try:
        cursor.execute(
            "SELECT set_config(name, %s, true) FROM pg_settings"
            " WHERE name = 'default_toast_compression' AND %s = ANY(enumvals)",
            (QUICK, QUICK),
        )
    except (errors.InvalidParameterValue, errors.InsufficientPrivilege, errors.CantChangeRuntimeParam) as err:
        logger.info("large values are compressed as before: %s", first_line(err))
        cursor.execute("ROLLBACK TO SAVEPOINT toast")
    else:
        cursor.execute("RELEASE SAVEPOINT toast")
