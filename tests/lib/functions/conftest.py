"""Fixtures of the functions that reach Airflow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.mwaa import Mwaa


@pytest.fixture
def mwaa(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mwaa]:
    """MWAA, which boto3 and http.client find instead of the real one."""
    with Mwaa(tmp_path) as double:
        for name, value in double.environ.items():
            monkeypatch.setenv(name, value)
        yield double
