"""A simulated S3, and the storages that keep the same promises."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mwaa_dr.framework.storage.local import LocalStorage
from mwaa_dr.framework.storage.s3 import S3Storage
from mwaa_dr.framework.storage.storage import Storage
from tests.support.s3 import BUCKET, simulated_s3


@pytest.fixture
def s3() -> Iterator[Any]:
    with simulated_s3() as client:
        yield client


@pytest.fixture(params=["local", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "local":
        return LocalStorage(tmp_path / "root")
    return S3Storage(BUCKET, "some/prefix", client=request.getfixturevalue("s3"))


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries do not wait."""
    monkeypatch.setattr("time.sleep", lambda _: None)
