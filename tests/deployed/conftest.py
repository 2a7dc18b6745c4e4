"""One deployment for the tests of a module, as it was in the beginning before each of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.deployment import Deployment, deployed
from tests.support.night import Night
from tests.support.nightfall import nightfall
from tests.support.starting_over import start_over


@pytest.fixture(scope="module")
def deployment(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """What the module's VARIABLES configure, beside environments with the fields of its ENVIRONMENTS."""
    environments = getattr(request.module, "ENVIRONMENTS", {})
    with deployed(tmp_path_factory.mktemp("deployed"), environments, **request.module.VARIABLES) as found:
        yield found


@pytest.fixture
def site(deployment: Deployment) -> Deployment:
    """The module's deployment: a healthy primary, one backup, nothing recovered."""
    start_over(deployment)
    return deployment


@pytest.fixture(scope="module")
def one_night(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    """Stop and start of one environment, as the module's NIGHT configures it."""
    with nightfall(tmp_path_factory.mktemp("night"), **getattr(request.module, "NIGHT", {})) as (found,):
        yield found


@pytest.fixture
def night(one_night: Night) -> Night:
    """An environment at work, never stopped."""
    one_night.begin()
    return one_night
