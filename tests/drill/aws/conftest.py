"""One simulator for the tests of a module, empty before each of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from drill.aws import LocalAws
from tests.support.local_aws import Builder


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS that waits for nothing."""
    with LocalAws.start(tmp_path_factory.mktemp("aws")) as aws:
        yield aws


@pytest.fixture
def aws(simulator: LocalAws) -> LocalAws:
    """The module's local AWS, with nothing in it."""
    simulator.reset()
    return simulator


@pytest.fixture
def build(aws: LocalAws) -> Builder:
    """A builder in the first Region."""
    return Builder(aws)
