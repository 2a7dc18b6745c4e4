"""The functions reach real Airflows: commands and REST calls of Airflow 2, REST calls of Airflow 3.

AIRFLOWS=2.4.3:3.2.1 ./build.sh living tests/airflow/test_reached.py
"""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from lib.functions import dag, own_environment
from lib.functions.airflow_client import Airflow, Changed, DagRun, airflow_of
from lib.functions.airflow_client.by_rest import AT_WORK
from lib.functions.errors import NotReady
from tests.support.mwaa import NAME, REGION, Mwaa
from tests.support.real_airflow import RealAirflow
from tests.support.real_mwaa import RealMwaa

pytestmark = [pytest.mark.airflow, pytest.mark.slow]

DAGS = Path(__file__).parent / "dags" / "reached.py"
LONG = "reached_" + "x" * 60
ENVIRONMENT = {"name": NAME, "region": REGION}


@pytest.fixture(scope="module")
def mwaa(airflow: RealAirflow, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mwaa]:
    """MWAA with this Airflow, whose DAGs are not parsed yet."""
    shutil.rmtree(airflow.dags / "mwaa_dr")
    with Mwaa(tmp_path_factory.mktemp("mwaa")) as double, pytest.MonkeyPatch.context() as environment:
        for name, value in double.environ.items():
            environment.setenv(name, value)
        RealMwaa(double, airflow)
        yield double


@pytest.fixture(scope="module")
def client(airflow: RealAirflow, mwaa: Mwaa) -> Airflow:
    """The way to it, by its version."""
    return airflow_of(ENVIRONMENT, ".".join(map(str, airflow.version)))


@pytest.fixture(scope="module")
def parsed(airflow: RealAirflow, client: Airflow) -> Airflow:
    """The same once its DAGs are parsed; before, each says that they are not."""
    assert client.unready("reached") == "DAG reached is not parsed yet"
    with pytest.raises(NotReady):
        client.set_paused("reached", False)
    with pytest.raises(NotReady):
        client.runs("reached")
    with pytest.raises(NotReady):
        client.trigger("reached", "dr-0", {})
    shutil.copy(DAGS, airflow.dags)
    airflow.run("airflow", "dags", "reserialize")
    return client


def trigger(airflow: RealAirflow, token: str, conf: Mapping[str, Any] | None = None) -> str:
    event = {
        "op": "trigger",
        "environment": ENVIRONMENT,
        "version": ".".join(map(str, airflow.version)),
        "dag_id": "reached",
        "task_token": token,
        "task_token_region": REGION,
        "conf": conf or {},
    }
    return str(dag.handler(event, None)["run_id"])


def is_paused(airflow: RealAirflow, dag_id: str) -> bool:
    [(paused,)] = airflow.query("SELECT is_paused FROM dag WHERE dag_id = %s", dag_id)
    return bool(paused)


def states(airflow: RealAirflow) -> dict[str, str]:
    return dict(airflow.query("SELECT run_id, state FROM dag_run WHERE dag_id = 'reached'"))


def conf_of(airflow: RealAirflow, run_id: str) -> Any:
    [(conf,)] = airflow.query("SELECT conf FROM dag_run WHERE run_id = %s", run_id)
    return pickle.loads(conf) if isinstance(conf, memoryview) else conf


def test_a_dag_is_ready_once_it_is_parsed(parsed: Airflow) -> None:
    assert parsed.unready("reached") == ""


def test_a_dag_is_paused_and_unpaused_however_it_was(airflow: RealAirflow, parsed: Airflow) -> None:
    for paused in (False, False, True, True):
        parsed.set_paused("reached", paused)
        assert is_paused(airflow, "reached") is paused


def test_a_run_gets_its_conf_whatever_is_in_it(airflow: RealAirflow, parsed: Airflow) -> None:
    conf = {"backup_id": "'\" $(x) `\\ ü漢\n", "activate_dags": False, "none": None}
    run_id = trigger(airflow, "first", conf)
    assert conf_of(airflow, run_id) == {**conf, "task_token": "first", "task_token_region": REGION}
    assert is_paused(airflow, "reached") is False


def test_a_token_has_one_run_and_another_token_fails_it(airflow: RealAirflow, parsed: Airflow) -> None:
    older = trigger(airflow, "older")
    assert trigger(airflow, "older") == older
    parsed.trigger("reached", older, {})
    newer = trigger(airflow, "newer")
    assert {run_id: states(airflow)[run_id] for run_id in (older, newer)} == {older: "failed", newer: "queued"}
    assert sorted(states(airflow).values()).count("queued") == 1


