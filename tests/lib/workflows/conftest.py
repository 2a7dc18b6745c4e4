"""One local AWS for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from drill.aws import LocalAws
from tests.support.deployed_workflows import Deployment
from tests.support.local_aws import Builder


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Where workflows are deployed, in the secondary Region."""
    with LocalAws.start(tmp_path_factory.mktemp("aws")) as aws:
        yield Deployment(Builder(aws, region="us-west-2"))
