"""Two databases of one Airflow version: the one that is lost, and the one that is restored into."""

from __future__ import annotations

import pytest

from tests.conftest import Database
from tests.support.engine import VERSION
from tests.support.metadata import Metadata


@pytest.fixture
def primary(database: Database) -> Metadata:
    """The database that is backed up."""
    return Metadata(database(VERSION))


@pytest.fixture
def secondary(database: Database) -> Metadata:
    """The database that is restored into."""
    return Metadata(database(VERSION))
