"""One time limit for all statements of a merge."""

from __future__ import annotations

import pytest
from psycopg2 import errors

from mwaa_dr.framework.database.work import Work
from mwaa_dr.framework.errors import DatabaseError
from tests.support.metadata import Metadata


def test_a_statement_that_the_server_cancels_is_told_as_the_limit_that_has_passed(primary: Metadata) -> None:
    for _ in range(5):
        with primary.connection, primary.connection.cursor() as cursor:
            work = Work(cursor, lock_seconds=1)
            work.start_clock()
            with pytest.raises(errors.QueryCanceled):
                work.run("SELECT pg_sleep(600)")
            with pytest.raises(DatabaseError, match="held its locks for more than 1 s"):
                work.check_limit()
            cursor.connection.rollback()
