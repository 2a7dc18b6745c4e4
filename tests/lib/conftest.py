"""An account for functions that keep records: one for each file of tests, emptied before each test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.record_tables import Account


@pytest.fixture(scope="module")
def _account() -> Iterator[Account]:
    from tests.support.record_tables import account  # only here: moto takes a second to import

    with account() as made:
        yield made


@pytest.fixture
def aws(_account: Account, monkeypatch: pytest.MonkeyPatch) -> Account:
    """The account, at a time that only the test moves on."""
    _account.forget()
    monkeypatch.setattr("lib.functions.clock.now", lambda: _account.now)
    return _account
