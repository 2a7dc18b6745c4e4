"""A rehearsal deploys one product of a .env, whatever else the .env and the environment have."""

from __future__ import annotations

from pathlib import Path

import pytest

from drill.ground import loaded
from drill.one_product import BOTH, configured, copy, hidden
from drill.stop_start import site
from drill.venvs import PROJECT, DrillError
from lib.config.catalog import Product

EXAMPLE = PROJECT / ".env.example"
NIGHT = """
CDK_DEFAULT_ACCOUNT=111222333444
CDK_DEFAULT_REGION=eu-central-1
MWAA_MAIN_STACK_NAME=night
START_STOP_ENVIRONMENTS='[dev, prod]'
MWAA_ENV_NAME__DEV=dev
MWAA_ENV_NAME__PROD=prod
MWAA_ENV_VERSION=2.10.3
MWAA_SOURCE_BUCKET_NAME=dags
MWAA_EXECUTION_ROLE_ARN=arn:aws:iam::111222333444:role/dev
MWAA_PAUSE_CRON_SCHEDULE='0 20 ? * MON-FRI *'
MWAA_RESUME_CRON_SCHEDULE='0 6 ? * MON-FRI *'
MWAA_SCHEDULE_TIME_ZONE=Europe/Berlin
MWAA_CHANGE_CALENDAR=holidays
"""


@pytest.fixture(autouse=True)
def no_variables_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for product in BOTH:
        for name in hidden(product):
            monkeypatch.delenv(name)


@pytest.fixture
def both(tmp_path: Path) -> Path:
    """A .env with both products, below a folder of its own."""
    file = tmp_path / "own" / ".env"
    file.parent.mkdir()
    file.write_text(EXAMPLE.read_text() + NIGHT)
    return file


def test_each_product_of_a_file_is_deployed_without_the_other(both: Path, tmp_path: Path) -> None:
    assert configured(both) == BOTH
    recovery = copy(both, Product.RECOVERY, tmp_path)
    assert configured(recovery) == {Product.RECOVERY}
    assert (loaded(recovery, {}).start_stop, recovery.name) == (None, ".env")
    night = copy(both, Product.START_STOP, tmp_path, without=site.NOT_HERE)
    assert configured(night) == {Product.START_STOP}
    plan = loaded(night, {}).start_stop
    assert plan
    assert [(one.name, one.change_calendar) for one in plan.environments] == [("dev", None), ("prod", None)]


def test_what_the_environment_says_of_the_other_product_is_hidden(
    both: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DR_TYPE", "MWAA_CHANGE_CALENDAR", "MWAA_CHANGE_CALENDAR__DEV", "MWAA_ENV_VERSION"):
        monkeypatch.setenv(name, "2.9.2")
    night = copy(both, Product.START_STOP, tmp_path, without=site.NOT_HERE)
    found = hidden(Product.START_STOP, without=site.NOT_HERE)
    assert found == dict.fromkeys(("DR_TYPE", "MWAA_CHANGE_CALENDAR", "MWAA_CHANGE_CALENDAR__DEV"), "")
    assert loaded(night, found).disaster_recovery is None


def test_the_example_is_for_both_and_shows_what_stop_and_start_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site, "user_file", lambda: EXAMPLE)
    assert configured(EXAMPLE) == BOTH
    file, changes = site.own_file(tmp_path)
    plan = site.configured(file, changes)
    assert (plan.schedules.region, plan.environments[0].name) == ("us-east-1", "my-mwaa-env")


def test_a_file_without_stop_and_start_is_refused_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "own" / ".env"
    own.parent.mkdir()
    own.write_text(EXAMPLE.read_text())
    monkeypatch.setattr(site, "user_file", lambda: own)
    assert configured(own) == {Product.RECOVERY}
    with pytest.raises(DrillError, match=r"\.env configures no stop and start\nHINT: Set MWAA_ENV_NAME"):
        site.own_file(tmp_path)


def test_a_file_that_cannot_be_read_is_refused_in_words(tmp_path: Path) -> None:
    own = tmp_path / ".env"
    own.write_bytes(b"DR_TYPE=\xff\n")
    with pytest.raises(DrillError, match="cannot be deployed"):
        configured(own)


def test_of_several_environments_the_first_is_rehearsed_alone(both: Path, tmp_path: Path) -> None:
    night = copy(both, Product.START_STOP, tmp_path, without=site.NOT_HERE)
    changes = site.of_the_first(site.configured(night, {}), {"STOP_WHEN_BUSY": "WAIT", "MWAA_NOTIFICATION_TYPES": "[]"})
    assert changes["STOP_WHEN_BUSY__DEV"] == "WAIT"
    assert [one.name for one in site.configured(night, changes).environments] == ["dev"]