def test_an_environment_becomes_its_own_and_is_undone(airflow: RealAirflow, parsed: Airflow) -> None:
    values = {"DR_KMS_KEY_ARNS": '["arn:1", "arn:2"]', "DR_TEXT": "ü 漢 'quoted' \"twice\" $HOME"}
    event = {
        "environment": ENVIRONMENT,
        "version": ".".join(map(str, airflow.version)),
        "variables": values,
        "backup_dag_id": "reached",
        "schedule": "0 * * * *",
    }
    for _ in range(2):
        own_environment.handler(event, None)
    for key, value in {**values, "DR_BACKUP_SCHEDULE": "0 * * * *"}.items():
        assert airflow.run("airflow", "variables", "get", key).splitlines()[-1] == value
    own_environment.handler({**event, "op": "disown"}, None)
    assert airflow.query("SELECT count(*) FROM variable") == [(0,)]
    assert is_paused(airflow, "reached") is True


def test_every_dag_is_paused_also_one_whose_file_is_gone(airflow: RealAirflow, parsed: Airflow) -> None:
    gone = "is_active = false" if airflow.version < (3,) else "is_stale = true"
    airflow.query(f"UPDATE dag SET is_paused = false, {gone} WHERE dag_id = 'other'")
    parsed.set_paused("reached", False)
    assert sorted(parsed.active_dags()) == ["other", "reached"]
    assert sorted(parsed.pause_all()) == ["other", "reached"]
    assert parsed.active_dags() == []
    assert is_paused(airflow, "other") is True


def test_dags_are_changed_whatever_their_ids_are(airflow: RealAirflow, parsed: Airflow) -> None:
    long, too = LONG, f"{LONG}_too"
    assert parsed.set_each([long], False, seconds=60) == Changed((long,))
    assert [is_paused(airflow, dag_id) for dag_id in (long, too, "reached")] == [False, True, True]
    asked = [too, "reached", "nobody", LONG + "_nobody"]
    assert parsed.set_each(asked, False, seconds=60) == Changed((too, "reached"), ("nobody", LONG + "_nobody"))
    assert sorted(parsed.active_dags()) == sorted([long, too, "reached"])
    assert parsed.set_each([long, too], True, seconds=60) == Changed((long, too))
    assert parsed.active_dags() == ["reached"]


def test_runs_of_all_dags_are_found_while_they_are_unfinished_and_since_they_started(
    airflow: RealAirflow, parsed: Airflow
) -> None:
    for run in parsed.unfinished_runs():  # they end without a start, as by the hand of somebody
        airflow.query("UPDATE dag_run SET state = 'failed' WHERE run_id = %s", run.run_id)
    parsed.trigger("reached", "dr-open", {})
    assert parsed.unfinished_runs() == [DagRun("reached", "dr-open")]
    started = "2030-01-01T00:00:00+00:00"
    airflow.query("UPDATE dag_run SET state = 'success', start_date = %s WHERE run_id = 'dr-open'", started)
    assert parsed.unfinished_runs() == []
    assert parsed.runs_since(started) == [DagRun("reached", "dr-open")]
    assert parsed.runs_since("2030-01-01T00:00:01+00:00") == []


def test_a_dag_works_as_long_as_a_task_of_it_does(airflow: RealAirflow, parsed: Airflow) -> None:
    airflow.query("UPDATE task_instance SET state = NULL WHERE true")
    assert parsed.working_dags() == set()
    for state in AT_WORK:
        airflow.query("UPDATE task_instance SET state = %s WHERE run_id = 'dr-open'", state)
        assert parsed.working_dags() == {"reached"}, state


@pytest.mark.before(3)  # which is reached by REST alone
def test_airflow_2_without_rest_is_looked_at_and_paused_by_its_commands(
    airflow: RealAirflow, mwaa: Mwaa, parsed: Airflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mwaa, "rest", lambda call: (400, {"detail": "Update your environment to use InvokeRestApi"}))
    parsed.set_paused("reached", False)
    assert (parsed.unready("reached"), parsed.unready("nobody")) == ("", "DAG nobody is not parsed yet")
    assert parsed.active_dags() == ["reached"]
    assert parsed.pause_all() == ["reached"]
    assert is_paused(airflow, "reached") is True
    assert parsed.set_each(["reached", "nobody"], False, seconds=300) == Changed(("reached",), ("nobody",))
    assert parsed.runs_since("2030-01-01T00:00:00+00:00") == [DagRun("reached", "dr-open")]
    airflow.query("UPDATE dag_run SET state = 'queued' WHERE run_id = 'dr-open'")
    assert parsed.unfinished_runs() == [DagRun("reached", "dr-open")]
    assert parsed.working_dags() is None
