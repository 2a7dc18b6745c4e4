"""Several environments in one deployment, with a private and with a public web server: each stops and starts alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drill.aws.control import Call
from drill.aws.errors import LocalAwsError
from tests.support.deployment import ACCOUNT, cdk_deploy
from tests.support.night import REGION, Night
from tests.support.nightfall import nightfall
from tests.support.permissions import Policies, made, wrong

pytestmark = pytest.mark.slow

GONE, STARTED = "The environment is stopped", "The environment has started"
SEVERAL = {
    "START_STOP_ENVIRONMENTS": "'[dev, test]'",
    "MWAA_ENV_NAME__TEST": "test",
    "MWAA_SOURCE_BUCKET_NAME__TEST": "test-dags",
    "MWAA_EXECUTION_ROLE_ARN__TEST": f"arn:aws:iam::{ACCOUNT}:role/service-role/test",
}
INSIDE, OUTSIDE = "Reach Airflow from inside the VPC", "Reach Airflow from outside the VPC"
WAYS = {"dev": INSIDE, "test": OUTSIDE}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("nights")


@pytest.fixture(scope="module")
def deployed(folder: Path) -> Iterator[dict[str, Night]]:
    with nightfall(folder, private=("dev",), **SEVERAL) as found:
        yield {site.name: site for site in found}


@pytest.fixture
def sites(deployed: dict[str, Night]) -> dict[str, Night]:
    """Both at work, never stopped."""
    for site in deployed.values():
        site.begin()
    return deployed


def everything(site: Night) -> Any:
    """What could be seen of an environment that somebody has touched."""
    airflow = site.airflow
    return site.environment(), site.records(), dict(airflow.paused), airflow.ran(), dict(airflow.variables)


def asked_airflow(site: Night) -> set[str]:
    """The roles that called the Airflow of an environment."""
    return {call.role for call in site.aws.calls() if _is_to_airflow(call) and f"/{site.name}" in call.resource}


def _is_to_airflow(call: Call) -> bool:
    return call.action in ("airflow:CreateCliToken", "airflow:InvokeRestApi") and call.region == REGION


def test_they_share_functions_and_each_has_its_machines(deployed: dict[str, Night]) -> None:
    states = deployed["dev"].client("stepfunctions")
    names = [one["name"] for one in states.list_state_machines()["stateMachines"]]
    wanted = {f"night-{name}-{what}" for name in deployed for what in ("stop", "start", "reactivate")}
    assert {name for name in names if name.startswith("night-")} >= wanted
    functions = deployed["dev"].client("lambda").get_paginator("list_functions").paginate()
    handlers = [one["Handler"] for page in functions for one in page["Functions"]]
    assert handlers.count("lib.functions.stopping.handler") == 1
    assert handlers.count("lib.functions.activity.handler") == 2  # outside any VPC, and inside the one that they share


@pytest.mark.parametrize(("name", "other"), [("dev", "test"), ("test", "dev")])
def test_one_stops_and_starts_and_the_other_is_not_touched(sites: dict[str, Night], name: str, other: str) -> None:
    site, neighbour = sites[name], sites[other]
    before, untouched = site.environment(), everything(neighbour)
    site.aws.forget_calls()
    stopped = site.run("stop")
    assert (stopped.states[-1], site.status()) == (GONE, "NOT_FOUND"), stopped.why
    assert everything(neighbour) == untouched
    site.lose()
    started = site.run("start")
    assert started.states[-1] == STARTED, started.why
    assert (site.environment(), site.active(), site.records()) == (before, {"sales", "stock"}, {})
    assert everything(neighbour) == untouched
    assert asked_airflow(neighbour) == set()
    assert WAYS[name] in stopped.states
    assert WAYS[name] in started.states
    assert {"Inside" in role for role in asked_airflow(site)} == {name == "dev"}
    policies = Policies.of_all(site.aws, "night-")
    assert wrong(made(site.aws, policies), policies) == []


def test_both_stop_at_once_and_one_starts_again(sites: dict[str, Night]) -> None:
    dev, test = sites["dev"], sites["test"]
    executions = {site.name: site.start("stop") for site in sites.values()}
    ends = {name: sites[name].ended(arn).states[-1] for name, arn in executions.items()}
    assert ends == {"dev": GONE, "test": GONE}
    kept = test.records()
    dev.lose()
    assert dev.run("start").states[-1] == STARTED
    assert (test.status(), test.records()) == ("NOT_FOUND", kept)


def test_a_private_one_whose_stop_fails_has_its_dags_active_again(sites: dict[str, Night]) -> None:
    site = sites["dev"]

    def full(conf: Any) -> dict[str, Any]:
        raise OSError("no space left on device")

    site.airflow.work["backup_metadata"] = full
    before = site.executions("reactivate")
    assert site.run("stop").error == "OSError"
    again = site.reactivated(before)
    assert again.states[-1] == "The DAGs are active again", again.why
    assert INSIDE in again.states
    assert site.active() == {"sales", "stock"}


def test_a_deployment_that_changes_settings_of_a_stopped_one_goes_back_and_works_after_its_start(
    sites: dict[str, Night], folder: Path
) -> None:
    site, env = sites["test"], folder / ".env"
    cloudformation = site.client("cloudformation")
    assert site.run("stop").states[-1] == GONE
    env.write_text(f"{env.read_text()}DR_SHRINK_GUARD_PERCENT=10\n")
    with pytest.raises(LocalAwsError, match="after its start"):
        cdk_deploy(site.aws, env)
    (stack,) = cloudformation.describe_stacks(StackName="night")["Stacks"]
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert sites["dev"].airflow.variables.get("DR_SHRINK_GUARD_PERCENT") != "10"
    site.lose()
    assert site.run("start").states[-1] == STARTED
    cdk_deploy(site.aws, env)
    assert [one.airflow.variables["DR_SHRINK_GUARD_PERCENT"] for one in sites.values()] == ["10", "10"]
